import { expect } from 'chai';
import { defaultLimits, type EngineLimits } from '../../../src/promql/engine/engine-options.ts';
import type { SeriesSource } from '../../../src/promql/source.ts';
import { ask, evaluated, failure, load } from './ask.ts';

const manySeries = (count: number, samples = 10): Promise<SeriesSource> =>
  load(
    60,
    Array.from(
      { length: count },
      (_, index) => `a_total{job="${index % 3}",x="${index}"} 0+${(index % 7) + 1}x${samples}`,
    ),
  );

const limited = (limits: Partial<EngineLimits>) => ({ options: { limits: { ...defaultLimits, ...limits } } });

describe('limits of a query', () => {
  it('samples held at once', async () => {
    const source = await manySeries(100);
    const asked = { from: 0, through: 600 };
    expect(await failure(source, 'a_total', { ...asked, ...limited({ samples: 1000 }) })).to.equal(
      'TIDEMARK_QUERY_LIMIT: query processing would load too many samples into memory in query execution',
    );
    // A sum holds its groups and the series of one batch.
    const { stats } = await evaluated(source, 'sum by (job) (a_total)', { ...asked, ...limited({ samples: 1000 }) });
    expect(stats.series).to.equal(100);
    expect(stats.samples).to.equal(1100);
    expect(stats.peakSamples).to.be.below(500);
  });

  it('bytes, series and steps', async () => {
    const source = await manySeries(100);
    const asked = { from: 0, through: 600 };
    expect(await failure(source, 'a_total', { ...asked, ...limited({ bytes: 5000 }) })).to.equal(
      'TIDEMARK_QUERY_LIMIT: query would hold more than 5000 bytes in memory',
    );
    expect(await failure(source, 'sum(a_total)', { ...asked, ...limited({ series: 50 }) })).to.equal(
      'TIDEMARK_QUERY_LIMIT: query would read more than 50 series',
    );
    expect(await failure(source, 'a_total', { from: 0, through: 11_001, step: 1 })).to.equal(
      'TIDEMARK_QUERY_LIMIT: exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
    expect(await failure(source, 'vector(1)', { from: 0, through: 11_000, step: 1 })).to.equal('no error');
  });

  it('time', async () => {
    const source = await manySeries(2000);
    let time = 0;
    const options = { now: () => (time += 1), limits: { ...defaultLimits, timeoutMs: 50 } };
    expect(await failure(source, 'sum(rate(a_total[5m]))', { from: 0, through: 600, step: 1, options })).to.equal(
      'TIDEMARK_QUERY_LIMIT: query timed out in expression evaluation',
    );
  });

  it('a signal, before and during the evaluation', async () => {
    const source = await manySeries(2000);
    const asked = { from: 0, through: 600, step: 1 };
    expect(await failure(source, 'a_total', { ...asked, signal: AbortSignal.abort() })).to.equal(
      'TIDEMARK_ABORTED: query was canceled in expression evaluation',
    );
    const controller = new AbortController();
    let time = 0;
    const breathe = async (): Promise<void> => controller.abort();
    const options = { now: () => (time += 6), breathe };
    expect(await failure(source, 'sum(a_total)', { ...asked, options, signal: controller.signal })).to.equal(
      'TIDEMARK_ABORTED: query was canceled in expression evaluation',
    );
  });
});

describe('sharing the thread', () => {
  const texts = [
    'sum by (job) (rate(a_total[5m]))',
    'quantile by (job) (0.9, a_total)',
    'a_total / a_total',
    'topk(3, a_total)',
    'avg_over_time(rate(a_total[3m])[5m:1m])',
    'histogram_quantile(0.9, label_replace(a_total, "le", "$1", "x", "(.*)"))',
    'a_total and a_total > 5 or a_total',
    'count_values("v", a_total)',
  ];
  for (const text of texts) {
    it(`${text} breathes, and gives the same as without`, async () => {
      const source = await manySeries(300, 30);
      const asked = { from: 0, through: 1800, step: 10 };
      let breaths = 0;
      let time = 0;
      const breathe = async (): Promise<void> => {
        breaths++;
      };
      const hurried = await ask(source, text, { ...asked, options: { now: () => 0 } });
      const shared = await ask(source, text, { ...asked, options: { now: () => (time += 6), breathe } });
      expect(breaths).to.be.above(2);
      expect(shared).to.deep.equal(hurried);
    });
  }

  it('a function over long windows of one series breathes between its steps', async () => {
    const source = await load(1, ['a 0+1x20000']);
    let breaths = 0;
    let time = 0;
    const breathe = async (): Promise<void> => {
      breaths++;
    };
    const options = { now: () => (time += 6), breathe };
    const asked = { from: 10_000, through: 20_000, step: 100 };
    const shared = await ask(source, 'sum_over_time(a[2h])', { ...asked, options });
    expect(breaths).to.be.above(10);
    expect(shared).to.deep.equal(await ask(source, 'sum_over_time(a[2h])', { ...asked, options: { now: () => 0 } }));
  });

  it('reports what could not be read', async () => {
    const inner = await manySeries(2);
    const source: SeriesSource = {
      async *select(request) {
        for await (const batch of inner.select(request)) {
          yield batch.map((series) => ({ ...series, problems: ['a chunk is damaged'] }));
        }
      },
    };
    expect((await evaluated(source, 'a_total', { at: 60 })).problems).to.deep.equal(['a chunk is damaged']);
  });
});

describe('fused aggregations', () => {
  it('give the same as aggregating series that were held', async () => {
    const source = await manySeries(50, 40);
    const asked = { from: 0, through: 2400, step: 30 };
    for (const operator of ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar']) {
      const fused = await ask(source, `${operator} by (job) (rate(a_total[5m]))`, asked);
      // `or` holds all series of its left side.
      const held = await ask(source, `${operator} by (job) (rate(a_total[5m]) or none)`, asked);
      expect(fused, operator).to.deep.equal(held);
      expect(fused).to.have.length(3);
    }
  });
});
