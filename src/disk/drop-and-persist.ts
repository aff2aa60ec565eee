/**
 * Retention on one series file: drops the chunks that are older than a limit and appends new ones, in one go
 * (docs/formats/series-files.md, "Dropping what is past retention").
 *
 * A chunk is past retention when its last time is before the limit; one that straddles the limit is kept whole. The
 * file is rewritten only when more than `minShrinkRatio` of all chunks, those to append included, can go. Whatever
 * becomes of the file, `firstIndex` is where the first appended chunk now is in it, or would be: the end of the file.
 *
 * A rewrite copies what is kept to `….db.tmp`, appends, syncs, and renames over the file: the old file is there until
 * the new one is whole and on the disk. When every chunk goes and none is appended, the file is left as it is: the journal
 * has to know before it is removed.
 */
import { firstTimeOf, lastTimeOf } from '../chunk/decode.ts';
import type { SlabView, Slot } from '../chunk/slab.ts';
import { appendRecords } from './append-records.ts';
import type { FileDescriptor } from './file-system.ts';
import { closeAfter, closeQuietly, discard, openIfPresent, readFully, writeFully } from './read-write.ts';
import type { SeriesFileAccess, Slots } from './series-file-access.ts';
import { eachHeader } from './series-file-reader.ts';
import { TEMPORARY_SUFFIX } from './series-path.ts';
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
  /** Chunks to append, oldest first, newer than what is in the file. */
  readonly slots: Slots;
  readonly encodings: Uint8Array;
  /** Share of the chunks, 0 to 1, that must be droppable before the file is rewritten; at 1 it never is. */
  readonly minShrinkRatio: number;
  readonly sync: boolean;
}

export interface DropResult {
  /** First time of the oldest chunk kept; `undefined` when nothing is left. */
  readonly firstTime: number | undefined;
  /** While the limit is not later than this, nothing can go; `undefined` when only another look can tell. */
  readonly keptUntil: number | undefined;
  /** Index in the file of the first chunk appended; without one, the number of chunks in the file. */
  readonly firstIndex: number;
  /** Chunks dropped: from the file, and of those to append. */
  readonly dropped: number;
  /** Nothing is to be kept. The file, if there is one, is still there, and is to be removed. */
  readonly allDropped: boolean;
  /** Not counting those of a file that is to be removed. */
  readonly chunksInFile: number;
  /** -1 when there is no file. */
  readonly mtimeNs: bigint;
  /** Nothing of the change waits for a later sync. */
  readonly isSynced: boolean;
}

/** What is there and what of it is kept. */
interface Plan {
  readonly chunksInFile: number;
  /** Index of the first chunk in the file to keep; `chunksInFile` when none is. */
  readonly keepFrom: number;
  /** Index of the first chunk to append. */
  readonly appendFrom: number;
  /** Last time of the chunk that has to be past the limit before the file is rewritten, where that was looked at. */
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

/** Whether the chunks to append begin before the limit. Then everything in the file, being older, is past it. */
const reachesBack = (slab: SlabView, { slots, encodings, beforeTime }: DropAndPersist): boolean =>
  slots.length > 0 && slotFirstTime(slab, slots[0], encodings[0]) < beforeTime;

/** Nothing in the file is kept: what is left are the chunks to append that are not too old themselves. */
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
 * The original's arithmetic: the search for the first chunk to keep starts where enough could go; if that very chunk is
 * kept, too little would go, and the file stays as it is.
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

/** Always syncs the new file before the rename, whatever `sync` says: the old chunks would be lost with it. */
const rewrite = (access: SeriesFileAccess, path: string, request: DropAndPersist, plan: Plan): DropResult => {
  const { fileSystem } = access;
  const temporary = path + TEMPORARY_SUFFIX;
  const firstIndex = plan.chunksInFile - plan.keepFrom;
  let mtimeNs: bigint;
  let sums: Uint32Array;
  try {
    const target = access.openForWriting(temporary, 'truncate');
    [mtimeNs, sums] = closeAfter(fileSystem, target, () => {
      if (firstIndex > 0) copyRecords(access, path, target, plan);
      const written = access.writeRecords(target, request.slots, request.encodings, plan.appendFrom);
      fileSystem.syncBlocking(target);
      return [fileSystem.statOpen(target).mtimeNs, written];
    });
    fileSystem.rename(temporary, path);
    access.forget(path);
  } catch (error) {
    discard(fileSystem, temporary);
    throw error;
  }
  access.noteEntry(path);
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
