/**
 * What a merge works on: the chunks of the series file and behind them those of memory, by their times. The plan cuts
 * them into pieces that can be merged one after the other. All samples of a piece are older than those of the next one.
 *
 * A piece is usually one chunk. Files that the original wrote may have chunks that overlap or are not in the order of
 * time; such chunks are one piece together. So memory is bounded by the largest overlap.
 *
 * Example: the chunks [0, 9], [10, 19], [15, 29], [30, 39] are the pieces {0}, {1, 2}, {3}. Of the samples to merge at
 * 4, 12, 29 and 35, the second piece gets those at 12 and 29.
 */
import { firstTimeOf, lastTimeOf } from '../../chunk/decode.ts';
import type { SlabView } from '../../chunk/slab.ts';
import type { FileDescriptor } from '../../files/file-system.ts';
import { firstAtOrAfter } from '../../model/search-times.ts';
import type { MergeRecords, TimeRange } from './merge-records.ts';
import type { SeriesFileAccess } from './series-file-access.ts';
import { eachHeader } from './series-file-reader.ts';
import { corruptSeriesFile, headerProblem, RECORD_BYTES, recordFirstTime, recordLastTime } from './series-record.ts';

/** How much of a chunk is erased, judged by its header. */
const PARTLY = 1;
const WHOLLY = 2;

/** Chunks `from` to before `end`, and the samples to merge `lateFrom` to before `lateEnd`. Either may be empty. */
export interface Piece {
  readonly from: number;
  readonly end: number;
  /** No chunk of the piece has a sample after this time. */
  readonly lastTime: number;
  readonly lateFrom: number;
  readonly lateEnd: number;
}

export class MergePlan {
  readonly chunksInFile: number;
  /** Chunks in the file and in memory. */
  readonly chunkCount: number;
  /** Erased ranges in the order of time, without overlap. */
  readonly erased: readonly TimeRange[];
  /** Bounds for the times of the samples that are not erased; for a chunk without any, first is after last. */
  private readonly firstTimes: Float64Array;
  private readonly lastTimes: Float64Array;
  private readonly erasedShare: Uint8Array;
  private readonly late: Float64Array;
  /** For each chunk, the earliest time of this chunk and those after it. */
  private readonly earliestFrom: Float64Array;

  constructor(
    access: SeriesFileAccess,
    file: { readonly path: string; readonly fd: FileDescriptor; readonly chunks: number } | undefined,
    request: MergeRecords,
  ) {
    this.chunksInFile = file?.chunks ?? 0;
    this.chunkCount = this.chunksInFile + request.slots.length;
    this.erased = joined(request.erased);
    this.late = request.timestamps;
    this.firstTimes = new Float64Array(this.chunkCount);
    this.lastTimes = new Float64Array(this.chunkCount);
    this.erasedShare = new Uint8Array(this.chunkCount);
    if (file !== undefined) this.readHeaders(access, file.path, file.fd);
    this.readSlots(access.slab, request);
    this.earliestFrom = new Float64Array(this.chunkCount + 1).fill(Infinity);
    for (let i = this.chunkCount - 1; i >= 0; i--) {
      this.earliestFrom[i] = Math.min(this.firstTimes[i], this.earliestFrom[i + 1]);
    }
  }

  /** The piece that begins at chunk `from`. It has the samples to merge that are older than the next piece. */
  pieceAt(from: number, lateFrom: number): Piece {
    const { chunkCount, earliestFrom, lastTimes } = this;
    let lastTime = -Infinity;
    let end = from;
    while (end < chunkCount && (end === from || earliestFrom[end] <= lastTime)) {
      lastTime = Math.max(lastTime, lastTimes[end]);
      end++;
    }
    return {
      from,
      end,
      lastTime,
      lateFrom,
      lateEnd: firstAtOrAfter(this.late, earliestFrom[end], lateFrom, this.late.length),
    };
  }

  /** Whether samples of the chunk may be erased. */
  isErased(chunk: number): boolean {
    return this.erasedShare[chunk] !== 0;
  }

  /** Whether all samples of the chunk are erased, if its header is right. */
  isWhollyErased(chunk: number): boolean {
    return this.erasedShare[chunk] === WHOLLY;
  }

  /** The times of the first and the last chunk. They are exact when nothing is erased. */
  bounds(): {
    readonly firstTime: number | undefined;
    readonly lastChunkFirstTime: number | undefined;
    readonly lastTime: number | undefined;
  } {
    const { firstTimes, lastTimes } = this;
    return { firstTime: firstTimes[0], lastChunkFirstTime: firstTimes.at(-1), lastTime: lastTimes.at(-1) };
  }

  private readHeaders(access: SeriesFileAccess, path: string, fd: FileDescriptor): void {
    eachHeader(access, path, fd, 0, this.chunksInFile, (index, bytes, offset) => {
      const problem = headerProblem(bytes, offset);
      if (problem !== undefined) throw corruptSeriesFile(path, index * RECORD_BYTES, problem);
      this.setBounds(index, recordFirstTime(bytes, offset), recordLastTime(bytes, offset));
      return true;
    });
  }

  private readSlots(slab: SlabView, { slots, encodings }: MergeRecords): void {
    for (let i = 0; i < slots.length; i++) {
      const block = slab.blockOf(slots[i]);
      const offset = slab.offsetOf(slots[i]);
      this.firstTimes[this.chunksInFile + i] = firstTimeOf(block, offset, encodings[i]);
      this.lastTimes[this.chunksInFile + i] = lastTimeOf(block, offset, encodings[i]);
    }
  }

  /** Sets the bounds of a chunk of the file, without the part at either end that is erased. */
  private setBounds(index: number, firstTime: number, lastTime: number): void {
    const { erased } = this;
    let first = firstTime;
    let last = lastTime;
    const low = rangeThrough(erased, firstTime);
    if (low < erased.length && erased[low].from <= lastTime) {
      const high = rangeThrough(erased, lastTime);
      if (erased[low].from <= firstTime) first = erased[low].through + 1;
      if (high < erased.length && erased[high].from <= lastTime) last = erased[high].from - 1;
      this.erasedShare[index] = first > last ? WHOLLY : PARTLY;
    }
    this.firstTimes[index] = first > last ? Infinity : first;
    this.lastTimes[index] = first > last ? -Infinity : last;
  }
}

/** The index of the first range that ends at or after the time. */
export const rangeThrough = (ranges: readonly TimeRange[], time: number): number => {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle].through < time) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The ranges sorted, those that touch each other as one. Times are whole milliseconds, so 0–4 and 5–9 touch. */
const joined = (ranges: readonly TimeRange[]): TimeRange[] => {
  const result: TimeRange[] = [];
  const sorted = ranges.filter(({ from, through }) => from <= through).sort((a, b) => a.from - b.from);
  for (const { from, through } of sorted) {
    const last = result.at(-1);
    if (last === undefined || from > last.through + 1) result.push({ from, through });
    else result[result.length - 1] = { from: last.from, through: Math.max(last.through, through) };
  }
  return result;
};
