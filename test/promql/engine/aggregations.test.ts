import { expect } from 'chai';
import type { SeriesSource } from '../../../src/promql/source.ts';
import { ask, evaluated, failure, load } from './ask.ts';

const machines = (): Promise<SeriesSource> =>
  load(60, [
    'a{job="x",instance="1"} 1 5 stale',
    'a{job="x",instance="2"} 3 NaN 3',
    'a{job="y",instance="1"} 10 10 _',
    'a{instance="9"} 7 7 7',
  ]);

/** Aggregations at the first minute over 1 and 3 of x, 10 of y, and 7 without a job. */
const table: readonly (readonly [string, readonly string[]])[] = [
  ['sum(a)', ['{} 21']],
  ['sum by (job) (a)', ['{job="x"} 4', '{job="y"} 10', '{} 7']],
  ['sum without (instance) (a)', ['{job="x"} 4', '{job="y"} 10', '{} 7']],
  ['sum by (job, none) (a)', ['{job="x"} 4', '{job="y"} 10', '{} 7']],
  ['sum by (__name__) (a)', ['a 21']],
  ['avg(a)', ['{} 5.25']],
  ['count by (job) (a)', ['{job="x"} 2', '{job="y"} 1', '{} 1']],
  ['group by (job) (a)', ['{job="x"} 1', '{job="y"} 1', '{} 1']],
  ['min(a)', ['{} 1']],
  ['max(a)', ['{} 10']],
  ['stdvar by (job) (a{job="x"})', ['{job="x"} 1']],
  ['stddev by (job) (a{job="x"})', ['{job="x"} 1']],
  ['quantile(0.5, a)', ['{} 5']],
  ['topk(2, a)', ['a{instance="1", job="y"} 10', 'a{instance="9"} 7']],
  ['bottomk(2, a)', ['a{instance="1", job="x"} 1', 'a{instance="2", job="x"} 3']],
  ['topk by (job) (1, a)', ['a{instance="1", job="y"} 10', 'a{instance="2", job="x"} 3', 'a{instance="9"} 7']],
  ['topk(0, a)', []],
  ['count_values("v", a{job="x"})', ['{v="1"} 1', '{v="3"} 1']],
  ['count_values by (job) ("job", a{job="x"})', ['{job="1"} 1', '{job="3"} 1']],
  ['count_values("v", a * 0 + 1e21)', ['{v="1000000000000000000000"} 4']],
  ['limitk(2, a)', ['a{instance="1", job="x"} 1', 'a{instance="1", job="y"} 10']],
];

describe('aggregations', () => {
  for (const [text, expected] of table) {
    it(`${text} gives ${expected.join(', ') || 'nothing'}`, async () => {
      const shown = await ask(await machines(), text, { at: 0 });
      // The order of an instant vector counts only where the aggregation orders it.
      const isOrdered = /^(?:topk|bottomk)\(/.test(text);
      expect(isOrdered ? shown : shown.sort()).to.deep.equal(expected);
    });
  }

  it('take NaN only if there is nothing else, and leave out what is absent', async () => {
    const source = await machines();
    const asked = { from: 0, through: 120 };
    expect(await ask(source, 'min(a{job="x"})', asked)).to.deep.equal(['{} 1 5 3']);
    expect(await ask(source, 'max(a{job="x",instance="2"})', asked)).to.deep.equal(['{} 3 NaN 3']);
    expect(await ask(source, 'sum by (job) (a{job="x"})', asked)).to.deep.equal(['{job="x"} 4 NaN 3']);
    expect(await ask(source, 'count(a{job="x"})', asked)).to.deep.equal(['{} 2 2 1']);
    expect(await ask(source, 'topk(1, a{job="x"})', asked)).to.deep.equal([
      'a{instance="1", job="x"} _ 5 _',
      'a{instance="2", job="x"} 3 _ 3',
    ]);
  });

  it('sum with compensation', async () => {
    const source = await load(60, ['a{x="1"} 1', 'a{x="2"} 1e100', 'a{x="3"} 1', 'a{x="4"} -1e100']);
    expect(await ask(source, 'sum(a)', { at: 0 })).to.deep.equal(['{} 2']);
    expect(await ask(source, 'avg(a)', { at: 0 })).to.deep.equal(['{} 0.5']);
  });

  it('avg goes on with the mean when the sum overflows', async () => {
    const source = await load(60, ['a{x="1"} 1e308', 'a{x="2"} 1e308', 'a{x="3"} 1e308']);
    expect(await ask(source, 'avg(a)', { at: 0 })).to.deep.equal(['{} 1e+308']);
    const infinite = await load(60, ['a{x="1"} Inf', 'a{x="2"} 1', 'a{x="3"} -Inf']);
    expect(await ask(infinite, 'avg(a{x!="3"})', { at: 0 })).to.deep.equal(['{} Infinity']);
    expect(await ask(infinite, 'avg(a)', { at: 0 })).to.deep.equal(['{} NaN']);
  });

  it('stddev of an infinity is NaN', async () => {
    expect(await ask(await load(60, ['a Inf']), 'stddev(a)', { at: 0 })).to.deep.equal(['{} NaN']);
  });

  it('topk follows a count that differs from step to step', async () => {
    const source = await load(60, ['a{x="1"} 1 1 1', 'a{x="2"} 2 2 2', 'a{x="3"} 3 3 3']);
    expect(await ask(source, 'topk(scalar(vector(time() / 60)), a)', { from: 0, through: 120 })).to.deep.equal([
      'a{x="2"} _ _ 2',
      'a{x="3"} _ 3 3',
    ]);
  });

  it('topk replaces NaN first', async () => {
    const source = await load(60, ['a{x="1"} NaN', 'a{x="2"} 2', 'a{x="3"} -Inf']);
    expect(await ask(source, 'topk(2, a)', { at: 0 })).to.deep.equal(['a{x="2"} 2', 'a{x="3"} -Infinity']);
    expect(await ask(source, 'topk(9, a)', { at: 0 })).to.deep.equal([
      'a{x="2"} 2',
      'a{x="3"} -Infinity',
      'a{x="1"} NaN',
    ]);
  });

  it('refuse parameters that make no sense, with the messages of Prometheus', async () => {
    const source = await machines();
    const fail = (text: string): Promise<string> => failure(source, text, { at: 0 });
    expect(await fail('topk(NaN, a)')).to.equal('TIDEMARK_QUERY_FAILED: Parameter value is NaN');
    expect(await fail('topk(1e19, a)')).to.equal('TIDEMARK_QUERY_FAILED: Scalar value 1e+19 overflows int64');
    expect(await fail('limit_ratio(NaN, a)')).to.equal('TIDEMARK_QUERY_FAILED: Ratio value is NaN');
    expect(await fail('count_values("", a)')).to.equal('TIDEMARK_QUERY_FAILED: invalid label name ""');
  });

  it('warn about quantiles outside 0 to 1', async () => {
    const { warnings, series } = await evaluated(await machines(), 'quantile(1.5, a)', { at: 0 });
    expect(warnings).to.deep.equal(['PromQL warning: quantile value should be between 0 and 1, got 1.5 (1:10)']);
    expect([...series[0].values]).to.deep.equal([Number.POSITIVE_INFINITY]);
  });

  it('limit_ratio and its complement divide the series', async () => {
    const lines = Array.from({ length: 200 }, (_, index) => `a{x="${index}"} ${index}`);
    const source = await load(60, lines);
    const part = await ask(source, 'limit_ratio(0.3, a)', { at: 0 });
    const rest = await ask(source, 'limit_ratio(-0.7, a)', { at: 0 });
    expect(part.length).to.be.within(30, 90);
    expect([...part, ...rest].sort()).to.deep.equal((await ask(source, 'a', { at: 0 })).sort());
  });
});
