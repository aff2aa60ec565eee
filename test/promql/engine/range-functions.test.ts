import { expect } from 'chai';
import { ask, evaluated, failure, load } from './ask.ts';

/** Each function over `a[5m]` at five minutes: the samples of the first to the fifth minute. */
const table: readonly (readonly [string, string, string])[] = [
  ['rate', '9 0+60x5', '0.8'],
  ['increase', '9 10 20 30 40 50', '50'],
  ['delta', '9 50 40 30 20 10', '-50'],
  ['irate', '9 1 2 3 4 64', '1'],
  ['idelta', '9 1 2 3 4 1', '-3'],
  ['resets', '9 1 2 1 2 1', '2'],
  ['changes', '9 1 1 NaN NaN 2', '2'],
  ['deriv', '9 60 120 180 240 300', '1'],
  ['sum_over_time', '9 1 1e100 1 -1e100 1', '3'],
  ['avg_over_time', '9 1 2 3 4 5', '3'],
  ['avg_over_time', '9 1.7e308 1.7e308 1.7e308 1.7e308 1.7e308', '1.7e+308'],
  ['min_over_time', '9 NaN 4 2 NaN 3', '2'],
  ['max_over_time', '9 NaN 4 2 NaN 3', '4'],
  ['max_over_time', '9 NaN NaN NaN NaN NaN', 'NaN'],
  ['count_over_time', '9 1 _ 3 stale 5', '3'],
  ['stdvar_over_time', '9 1 2 3 4 5', '2'],
  ['stddev_over_time', '9 2 4 4 4 6', '1.2649110640673518'],
  ['present_over_time', '9 7 _ _ _ _', '1'],
  ['mad_over_time', '9 1 1 2 4 9', '1'],
  ['ts_of_first_over_time', '9 _ 5 5 5 _', '120'],
  ['ts_of_last_over_time', '9 _ 5 5 5 _', '240'],
  ['ts_of_min_over_time', '9 3 1 2 1 4', '240'],
  ['ts_of_max_over_time', '9 3 4 2 4 1', '240'],
];

describe('range functions', () => {
  for (const [name, values, expected] of table) {
    it(`${name} of ${values} gives ${expected}`, async () => {
      const source = await load(60, [`a{b="c"} ${values}`]);
      expect(await ask(source, `${name}(a[5m])`, { at: 300 })).to.deep.equal([`{b="c"} ${expected}`]);
    });
  }

  it('last_over_time and first_over_time keep the name', async () => {
    const source = await load(60, ['a 1 2 3 _ _']);
    expect(await ask(source, 'last_over_time(a[5m])', { at: 240 })).to.deep.equal(['a 3']);
    expect(await ask(source, 'first_over_time(a[5m])', { at: 240 })).to.deep.equal(['a 1']);
  });

  it('a rate is extended to the ends of the window, at most by half a distance of samples', async () => {
    // Samples at 60 to 240 s, the window from 0 to 300 s: 3 over 180 s, extended by 60 s and by 60 s.
    const source = await load(60, ['a _ 100 101 102 103 _']);
    expect(await ask(source, 'increase(a[5m])', { at: 300 })).to.deep.equal(['{} 5']);
    // Samples at 120 and 180 s: the ends are 120 s away, more than 1.1 distances, so half a distance counts.
    const sparse = await load(60, ['a _ _ 100 101 _ _']);
    expect(await ask(sparse, 'increase(a[5m])', { at: 300 })).to.deep.equal(['{} 2']);
    expect(await ask(sparse, 'delta(a[5m])', { at: 300 })).to.deep.equal(['{} 2']);
  });

  it('a counter is not extended to before it was 0, and resets are added', async () => {
    const source = await load(60, ['a _ 1 11 21 31 41']);
    // 40 over 240 s; it was 0 six seconds before the first sample.
    expect(await ask(source, 'increase(a[5m])', { at: 300 })).to.deep.equal(['{} 41']);
    const reset = await load(60, ['a _ 100 110 5 15 25']);
    // 110 - 100, then 5, 15, 25 after the reset: 35 over 240 s, extended by 60 s.
    expect(await ask(reset, 'increase(a[5m])', { at: 300 })).to.deep.equal(['{} 43.75']);
  });

  it('a rate needs two samples', async () => {
    const source = await load(60, ['a 1 2 3']);
    expect(await ask(source, 'rate(a[1m])', { from: 0, through: 120 })).to.deep.equal([]);
  });

  it('predict_linear counts from the time of the evaluation, whatever the offset', async () => {
    const source = await load(60, ['a 0+60x10']);
    expect(await ask(source, 'predict_linear(a[5m], 60)', { at: 300 })).to.deep.equal(['{} 360']);
    expect(await ask(source, 'predict_linear(a[5m] offset 1m, 60)', { at: 300 })).to.deep.equal(['{} 360']);
    expect(await ask(source, 'predict_linear(a[5m] @ 300, 60)', { from: 300, through: 420 })).to.deep.equal([
      '{} 360 420 480',
    ]);
  });

  it('quantile_over_time interpolates, and warns about a quantile outside 0 to 1', async () => {
    const source = await load(60, ['a 9 1 2 3 4 5']);
    expect(await ask(source, 'quantile_over_time(0.25, a[5m])', { at: 300 })).to.deep.equal(['{} 2']);
    expect(await ask(source, 'quantile_over_time(-1, a[5m])', { at: 300 })).to.deep.equal(['{} -Infinity']);
    const { warnings } = await evaluated(source, 'quantile_over_time(2, a[5m])', { at: 300 });
    expect(warnings).to.deep.equal(['PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)']);
  });

  it('double_exponential_smoothing smooths, and refuses factors outside 0 to 1', async () => {
    const source = await load(60, ['a 9 10 20 30 40 50']);
    expect(await ask(source, 'double_exponential_smoothing(a[5m], 0.5, 0.5)', { at: 300 })).to.deep.equal(['{} 50']);
    expect(await failure(source, 'double_exponential_smoothing(a[5m], 1, 0.5)', { at: 300 })).to.equal(
      'TIDEMARK_QUERY_FAILED: invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000',
    );
    expect(await failure(source, 'double_exponential_smoothing(a[5m], 0.5, 0)', { at: 300 })).to.equal(
      'TIDEMARK_QUERY_FAILED: invalid trend factor. Expected: 0 < tf < 1, got: 0.000000',
    );
  });

  it('say that a name is not that of a counter, if there is a result', async () => {
    const source = await load(60, ['a 1 2 3', 'b_total 1 2 3']);
    const { infos } = await evaluated(source, 'sum(\n rate(a[5m]))', { at: 120 });
    expect(infos).to.deep.equal([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "a" (2:7)',
    ]);
    expect((await evaluated(source, 'rate(b_total[5m])', { at: 120 })).infos).to.deep.equal([]);
    expect((await evaluated(source, 'rate(a[1m])', { at: 120 })).infos).to.deep.equal([]);
  });

  it('absent_over_time looks at all series together', async () => {
    const source = await load(60, ['a{x="1"} 1 _ _ _ _ _', 'a{x="2"} _ _ _ 1 _ _']);
    expect(await ask(source, 'absent_over_time(a{job="j"}[1m])', { at: 0 })).to.deep.equal(['{job="j"} 1']);
    expect(await ask(source, 'absent_over_time(a[1m])', { from: 0, through: 300 })).to.deep.equal(['{} _ 1 1 _ 1 1']);
  });

  it('fail if two series differ only by the name, even at different steps', async () => {
    const source = await load(60, ['a_total 1 2 _ _ _ _ _ _', 'b_total _ _ _ _ _ _ 1 2']);
    const asked = { from: 60, through: 420 };
    const text = 'rate({__name__=~".+"}[2m])';
    expect(await failure(source, text, asked)).to.equal(
      'TIDEMARK_QUERY_FAILED: vector cannot contain metrics with the same labelset',
    );
    expect(await ask(source, text, { ...asked, options: { delayedNameRemoval: true } })).to.have.length(1);
  });
});
