import { expect } from 'chai';
import type { SeriesSource } from '../../../src/promql/source.ts';
import { type Asked, evaluated, load } from './ask.ts';

/** The time ranges, in seconds, that the query asks the source for. */
const readings = async (text: string, asked: Asked): Promise<string[]> => {
  const inner = await load(60, ['a 0+1x100', 'b 0+1x100']);
  const ranges: string[] = [];
  const source: SeriesSource = {
    select: (request) => {
      ranges.push(`${request.from / 1000} to ${request.through / 1000}`);
      return inner.select(request);
    },
  };
  await evaluated(source, text, asked);
  return ranges;
};

describe('what a query reads', () => {
  const range = { from: 1000, through: 2000, step: 100 };

  /** Expressions from 1000 to 2000 s, and the ranges that they need; the left end of a window is open. */
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['a', ['700.001 to 2000']],
    ['a offset 5m', ['400.001 to 1700']],
    ['rate(a[10m])', ['400.001 to 2000']],
    ['rate(a[10m] offset -1m)', ['460.001 to 2060']],
    ['a @ 500', ['200.001 to 500']],
    ['sum_over_time(a[10m] @ end())', ['1400.001 to 2000']],
    // The steps of the subquery are from 420 to 1980 s.
    ['max_over_time(a[10m:1m])', ['120.001 to 1980']],
    ['a + a', ['700.001 to 2000']],
    ['a + a offset 1m', ['640.001 to 1940', '700.001 to 2000']],
    ['vector(1)', []],
  ];
  for (const [text, expected] of table) {
    it(`of ${text} is ${expected.join(', ') || 'nothing'}`, async () => {
      expect(await readings(text, range)).to.deep.equal(expected);
    });
  }

  it('includes the left end with closed ranges', async () => {
    const options = { closedRanges: true };
    expect(await readings('a', { ...range, options })).to.deep.equal(['700 to 2000']);
    expect(await readings('rate(a[10m])', { ...range, options })).to.deep.equal(['400 to 2000']);
  });

  it('counts samples that are the same at each step once', async () => {
    const source = await load(60, ['a 0+1x100']);
    const { stats } = await evaluated(source, 'sum_over_time(a[10m] @ 3000)', range);
    expect(stats.samples).to.equal(10);
    // One step of the invariant part, and the repeated row.
    expect(stats.peakSamples).to.be.below(50);
  });

  it('may be series without samples', async () => {
    const inner = await load(60, ['a{x="1"} 1', 'a{x="2"} 2']);
    const source: SeriesSource = {
      async *select(request) {
        for await (const batch of inner.select(request)) {
          yield batch.map((series) => ({ ...series, timestamps: new Float64Array(0), values: new Float64Array(0) }));
        }
        yield [];
      },
    };
    for (const text of ['a', 'rate(a[5m])', 'sum(a)', 'absent_over_time(a[5m])']) {
      const { series } = await evaluated(source, text, { at: 0 });
      expect(series, text).to.have.length(text.startsWith('absent') ? 1 : 0);
    }
  });

  it('ends the reading of the source when the query fails', async () => {
    const inner = await load(60, ['a{x="1"} 1', 'a{x="2"} 2']);
    let isEnded = false;
    const source: SeriesSource = {
      async *select(request) {
        try {
          for await (const batch of inner.select(request)) for (const series of batch) yield [series];
        } finally {
          isEnded = true;
        }
      },
    };
    const failing = evaluated(source, 'label_replace(a, "x", "", "", "")', { at: 0 });
    expect(
      await failing.then(
        () => 'no error',
        (error: Error) => error.message,
      ),
    ).to.equal('vector cannot contain metrics with the same labelset');
    expect(isEnded).to.equal(true);
  });
});
