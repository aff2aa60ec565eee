import { expect } from 'chai';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { SampleColumns, VARBIT } from '../../src/chunk/chunk.ts';
import { decodeChunk } from '../../src/chunk/decode.ts';
import { Slab } from '../../src/chunk/slab.ts';
import { ArchiveDirectory } from '../../src/indexes/archive-directory.ts';
import { ArchiveIndex } from '../../src/indexes/archive-index.ts';
import { Indexer, type IndexingOperation } from '../../src/indexes/indexer.ts';
import { LabelIndex } from '../../src/indexes/label-index.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { type Labels, toLabelPairs } from '../../src/model/labels.ts';
import { schedulerOf } from '../../src/ports/clock-scheduler.ts';
import { type ReplayResult, replay } from '../../src/recovery/replay.ts';
import { ErasedRanges } from '../../src/series/erased-ranges.ts';
import { LateSamples } from '../../src/series/late-samples.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { NO_ROW, SeriesTable } from '../../src/series/table.ts';
import { indexing } from '../../streams/indexing.ts';
import { append, created, directory, fingerprintOf, openJournal } from '../journal/journal-fixture.ts';
import { MemoryStore } from '../support/memory-stores.ts';

const time = 1_700_000_000_000;
const labelsOf = (series: number): Labels => created(series).labels;
const about = (series: number) => ({ time, fingerprint: fingerprintOf(series), labels: labelsOf(series) });

const archived = (series: number, firstTime: number, lastTime: number): LifecycleEvent => ({
  type: 'seriesArchived',
  ...about(series),
  firstTime,
  lastTime,
});
const unarchived = (series: number, lastTime?: number): LifecycleEvent => ({
  type: 'seriesUnarchived',
  ...about(series),
  ...(lastTime === undefined ? {} : { lastTime }),
});
const quarantined = (series: number, what: { hasSuccessor?: boolean; labels?: Labels } = {}): LifecycleEvent => ({
  type: 'seriesQuarantined',
  time,
  fingerprint: fingerprintOf(series),
  reason: 'a chunk is damaged',
  ...what,
});
const purged = (series: number): LifecycleEvent => ({ type: 'seriesPurged', ...about(series), reason: 'retention' });
const changing = (series: number, removing: boolean): LifecycleEvent => ({
  type: 'seriesFilesChanging',
  time,
  fingerprints: [fingerprintOf(series)],
  ...(removing ? { removing } : {}),
});

/** A sample of a series: [series, time]. Its value is its time. */
type Sample = readonly [series: number, timestamp: number];

/** A recovered store, and the journal that it replays. Series n has the fingerprint of journal-fixture.ts. */
const world = (indexCapacity = 1000) => {
  const { journal, fileSystem, clock } = openJournal();
  const slab = new Slab();
  const table = new SeriesTable();
  const chunks = new MemoryChunks(table, slab, new ChunkAppender(slab, { defaultEncoding: VARBIT }));
  const archive = new ArchiveDirectory();
  const scheduler = schedulerOf(clock);
  const indexer = new Indexer({
    labels: new LabelIndex(new MemoryStore(), new MemoryStore()),
    archive: new ArchiveIndex(new MemoryStore(), new MemoryStore()),
    clock,
    batching: (parts) => indexing({ ...parts, scheduler }),
    capacity: indexCapacity,
  });
  const operations: IndexingOperation[] = [];
  const enqueue = indexer.enqueue.bind(indexer);
  indexer.enqueue = (operation) => {
    operations.push(operation);
    return enqueue(operation);
  };

  const write = async (records: readonly (LifecycleEvent | Sample)[]): Promise<number> => {
    for (const record of records) {
      if ('type' in record) journal.appendEvent(record);
      else append(journal, record[0], record[1], record[1]);
    }
    journal.seal();
    return journal.commit();
  };
  const late = new LateSamples();
  const run = (end: number, from = 0): Promise<ReplayResult> =>
    replay(
      {
        fileSystem,
        directory,
        table,
        chunks,
        late,
        erased: new ErasedRanges(),
        archived: archive,
        indexer,
        clock,
        onFinding: ({ kind }) => expect.fail(kind),
        onProgress: () => {},
      },
      from,
      end,
    );
  const rowOf = (series: number): number => table.findFingerprint(series + 1, ~series);
  const timesOf = (series: number): number[] => {
    const columns = new SampleColumns();
    for (const slot of chunks.allSlots(rowOf(series)))
      decodeChunk(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], columns);
    return [...columns.timestamps.subarray(0, columns.count)];
  };
  /** The types of the indexing operations so far, which are then forgotten. */
  const indexed = (): string[] => operations.splice(0).map(({ type }) => type);
  const isArchived = (series: number): boolean => archive.has(series + 1, ~series);
  return { table, chunks, archive, indexer, write, run, rowOf, timesOf, indexed, operations, isArchived };
};

describe('Replay', () => {
  it('restores series and samples, and changes nothing when it runs again', async () => {
    const { write, run, timesOf, table } = world();
    const end = await write([created(1), [1, 10], [1, 20], created(2), [2, 5], [1, 30]]);
    const result = await run(end);
    expect(result).to.include({ samples: 4, skipped: 0 });
    expect([timesOf(1), timesOf(2), table.live]).to.deep.equal([[10, 20, 30], [5], 2]);
    expect(await run(end)).to.include({ samples: 0, skipped: 0, records: result.records });
    expect([timesOf(1), timesOf(2), table.live]).to.deep.equal([[10, 20, 30], [5], 2]);
  });

  it('adds to a snapshot only the samples that are newer', async () => {
    const { write, run, timesOf, table, chunks } = world();
    const row = table.add(2, ~1, toLabelPairs(labelsOf(1)));
    chunks.append(row, 15, 0, 0);
    const end = await write([
      [1, 10],
      [1, 15],
      [1, 20],
    ]);
    expect(await run(end)).to.include({ samples: 1, skipped: 0 });
    expect(timesOf(1)).to.deep.equal([15, 20]);
  });

  it('stops at the end that it is given, and begins where it is told', async () => {
    const { write, run, timesOf } = world();
    await write([created(1), [1, 10]]);
    const middle = await write([[1, 20]]);
    await write([[1, 30]]);
    await run(middle);
    expect(timesOf(1)).to.deep.equal([10, 20]);
  });

  it('counts samples of series that it does not know', async () => {
    const { write, run } = world();
    const end = await write([created(1), [1, 10], [2, 10], [2, 20]]);
    expect(await run(end)).to.include({ samples: 1, skipped: 2 });
  });

  it('closes heads where they were closed', async () => {
    const { write, run, table, rowOf, chunks } = world();
    const closed: LifecycleEvent = {
      type: 'headChunksClosed',
      time,
      fingerprints: [fingerprintOf(1), fingerprintOf(9)],
    };
    const end = await write([created(1), [1, 10], closed, [1, 20]]);
    await run(end);
    expect(chunks.allSlots(rowOf(1))).to.have.length(2);
    expect(table.chunksWaiting(rowOf(1))).to.equal(1);
  });

  it('names the series whose files may have changed, and those whose file was to be removed', async () => {
    const { write, run } = world();
    const end = await write([
      created(1),
      changing(2, false),
      { type: 'chunksPersisted', time, fingerprint: fingerprintOf(3), chunks: 1, chunksInFile: 1 },
      { type: 'chunksDropped', time, fingerprint: fingerprintOf(4), chunks: 1, chunksInFile: 0 },
      changing(5, true),
      changing(6, true),
      created(6),
    ]);
    const { touched, emptied } = await run(end);
    expect([...touched]).to.have.members([2, 3, 4, 5, 6].map(fingerprintOf));
    expect([...emptied], 'series 6 was created afterwards').to.deep.equal([fingerprintOf(5)]);
  });

  it('takes an archived series out of memory', async () => {
    const { write, run, rowOf, indexed, isArchived, archive } = world();
    const end = await write([created(1), [1, 10], [1, 20], archived(1, 10, 20)]);
    await run(end);
    expect([rowOf(1), isArchived(1)]).to.deep.equal([NO_ROW, true]);
    expect([archive.firstTimeOf(2, ~1), archive.lastTimeOf(2, ~1)]).to.deep.equal([10, 20]);
    expect(indexed()).to.deep.equal(['index', 'archive']);
  });

  it('wakes an archived series, whose chunks nobody has counted, with its last time', async () => {
    for (const told of [20, undefined]) {
      const { write, run, rowOf, indexed, isArchived, table, timesOf, archive } = world();
      archive.add(2, ~1, 10, 20);
      const end = await write([unarchived(1, told), [1, 20], [1, 30]]);
      const { touched, samples } = await run(end);
      const row = rowOf(1);
      expect(samples, 'the sample at 20 is in the file').to.equal(1);
      expect([timesOf(1), table.chunksInFile[row], table.lastChunkLastTime[row]]).to.deep.equal([[30], -1, 20]);
      expect([isArchived(1), [...touched], indexed()]).to.deep.equal([false, [fingerprintOf(1)], ['unarchive']]);
    }
  });

  it('leaves the row of a series that the snapshot has awake already', async () => {
    const { write, run, rowOf, table, chunks } = world();
    const row = table.add(2, ~1, toLabelPairs(labelsOf(1)));
    chunks.append(row, 30, 0, 0);
    table.chunksInFile[row] = 4;
    await run(await write([unarchived(1, 20)]));
    expect([rowOf(1), table.chunksInFile[row], table.lastTime(row)]).to.deep.equal([row, 4, 30]);
  });

  it('removes a purged series, in memory or archived, and forgets the purge when it is created again', async () => {
    const { write, run, rowOf, indexed, isArchived, archive } = world();
    archive.add(3, ~2, 10, 20);
    const end = await write([created(1), [1, 10], purged(1), purged(2), created(3), purged(3), created(3)]);
    const { purged: gone, touched } = await run(end);
    expect([rowOf(1), isArchived(2)]).to.deep.equal([NO_ROW, false]);
    expect(rowOf(3)).not.to.equal(NO_ROW);
    expect([...gone]).to.have.members([fingerprintOf(1), fingerprintOf(2)]);
    expect([...touched]).to.have.members([1, 2, 3].map(fingerprintOf));
    expect(indexed()).to.deep.equal(['index', 'unindex', 'purgeArchived', 'unindex', 'index', 'unindex', 'index']);
  });

  describe('of a quarantine', () => {
    it('keeps what was in memory only, without the file', async () => {
      const { write, run, rowOf, indexed, table, timesOf } = world();
      const row = table.add(2, ~1, toLabelPairs(labelsOf(1)));
      table.chunksInFile[row] = 3;
      table.mtimeNs[row] = 5n;
      table.lastChunkLastTime[row] = 9;
      const end = await write([[1, 10], quarantined(1, { hasSuccessor: true }), [1, 20]]);
      await run(end);
      expect(timesOf(1)).to.deep.equal([10, 20]);
      expect([rowOf(1), table.chunksInFile[row], table.mtimeNs[row]]).to.deep.equal([row, 0, -1n]);
      expect(table.lastChunkLastTime[row]).to.be.lessThan(9);
      expect(indexed()).to.deep.equal(['index']);
    });

    it('removes the series if nothing stayed, whatever the snapshot has', async () => {
      for (const what of [{ hasSuccessor: false }, {}]) {
        const { write, run, rowOf, indexed, table, chunks } = world();
        const row = table.add(2, ~1, toLabelPairs(labelsOf(1)));
        // With the event's word, chunks of the snapshot do not count; without it, there must be none.
        if (what.hasSuccessor === false) chunks.append(row, 10, 0, 0);
        await run(await write([quarantined(1, what)]));
        expect([rowOf(1), table.live, indexed()]).to.deep.equal([NO_ROW, 0, ['unindex']]);
      }
    });

    it('ends an archived series, if its labels are known', async () => {
      for (const [labels, expected] of [
        [labelsOf(1), ['purgeArchived', 'unindex']],
        [undefined, []],
      ] as const) {
        const { write, run, indexed, isArchived, archive } = world();
        archive.add(2, ~1, 10, 20);
        const { touched } = await run(await write([quarantined(1, labels ? { labels } : {})]));
        expect([isArchived(1), indexed()]).to.deep.equal([labels === undefined, expected]);
        expect([...touched]).to.deep.equal([fingerprintOf(1)]);
      }
    });

    it('leaves the fingerprint to another series, and takes the former one out of the label indexes', async () => {
      const { write, run, operations, rowOf, table, timesOf } = world();
      const row = table.add(2, ~1, ['former', 'series']);
      table.chunksInFile[row] = 2;
      const end = await write([[1, 10], quarantined(1), created(1), [1, 5]]);
      await run(end);
      expect(timesOf(1), 'an earlier sample of the new series').to.deep.equal([5]);
      expect(table.labels[rowOf(1)]).to.deep.equal(toLabelPairs(labelsOf(1)));
      expect(operations.map((operation) => [operation.type, 'pairs' in operation && operation.pairs[0]])).to.deep.equal(
        [
          ['index', 'former'],
          ['unindex', 'former'],
          ['index', '__name__'],
        ],
      );
    });
  });

  it('writes the index queue whenever it is full', async () => {
    const { write, run, indexer, operations, table } = world(3);
    const end = await write(Array.from({ length: 10 }, (_, series) => created(series)));
    await run(end);
    expect([table.live, operations.length]).to.deep.equal([10, 10]);
    expect(indexer.queued).to.be.lessThan(3);
  });
});
