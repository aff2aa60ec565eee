/** What a file that is missing after a crash means: that retention removed it, if the journal says so, and damage else. */
import { expect } from 'chai';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { VARBIT } from '../../src/chunk/chunk.ts';
import { Slab } from '../../src/chunk/slab.ts';
import { SeriesFiles } from '../../src/disk/series-file.ts';
import { ArchiveDirectory } from '../../src/index/archive-directory.ts';
import type { IndexingOperation } from '../../src/index/indexer.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import { reconcileTouched } from '../../src/recovery/reconcile-touched.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { SeriesTable } from '../../src/series/table.ts';
import { SteppedClock } from '../store/month/stepped-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

const HIGH = 1;
const [IN_MEMORY, ARCHIVED] = [7, 8];
const pairs = ['id', '8'];

/** A series in memory with a file of three chunks, and an archived one; neither file is there. */
const recover = async (emptied: readonly string[]) => {
  const slab = new Slab();
  const table = new SeriesTable();
  const chunks = new MemoryChunks(table, slab, new ChunkAppender(slab, { defaultEncoding: VARBIT }));
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectory('/store');
  const archived = new ArchiveDirectory();
  const operations: IndexingOperation[] = [];
  const events: LifecycleEvent[] = [];
  const row = table.add(HIGH, IN_MEMORY, ['id', '7']);
  chunks.append(row, 5000, 0, 0);
  table.chunksInFile[row] = 3;
  archived.add(HIGH, ARCHIVED, 1000, 2000);
  const named = new Set([IN_MEMORY, ARCHIVED].map((low) => fingerprintText(HIGH, low)));
  const { damaged } = await reconcileTouched(
    {
      slab,
      table,
      chunks,
      files: new SeriesFiles(fileSystem, '/store', slab),
      emptied: new Set(emptied),
      hadTrouble: false,
      tailIsDamaged: false,
      archived,
      archive: { labelsOf: () => pairs },
      indexer: { enqueue: (operation) => operations.push(operation) > 0, pendingArchived: () => undefined },
      clock: new SteppedClock(9000),
      publish: (event) => events.push(event),
      onProgress: () => {},
    },
    named,
    new Set(),
  );
  return { damaged, events, operations, row, table, isArchived: archived.has(HIGH, ARCHIVED) };
};

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
