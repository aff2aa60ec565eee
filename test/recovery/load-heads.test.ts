import { expect } from 'chai';
import { VARBIT } from '../../src/chunk/chunk.ts';
import type { FileSystem } from '../../src/files/file-system.ts';
import { TextTable } from '../../src/model/text-table.ts';
import { loadHeads } from '../../src/recovery/load-heads.ts';
import { createSeriesMemory } from '../../src/series/series-memory.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

/** How many blocks the file thread is given to prepare for a heads.db that was this large, and is gone when it is read. */
const blocksWarmed = async (bytes: number): Promise<number> => {
  const empty = new MemoryFileSystem();
  const fileSystem: FileSystem = Object.assign(Object.create(empty), { stat: () => ({ size: bytes, mtimeNs: 0n }) });
  let blocks = 0;
  await loadHeads({
    ...createSeriesMemory(VARBIT),
    fileSystem,
    directory: '/store',
    files: { warm: (buffers) => (blocks += buffers.length) },
    texts: new TextTable(4),
    clock: new ManualClock(),
    progress: { report: () => {} },
  });
  return blocks;
};

describe('loading a checkpoint', () => {
  it('starts the file thread only for one that takes longer to read than the thread takes to start', async () => {
    expect(await blocksWarmed(0)).to.equal(0);
    expect(await blocksWarmed(64 * 1024 * 1024 - 1)).to.equal(0);
    expect(await blocksWarmed(64 * 1024 * 1024)).to.be.above(0);
  });
});
