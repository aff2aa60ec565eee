/**
 * Merges samples into a series file and takes time ranges out of it, in one step (docs/formats/series-files.md,
 * "Merging").
 *
 * 1. The headers of all chunks are read. They cut the file into pieces (merge-plan.ts).
 * 2. The pieces are compared with the samples and ranges until one is found that changes. If none does, the file stays
 *    as it is, and chunks of memory are appended.
 * 3. The chunks before the first change are copied to `….db.tmp`. From there on, pieces that change are decoded,
 *    merged and encoded again, the others are copied. The file is synced and renamed over the old one.
 *
 * Of samples with the same time, the one that was there first stays: in the file, then in the chunks of memory.
 *
 * Memory does not grow with the number of samples, and with the length of the file only by 29 bytes a chunk.
 */
import type { Encoding, SampleColumns } from '../../chunk/chunk.ts';
import { closeQuietly, openIfPresent } from '../../files/read-write.ts';
import { appendRecords } from './append-records.ts';
import type { MergeMemory } from './merge-memory.ts';
import { MergeOutput } from './merge-output.ts';
import { MergePlan, type Piece } from './merge-plan.ts';
import { MergeSource } from './merge-source.ts';
import type { SeriesFileAccess, Slots } from './series-file-access.ts';
import { wholeRecords } from './series-record.ts';

/** A chunk filled more than this is not encoded again only because newer samples follow it. */
const NEARLY_FULL = 0.875;

/** Times in milliseconds since the epoch, both ends included. */
export interface TimeRange {
  readonly from: number;
  readonly through: number;
}

export interface MergeRecords {
  readonly high: number;
  readonly low: number;
  /**
   * Samples to merge, in strictly ascending order of time. `words` holds two 32-bit words a value in the machine's
   * order (byte-order.ts).
   */
  readonly timestamps: Float64Array;
  readonly words: Int32Array;
  /** 1 for each sample to merge whose conflicts are counted apart. Absent: for none. */
  readonly marked?: Uint8Array | undefined;
  /** The samples of the file in these ranges are taken out. Samples to merge and samples of `slots` are not. */
  readonly erased: readonly TimeRange[];
  /**
   * Chunks to append, oldest first. They are newer than what stays in the file. The samples to merge may be among
   * theirs.
   */
  readonly slots: Slots;
  readonly encodings: Uint8Array;
  /** Encoding of chunks that are written again. */
  readonly encoding: Encoding;
}

export interface MergeResult {
  /** Samples that were not there. */
  readonly added: number;
  /** Samples that were there with the same bits. */
  readonly repeated: number;
  /** Samples whose time was there with other bits. The sample that was there stays. */
  readonly conflicting: number;
  /** Those of the conflicting samples that are marked. */
  readonly conflictingMarked: number;
  readonly erasedSamples: number;
  /**
   * Index of the first chunk that may not be as before, at most `chunksBefore`; `chunksInFile` when nothing changed, or
   * when only the file's last chunks were taken out.
   */
  readonly firstIndex: number;
  readonly chunksBefore: number;
  readonly chunksInFile: number;
  /** Times of the file as it is now; `undefined` when no chunk is left. */
  readonly firstTime: number | undefined;
  readonly lastChunkFirstTime: number | undefined;
  readonly lastTime: number | undefined;
  /** No sample is left. The file, if there is one, still exists unchanged and must be removed. */
  readonly allErased: boolean;
  /** -1 when there is no file. */
  readonly mtimeNs: bigint;
  /** Whether the change needs no later sync: false when the new file's name could not be synced. */
  readonly isSynced: boolean;
}

type Counts = Pick<MergeResult, 'added' | 'repeated' | 'conflicting' | 'conflictingMarked' | 'erasedSamples'>;
const NO_COUNTS: Counts = { added: 0, repeated: 0, conflicting: 0, conflictingMarked: 0, erasedSamples: 0 };

/** Where a merge goes on: the next chunk, and the next sample to merge. */
interface Place {
  readonly chunk: number;
  readonly late: number;
}

/** What was found before the first change. */
interface Unchanged {
  readonly counts: Counts;
  /** Where the first change is; `undefined` when there is none. */
  readonly change: Place | undefined;
}

interface Merge {
  readonly access: SeriesFileAccess;
  readonly memory: MergeMemory;
  readonly request: MergeRecords;
  readonly path: string;
  readonly plan: MergePlan;
}

export const mergeRecords = (access: SeriesFileAccess, memory: MergeMemory, request: MergeRecords): MergeResult => {
  const path = access.path(request.high, request.low);
  access.makePendingCut(path);
  const fd = openIfPresent(access.fileSystem, path);
  let merge: Merge;
  let found: Unchanged | 'allErased';
  let erasedSamples = 0;
  try {
    const chunks = fd === undefined ? 0 : wholeRecords(path, access.fileSystem.statOpen(fd).size);
    const plan = new MergePlan(access, fd === undefined ? undefined : { path, fd, chunks }, request);
    const source = new MergeSource(access, memory, plan, request, { path, fd });
    merge = { access, memory, request, path, plan };
    const remains = findRemaining(source);
    erasedSamples = remains.erasedSamples;
    found = remains.isAnyLeft ? findChange(source) : 'allErased';
  } finally {
    if (fd !== undefined) closeQuietly(access.fileSystem, fd);
  }
  if (found === 'allErased') return nothingLeft(merge, erasedSamples);
  if (found.change !== undefined) return rewrite(merge, found.counts, found.change);
  return appendOnly(merge, found.counts);
};

/** Whether any sample will be in the file. If not, how many samples are erased. */
const findRemaining = (source: MergeSource): { readonly isAnyLeft: boolean; readonly erasedSamples: number } => {
  const { plan, request } = source;
  const some = { isAnyLeft: true, erasedSamples: 0 };
  if (request.timestamps.length > 0 || request.slots.length > 0) return some;
  for (let chunk = 0; chunk < plan.chunkCount; chunk++) if (!plan.isErased(chunk)) return some;
  let erasedSamples = 0;
  for (let chunk = 0; chunk < plan.chunkCount; ) {
    const piece = plan.pieceAt(chunk, 0);
    if (source.read(piece).count > 0) return some;
    erasedSamples += source.erasedCount;
    chunk = piece.end;
  }
  return { isAnyLeft: false, erasedSamples };
};

/** Compares pieces until one changes. Writes nothing. */
const findChange = (source: MergeSource): Unchanged => {
  const { plan } = source;
  let counts = NO_COUNTS;
  let place: Place = { chunk: 0, late: 0 };
  while (!isAtEnd(source, place)) {
    const piece = plan.pieceAt(place.chunk, place.late);
    if (leavesNewer(source, piece)) {
      place = { chunk: piece.end, late: piece.lateFrom };
      continue;
    }
    if (isConcerned(plan, piece)) {
      const pieceCounts = compare(source, piece, source.read(piece));
      if (isChange(plan, piece, pieceCounts)) return { counts, change: place };
      counts = sumOf(counts, pieceCounts);
    }
    place = { chunk: piece.end, late: piece.lateEnd };
  }
  return { counts, change: undefined };
};

const rewrite = (merge: Merge, countsBefore: Counts, change: Place): MergeResult => {
  const { access, memory, request, path, plan } = merge;
  const { fileSystem, checksums } = access;
  const [output, counts, mtimeNs] = access.replaceFile(path, (target) => {
    const fd = plan.chunksInFile === 0 ? undefined : fileSystem.open(path, 'read');
    try {
      const source = new MergeSource(access, memory, plan, request, { path, fd });
      const written = new MergeOutput(access, memory, source, target);
      const counts = writeFrom(source, written, change);
      return [written, sumOf(countsBefore, counts), fileSystem.statOpen(target).mtimeNs] as const;
    } finally {
      if (fd !== undefined) closeQuietly(fileSystem, fd);
    }
  });
  const firstIndex = Math.min(change.chunk, plan.chunksInFile);
  const { high, low } = request;
  checksums.change(high, low, { kind: 'set', first: firstIndex, sums: output.sumsFrom(firstIndex) }, true);
  const { firstTime, lastChunkFirstTime, lastTime } = output;
  return {
    ...counts,
    firstIndex,
    chunksBefore: plan.chunksInFile,
    chunksInFile: output.chunks,
    firstTime,
    lastChunkFirstTime,
    lastTime,
    allErased: false,
    mtimeNs,
    isSynced: access.syncEntryIfPossible(path),
  };
};

/** Writes the whole new file; returns the counts from the first change on. */
const writeFrom = (source: MergeSource, output: MergeOutput, change: Place): Counts => {
  const { plan } = source;
  let counts = NO_COUNTS;
  let place = change;
  if (change.chunk > 0) output.copy(0, change.chunk);
  while (!isAtEnd(source, place)) {
    const piece = plan.pieceAt(place.chunk, place.late);
    if (leavesNewer(source, piece) && !output.wantsMore()) {
      output.copy(piece.from, piece.end);
      place = { chunk: piece.end, late: piece.lateFrom };
      continue;
    }
    counts = sumOf(counts, writePiece(source, output, piece));
    place = { chunk: piece.end, late: piece.lateEnd };
  }
  output.finish();
  return counts;
};

/** Copies the piece if nothing in it changes, otherwise encodes its samples. */
const writePiece = (source: MergeSource, output: MergeOutput, piece: Piece): Counts => {
  const { plan, request } = source;
  const isOneChunk = piece.end <= piece.from + 1;
  if (!isConcerned(plan, piece) && isOneChunk && !output.wantsMore()) {
    output.copy(piece.from, piece.end);
    return NO_COUNTS;
  }
  const columns = source.read(piece);
  const counts = compare(source, piece, columns);
  if (isOneChunk && !isChange(plan, piece, counts) && !output.wantsMore()) output.copy(piece.from, piece.end);
  else addMerged(output, columns, request, piece);
  return counts;
};

const isAtEnd = ({ plan, request }: MergeSource, { chunk, late }: Place): boolean =>
  chunk === plan.chunkCount && late === request.timestamps.length;

/** Whether the piece may change, so that its samples must be read. */
const isConcerned = (plan: MergePlan, piece: Piece): boolean =>
  piece.lateEnd > piece.lateFrom || isAnyErased(plan, piece) || hasOverlapInMemory(plan, piece);

const isAnyErased = (plan: MergePlan, { from, end }: Piece): boolean => {
  for (let chunk = from; chunk < end; chunk++) if (plan.isErased(chunk)) return true;
  return false;
};

const isChange = (plan: MergePlan, piece: Piece, { added, erasedSamples }: Counts): boolean =>
  added > 0 || erasedSamples > 0 || hasOverlapInMemory(plan, piece);

/** Whether a chunk of memory overlaps another chunk, so that it can't just be appended. */
const hasOverlapInMemory = (plan: MergePlan, { from, end }: Piece): boolean =>
  end > plan.chunksInFile && end > from + 1;

/**
 * Whether the piece is a nearly full chunk, and the samples to merge are all newer. It then stays as it is, and they go
 * with the next piece.
 */
const leavesNewer = (source: MergeSource, { from, end, lastTime, lateFrom, lateEnd }: Piece): boolean => {
  const { plan, request } = source;
  if (end !== from + 1 || lateFrom === lateEnd || request.timestamps[lateFrom] <= lastTime) return false;
  return !plan.isErased(from) && source.filledShare(from) > NEARLY_FULL;
};

/** Counts what the samples to merge are, compared with the samples of the piece. */
const compare = ({ request, erasedCount }: MergeSource, piece: Piece, columns: SampleColumns): Counts => {
  const { count, timestamps, words } = columns;
  let repeated = 0;
  let conflicting = 0;
  let conflictingMarked = 0;
  for (let late = piece.lateFrom, i = 0; late < piece.lateEnd && i < count; late++) {
    const time = request.timestamps[late];
    while (i < count && timestamps[i] < time) i++;
    if (i === count || timestamps[i] !== time) continue;
    const isSame = words[2 * i] === request.words[2 * late] && words[2 * i + 1] === request.words[2 * late + 1];
    if (isSame) repeated++;
    else {
      conflicting++;
      conflictingMarked += request.marked?.[late] ?? 0;
    }
  }
  const added = piece.lateEnd - piece.lateFrom - repeated - conflicting;
  return { added, repeated, conflicting, conflictingMarked, erasedSamples: erasedCount };
};

/** Adds both kinds of samples in the order of time, in runs of one kind. */
const addMerged = (output: MergeOutput, columns: SampleColumns, late: MergeRecords, piece: Piece): void => {
  const { count, timestamps } = columns;
  let at = 0;
  let lateAt = piece.lateFrom;
  while (lateAt < piece.lateEnd) {
    const start = at;
    while (at < count && timestamps[at] < late.timestamps[lateAt]) at++;
    output.add(columns, start, at);
    const lateStart = lateAt;
    const until = at < count ? timestamps[at] : Infinity;
    while (lateAt < piece.lateEnd && late.timestamps[lateAt] < until) lateAt++;
    output.add(late, lateStart, lateAt);
    if (lateAt < piece.lateEnd && late.timestamps[lateAt] === until) lateAt++;
  }
  output.add(columns, at, count);
};

const sumOf = (a: Counts, b: Counts): Counts => ({
  added: a.added + b.added,
  repeated: a.repeated + b.repeated,
  conflicting: a.conflicting + b.conflicting,
  conflictingMarked: a.conflictingMarked + b.conflictingMarked,
  erasedSamples: a.erasedSamples + b.erasedSamples,
});

const nothingLeft = ({ plan }: Merge, erasedSamples: number): MergeResult => ({
  ...NO_COUNTS,
  erasedSamples,
  firstIndex: 0,
  chunksBefore: plan.chunksInFile,
  chunksInFile: 0,
  firstTime: undefined,
  lastChunkFirstTime: undefined,
  lastTime: undefined,
  allErased: true,
  mtimeNs: -1n,
  isSynced: true,
});

/** Nothing in the file changes: appends the chunks of memory, if there are any. */
const appendOnly = ({ access, request, path, plan }: Merge, counts: Counts): MergeResult => {
  const { slots, encodings } = request;
  const appended = slots.length > 0 ? appendRecords(access, request, slots, encodings, 0, true) : undefined;
  const { chunkCount, chunksInFile } = plan;
  return {
    ...counts,
    ...plan.bounds(),
    firstIndex: chunksInFile,
    chunksBefore: chunksInFile,
    chunksInFile: chunkCount,
    allErased: false,
    mtimeNs: appended?.mtimeNs ?? access.fileSystem.stat(path)?.mtimeNs ?? -1n,
    // A process that was killed may have rewritten the file, and its new name may not be durable yet.
    isSynced: access.syncEntryIfPossible(path),
  };
};
