/**
 * Examines series files during crash recovery, many at a time through the series-file worker: how many chunks a file
 * has, and their times. It also repairs what a crash left: a torn end is cut off, or completed if nothing of the chunk
 * is missing; damaged chunks go to quarantine and the sound ones stay (salvage.ts).
 *
 * The chunk headers of every file are read. The chunks themselves are read only if the checkpoint does not know them
 * yet, because a loss of power may have left anything there. With `pedantic`, all chunks of all files are read.
 */
import type { Slab, Slot } from '../chunk/slab.ts';
import type { SeriesFiles } from '../disk/series-files/series-file.ts';
import type { ChunkDescriptors } from '../disk/series-files/series-file-reader.ts';
import { answerOf } from '../disk/series-files/series-file-requests.ts';
import type { SeriesFileWorker } from '../disk/series-files/series-file-worker.ts';
import { descriptorProblem } from '../disk/series-files/series-record.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { RecoveryFindings } from './recovery-findings.ts';
import { completeTail, describeProblems, examineRecords, salvage } from './salvage.ts';
import type { FileIndex, SeriesScan } from './series-scan.ts';
import { overlaps } from './settle-order.ts';

/** Most chunks whose bodies are read with one batch: a few MiB of the slab. */
const BODIES_PER_BATCH = 4096;

export interface ExaminerParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly slab: Slab;
  readonly files: SeriesFileWorker;
  readonly seriesFiles: SeriesFiles;
  readonly findings: RecoveryFindings;
  readonly pedantic: boolean;
}

export interface FileToExamine {
  readonly file: FileIndex;
  readonly pairs: LabelPairs | undefined;
  /** Number of chunks at the file's beginning that are known to be whole. */
  readonly known: number;
  /** The file may never have had a chunk. If it is empty, a process created it and crashed before it wrote a chunk. */
  readonly mayBeEmpty?: boolean;
}

/** What a series file holds. */
export interface ExaminedFile {
  readonly chunks: number;
  readonly firstTime: number;
  /** First and last time of the newest chunk. */
  readonly lastChunkFirstTime: number;
  readonly lastTime: number;
  readonly mtimeNs: bigint;
  /** A chunk begins before the end of the chunk before it: the original accepted older samples after a recovery. */
  readonly overlaps: boolean;
}

export class FileExaminer {
  private readonly parts: ExaminerParts;
  private readonly scan: SeriesScan;

  constructor(parts: ExaminerParts, scan: SeriesScan) {
    this.parts = parts;
    this.scan = scan;
  }

  /** One result per file; `undefined` when no chunk could be kept, and the file is gone. */
  async examine(requests: readonly FileToExamine[]): Promise<(ExaminedFile | undefined)[]> {
    const { files } = this.parts;
    const { highs, lows } = this.scan;
    const present = requests.map((request) => this.settleEnd(request));
    const outcomes = await files.run(
      requests.map(
        ({ file }) => ({ kind: 'descriptors', high: highs[file], low: lows[file], skipFromEnd: 0 }) as const,
      ),
    );
    const descriptors = outcomes.map((outcome) => answerOf(outcome));
    const areBodiesSound = await this.readBodies(requests, descriptors);
    return requests.map((request, i) => {
      if (!present[i]) return undefined;
      const isSound = !this.parts.pedantic && areBodiesSound[i] && isInOrder(descriptors[i]);
      return this.resultOf(request, isSound ? descriptors[i] : this.repair(request, descriptors[i]));
    });
  }

  /**
   * Cuts off or completes a torn last record. False when the file has no whole chunk: then it was quarantined, or
   * removed if it was empty and may never have had a chunk.
   */
  private settleEnd({ file, pairs, mayBeEmpty = false }: FileToExamine): boolean {
    const { scan, parts } = this;
    const { findings, seriesFiles } = parts;
    const high = scan.highs[file];
    const low = scan.lows[file];
    const trailing = scan.trailingBytesOf(file);
    let chunks = scan.chunksOf(file);
    if (trailing > 0 && completeTail(parts, high, low, chunks, trailing)) {
      chunks++;
      findings.noteSeries(
        'completed',
        high,
        low,
        pairs,
        'The last chunk of a series file was completed; nothing is lost.',
      );
    } else if (trailing > 0 && chunks > 0) {
      seriesFiles.truncateTo(high, low, chunks);
      findings.noteSeries('trimmed', high, low, pairs, `${trailing} bytes after the last whole chunk were cut off.`);
    }
    if (chunks > 0) return true;
    if (trailing === 0 && mayBeEmpty) {
      seriesFiles.remove(high, low);
      findings.noteSeries(
        'junkDeleted',
        high,
        low,
        pairs,
        'An empty series file was removed: nothing was written to it.',
      );
      return false;
    }
    const moved = seriesFiles.quarantine(high, low, 'the file holds no whole chunk', pairs);
    findings.noteSeries('quarantined', high, low, pairs, `A series file without a whole chunk was moved to ${moved}.`);
    return false;
  }

  /** Whether the chunks that the checkpoint does not know are whole. */
  private async readBodies(
    requests: readonly FileToExamine[],
    descriptors: readonly ChunkDescriptors[],
  ): Promise<boolean[]> {
    const { slab, files } = this.parts;
    const { highs, lows } = this.scan;
    const isSound = requests.map(() => true);
    let loads: { readonly index: number; readonly firstIndex: number; readonly slots: Slot[] }[] = [];
    let count = 0;
    const flush = async (): Promise<void> => {
      const outcomes = await files.run(
        loads.map(({ index, firstIndex, slots }) => {
          const { file } = requests[index];
          return { kind: 'load', high: highs[file], low: lows[file], firstIndex, slots } as const;
        }),
      );
      for (const [i, { index, slots }] of loads.entries()) {
        if (!outcomes[i].ok) isSound[index] = false;
        for (const slot of slots) slab.release(slot);
      }
      loads = [];
      count = 0;
    };
    for (const [index, { known }] of requests.entries()) {
      const end = descriptors[index].encodings.length;
      for (let firstIndex = known; firstIndex < end; firstIndex += BODIES_PER_BATCH) {
        const length = Math.min(BODIES_PER_BATCH, end - firstIndex);
        loads.push({ index, firstIndex, slots: Array.from({ length }, () => slab.allocate(0)) });
        count += length;
        if (count >= BODIES_PER_BATCH) await flush();
      }
    }
    if (loads.length > 0) await flush();
    return isSound;
  }

  /** Reads the file chunk by chunk and keeps what is sound. */
  private repair({ file, pairs }: FileToExamine, before: ChunkDescriptors): ChunkDescriptors {
    const { parts, scan } = this;
    const { findings, seriesFiles } = parts;
    const high = scan.highs[file];
    const low = scan.lows[file];
    const verdict = examineRecords(parts, high, low);
    const { problems, records } = verdict;
    if (problems.length === 0) return before;
    if (problems.length === records) {
      const moved = seriesFiles.quarantine(high, low, describeProblems(problems, records), pairs);
      findings.noteSeries(
        'quarantined',
        high,
        low,
        pairs,
        `A series file without a sound chunk was moved to ${moved}.`,
      );
      return noChunks;
    }
    salvage(parts, high, low, pairs, verdict);
    return seriesFiles.loadDescriptors(high, low);
  }

  private resultOf({ file }: FileToExamine, descriptors: ChunkDescriptors): ExaminedFile | undefined {
    const { scan } = this;
    const { firstTimes, lastTimes } = descriptors;
    const chunks = firstTimes.length;
    if (chunks === 0) return undefined;
    const isAsScanned = scan.trailingBytesOf(file) === 0 && chunks === scan.chunksOf(file);
    const mtimeNs = isAsScanned
      ? scan.mtimesNs[file]
      : (this.parts.seriesFiles.stat(scan.highs[file], scan.lows[file])?.mtimeNs ?? -1n);
    return {
      chunks,
      firstTime: firstTimes[0],
      lastChunkFirstTime: firstTimes[chunks - 1],
      lastTime: lastTimes[chunks - 1],
      mtimeNs,
      overlaps: overlaps(descriptors),
    };
  }
}

const noChunks: ChunkDescriptors = {
  firstTimes: new Float64Array(0),
  lastTimes: new Float64Array(0),
  encodings: new Uint8Array(0),
};

/**
 * Whether each header is plausible, and the headers are in order. If not, the whole file is read: headers may be
 * damaged, or the original has accepted older samples after a recovery.
 */
export const isInOrder = ({ firstTimes, lastTimes, encodings }: ChunkDescriptors): boolean => {
  for (let i = 0; i < encodings.length; i++) {
    if (descriptorProblem(encodings[i], firstTimes[i], lastTimes[i]) !== undefined) return false;
    if (i > 0 && (firstTimes[i] < firstTimes[i - 1] || lastTimes[i] < lastTimes[i - 1])) return false;
  }
  return true;
};
