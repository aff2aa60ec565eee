import { expect } from 'chai';
import { isStaleAt } from '../../../src/model/staleness.ts';
import type { SeriesSource, SourceSeries } from '../../../src/promql/source.ts';
import { memorySource, memoryStorage } from '../../../src/promql/testing/memory-source.ts';

const collect = async (
  source: SeriesSource,
  request: Partial<Parameters<SeriesSource['select']>[0]> = {},
): Promise<SourceSeries[]> => {
  const found: SourceSeries[] = [];
  const whole = { matchers: [], from: -1e15, through: 1e15, signal: undefined };
  for await (const batch of source.select({ ...whole, ...request })) found.push(...batch);
  return found;
};

const series = (labels: string[], timestamps: number[], values: number[]): SourceSeries => ({
  labels,
  timestamps: Float64Array.from(timestamps),
  values: Float64Array.from(values),
});

describe('series in memory', () => {
  it('answers with matching series, sorted by labels, and only the samples of the range', async () => {
    const source = memorySource([
      series(['__name__', 'b'], [0, 10, 20, 30], [1, 2, 3, 4]),
      series(['__name__', 'a'], [0, 10, 20, 30], [5, 6, 7, 8]),
      series(['__name__', 'c'], [0], [9]),
    ]);
    const found = await collect(source, {
      matchers: [{ name: '__name__', op: '=~', value: 'a|b' }],
      from: 10,
      through: 20,
    });
    expect(found.map(({ labels, values }) => [labels[1], [...values]])).to.deep.equal([
      ['a', [6, 7]],
      ['b', [2, 3]],
    ]);
  });

  it('leaves out series without a sample in the range', async () => {
    const source = memorySource([series(['a', 'b'], [10], [1])]);
    expect(await collect(source, { from: 11, through: 20 })).to.deep.equal([]);
    expect(await collect(source, { from: 0, through: 9 })).to.deep.equal([]);
  });

  it('adds samples of later loads in order of time; the later value of a time wins; bits are kept', async () => {
    const storage = memoryStorage();
    const stale = new Float64Array(BigUint64Array.of(0x7ff0000000000002n).buffer);
    await storage.append([series(['a', 'b'], [0, 20], [1, 2])]);
    await storage.append([{ labels: ['a', 'b'], timestamps: Float64Array.of(10), values: stale }]);
    await storage.append([series(['a', 'b'], [20, 30], [3, 4])]);
    const [found] = await collect(storage.source);
    expect([...found.timestamps]).to.deep.equal([0, 10, 20, 30]);
    expect(isStaleAt(found.values, 1)).to.equal(true);
    expect([...found.values]).to.deep.equal([1, Number.NaN, 3, 4]);
    await storage.clear();
    expect(await collect(storage.source)).to.deep.equal([]);
  });
});
