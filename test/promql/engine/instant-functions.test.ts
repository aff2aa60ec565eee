import { expect } from 'chai';
import { ask, evaluated, failure, load } from './ask.ts';

/** Expressions about `a 2.5`, `odd NaN`, `zero -0` and what they give. */
const table: readonly (readonly [string, string])[] = [
  ['abs(-a)', '2.5'],
  ['ceil(a)', '3'],
  ['floor(a)', '2'],
  ['round(a)', '3'],
  ['round(-a)', '-2'],
  ['round(a, 2)', '2'],
  ['sgn(-a)', '-1'],
  ['sgn(zero)', '-0'],
  ['sqrt(a * 10)', '5'],
  ['ln(a - a)', '-Infinity'],
  ['log2(a * 0 + 8)', '3'],
  ['log10(a * 0 + 1000)', '3'],
  ['exp(a - a)', '1'],
  ['deg(a * 0 + pi())', '180'],
  ['rad(a * 0 + 180)', '3.141592653589793'],
  ['clamp(a, 0, 1)', '1'],
  ['clamp(a, 3, 4)', '3'],
  ['clamp_min(a, 3)', '3'],
  ['clamp_max(a, 2)', '2'],
  ['clamp_min(odd, 0)', 'NaN'],
  ['clamp_min(odd, Inf)', 'Infinity'],
  ['a ^ NaN', 'NaN'],
  ['(a * 0 + 1) ^ NaN', '1'],
  ['(a * 0 - 1) ^ Inf', '1'],
  ['7 % -a', '2'],
  ['-7 % a', '-2'],
  ['a / 0', 'Infinity'],
  ['a atan2 a', '0.7853981633974483'],
  ['year(vector(1709210096))', '2024'],
  ['month(vector(1709210096))', '2'],
  ['day_of_month(vector(1709210096))', '29'],
  ['day_of_year(vector(1735603200))', '366'],
  ['day_of_week(vector(1709210096))', '4'],
  ['days_in_month(vector(1709210096))', '29'],
  ['hour(vector(1709210096))', '12'],
  ['minute(vector(1709210096.9))', '34'],
  ['minute()', '3'],
  ['vector(time())', '180'],
];

describe('functions of instant vectors', () => {
  for (const [text, expected] of table) {
    it(`${text} is ${expected}`, async () => {
      const source = await load(60, ['a 2.5', 'odd NaN', 'zero -0']);
      expect(await ask(source, text, { at: 180 })).to.deep.equal([`{} ${expected}`]);
    });
  }

  it('clamp with the bounds the wrong way round gives nothing', async () => {
    expect(await ask(await load(60, ['a 1']), 'clamp(a, 2, 1)', { at: 0 })).to.deep.equal([]);
  });

  it('scalar() is NaN unless there is exactly one element', async () => {
    const source = await load(60, ['a{x="1"} 1 1 1', 'a{x="2"} _ 2 stale']);
    expect(await ask(source, 'scalar(a)', { from: 0, through: 120 })).to.deep.equal(['{} 1 NaN 1']);
  });

  it('absent() takes its labels from the matchers', async () => {
    const source = await load(60, ['a 1']);
    expect(await ask(source, 'absent(a)', { at: 0 })).to.deep.equal([]);
    expect(await ask(source, 'absent(b{x="1",y=~"2",z="3",z!=""})', { at: 0 })).to.deep.equal(['{x="1"} 1']);
    expect(await ask(source, 'absent(sum(b{x="1"}))', { at: 0 })).to.deep.equal(['{} 1']);
  });

  it('merge series that differ only by the name at different steps, and fail at the same step', async () => {
    const apart = await load(60, ['a 1 stale', 'b _ 2']);
    expect(await ask(apart, 'abs({__name__=~"a|b"})', { from: 0, through: 60 })).to.deep.equal(['{} 1 2']);
    expect(await ask(apart, '-{__name__=~"a|b"}', { from: 0, through: 60 })).to.deep.equal(['{} -1 -2']);
    const together = await load(60, ['a 1 1', 'b _ 2']);
    expect(await failure(together, 'abs({__name__=~"a|b"})', { from: 0, through: 60 })).to.equal(
      'TIDEMARK_QUERY_FAILED: vector cannot contain metrics with the same labelset',
    );
  });

  it('remove type and unit together with the name', async () => {
    const source = await load(60, [
      'a{__type__="gauge",__unit__="s",x="1"} 1',
      'b{__type__="a",x="1"} 2',
      'b{__type__="b",x="1"} 3',
    ]);
    for (const delayedNameRemoval of [false, true]) {
      const asked = { at: 0, options: { delayedNameRemoval } };
      expect(await ask(source, 'abs(a)', asked)).to.deep.equal(['{x="1"} 1']);
      expect(await ask(source, 'a * a', asked)).to.deep.equal(['{x="1"} 1']);
      expect(await ask(source, 'a > 0', asked)).to.deep.equal(['a{__type__="gauge", __unit__="s", x="1"} 1']);
      expect(await failure(source, 'abs(b)', asked)).to.equal(
        'TIDEMARK_QUERY_FAILED: vector cannot contain metrics with the same labelset',
      );
    }
  });

  it('sort and sort_desc put NaN last', async () => {
    const source = await load(60, ['a{x="1"} 2', 'a{x="2"} NaN', 'a{x="3"} 1']);
    expect(await ask(source, 'sort(a)', { at: 0 })).to.deep.equal(['a{x="3"} 1', 'a{x="1"} 2', 'a{x="2"} NaN']);
    expect(await ask(source, 'sort_desc(a)', { at: 0 })).to.deep.equal(['a{x="1"} 2', 'a{x="3"} 1', 'a{x="2"} NaN']);
    const { warnings } = await evaluated(source, 'sort(a)', { from: 0, through: 60 });
    expect(warnings).to.deep.equal([
      'PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)',
    ]);
  });

  it('sort_by_label compares digits as numbers', async () => {
    const source = await load(60, ['a{x="n10"} 1', 'a{x="n9"} 2', 'a{x="m"} 3']);
    expect(await ask(source, 'sort_by_label(a, "x")', { at: 0 })).to.deep.equal([
      'a{x="m"} 3',
      'a{x="n9"} 2',
      'a{x="n10"} 1',
    ]);
    expect((await ask(source, 'sort_by_label_desc(a, "x")', { at: 0 }))[0]).to.equal('a{x="n10"} 1');
  });

  it('label_replace expands groups by number and name', async () => {
    const source = await load(60, ['a{src="node-7:90"} 1']);
    const replaced = (replacement: string, pattern: string): Promise<string[]> =>
      ask(source, `label_replace(a, "dst", "${replacement}", "src", "${pattern}")`, { at: 0 });
    expect(await replaced('$2.$1', '(.*)-(.*):.*')).to.deep.equal(['a{dst="7.node", src="node-7:90"} 1']);
    expect(await replaced(`\${port}x$$`, '.*:(?P<port>[0-9]+)')).to.deep.equal(['a{dst="90x$", src="node-7:90"} 1']);
    // `$1x` is the group "1x", which there is not.
    expect(await replaced('$1x', '(.*)')).to.deep.equal(['a{src="node-7:90"} 1']);
    expect(await replaced('new', 'node')).to.deep.equal(['a{src="node-7:90"} 1']);
    expect(await replaced('$1', '(.*?)-.*')).to.deep.equal(['a{dst="node", src="node-7:90"} 1']);
    expect(await failure(source, 'label_replace(a, "b", "", "c", "(")', { at: 0 })).to.equal(
      'TIDEMARK_QUERY_FAILED: invalid regular expression in label_replace(): (',
    );
    expect(await failure(source, 'label_replace(a, "", "x", "c", "")', { at: 0 })).to.equal(
      'TIDEMARK_QUERY_FAILED: invalid destination label name in label_replace(): ',
    );
  });

  it('label_join joins values, and fails if labels become equal', async () => {
    const source = await load(60, ['a{x="1",y="2"} 1', 'a{x="3",y="2"} 1']);
    expect(await ask(source, 'label_join(a{x="1"}, "z", "-", "x", "none", "y")', { at: 0 })).to.deep.equal([
      'a{x="1", y="2", z="1--2"} 1',
    ]);
    expect(await failure(source, 'label_join(a, "x", "", "y")', { at: 0 })).to.equal(
      'TIDEMARK_QUERY_FAILED: vector cannot contain metrics with the same labelset',
    );
  });

  it('min_of, max_of, start, end, step and range are numbers of the query', async () => {
    const source = await load(60, []);
    const asked = { from: 60, through: 180, step: 60 };
    expect(await ask(source, 'vector(max_of(time(), 100))', asked)).to.deep.equal(['{} 100 120 180']);
    expect(await ask(source, 'vector(start() + end() + step() + range())', asked)).to.deep.equal(['{} 420 420 420']);
    expect(await ask(source, 'vector(step())', { at: 60 })).to.deep.equal(['{} 0']);
  });

  it('functions of native histograms give nothing for other samples', async () => {
    expect(await ask(await load(60, ['a 1']), 'histogram_count(a)', { at: 0 })).to.deep.equal([]);
  });

  it('info adds the labels of info series with the same instance and job', async () => {
    const source = await load(60, [
      'a{instance="i",job="j"} 1 2 3',
      'a{instance="k",job="j"} 4 5 6',
      'target_info{instance="i",job="j",version="1"} 1 1 stale',
      'target_info{instance="i",job="j",version="2"} _ _ 1',
    ]);
    expect(await ask(source, 'info(a)', { from: 0, through: 120 })).to.deep.equal([
      'a{instance="i", job="j", version="1"} 1 2 _',
      'a{instance="i", job="j", version="2"} _ _ 3',
      'a{instance="k", job="j"} 4 5 6',
    ]);
    expect(await ask(source, 'info(a, {version=~".+"})', { at: 120 })).to.deep.equal([
      'a{instance="i", job="j", version="2"} 3',
    ]);
  });
});
