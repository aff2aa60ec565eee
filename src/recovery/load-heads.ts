/** Loads the checkpoint into the series table, and compares it with what the last clean close recorded of it. */
import { join } from 'node:path';
import { Slices } from '../async/slices.ts';
import type { Slab } from '../chunk/slab.ts';
import { corruptHeads, HEADS_FILE, HEADS_VERSION, type HeadsRead, type HeadsRecord } from '../disk/heads/heads.ts';
import { readHeads } from '../disk/heads/heads-reader.ts';
import type { HeadsWritten } from '../disk/heads/heads-writer.ts';
import type { LastClose, Predecessor } from '../disk/last-close.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { TextTable } from '../model/text-table.ts';
import type { Clock } from '../ports/clock.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { NO_ROW, type SeriesTable } from '../series/table.ts';
import type { ProgressReporter } from './progress.ts';
import type { Problem } from './reconcile-touched.ts';
import { adoptRecord, isEmptyRecord } from './snapshot.ts';

export interface LoadHeadsParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly slab: Slab;
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly texts: TextTable;
  readonly clock: Clock;
  readonly progress: Pick<ProgressReporter, 'report'>;
}

export interface LoadedHeads {
  readonly heads: HeadsRead;
  /** Set when the table is exactly what a clean close wrote. */
  readonly exactHeads: HeadsWritten | undefined;
  /** Series that the checkpoint does not describe soundly. */
  readonly problems: readonly Problem[];
}

export const loadHeads = async (parts: LoadHeadsParts): Promise<LoadedHeads> => {
  const { fileSystem, directory, slab, table, chunks, clock, texts, progress } = parts;
  const problems: Problem[] = [];
  let chunkCount = 0;
  let isExact = true;
  const take = (record: HeadsRecord): void => {
    const { high, low } = record;
    if (table.findFingerprint(high, low) !== NO_ROW) {
      for (const slot of record.slots) slab.release(slot);
      problems.push({ high, low, reason: 'the checkpoint names the series twice' });
      return;
    }
    if (isEmptyRecord(record)) {
      // All chunks of this series are in its file. Recovery, or `lookUpUnknownFiles`, finds out how many.
      const row = table.add(high, low, record.pairs);
      table.chunksInFile[row] = -1;
      isExact = false;
      return;
    }
    chunkCount += record.slots.length;
    if (!adoptRecord(table, chunks, record).isSound) isExact = false;
  };
  // What opening has done so far was one turn of the event loop.
  await clock.breathe();
  const slices = new Slices(clock);
  const heads = await readHeads(fileSystem, directory, slab, take, {
    texts,
    breathe: () => (slices.isOver ? slices.breathe() : undefined),
    onSeriesExpected: (count) => table.reserve(count),
    onProgress: (done, total) => progress.report('checkpoint', done, total, done),
  });
  isExact &&= heads.status === 'ok' && heads.version === HEADS_VERSION && heads.trailer === undefined;
  const { seriesCount: series, bytes, crc32 } = heads;
  const sums = { series, chunks: chunkCount, bytes, crc32, recordsBytes: bytes, recordsCrc32: crc32 };
  return { heads, exactHeads: isExact && problems.length === 0 ? sums : undefined, problems };
};

/**
 * Compares heads.db with the size and checksum that the last clean close recorded. The original's format has no
 * checksum, so a changed byte in a chunk would otherwise be read as different samples.
 */
export const comparedWithClose = (
  directory: string,
  { predecessor, lastClose }: { readonly predecessor: Predecessor; readonly lastClose: LastClose | undefined },
  heads: HeadsRead,
): HeadsRead => {
  if (lastClose === undefined || predecessor !== 'tidemark' || heads.status !== 'ok') return heads;
  const { bytes, crc32 } = lastClose.heads;
  if (heads.bytes === bytes && heads.crc32 === crc32) return heads;
  const problem = `the file is not as it was closed: ${bytes} bytes then, ${heads.bytes} now, or another checksum`;
  const damage = corruptHeads(join(directory, HEADS_FILE), 0, problem);
  return { ...heads, status: 'damaged', damage, problems: [damage], problemCount: 1 };
};
