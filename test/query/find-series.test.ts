import { expect } from 'chai';
import { ArchiveDirectory } from '../../src/indexes/archive-directory.ts';
import { LabelIndex } from '../../src/indexes/label-index.ts';
import { type LabelPairs, labelValue } from '../../src/model/labels.ts';
import { parseSelector } from '../../src/model/selector.ts';
import { type FindParts, findSeries } from '../../src/query/find-series.ts';
import { SeriesTable } from '../../src/series/table.ts';
import { MemoryStore } from '../support/memory-stores.ts';

const COUNT = 5000;
const pairsOf = (number: number): LabelPairs => ['__name__', 'x', 'id', String(number), 'kind', `k${number % 3}`];

/**
 * Series with ascending numbers as the low halves of their fingerprints. Every look at the clock finds the slice over,
 * and `onPause` is called with the number of the pause.
 */
const open = async (onPause: (pause: number) => void) => {
  const table = new SeriesTable();
  const archived = new ArchiveDirectory();
  const labels = new LabelIndex(new MemoryStore(), new MemoryStore());
  const operations = Array.from(
    { length: COUNT },
    (_, low) => ({ type: 'index', high: 0, low, pairs: pairsOf(low) }) as const,
  );
  await labels.apply(operations);
  // The rows are in another order than the fingerprints.
  for (let i = 0; i < COUNT; i++) table.add(0, (i * 7) % COUNT, pairsOf((i * 7) % COUNT));
  const strays: number[] = [];
  let time = 0;
  let pauses = 0;
  const clock = {
    monotonic: () => (time += 10),
    breathe: async () => onPause(pauses++),
  };
  const indexer = { queued: 0, hasWholeLabels: true, exclusiveTurns: 0, pendingArchived: () => undefined };
  const archive = {
    labelsOfMany: async (halves: readonly number[]) =>
      halves.flatMap((low, index) => (index % 2 === 1 ? [pairsOf(low)] : [])),
  };
  const parts = { table, archived, labels, indexer, archive, clock, onStrays: (count: number) => strays.push(count) };
  const find = async (selector: string): Promise<number[]> => {
    const sought = { matchers: parseSelector(selector), from: -Infinity, through: Infinity };
    const found = await findSeries(parts as unknown as FindParts, sought);
    for (const { pairs, low } of found) expect(pairs).to.deep.equal(pairsOf(low));
    return found.map(({ low }) => low).sort((a, b) => a - b);
  };
  return { table, archived, strays, find, pauseCount: () => pauses };
};

const numbers = Array.from({ length: COUNT }, (_, number) => number);

describe('findSeries', () => {
  it('finds what matches, with pauses', async () => {
    const { find, pauseCount, strays } = await open(() => {});
    expect(await find('x{kind!="k1"}')).to.deep.equal(numbers.filter((number) => number % 3 !== 1));
    expect(pauseCount()).to.be.greaterThan(4);
    expect(strays).to.deep.equal([0]);
  });

  it('finds each series once and no other, whatever becomes of the rows in a pause', async () => {
    const { pauseCount, find } = await open(() => {});
    await find('x{kind=~"k0|k1"}');
    for (let at = 0; at < pauseCount(); at++) {
      const gone = numbers.filter((number) => number % 10 === 0);
      const subject = await open((pause) => {
        if (pause !== at) return;
        // Their rows go to series that match, but did not exist when the question was asked, in another order.
        for (const number of gone) {
          subject.table.remove(subject.table.findFingerprint(0, number));
          if (number % 20 === 0) subject.archived.add(0, number, 1, 2);
        }
        for (const number of gone) subject.table.add(1, number, ['__name__', 'x', 'id', `new ${number}`, 'kind', 'k0']);
      });
      const found = await subject
        .find('x{kind=~"k0|k1"}')
        .catch((error: unknown) => expect.fail(`pause ${at}: ${error}`));
      const expected = numbers.filter((number) => number % 3 !== 2);
      const taken = new Set(found);
      expect(found.length, `pause ${at}: each once`).to.equal(taken.size);
      for (const number of expected) {
        if (number % 10 !== 0 || number % 20 === 0) expect(taken.has(number), `pause ${at}: ${number}`).to.equal(true);
      }
      for (const number of found) expect(labelValue(pairsOf(number), 'kind'), `pause ${at}`).to.not.equal('k2');
      // Those that were removed without being archived are found only if they were taken before.
      const removed = expected.filter((number) => number % 20 === 10);
      const lost = removed.filter((number) => !taken.has(number)).length;
      expect(subject.strays, `pause ${at}`).to.deep.equal([lost]);
    }
  });
});
