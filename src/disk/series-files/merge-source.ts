/**
 * Reads the samples of a piece for a merge, in the order of time and without those that are erased. Every chunk that is
 * read is verified: by its checksum if it has one, and by its header.
 */
import type { SampleColumns } from '../../chunk/chunk.ts';
import { decodeChunk, decodeStored, filledShareOf } from '../../chunk/decode.ts';
import { CHUNK_BYTES } from '../../chunk/slab.ts';
import { isAscending, sortedByTime } from '../../chunk/sort-columns.ts';
import type { FileDescriptor } from '../../files/file-system.ts';
import { readFully } from '../../files/read-write.ts';
import { isDamage } from '../../model/errors.ts';
import type { Sums } from './checksum-block.ts';
import type { MergeMemory } from './merge-memory.ts';
import { type MergePlan, type Piece, rangeThrough } from './merge-plan.ts';
import type { MergeRecords } from './merge-records.ts';
import { recordChecksum, type SeriesFileAccess } from './series-file-access.ts';
import { recordProblem } from './series-file-reader.ts';
import { corruptSeriesFile, HEADER_BYTES, RECORD_BYTES, recordFirstTime, recordLastTime } from './series-record.ts';

export class MergeSource {
  readonly plan: MergePlan;
  readonly request: MergeRecords;
  /** Checksums of the file's chunks before the merge. */
  readonly sums: Sums | undefined;
  private readonly access: SeriesFileAccess;
  private readonly path: string;
  private readonly fd: FileDescriptor | undefined;
  private readonly memory: MergeMemory;
  /** Of the piece that was read last, how many samples are erased. */
  erasedCount = 0;

  constructor(
    access: SeriesFileAccess,
    memory: MergeMemory,
    plan: MergePlan,
    request: MergeRecords,
    file: { readonly path: string; readonly fd: FileDescriptor | undefined },
  ) {
    this.access = access;
    this.memory = memory;
    this.plan = plan;
    this.request = request;
    this.path = file.path;
    this.fd = file.fd;
    this.sums = access.checksums.of(request.high, request.low);
  }

  /** The samples of the piece. They are valid until the next call. */
  read({ from, end }: Piece): SampleColumns {
    const { plan, memory } = this;
    memory.columns.count = 0;
    this.erasedCount = 0;
    const endInFile = Math.min(end, plan.chunksInFile);
    for (let chunk = from; chunk < endInFile; chunk++) this.addChunk(chunk);
    this.putInOrder();
    this.takeOutErased(from, endInFile);
    if (end > plan.chunksInFile) {
      for (let chunk = Math.max(from, plan.chunksInFile); chunk < end; chunk++) this.addSlot(chunk);
      this.putInOrder();
    }
    return memory.columns;
  }

  /** Reads consecutive records of the file, unchanged. */
  readRecords(chunk: number, count: number, target: Uint8Array, at: number): void {
    const wanted = count * RECORD_BYTES;
    const start = chunk * RECORD_BYTES;
    const found = this.fd === undefined ? 0 : readFully(this.access.fileSystem, this.fd, target, at, wanted, start);
    if (found < wanted) throw corruptSeriesFile(this.path, start + found, 'the file became shorter');
  }

  /** How full the chunk is, 0 to 1. */
  filledShare(chunk: number): number {
    const { access, plan, request } = this;
    if (chunk < plan.chunksInFile) {
      const { buffer } = access;
      this.readRecords(chunk, 1, buffer, 0);
      return filledShareOf(buffer, HEADER_BYTES, buffer[0]);
    }
    const index = chunk - plan.chunksInFile;
    const slot = request.slots[index];
    return filledShareOf(access.slab.blockOf(slot), access.slab.offsetOf(slot), request.encodings[index]);
  }

  /** Adds a chunk of the file. If it is wholly erased, its samples are only counted. */
  private addChunk(chunk: number): void {
    const { columns } = this.memory;
    const { buffer } = this.access;
    this.readRecords(chunk, 1, buffer, 0);
    const problem = this.problemOf(chunk, buffer);
    if (problem !== undefined) throw corruptSeriesFile(this.path, chunk * RECORD_BYTES, problem);
    const before = columns.count;
    const decodingProblem = addSamples(buffer, columns);
    if (decodingProblem !== undefined) throw corruptSeriesFile(this.path, chunk * RECORD_BYTES, decodingProblem);
    if (!this.plan.isWhollyErased(chunk)) return;
    this.erasedCount += columns.count - before;
    columns.count = before;
  }

  private problemOf(chunk: number, record: Uint8Array): string | undefined {
    const sum = this.sums?.[chunk] ?? 0;
    if (sum !== 0 && recordChecksum(record, 0) !== sum) return 'the chunk is not as it was written, by its checksum';
    return recordProblem(record, 0);
  }

  private addSlot(chunk: number): void {
    const { slab } = this.access;
    const index = chunk - this.plan.chunksInFile;
    const slot = this.request.slots[index];
    decodeStored(slab.blockOf(slot), slab.offsetOf(slot), this.request.encodings[index], this.memory.columns);
  }

  private putInOrder(): void {
    const { memory } = this;
    if (!isAscending(memory.columns)) memory.columns = sortedByTime(memory.columns);
  }

  private takeOutErased(from: number, end: number): void {
    let isErased = false;
    for (let chunk = from; chunk < end && !isErased; chunk++) isErased = this.plan.isErased(chunk);
    if (!isErased) return;
    const { erased } = this.plan;
    const { columns } = this.memory;
    const { timestamps, words } = columns;
    let kept = 0;
    let range = columns.count === 0 ? 0 : rangeThrough(erased, timestamps[0]);
    for (let i = 0; i < columns.count; i++) {
      while (range < erased.length && erased[range].through < timestamps[i]) range++;
      if (range < erased.length && erased[range].from <= timestamps[i]) continue;
      timestamps[kept] = timestamps[i];
      words[2 * kept] = words[2 * i];
      words[2 * kept + 1] = words[2 * i + 1];
      kept++;
    }
    this.erasedCount += columns.count - kept;
    columns.count = kept;
  }
}

/**
 * Adds the samples of a record; returns what is wrong with it, or `undefined`. Times beyond those in the header would
 * put samples into the wrong piece. If reading an interval of 0 as 2^24 ms leads beyond them, the chunk really has the
 * same time twice.
 */
const addSamples = (record: Uint8Array, into: SampleColumns): string | undefined => {
  const firstTime = recordFirstTime(record, 0);
  const lastTime = recordLastTime(record, 0);
  if (firstTime < Number.MIN_SAFE_INTEGER || lastTime > Number.MAX_SAFE_INTEGER) {
    return `the times ${firstTime} to ${lastTime} are too large to be written again exactly`;
  }
  const chunk = record.subarray(HEADER_BYTES, HEADER_BYTES + CHUNK_BYTES);
  const before = into.count;
  try {
    decodeStored(chunk, 0, record[0], into);
    if (isWithin(into, before, firstTime, lastTime)) return undefined;
    into.count = before;
    decodeChunk(chunk, 0, record[0], into);
  } catch (error) {
    if (isDamage(error)) return error.message;
    throw error;
  }
  if (isWithin(into, before, firstTime, lastTime)) return undefined;
  return `the chunk has samples outside of ${firstTime} to ${lastTime}`;
};

const isWithin = ({ count, timestamps }: SampleColumns, from: number, firstTime: number, lastTime: number): boolean => {
  for (let i = from; i < count; i++) if (!(timestamps[i] >= firstTime && timestamps[i] <= lastTime)) return false;
  return true;
};
