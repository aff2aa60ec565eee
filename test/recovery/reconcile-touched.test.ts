/**
 * What a file that is missing after a crash means: that retention removed it, if the journal says so, and damage else. And
 * that what is there is on the disk once a checkpoint has synced it, whatever became of earlier syncs.
 */

import { expect } from 'chai';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { VARBIT } from '../../src/chunk/chunk.ts';
import { Slab } from '../../src/chunk/slab.ts';
import { SeriesFiles } from '../../src/disk/series-files/series-file.ts';
import { RECORD_BYTES } from '../../src/disk/series-files/series-record.ts';
import { ArchiveDirectory } from '../../src/indexes/archive-directory.ts';
import type { IndexingOperation } from '../../src/indexes/indexer.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import { silentLogger } from '../../src/ports/logger.ts';
import { reconcileTouched, type TouchedParts, type TouchedResult } from '../../src/recovery/reconcile-touched.ts';
import { RecoveryFindings } from '../../src/recovery/recovery-findings.ts';
import { ErasedRanges } from '../../src/series/erased-ranges.ts';
import { LateSamples } from '../../src/series/late-samples.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { FILE_UNSYNCED, SeriesTable } from '../../src/series/table.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

const HIGH = 1;
const [IN_MEMORY, ARCHIVED] = [7, 8];
const pairs = ['id', '8'];

/** An empty store, and what recovery does to it. */
const world = () => {
  const slab = new Slab();
  const table = new SeriesTable();
  const appender = new ChunkAppender(slab, { defaultEncoding: VARBIT });
  const chunks = new MemoryChunks(table, slab, appender);
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectory('/store');
  const files = new SeriesFiles(fileSystem, '/store', slab);
  const archived = new ArchiveDirectory();
  const operations: IndexingOperation[] = [];
  const events: LifecycleEvent[] = [];
  const warnings: object[] = [];
  const recoverFiles = (named: readonly number[], what: Partial<TouchedParts>): Promise<TouchedResult> =>
    reconcileTouched(
      {
        fileSystem,
        directory: '/store',
        slab,
        table,
        chunks,
        late: new LateSamples(),
        erased: new ErasedRanges(),
        files,
        emptied: new Set(),
        rewritten: new Set(),
        writtenAgain: 'new',
        tailIsDamaged: false,
        archived,
        archive: { labelsOf: () => pairs },
        indexer: {
          enqueue: (operation) => operations.push(operation),
          pendingArchived: () => undefined,
          queued: 0,
          capacity: 1,
          flush: async () => {},
        },
        clock: new ManualClock(9000),
        findings: new RecoveryFindings({ ...silentLogger, warn: (facts) => warnings.push(facts) }),
        publish: (event) => events.push(event),
        onProgress: () => {},
        ...what,
      },
      new Set(named.map((low) => fingerprintText(HIGH, low))),
      new Set(),
    );
  return { slab, table, appender, chunks, fileSystem, files, archived, operations, events, warnings, recoverFiles };
};

/** A series in memory with a file of three chunks, and an archived one; neither file is there. */
const recover = async (emptied: readonly string[]) => {
  const { table, chunks, archived, operations, events, recoverFiles } = world();
  const row = table.add(HIGH, IN_MEMORY, ['id', '7']);
  chunks.append(row, 5000, 0, 0);
  table.chunksInFile[row] = 3;
  archived.add(HIGH, ARCHIVED, 1000, 2000);
  const { damaged } = await recoverFiles([IN_MEMORY, ARCHIVED], { emptied: new Set(emptied) });
  return { damaged, events, operations, row, table, isArchived: archived.has(HIGH, ARCHIVED) };
};

describe('A series file without a whole chunk after a crash', () => {
  /** The checkpoint knew of three chunks; of the file a part of the first is left. */
  const torn = async (emptied: ReadonlySet<string>): Promise<readonly string[]> => {
    const { table, fileSystem, recoverFiles } = world();
    const row = table.add(HIGH, IN_MEMORY, pairs);
    table.chunksInFile[row] = 3;
    const fingerprint = fingerprintText(HIGH, IN_MEMORY);
    fileSystem.makeDirectory(`/store/${fingerprint.slice(0, 2)}`);
    fileSystem.put(`/store/${fingerprint.slice(0, 2)}/${fingerprint.slice(2)}.db`, Buffer.alloc(RECORD_BYTES - 1));
    const { damaged } = await recoverFiles([IN_MEMORY], { emptied: emptied as TouchedParts['emptied'] });
    return damaged.map(({ reason }) => reason);
  };

  it('is damaged when the checkpoint knew of chunks in it', async () => {
    expect(await torn(new Set())).to.deep.equal(['3 chunks of the series file are missing']);
  });

  it('is not when retention had removed the chunks', async () => {
    expect(await torn(new Set([fingerprintText(HIGH, IN_MEMORY)]))).to.deep.equal([]);
  });
});

describe('A blank chunk in a file whose series has nothing in memory', () => {
  /**
   * A file with a chunk for each time, of which the second is zeros; samples of a range were dropped. Resolves to what the
   * log tells of damage.
   */
  const afterDrop = async (
    from: number,
    through: number,
    times: readonly number[] = [1000, 2000],
  ): Promise<readonly object[]> => {
    const { table, appender, fileSystem, files, warnings, recoverFiles } = world();
    const row = table.add(HIGH, IN_MEMORY, pairs);
    const slots = times.map((time) => appender.start(time, 0, 0));
    files.persist(HIGH, IN_MEMORY, slots, new Uint8Array(times.length).fill(VARBIT), true);
    const fingerprint = fingerprintText(HIGH, IN_MEMORY);
    const path = `/store/${fingerprint.slice(0, 2)}/${fingerprint.slice(2)}.db`;
    const content = Buffer.from(fileSystem.content(path));
    fileSystem.put(path, content.fill(0, RECORD_BYTES, 2 * RECORD_BYTES));
    const erased = new ErasedRanges();
    erased.add(row, { from, through }, 100);
    const { damaged } = await recoverFiles([IN_MEMORY], { erased, rewritten: new Set([fingerprint]) });
    expect(damaged).to.deep.equal([]);
    const kept = warnings.length === 0 ? 1 : times.length - 1;
    expect(table.chunksInFile[row], 'chunks that are kept').to.equal(kept);
    return warnings;
  };

  const salvaged = { finding: 'salvaged', fingerprint: fingerprintText(HIGH, IN_MEMORY), labels: { id: '8' } };

  it('is no damage where a drop explains that memory does not have its samples', async () => {
    expect(await afterDrop(1500, 2000)).to.deep.equal([]);
  });

  it('is no damage where the drop explains the chunks after it, too', async () => {
    expect(await afterDrop(1500, 4000, [1000, 2000, 3000, 4000])).to.deep.equal([]);
  });

  it('is damage where the drop was of earlier samples: the other chunks are kept', async () => {
    expect(await afterDrop(0, 500)).to.deep.equal([salvaged]);
  });

  it('is damage where the drop was of later samples', async () => {
    expect(await afterDrop(3000, 4000, [1000, 2000, 3000, 4000])).to.deep.equal([salvaged]);
  });

  it('is damage where a chunk after it has samples that were not dropped', async () => {
    expect(await afterDrop(1500, 3500, [1000, 2000, 3000, 4000])).to.deep.equal([salvaged]);
  });
});

describe('A damaged chunk that is only in the file', () => {
  it('is left out, and what memory has stays there', async () => {
    const { table, appender, chunks, fileSystem, files, warnings, recoverFiles } = world();
    const row = table.add(HIGH, IN_MEMORY, pairs);
    const slots = [1000, 2000, 3000, 4000].map((time) => appender.start(time, 0, 0));
    files.persist(HIGH, IN_MEMORY, slots, new Uint8Array(4).fill(VARBIT), true);
    table.chunksInFile[row] = 2;
    table.firstTime[row] = 1000;
    for (const time of [3000, 4000, 5000]) chunks.append(row, time, 0, 0);
    const path = fileSystem.paths().find((name) => name.endsWith('.db')) ?? '';
    const content = Buffer.from(fileSystem.content(path));
    // The first time in the header of the first chunk.
    content.writeBigInt64LE(9000n, 1);
    fileSystem.put(path, content);
    const { damaged } = await recoverFiles([IN_MEMORY], {});
    expect(damaged).to.deep.equal([]);
    expect(warnings).to.deep.equal([
      { finding: 'salvaged', fingerprint: fingerprintText(HIGH, IN_MEMORY), labels: { id: '8' } },
    ]);
    expect([...files.loadDescriptors(HIGH, IN_MEMORY).firstTimes]).to.deep.equal([2000]);
    expect(table.chunksInFile[row]).to.equal(1);
    expect(chunks.firstTimeOf(table.oldestSlot(row))).to.equal(3000);
    expect(fileSystem.paths().filter((name) => name.includes('orphaned'))).to.have.length(2);
  });
});

describe('A series file that has fewer chunks than the checkpoint counts', () => {
  /** A file with chunks of two times; the checkpoint counts three. */
  const shortened = async (what: Partial<TouchedParts> = {}, firstTime = 1000): Promise<readonly object[]> => {
    const { table, appender, files, warnings, recoverFiles } = world();
    const row = table.add(HIGH, IN_MEMORY, pairs);
    const slots = [1000, 2000].map((time) => appender.start(time, 0, 0));
    files.persist(HIGH, IN_MEMORY, slots, new Uint8Array(2).fill(VARBIT), true);
    table.chunksInFile[row] = 3;
    table.firstTime[row] = firstTime;
    const { damaged } = await recoverFiles([IN_MEMORY], what);
    expect(damaged).to.deep.equal([]);
    expect(table.chunksInFile[row]).to.equal(2);
    return warnings;
  };

  it('keeps them, and the log tells what is missing', async () => {
    const fingerprint = fingerprintText(HIGH, IN_MEMORY);
    expect(await shortened()).to.deep.equal([{ finding: 'hole', fingerprint, labels: { id: '8' } }]);
  });

  it('has lost nothing if it was rewritten, or if its oldest chunks were dropped', async () => {
    expect(await shortened({ rewritten: new Set([fingerprintText(HIGH, IN_MEMORY)]) })).to.deep.equal([]);
    expect(await shortened({}, 500)).to.deep.equal([]);
  });
});

describe('A series file that is missing after a crash', () => {
  it('is no damage where the journal says that it was to be removed; an archived series ends with it', async () => {
    const both = [IN_MEMORY, ARCHIVED].map((low) => fingerprintText(HIGH, low));
    const { damaged, events, operations, row, table, isArchived } = await recover(both);
    expect(damaged).to.deep.equal([]);
    expect(table.chunksInFile[row]).to.equal(0);
    expect(isArchived).to.equal(false);
    const fingerprint = fingerprintText(HIGH, ARCHIVED);
    expect(events).to.deep.equal([
      { type: 'seriesPurged', time: 9000, fingerprint, labels: { id: '8' }, reason: 'retention' },
    ]);
    expect(operations.map(({ type }) => type)).to.deep.equal(['purgeArchived', 'unindex']);
  });

  it('is damage otherwise, however old it was', async () => {
    const { damaged, events, isArchived } = await recover([]);
    expect(damaged.map(({ low, reason }) => [low, reason])).to.deep.equal([
      [IN_MEMORY, '3 chunks of the series file are missing'],
      [ARCHIVED, 'the file of an archived series is missing'],
    ]);
    expect(events).to.deep.equal([]);
    expect(isArchived).to.equal(true);
  });
});

describe('A series file that went to quarantine before a crash', () => {
  it('is gone for good after recovery, also when the move was not on the disk', async () => {
    const { slab, appender, fileSystem, files, recoverFiles } = world();
    files.persist(HIGH, IN_MEMORY, [appender.start(1000, 0, 0)], new Uint8Array([VARBIT]), true);
    fileSystem.onCall = (operation) => {
      if (operation === 'syncDirectory') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    new SeriesFiles(fileSystem, '/store', slab).quarantine(HIGH, IN_MEMORY, 'damaged', undefined);
    fileSystem.onCall = () => {};
    const next = new SeriesFiles(fileSystem, '/store', slab);
    await recoverFiles([IN_MEMORY], { files: next });
    const folder = '/store/orphaned/00';
    expect(fileSystem.afterPowerLoss().paths()).to.deep.equal([
      `${folder}/00000100000007.db`,
      `${folder}/00000100000007.hint`,
    ]);
  });
});

/** A file of four chunks, the last two of them written since the checkpoint, and their sync failed in a process that died. */
const recoverUnsynced = async (writtenAgain: TouchedParts['writtenAgain']) => {
  const { slab, table, appender, chunks, fileSystem, files, recoverFiles } = world();
  const dead = new SeriesFiles(fileSystem, '/store', slab);
  const persist = (from: number, sync: boolean): unknown => {
    const slots = [from, from + 1].map((index) => appender.start(1000 * index, 0, 0));
    return dead.persist(HIGH, IN_MEMORY, slots, new Uint8Array(2).fill(VARBIT), sync);
  };
  persist(0, true);
  persist(2, false);
  fileSystem.fail('sync', 'EIO');
  expect(() => dead.sync(HIGH, IN_MEMORY)).to.throw(/EIO/);

  const row = table.add(HIGH, IN_MEMORY, ['id', '7']);
  table.chunksInFile[row] = 2;
  for (const time of [2000, 3000, 4000]) chunks.append(row, time, 0, 0);
  const writtenFrom: (number | null)[] = [];
  const write = fileSystem.write.bind(fileSystem);
  fileSystem.write = (...call) => {
    writtenFrom.push(call[4]);
    return write(...call);
  };
  await recoverFiles([IN_MEMORY], { writtenAgain });
  files.sync(HIGH, IN_MEMORY);
  const left = new SeriesFiles(fileSystem.afterPowerLoss(), '/store', slab).stat(HIGH, IN_MEMORY);
  const isUnsynced = (table.flags(row) & FILE_UNSYNCED) !== 0;
  return { inMemory: chunks.allSlots(row).length, isUnsynced, chunksLeft: left?.chunks, writtenFrom };
};

describe('A series file whose sync failed in the process that died', () => {
  it('has what memory lets go of written once more, where it is, for the next sync to count', async () => {
    expect(await recoverUnsynced('new')).to.deep.equal({
      inMemory: 1,
      isUnsynced: true,
      chunksLeft: 4,
      writtenFrom: [2 * RECORD_BYTES],
    });
  });

  it('is written as a whole where memory may lack what is new in it', async () => {
    expect(await recoverUnsynced('all'))
      .to.include({ chunksLeft: 4 })
      .and.to.deep.include({ writtenFrom: [0] });
  });

  it('is left alone by a store that is only read', async () => {
    expect(await recoverUnsynced('none'))
      .to.include({ chunksLeft: 2 })
      .and.to.deep.include({ writtenFrom: [] });
  });
});
