import { expect } from 'chai';
import { ask, evaluated, load } from './ask.ts';

const buckets = (...counts: readonly (readonly [string, string])[]): string[] =>
  counts.map(([bound, count]) => `h_bucket{x="1",le="${bound}"} ${count}`);

const quantile = async (q: string, lines: readonly string[]): Promise<string[]> =>
  ask(await load(60, lines), `histogram_quantile(${q}, h_bucket)`, { at: 0 });

describe('classic histograms', () => {
  const usual = buckets(['0.1', '5'], ['0.5', '15'], ['+Inf', '20']);

  it('interpolate inside of the bucket of the quantile', async () => {
    expect(await quantile('0.25', usual)).to.deep.equal(['{x="1"} 0.1']);
    expect(await quantile('0.125', usual)).to.deep.equal(['{x="1"} 0.05']);
    // In the last bucket, the greatest bound is all that is known.
    expect(await quantile('0.9', usual)).to.deep.equal(['{x="1"} 0.5']);
    expect(await quantile('0.1', buckets(['-1', '5'], ['0', '6'], ['Inf', '10']))).to.deep.equal(['{x="1"} -1']);
  });

  it('give infinities for quantiles outside 0 to 1, with a warning', async () => {
    expect(await quantile('-0.1', usual)).to.deep.equal(['{x="1"} -Infinity']);
    expect(await quantile('1.1', usual)).to.deep.equal(['{x="1"} Infinity']);
    const { warnings } = await evaluated(await load(60, usual), 'histogram_quantile(NaN, h_bucket)', { at: 0 });
    expect(warnings).to.deep.equal(['PromQL warning: quantile value should be between 0 and 1, got NaN (1:20)']);
  });

  it('need a bucket up to infinity, two buckets and an observation', async () => {
    expect(await quantile('0.5', buckets(['1', '5'], ['2', '6']))).to.deep.equal(['{x="1"} NaN']);
    expect(await quantile('0.5', buckets(['+Inf', '6']))).to.deep.equal(['{x="1"} NaN']);
    expect(await quantile('0.5', buckets(['1', '0'], ['+Inf', '0']))).to.deep.equal(['{x="1"} NaN']);
  });

  it('add up buckets with the same bound', async () => {
    const lines = buckets(['1', '2'], ['1.0', '3'], ['2', '10'], ['+Inf', '10']);
    expect(await quantile('0.75', lines)).to.deep.equal(['{x="1"} 1.5']);
  });

  it('are made monotonic, with an info unless the difference is tiny', async () => {
    const asked = async (count: string) =>
      evaluated(
        await load(60, buckets(['1', '10'], ['2', count], ['+Inf', '20'])),
        'histogram_quantile(0.9, h_bucket)',
        {
          at: 0,
        },
      );
    expect((await asked('9.999999999999')).infos).to.deep.equal([]);
    expect((await asked('9')).infos).to.deep.equal([
      'PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), from buckets 2 to 2, with a max diff of 1, over 1 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z (1:25)',
    ]);
  });

  it('name the metric in the info while the name is among the labels', async () => {
    const source = await load(60, buckets(['1', '10'], ['2', '9 8'], ['4', '7 3'], ['+Inf', '20']));
    const { infos } = await evaluated(source, 'histogram_quantile(0.9, h_bucket)', {
      from: 0,
      through: 60,
      options: { delayedNameRemoval: true },
    });
    expect(infos).to.have.length(1);
    expect(infos[0]).to.contain(
      'for metric name "h_bucket", from buckets 2 to 4, with a max diff of 7, over 2 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z (1:25)',
    );
  });

  it('leave out series without a bound, with a warning', async () => {
    const source = await load(60, [...usual, 'h_bucket{x="1",le="often"} 3']);
    const { series, warnings } = await evaluated(source, 'histogram_quantile(0.5, h_bucket)', { at: 0 });
    expect(series).to.have.length(1);
    expect(warnings).to.deep.equal([
      'PromQL warning: bucket label "le" is missing or has a malformed value of "often" for metric name "h_bucket" (1:25)',
    ]);
  });

  it('histogram_quantiles gives a series for each quantile', async () => {
    const source = await load(60, usual);
    expect(await ask(source, 'histogram_quantiles(h_bucket, "q", 0.25, 1)', { at: 0 })).to.deep.equal([
      '{q="0.25", x="1"} 0.1',
      '{q="1.0", x="1"} 0.5',
    ]);
  });

  it('histogram_fraction interpolates between two bounds', async () => {
    const source = await load(60, usual);
    const fraction = (lower: string, upper: string): Promise<string[]> =>
      ask(source, `histogram_fraction(${lower}, ${upper}, h_bucket)`, { at: 0 });
    expect(await fraction('0', '0.1')).to.deep.equal(['{x="1"} 0.25']);
    expect(await fraction('0.05', '0.3')).to.deep.equal(['{x="1"} 0.375']);
    expect(await fraction('0.5', '0.1')).to.deep.equal(['{x="1"} 0']);
    expect(await fraction('-Inf', '+Inf')).to.deep.equal(['{x="1"} 1']);
    expect(await fraction('NaN', '1')).to.deep.equal(['{x="1"} NaN']);
  });
});
