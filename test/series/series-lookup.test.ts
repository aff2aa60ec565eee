import { expect } from 'chai';
import type { IndexingOperation } from '../../src/indexes/indexer.ts';
import { fastFingerprint, fingerprintText } from '../../src/model/fingerprint.ts';
import { type LabelPairs, type Labels, toLabelPairs } from '../../src/model/labels.ts';
import { NO_ROW } from '../../src/series/table.ts';
import { read } from '../journal/journal-fixture.ts';
import { heapGrowth, ownString } from '../support/heap.ts';
import { appendPath, codeOf } from './append-path.ts';

/** Two label sets with the same fast fingerprint. */
const first = { instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24483', status: '503' };
const second = { instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24480', status: '500' };
const OWN = '0e16f3b3b6bbfedd';
const MAPPED = '0000000000000001';

const halves = (labels: Labels): readonly [high: number, low: number] => {
  const out = new Int32Array(2);
  fastFingerprint(toLabelPairs(labels), out);
  return [out[0], out[1]];
};

describe('SeriesDirectory', () => {
  it('creates a series once, with one event and one indexing operation', async () => {
    const { directory, table, indexer, journal, fileSystem } = appendPath();
    const operations: IndexingOperation[] = [];
    const enqueue = indexer.enqueue.bind(indexer);
    indexer.enqueue = (operation) => {
      operations.push(operation);
      return enqueue(operation);
    };
    const row = directory.resolve({ b: '2', a: '1' });
    expect(directory.resolve({ a: '1', b: '2', empty: '' })).to.equal(row);
    expect(directory.resolvePairs(['a', '1', 'b', '2'])).to.equal(row);
    expect(directory.created).to.equal(1);
    const [high, low] = [table.high[row], table.low[row]];
    const [operation] = operations;
    expect(operations).to.have.length(1);
    expect(operation).to.deep.include({ type: 'index', high, low, pairs: ['a', '1', 'b', '2'] });
    await journal.commit();
    const after = read(fileSystem, { from: operation.position ?? -1 });
    expect(after.items, 'an index that reached this position has the series').to.have.length(1);
    expect(read(fileSystem).items).to.deep.equal(after.items);
  });

  it('keeps one string of each value that the series of handles have in common', () => {
    const names = Array.from({ length: 50 }, (_, n) => `l${n + 10}`);
    const labelsOf = (i: number): LabelPairs => [
      'id',
      ownString(`${i}`),
      ...names.flatMap((name) => [name, ownString(`a value of label ${name}, which all series have`)]),
    ];
    const fill = ({ directory, table }: ReturnType<typeof appendPath>): number => {
      const growth = heapGrowth(() => {
        for (let i = 0; i < 150; i++) directory.resolvePairs(labelsOf(i));
      });
      expect(table.live).to.equal(150);
      expect(table.labels[149]).to.deep.equal(labelsOf(149));
      return growth;
    };
    // The first time, code is compiled.
    fill(appendPath());
    // The journal's events and the arrays of labels take 240 kB, and 7,500 strings would take 490 kB besides.
    expect(fill(appendPath())).to.be.below(500_000);
  });

  it('gives a series whose fingerprint another one has a mapped fingerprint', () => {
    const { directory, table } = appendPath();
    const rows = [directory.resolve(first), directory.resolve(second)];
    expect(rows.map((row) => fingerprintText(table.high[row], table.low[row]))).to.deep.equal([OWN, MAPPED]);
    expect(directory.resolve(second)).to.equal(rows[1]);
  });

  it('wakes an archived series instead of creating it', () => {
    const { directory, archived, archive, woken } = appendPath();
    archive.labelsOf = () => toLabelPairs(first);
    archived.add(...halves(first), 1000, 2000);
    directory.resolve(first);
    expect(woken).to.deep.equal([toLabelPairs(first)]);
    expect(directory.created).to.equal(0);
  });

  it('does not take another series with the same fingerprint for the archived one', () => {
    const { directory, archived, archive, woken, table } = appendPath();
    archive.labelsOf = () => toLabelPairs(first);
    archived.add(...halves(first), 1000, 2000);
    const row = directory.resolve(second);
    expect(fingerprintText(table.high[row], table.low[row])).to.equal(MAPPED);
    expect(woken).to.deep.equal([]);
  });

  it('knows the labels of a series whose archiving is not in the index yet', () => {
    const { directory, archived, archive, indexer, woken } = appendPath();
    archive.labelsOf = () => undefined;
    const [high, low] = halves(first);
    archived.add(high, low, 1000, 2000);
    indexer.enqueue({ type: 'archive', high, low, pairs: toLabelPairs(first), firstTime: 1000, lastTime: 2000 });
    expect(directory.archivedPairs(high, low)).to.deep.equal(toLabelPairs(first));
    directory.resolve(first);
    expect(woken).to.have.length(1);
  });

  it('does not give away the fingerprint of a series that is on its way out', () => {
    const leavingPairs = (high: number, low: number): LabelPairs | undefined =>
      fingerprintText(high, low) === OWN ? toLabelPairs(first) : undefined;
    const { directory, table } = appendPath({ directory: { leavingPairs } });
    const row = directory.resolve(second);
    expect(fingerprintText(table.high[row], table.low[row])).to.equal(MAPPED);
  });

  it('refuses new, archived and resting series while the indexes are behind, and finds the others', () => {
    const { directory, archived, archive, table, woken, admission } = appendPath();
    const row = directory.resolve({ a: '1' });
    admission.refusesNewSeries = true;
    archive.labelsOf = () => toLabelPairs(first);
    archived.add(...halves(first), 1000, 2000);
    for (const call of [
      () => directory.resolve({ a: '2' }),
      () => directory.resolve(first),
      () => directory.makeWritable(row),
    ])
      expect(codeOf(call)).to.equal('TIDEMARK_THROTTLED');
    expect(directory.resolve({ a: '1' })).to.equal(row);
    expect([table.live, directory.created, woken.length]).to.deep.equal([1, 1, 0]);
  });

  it('takes new series again when the indexes are behind no longer', () => {
    const { directory, admission } = appendPath();
    admission.refusesNewSeries = true;
    expect(codeOf(() => directory.resolve({ a: '1' }))).to.equal('TIDEMARK_THROTTLED');
    admission.refusesNewSeries = false;
    expect(directory.resolve({ a: '1' })).not.to.equal(NO_ROW);
  });

  it('tells the fingerprint of a label set without creating its series', () => {
    const { directory, table, mapper } = appendPath();
    const before = directory.fingerprintOf(toLabelPairs(first));
    expect(fingerprintText(before.high, before.low)).to.equal(OWN);
    directory.resolve(first);
    directory.resolve(second);
    const mapped = directory.fingerprintOf(toLabelPairs(second));
    expect(fingerprintText(mapped.high, mapped.low)).to.equal(MAPPED);
    directory.fingerprintOf(['only', 'asked']);
    expect([table.live, mapper.size]).to.deep.equal([2, 1]);
  });

  it('stores the labels that it has read last, if each read returns others', () => {
    const { directory, table } = appendPath();
    let reads = 0;
    const labels = Object.defineProperty({}, 'a', { enumerable: true, get: () => String(++reads) }) as Labels;
    const row = directory.resolve(labels);
    expect(table.findPairs(table.labels[row]!)).to.equal(row);
    expect(table.find({ a: table.labels[row]![1] })).to.equal(row);
  });
});
