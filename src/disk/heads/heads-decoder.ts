/**
 * Decodes heads.db as a state machine over a window of the file: the header, then for each record its head and its
 * chunks, then the rest of the file. A step that needs bytes beyond the window ends the slice.
 *
 * At a damaged place the records read so far are kept, the damage is noted with its byte offset, and the decoder
 * searches for the next record (heads-record.ts defines how one is recognised). The original stops at the first damage
 * and loses the rest. A single damaged chunk in an otherwise sound record is left out, and the record is passed on with
 * its other chunks.
 */
import { validateChunk } from '../../chunk/decode.ts';
import { CHUNK_BYTES, type Slab, type Slot } from '../../chunk/slab.ts';
import type { CrcWindow } from '../../files/crc-window.ts';
import { ByteReader } from '../../model/byte-reader.ts';
import { TidemarkError } from '../../model/errors.ts';
import { fingerprintText } from '../../model/fingerprint.ts';
import { MalformedBytes, OutOfBytes } from '../../model/malformed-bytes.ts';
import type { TextTable } from '../../model/text-table.ts';
import {
  corruptHeads,
  decodeTrailer,
  HEADER_BYTES,
  HEADS_MAGIC,
  type HeadsRead,
  type HeadsRecord,
  type HeadsTrailer,
  isIntact,
  TRAILER_BYTES,
} from './heads.ts';
import { isRecordStart, type RecordHead, readRecordHead } from './heads-record.ts';

/** Maximum number of problems that are described; all are counted. */
const PROBLEMS_DESCRIBED_MAX = 100;
/**
 * The part of a record before its chunks must fit into this size to be found by a search: the limit of a series'
 * labels, and some more.
 */
const SEARCH_BYTES = 80 * 1024;
const ENCODED_CHUNK_BYTES = 1 + CHUNK_BYTES;

/** Approximate minimum size of a series. It limits the number of series that a damaged header can announce. */
const RECORD_BYTES_MIN = 64;

/** Callbacks for the content of the file. */
export interface HeadsListener {
  /** Takes over the record and its slots. */
  readonly onRecord: (record: HeadsRecord) => void;
  /** Called before the first record with the approximate number of series, never more than the file has room for. */
  readonly onSeriesExpected?: ((count: number) => void) | undefined;
}

/** How the next bytes are interpreted. `rest`: they are read only for the checksum. */
type Phase = 'header' | 'record' | 'chunks' | 'search' | 'rest';

export class HeadsDecoder {
  private readonly path: string;
  private readonly window: CrcWindow;
  private readonly slab: Slab;
  private readonly listener: HeadsListener;
  /** Positions are indexes in the window. */
  private readonly reader: ByteReader;
  private readonly probe: ByteReader;
  private readonly trailer: HeadsTrailer | undefined;
  private readonly trailerBytes: Uint8Array;
  /** Upper limit for the end of the records: the trailer, or the end of the file. */
  private readonly recordsEnd: number;
  private phase: Phase = 'header';
  /** The record whose chunks are being read. `chunksLeft` of them follow. */
  private open: RecordHead | undefined;
  private chunksLeft = 0;
  private version = 0;
  private seriesExpected = 0;
  private seriesCount = 0;
  private chunksWaiting = 0;
  private readonly problems: TidemarkError[] = [];
  private problemCount = 0;
  /** Whether records were skipped, or the count is too low. The count then no longer shows where the records end. */
  private hasLostCount = false;

  constructor(path: string, window: CrcWindow, slab: Slab, texts: TextTable, listener: HeadsListener) {
    this.path = path;
    this.window = window;
    this.slab = slab;
    this.listener = listener;
    this.reader = new ByteReader(texts);
    this.probe = new ByteReader(texts);
    this.trailerBytes = window.peek(Math.max(HEADER_BYTES, window.size - TRAILER_BYTES), TRAILER_BYTES);
    this.trailer = decodeTrailer(this.trailerBytes);
    this.recordsEnd = this.trailer === undefined ? window.size : window.size - TRAILER_BYTES;
  }

  /** Bytes of the file that were read. */
  get bytesDone(): number {
    return this.window.offsetOf(this.reader.position);
  }

  /** Reads the next window of the file; false when it was the last one. */
  readSlice(): boolean {
    const { window, reader } = this;
    const isStuck = !window.advance(reader.position);
    reader.reset(window.bytes, 0, Math.min(window.length, this.recordsEnd - window.offsetOf(0)));
    if (isStuck) this.searchFrom(1, 0, 'the labels of one series would take more than 16 MiB');
    while (this.step());
    return this.phase !== 'rest' || !window.isAtEnd;
  }

  result(): HeadsRead {
    const { window, trailer, problems } = this;
    if (trailer !== undefined && !isIntact(this.trailerBytes, window.crcUpTo(this.reader.position))) {
      this.note(this.recordsEnd, 'the checksum does not match: the file is not as it was written');
    }
    return {
      status: this.problemCount === 0 ? 'ok' : 'damaged',
      version: this.version,
      seriesCount: this.seriesCount,
      seriesExpected: this.seriesExpected,
      chunksWaiting: this.chunksWaiting,
      bytes: window.size,
      crc32: window.crcUpTo(window.length),
      damage: problems[0],
      problems,
      problemCount: this.problemCount,
      trailer,
    };
  }

  /** False when the next slice is needed, or when nothing is left. */
  private step(): boolean {
    switch (this.phase) {
      case 'header':
        return this.readHeader();
      case 'record':
        return this.readRecord();
      case 'chunks':
        return this.readChunk();
      case 'search':
        return this.search();
      case 'rest':
        this.reader.skip(this.reader.remaining);
        return false;
    }
  }

  private readHeader(): boolean {
    const { reader } = this;
    if (reader.remaining < HEADER_BYTES) {
      this.note(this.window.size, 'the file ends within its header');
      return this.enter('rest');
    }
    if (Buffer.compare(reader.raw(HEADS_MAGIC.length), HEADS_MAGIC) !== 0) {
      return this.searchFrom(1, 0, `the file does not begin with ${HEADS_MAGIC}`);
    }
    const version = reader.byte() / 2;
    this.seriesExpected = reader.int64BE();
    if (version !== 1 && version !== 2) {
      return this.searchFrom(reader.position, HEADS_MAGIC.length, `unknown version ${version}, must be 1 or 2`);
    }
    this.version = version;
    this.listener.onSeriesExpected?.(Math.min(this.seriesExpected, Math.floor(this.window.size / RECORD_BYTES_MIN)));
    return this.enter('record');
  }

  private readRecord(): boolean {
    const { reader } = this;
    if (this.seriesCount >= this.seriesExpected && !this.hasLostCount) return this.endOfRecords();
    if (reader.remaining === 0 && this.hasAll) return this.endOfRecords();
    const start = reader.position;
    try {
      const head = readRecordHead(reader, this.version === 1 ? 1 : 2);
      this.open = head;
      this.chunksLeft = head.chunkCount;
      if (head.watermark + head.chunkCount === 0) this.note(this.window.offsetOf(start), 'a series without chunks');
      return this.enter('chunks');
    } catch (error) {
      if (error instanceof MalformedBytes) return this.searchFrom(start + 1, start, error.message);
      if (!(error instanceof OutOfBytes)) throw error;
      if (this.hasAll) return this.searchFrom(start + 1, start, 'the file ends within the record of a series');
      reader.position = start;
      return false;
    }
  }

  private readChunk(): boolean {
    const { reader, window } = this;
    const open = this.open!;
    if (this.chunksLeft === 0) return this.give(open);
    if (reader.remaining < ENCODED_CHUNK_BYTES) {
      if (!this.hasAll) return false;
      this.give(open);
      return this.searchFrom(reader.position, reader.position, 'the file ends within a chunk');
    }
    const start = reader.position;
    const problem = chunkProblem(window.bytes, start);
    if (problem === undefined) {
      open.slots.push(this.takeChunk(window.bytes, start));
    } else if (!this.isSoundBehind(start + this.chunksLeft * ENCODED_CHUNK_BYTES)) {
      this.give(open);
      return this.searchFrom(start, start, problem, open);
    } else {
      this.note(window.offsetOf(start), problem, open);
    }
    reader.position = start + ENCODED_CHUNK_BYTES;
    this.chunksLeft--;
    return true;
  }

  /** Searches for the next place where a record certainly begins. */
  private search(): boolean {
    const { reader, window } = this;
    const end = reader.position + reader.remaining;
    const searchEnd = this.hasAll ? end : end - SEARCH_BYTES;
    for (let index = reader.position; index < searchEnd; index++) {
      // A record begins with a zero byte. The number of labels comes after the fingerprint and is even, because it is
      // zigzag.
      if (window.bytes[index] !== 0 || (window.bytes[index + 9] & 1) !== 0 || window.bytes[index + 9] === 0) continue;
      this.probe.reset(window.bytes, index, end);
      if (!isRecordStart(this.probe)) continue;
      if (!this.hasLostCount) {
        this.hasLostCount = true;
        this.note(
          window.offsetOf(index),
          `more series follow than the ${this.seriesExpected} that the header announces`,
        );
      }
      reader.position = index;
      return this.enter('record');
    }
    reader.position = Math.max(reader.position, searchEnd);
    return this.hasAll ? this.enter('rest') : false;
  }

  /** Called when all announced series were read, or at the end of the file. */
  private endOfRecords(): boolean {
    const { seriesCount, seriesExpected, hasLostCount } = this;
    if (this.hasAll && this.reader.remaining === 0) {
      if (seriesCount < seriesExpected && !hasLostCount) {
        this.note(this.recordsEnd, `the file ends after ${seriesCount} of ${seriesExpected} series`);
      }
      return this.enter('rest');
    }
    return this.enter(this.version === 1 ? 'rest' : 'search');
  }

  /** Whether the records end at a place, or a record begins there. `index` is the place's index in the window. */
  private isSoundBehind(index: number): boolean {
    const offset = this.window.offsetOf(index);
    if (offset >= this.recordsEnd) return offset === this.recordsEnd;
    this.probe.reset(this.window.peek(offset, SEARCH_BYTES));
    return isRecordStart(this.probe);
  }

  private takeChunk(bytes: Uint8Array, start: number): Slot {
    const { slab } = this;
    const slot = slab.allocate(bytes[start]);
    slab.fill(slot, bytes, start + 1);
    return slot;
  }

  private give(record: RecordHead): true {
    this.open = undefined;
    this.seriesCount++;
    this.chunksWaiting += Math.max(0, record.slots.length - 1);
    this.listener.onRecord(record);
    return this.enter('record');
  }

  /** Whether the window reaches the end of the records. */
  private get hasAll(): boolean {
    return this.window.offsetOf(this.window.length) >= this.recordsEnd || this.window.isAtEnd;
  }

  private enter(phase: Phase): true {
    this.phase = phase;
    return true;
  }

  /**
   * Notes damage and searches for the next record from an index on. The beginning of a version 1 record can't be
   * recognised with certainty, so there is no search in version 1.
   */
  private searchFrom(index: number, damagedIndex: number, problem: string, head?: RecordHead): true {
    this.note(this.window.offsetOf(damagedIndex), problem, head);
    this.hasLostCount = true;
    this.reader.position = Math.min(index, this.reader.position + this.reader.remaining);
    return this.enter(this.version === 1 ? 'rest' : 'search');
  }

  private note(offset: number, problem: string, head?: RecordHead): void {
    this.problemCount++;
    if (this.problems.length === PROBLEMS_DESCRIBED_MAX) return;
    const details = head === undefined ? {} : { fingerprint: fingerprintText(head.high, head.low) };
    this.problems.push(corruptHeads(this.path, offset, problem, details));
  }
}

/** What is wrong with the encoding and chunk at `start`, or `undefined`. */
const chunkProblem = (bytes: Uint8Array, start: number): string | undefined => {
  try {
    validateChunk(bytes, start + 1, bytes[start]);
    return undefined;
  } catch (error) {
    if (error instanceof TidemarkError) return error.message;
    throw error;
  }
};
