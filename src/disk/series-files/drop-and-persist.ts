/**
 * Retention on one series file: drops the chunks that are older than a limit and appends new ones, in one step
 * (docs/formats/series-files.md, "Dropping what is past retention").
 *
 * A chunk is past retention when its last time is before the limit. A chunk that straddles the limit is kept whole. The
 * file is rewritten only when more than `minShrinkRatio` of all chunks, including those to append, can be dropped. In
 * every case the result's `firstIndex` is the index in the file of the first appended chunk; when none is appended, it
 * is the number of chunks in the file.
 *
 * A rewrite copies the kept chunks to `….db.tmp`, appends the new ones, syncs, and renames the file over the old one.
 * The old file stays until the new one is whole and on the disk. When all chunks are dropped and none is appended, the
 * file is left as it is: the journal has to record that before the file is removed.
 */
import { firstTimeOf, lastTimeOf } from '../../chunk/decode.ts';
import type { SlabView, Slot } from '../../chunk/slab.ts';
import type { FileDescriptor } from '../../files/file-system.ts';
import { closeQuietly, openIfPresent, readFully, writeFully } from '../../files/read-write.ts';
import { appendRecords } from './append-records.ts';
import type { SeriesFileAccess, Slots } from './series-file-access.ts';
import { eachHeader } from './series-file-reader.ts';
import {
  BATCH_RECORDS,
  corruptSeriesFile,
  headerProblem,
  RECORD_BYTES,
  recordFirstTime,
  recordLastTime,
  wholeRecords,
} from './series-record.ts';

export interface DropAndPersist {
  readonly high: number;
  readonly low: number;
  /** The limit of retention, milliseconds since the epoch. */
  readonly beforeTime: number;
  /** Chunks to append, oldest first. They are newer than the chunks in the file. */
  readonly slots: Slots;
  readonly encodings: Uint8Array;
  /** Share of the chunks, 0 to 1, that must be droppable before the file is rewritten. At 1 it never is. */
  readonly minShrinkRatio: number;
  readonly sync: boolean;
}

export interface DropResult {
  /** First time of the oldest chunk kept; `undefined` when none is kept. */
  readonly firstTime: number | undefined;
  /**
   * No chunk can be dropped while the limit is at or before this time; `undefined` when the file must be read again to
   * know.
   */
  readonly keptUntil: number | undefined;
  /** Index in the file of the first chunk appended; the number of chunks in the file when none was appended. */
  readonly firstIndex: number;
  /** Number of chunks dropped, from the file and from those to append. */
  readonly dropped: number;
  /** No chunk is kept. The file, if there is one, still exists and must be removed. */
  readonly allDropped: boolean;
  /** Number of chunks in the file; 0 when the file is to be removed. */
  readonly chunksInFile: number;
  /** -1 when there is no file. */
  readonly mtimeNs: bigint;
  /** Whether the change needs no later sync. */
  readonly isSynced: boolean;
}

/** The chunks that exist, and which of them are kept. */
interface Plan {
  readonly chunksInFile: number;
  /** Index of the first chunk in the file to keep; `chunksInFile` when none is. */
  readonly keepFrom: number;
  /** Index of the first chunk to append. */
  readonly appendFrom: number;
  /**
   * Last time of the chunk that must be past the limit before the file is rewritten; absent when that chunk was not
   * read.
   */
  readonly keptUntil?: number;
  /** First time of the oldest chunk kept. */
  readonly firstTime: number | undefined;
}

export const dropAndPersist = (access: SeriesFileAccess, request: DropAndPersist): DropResult => {
  const path = access.path(request.high, request.low);
  access.makePendingCut(path);
  const plan = planFor(access, path, request);
  if (plan.firstTime === undefined) return nothingKept(request, plan);
  if (plan.keepFrom > 0) return rewrite(access, path, request, plan);
  return keepAndAppend(access, path, request, plan);
};

const planFor = (access: SeriesFileAccess, path: string, request: DropAndPersist): Plan => {
  const fd = openIfPresent(access.fileSystem, path);
  if (fd === undefined) return planForNew(access.slab, request, { chunksInFile: 0, keepFrom: 0 });
  try {
    const chunksInFile = wholeRecords(path, access.fileSystem.statOpen(fd).size);
    if (chunksInFile === 0 || reachesBack(access.slab, request)) {
      return planForNew(access.slab, request, { chunksInFile, keepFrom: chunksInFile });
    }
    return planForFile(access, path, fd, chunksInFile, request);
  } finally {
    closeQuietly(access.fileSystem, fd);
  }
};

/**
 * Whether the chunks to append begin before the limit. If so, all chunks in the file are past it, because they are
 * older.
 */
const reachesBack = (slab: SlabView, { slots, encodings, beforeTime }: DropAndPersist): boolean =>
  slots.length > 0 && slotFirstTime(slab, slots[0], encodings[0]) < beforeTime;

/** The plan when no chunk in the file is kept: only the chunks to append that are not past the limit themselves. */
const planForNew = (
  slab: SlabView,
  { slots, encodings, beforeTime }: DropAndPersist,
  file: Pick<Plan, 'chunksInFile' | 'keepFrom'>,
): Plan => {
  let appendFrom = 0;
  while (appendFrom < slots.length && slotLastTime(slab, slots[appendFrom], encodings[appendFrom]) < beforeTime) {
    appendFrom++;
  }
  const firstTime =
    appendFrom < slots.length ? slotFirstTime(slab, slots[appendFrom], encodings[appendFrom]) : undefined;
  return { ...file, appendFrom, firstTime };
};

/**
 * Decides as the original does. The search for the first chunk to keep starts at the index that the ratio demands. If
 * that very chunk is kept, too few chunks can be dropped, and the file stays as it is.
 *
 * Example: 100 chunks in the file, none to append, `minShrinkRatio` 0.1. The search starts at index 10. If chunk 10 is
 * kept, at most 10 of 100 chunks could be dropped, which is not more than 0.1.
 */
const planForFile = (
  access: SeriesFileAccess,
  path: string,
  fd: FileDescriptor,
  chunksInFile: number,
  request: DropAndPersist,
): Plan => {
  const { slots, beforeTime, minShrinkRatio } = request;
  const enough = Math.floor((chunksInFile + slots.length) * minShrinkRatio);
  const start = Math.min(enough, chunksInFile - 1);
  let keepFrom = chunksInFile;
  let firstTime: number | undefined;
  let keptUntil = 0;
  eachHeader(access, path, fd, start, chunksInFile, (index, bytes, offset) => {
    const problem = headerProblem(bytes, offset);
    if (problem !== undefined) throw corruptSeriesFile(path, index * RECORD_BYTES, problem);
    if (recordLastTime(bytes, offset) < beforeTime) return true;
    keepFrom = index;
    firstTime = recordFirstTime(bytes, offset);
    keptUntil = recordLastTime(bytes, offset);
    return false;
  });
  const file = { chunksInFile };
  if (keepFrom === chunksInFile) return planForNew(access.slab, request, { ...file, keepFrom });
  if (keepFrom > start) return { ...file, keepFrom, appendFrom: 0, firstTime };
  if (start > 0) {
    eachHeader(access, path, fd, 0, 1, (_, bytes, offset) => {
      firstTime = recordFirstTime(bytes, offset);
      return false;
    });
  }
  return { ...file, keepFrom: 0, appendFrom: 0, firstTime, keptUntil };
};

const nothingKept = (request: DropAndPersist, plan: Plan): DropResult => {
  const dropped = plan.chunksInFile + request.slots.length;
  const nothing = { firstTime: undefined, keptUntil: undefined, firstIndex: 0, chunksInFile: 0, mtimeNs: -1n };
  return { ...nothing, dropped, allDropped: true, isSynced: true };
};

const keepAndAppend = (access: SeriesFileAccess, path: string, request: DropAndPersist, plan: Plan): DropResult => {
  const { firstTime, keptUntil, appendFrom } = plan;
  const { slots, encodings, sync } = request;
  const kept = { firstTime, keptUntil, dropped: appendFrom, allDropped: false };
  if (appendFrom < slots.length) {
    return { ...kept, ...appendRecords(access, request, slots, encodings, appendFrom, sync), isSynced: sync };
  }
  const { chunksInFile } = plan;
  const mtimeNs = access.fileSystem.stat(path)?.mtimeNs ?? -1n;
  return { ...kept, firstIndex: chunksInFile, chunksInFile, mtimeNs, isSynced: true };
};

/**
 * Rewrites the file. Always syncs the new file before the rename, whatever `sync` is: otherwise a loss of power could
 * lose the old chunks with it.
 */
const rewrite = (access: SeriesFileAccess, path: string, request: DropAndPersist, plan: Plan): DropResult => {
  const { fileSystem } = access;
  const firstIndex = plan.chunksInFile - plan.keepFrom;
  const [mtimeNs, sums] = access.replaceFile(path, (target) => {
    if (firstIndex > 0) copyRecords(access, path, target, plan);
    const written = access.writeRecords(target, request.slots, request.encodings, plan.appendFrom);
    return [fileSystem.statOpen(target).mtimeNs, written] as const;
  });
  const { high, low } = request;
  access.checksums.change(high, low, { kind: 'trim', count: plan.keepFrom });
  access.checksums.change(high, low, { kind: 'set', first: firstIndex, sums });
  const isSynced = request.sync && access.syncEntryIfPossible(path);
  return {
    firstTime: plan.firstTime,
    keptUntil: undefined,
    firstIndex,
    dropped: plan.keepFrom + plan.appendFrom,
    allDropped: false,
    chunksInFile: firstIndex + request.slots.length - plan.appendFrom,
    mtimeNs,
    isSynced,
  };
};

const copyRecords = (access: SeriesFileAccess, path: string, target: FileDescriptor, plan: Plan): void => {
  const { fileSystem, buffer } = access;
  const source = fileSystem.open(path, 'read');
  try {
    for (let start = plan.keepFrom; start < plan.chunksInFile; start += BATCH_RECORDS) {
      const wanted = Math.min(BATCH_RECORDS, plan.chunksInFile - start) * RECORD_BYTES;
      const found = readFully(fileSystem, source, buffer, 0, wanted, start * RECORD_BYTES);
      if (found < wanted) throw corruptSeriesFile(path, start * RECORD_BYTES + found, 'the file became shorter');
      writeFully(fileSystem, target, buffer, 0, wanted, null);
    }
  } finally {
    closeQuietly(fileSystem, source);
  }
};

const slotFirstTime = (slab: SlabView, slot: Slot, encoding: number): number =>
  firstTimeOf(slab.blockOf(slot), slab.offsetOf(slot), encoding);

const slotLastTime = (slab: SlabView, slot: Slot, encoding: number): number =>
  lastTimeOf(slab.blockOf(slot), slab.offsetOf(slot), encoding);
