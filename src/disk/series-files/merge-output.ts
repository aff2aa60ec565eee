/**
 * Writes the new file of a merge, record after record: chunks that are copied unchanged, and chunks that are encoded
 * from samples. Memory is bounded: a batch of records, and the open chunk with the chunk before it.
 */
import { ChunkAppender } from '../../chunk/append.ts';
import { decodeChunk, filledShareOf } from '../../chunk/decode.ts';
import { appendColumns, type Columns, encodeColumns, type SlotChain } from '../../chunk/encode-columns.ts';
import { NO_SLOT, type Slot } from '../../chunk/slab.ts';
import type { FileDescriptor } from '../../files/file-system.ts';
import { writeFully } from '../../files/read-write.ts';
import { grown } from '../../model/grown.ts';
import type { Sums } from './checksum-block.ts';
import type { MergeMemory } from './merge-memory.ts';
import type { MergeSource } from './merge-source.ts';
import { recordChecksum, type SeriesFileAccess } from './series-file-access.ts';
import { BATCH_RECORDS, encodeRecord, RECORD_BYTES, recordFirstTime, recordLastTime } from './series-record.ts';

/** Samples that are encoded before full chunks are written. */
const RUN_SAMPLES = 1024;
/** A chunk that is filled less than this takes samples of the next chunk, too. */
const FILLED_SHARE_MIN = 0.5;
/** Two chunks are not divided evenly if the first would be filled less than this. */
const DIVIDED_SHARE_MIN = 0.25;

export class MergeOutput {
  /** Chunks written, with those in the batch. */
  chunks = 0;
  firstTime: number | undefined;
  lastChunkFirstTime: number | undefined;
  lastTime: number | undefined;
  private readonly access: SeriesFileAccess;
  private readonly source: MergeSource;
  private readonly memory: MergeMemory;
  private readonly target: FileDescriptor;
  private readonly appender: ChunkAppender;
  private allSums: Sums = new Uint32Array(64);
  /** Records in the batch. */
  private batched = 0;
  /** Chunks of the source that are to be copied next. */
  private copyFrom = 0;
  private copyEnd = 0;
  /** The chunks that are encoded and not yet in the batch, at most two between calls. */
  private oldest: Slot = NO_SLOT;
  private head: Slot = NO_SLOT;

  constructor(access: SeriesFileAccess, memory: MergeMemory, source: MergeSource, target: FileDescriptor) {
    this.access = access;
    this.memory = memory;
    this.source = source;
    this.target = target;
    this.appender = new ChunkAppender(memory.slab, { defaultEncoding: source.request.encoding });
  }

  /** Checksums of the chunks from index `from` on; 0 for a copied chunk that had none. */
  sumsFrom(from: number): Sums {
    return this.allSums.slice(from, this.chunks);
  }

  /** Copies chunks of the source behind what is there. */
  copy(from: number, end: number): void {
    this.endChunk();
    if (from !== this.copyEnd) {
      this.copyPending();
      this.copyFrom = from;
    }
    this.copyEnd = end;
  }

  /** Adds samples from index `from` to before `end`. They must be newer than all samples before. */
  add(columns: Columns, from: number, end: number): void {
    const { appender } = this;
    for (let start = from; start < end; start += RUN_SAMPLES) {
      const runEnd = Math.min(end, start + RUN_SAMPLES);
      if (this.head === NO_SLOT) this.take(encodeColumns(appender, columns, start, runEnd));
      else this.head = appendColumns(appender, this.head, columns, start, runEnd);
      this.putFullChunks();
    }
  }

  /**
   * Whether the chunk that is being written should get samples of the next chunk, too, because it is less than half
   * full. If there is a full chunk before it, the samples of the two are divided evenly instead: otherwise one
   * additional sample would be handed on from full chunk to full chunk, to the end of the file.
   */
  wantsMore(): boolean {
    const { head } = this;
    if (head === NO_SLOT || this.filledShare(head) >= FILLED_SHARE_MIN) return false;
    return this.oldest === head || !this.divideEvenly();
  }

  /** Writes everything that is not yet written. */
  finish(): void {
    this.endChunk();
    this.copyPending();
    this.writeBatch();
  }

  private take({ first, head }: SlotChain): void {
    this.oldest = first;
    this.head = head;
  }

  /** Puts encoded chunks into the batch, except for the last two. */
  private putFullChunks(): void {
    const { slab } = this.memory;
    while (this.oldest !== this.head && slab.next[this.oldest] !== this.head) this.putOldest();
  }

  private endChunk(): void {
    while (this.head !== NO_SLOT) this.putOldest();
  }

  private putOldest(): void {
    const { slab } = this.memory;
    const slot = this.oldest;
    const next = slab.next[slot];
    this.copyPending();
    encodeRecord(slab, slot, slab.encoding[slot], this.memory.batch, this.batched * RECORD_BYTES);
    this.noteRecord(0);
    if (slot === this.head) this.take({ first: NO_SLOT, head: NO_SLOT });
    else this.oldest = next;
    slab.release(slot);
  }

  /** Returns false and changes nothing if the samples, divided in the middle, are not two chunks of a fair size. */
  private divideEvenly(): boolean {
    const { slab, divided } = this.memory;
    const { appender } = this;
    divided.count = 0;
    for (const slot of [this.oldest, this.head]) {
      decodeChunk(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], divided);
    }
    const middle = divided.count >>> 1;
    const lower = encodeColumns(appender, divided, 0, middle);
    const upper = encodeColumns(appender, divided, middle, divided.count);
    const areTwo = lower.first === lower.head && upper.first === upper.head;
    if (!areTwo || this.filledShare(lower.head) < DIVIDED_SHARE_MIN) {
      this.release(lower);
      this.release(upper);
      return false;
    }
    this.release({ first: this.oldest, head: this.head });
    slab.next[lower.head] = upper.first;
    this.take({ first: lower.first, head: upper.head });
    return true;
  }

  private filledShare(slot: Slot): number {
    const { slab } = this.memory;
    return filledShareOf(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot]);
  }

  private release({ first, head }: SlotChain): void {
    const { slab } = this.memory;
    for (let slot = first; ; ) {
      const next = slab.next[slot];
      slab.release(slot);
      if (slot === head) return;
      slot = next;
    }
  }

  /** Copies the chunks that {@link copy} was given into the batch. */
  private copyPending(): void {
    const { source, memory, access } = this;
    const { chunksInFile } = source.plan;
    const { slots, encodings } = source.request;
    const endInFile = Math.min(this.copyEnd, chunksInFile);
    while (this.copyFrom < endInFile) {
      const count = Math.min(BATCH_RECORDS - this.batched, endInFile - this.copyFrom);
      source.readRecords(this.copyFrom, count, memory.batch, this.batched * RECORD_BYTES);
      for (let i = 0; i < count; i++) this.noteRecord(source.sums?.[this.copyFrom + i] ?? 0, true);
      this.copyFrom += count;
    }
    while (this.copyFrom < this.copyEnd) {
      const index = this.copyFrom - chunksInFile;
      encodeRecord(access.slab, slots[index], encodings[index], memory.batch, this.batched * RECORD_BYTES);
      this.noteRecord(0);
      this.copyFrom++;
    }
  }

  /** Counts the record that is now in the batch. A copied record keeps its checksum, so that damage stays visible. */
  private noteRecord(sum: number, isCopied = false): void {
    const { batch } = this.memory;
    if (this.chunks === this.allSums.length) this.allSums = grown(this.allSums, new Uint32Array(2 * this.chunks));
    this.allSums[this.chunks++] = isCopied ? sum : recordChecksum(batch, this.batched * RECORD_BYTES);
    this.batched++;
    if (this.batched === BATCH_RECORDS) this.writeBatch();
  }

  private writeBatch(): void {
    if (this.batched === 0) return;
    const { batch } = this.memory;
    const last = (this.batched - 1) * RECORD_BYTES;
    this.firstTime ??= recordFirstTime(batch, 0);
    this.lastChunkFirstTime = recordFirstTime(batch, last);
    this.lastTime = recordLastTime(batch, last);
    writeFully(this.access.fileSystem, this.target, batch, 0, last + RECORD_BYTES, null);
    this.batched = 0;
  }
}
