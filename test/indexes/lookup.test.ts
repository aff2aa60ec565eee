import { expect } from 'chai';
import fc from 'fast-check';
import { LabelIndex } from '../../src/indexes/label-index.ts';
import { matchFingerprints } from '../../src/indexes/lookup.ts';
import { type LabelPairs, toLabelPairs } from '../../src/model/labels.ts';
import { type Matcher, matchesPairs } from '../../src/model/matcher.ts';
import { parseSelector, type Selector } from '../../src/model/selector.ts';
import { MemoryStore } from '../support/memory-stores.ts';

const indexOf = async (series: readonly LabelPairs[]): Promise<LabelIndex> => {
  const index = new LabelIndex(new MemoryStore(), new MemoryStore());
  await index.apply(series.map((pairs, low) => ({ type: 'index', high: low % 2 === 0 ? -1 : 1, low, pairs })));
  return index;
};

const slices = { isOver: true, breathe: (): Promise<void> => new Promise((resolve) => setImmediate(resolve)) };

/** Numbers of the series found, after the rest of the matchers was tried on their labels. */
const find = async (index: LabelIndex, series: readonly LabelPairs[], selector: Selector): Promise<number[]> => {
  const { lows, residual } = await matchFingerprints(index, parseSelector(selector, { allowEmpty: true }), slices);
  return [...lows].filter((low) => matchesPairs(residual, series[low])).sort((a, b) => a - b);
};

const bruteForce = (series: readonly LabelPairs[], selector: Selector): number[] => {
  const matchers = parseSelector(selector, { allowEmpty: true });
  return series.flatMap((pairs, low) => (matchesPairs(matchers, pairs) ? [low] : []));
};

/** The workload's labels. */
const workload = Array.from({ length: 20_000 }, (_, i) =>
  toLabelPairs({
    __name__: `metric_${i % 3}`,
    job: `job-${Math.floor(i / 100) % 10}`,
    status: String(200 + (i % 5)),
    ...(i % 7 === 0 ? { zone: 'a' } : {}),
    id: String(i),
  }),
);

describe('matchFingerprints', () => {
  it('finds what trying every series finds', async () => {
    const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y', 'z', 'xy', ''), {
      minKeys: 1,
    });
    const series = fc.array(
      labels.filter((set) => Object.values(set).some((value) => value !== '')),
      { maxLength: 20 },
    );
    const matcher: fc.Arbitrary<Matcher> = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      op: fc.constantFrom('=', '!=', '=~', '!~'),
      value: fc.constantFrom('', 'x', 'y', 'x|y', 'x.*', '.+', '.*', 'x?', '[^x]', '(?i)X', 'no'),
    });
    await fc.assert(
      fc.asyncProperty(series, fc.array(matcher, { maxLength: 4 }), async (sets, matchers) => {
        const pairs = sets.map(toLabelPairs);
        const index = await indexOf(pairs);
        expect(await find(index, pairs, matchers)).to.deep.equal(bruteForce(pairs, matchers));
      }),
      { numRuns: 300 },
    );
  });

  it('finds the series of a regular expression again, and those that came and went meanwhile', async () => {
    const [first, second, third] = ['a1', 'a2', 'b'].map((a) => toLabelPairs({ a }));
    const index = await indexOf([first, second]);
    const found = async (): Promise<readonly number[]> => {
      const { lows } = await matchFingerprints(index, parseSelector('{a=~"a.|b+",b!~"c.*"}'), slices);
      return [...lows].sort();
    };
    expect(await found()).to.deep.equal([0, 1]);
    expect(await found()).to.deep.equal([0, 1]);
    await index.apply([{ type: 'index', high: 1, low: 2, pairs: third }]);
    expect(await found()).to.deep.equal([0, 1, 2]);
    await index.apply([{ type: 'unindex', high: -1, low: 0, pairs: first }]);
    expect(await found()).to.deep.equal([1, 2]);
  });

  it('finds what trying every series finds, among many', async () => {
    const index = await indexOf(workload);
    const selectors = [
      'metric_1',
      'metric_1{job=~"job-[0-4]"}',
      '{status="202",job!="job-3"}',
      '{status=~"20[0-2]",job!~"job-[3-5]"}',
      '{status!="202"}',
      '{job=~"job.*",status=~"2.*"}',
      '{job=~"job.*",zone="a",id=~"1.*"}',
      '{zone!=""}',
      '{zone="",status="203"}',
      '{zone!="a",job!~"job-[1-9]"}',
      '{id="5"}',
      '{id=~"5|6|no"}',
      '{id="no"}',
      '{}',
    ];
    for (const selector of selectors) {
      expect(await find(index, workload, selector), selector).to.deep.equal(bruteForce(workload, selector));
    }
  });

  it('decides by sets where there are many candidates, by labels where there are few', async () => {
    const index = await indexOf(workload);
    const residualOf = async (selector: string): Promise<string[]> =>
      (await matchFingerprints(index, parseSelector(selector), slices)).residual.map(
        ({ name, op, value }) => name + op + value,
      );
    expect(await residualOf('metric_1{job!="job-3"}')).to.deep.equal([]);
    expect(await residualOf('metric_1{job=~"job-.*"}')).to.deep.equal([]);
    expect(await residualOf('metric_1{zone=""}')).to.deep.equal(['zone=']);
    expect(await residualOf('metric_1{zone="a",job!="job-3",status=~"2.+"}')).to.deep.equal([
      'status=~2.+',
      'job!=job-3',
    ]);
  });
});
