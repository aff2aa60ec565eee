/**
 * Makes rows and series files agree after a replay, for the files that the tail says were about to change, and for no
 * others. What is in the file counts: samples that are there leave memory; what is torn or was never synced is cut off
 * the file and is still in memory, because the checkpoint keeps chunks until their file is durable.
 */

import { SampleColumns } from '../chunk/chunk.ts';
import { decodeChunk, lastTimeOf } from '../chunk/decode.ts';
import type { Slab } from '../chunk/slab.ts';
import type { SeriesFiles } from '../disk/series-file.ts';
import { EARLIEST } from '../model/int64.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import type { Row, SeriesTable } from '../series/table.ts';

export interface ReconcileParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  /** In place: recovery runs before anything else does. */
  readonly files: SeriesFiles;
}

export interface Reconciled {
  /** Chunks that are in the file. */
  readonly chunksInFile: number;
  /** Chunks that were cut off the end of the file because they were not written whole. */
  readonly cut: number;
  /** Chunks that should be in the file and are not, nor anywhere else. */
  readonly missing: number;
}

/** Brings one row in line with its file. Throws what reading the file throws; damage has a TIDEMARK_CORRUPT_ code. */
export const reconcile = (parts: ReconcileParts, row: Row): Reconciled => {
  const { table, chunks, files } = parts;
  const high = table.high[row];
  const low = table.low[row];
  const expected = table.chunksInFile[row];
  const stat = files.stat(high, low);
  if (stat === undefined) {
    table.chunksInFile[row] = 0;
    table.firstTime[row] = EARLIEST;
    table.mtimeNs[row] = -1n;
    return { chunksInFile: 0, cut: 0, missing: Math.max(0, expected) };
  }
  const whole = stat.trailingBytes > 0 ? files.truncateTo(high, low, stat.chunks) : stat;
  const sound = soundChunks(parts, high, low, Math.max(0, Math.min(expected, stat.chunks)));
  const cut = stat.chunks - sound.count;
  const settled = cut > 0 ? files.truncateTo(high, low, sound.count) : whole;
  table.chunksInFile[row] = sound.count;
  table.mtimeNs[row] = settled.mtimeNs;
  table.firstTime[row] = sound.firstTime;
  table.lastChunkFirstTime[row] = sound.lastChunkFirstTime;
  table.lastChunkLastTime[row] = sound.lastTime;
  if (sound.count > 0) {
    chunks.dropThrough(row, sound.lastTime);
    if (table.lastTime(row) < sound.lastTime) table.adoptLastTime(row, sound.lastTime);
  }
  return { chunksInFile: sound.count, cut, missing: 0 };
};

interface Sound {
  readonly count: number;
  readonly firstTime: number;
  readonly lastChunkFirstTime: number;
  readonly lastTime: number;
}

/**
 * How many chunks from the beginning are whole. The first `known` were durable before the checkpoint, so that their
 * headers do; a loss of power may have left anything in those written since, so their bodies are decoded.
 */
const soundChunks = (parts: ReconcileParts, high: number, low: number, known: number): Sound => {
  const { files, slab } = parts;
  const { firstTimes, lastTimes, encodings } = files.loadDescriptors(high, low);
  const columns = new SampleColumns(1024);
  let sound = Math.min(known, encodings.length);
  for (; sound < encodings.length; sound++) {
    if (encodings[sound] > 2 || firstTimes[sound] > lastTimes[sound]) break;
    if (sound > 0 && firstTimes[sound] <= lastTimes[sound - 1]) break;
    const slot = slab.allocate(encodings[sound]);
    try {
      files.load(high, low, sound, [slot]);
      columns.count = 0;
      decodeChunk(slab.blockOf(slot), slab.offsetOf(slot), encodings[sound], columns);
      const last = lastTimeOf(slab.blockOf(slot), slab.offsetOf(slot), encodings[sound]);
      if (columns.count === 0 || columns.timestamps[0] !== firstTimes[sound] || last !== lastTimes[sound]) break;
    } catch {
      break;
    } finally {
      slab.release(slot);
    }
  }
  if (sound === 0) return { count: 0, firstTime: EARLIEST, lastChunkFirstTime: EARLIEST, lastTime: EARLIEST };
  return {
    count: sound,
    firstTime: firstTimes[0],
    lastChunkFirstTime: firstTimes[sound - 1],
    lastTime: lastTimes[sound - 1],
  };
};
