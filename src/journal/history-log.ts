/**
 * Moves the lifecycle events of a segment into the history before the segment goes. Append only, within a bound of its
 * own: beyond it the oldest file is dropped. A move that a crash cuts short is repeated, and repeats no event.
 */
import type { Clock } from '../clock.ts';
import type { FileDescriptor, FileSystem, OpenMode } from '../disk/file-system.ts';
import { ioError } from '../disk/io-error.ts';
import { writeFully } from '../disk/read-write.ts';
import type { Position } from '../model/events.ts';
import { writeInt64LE } from '../model/int64.ts';
import { Slices } from '../slices.ts';
import {
  encodeHistoryHeader,
  HISTORY_HEADER_BYTES,
  HISTORY_POSITION_BYTES,
  type HistoryFile,
  historyDirectory,
  historyFileName,
  historyPosition,
  isHistoryRecord,
  listHistory,
  openHistory,
} from './history-files.ts';
import { EVENTS, FRAME_BYTES, frameSeed, HISTORY_MARK, PAYLOAD_BYTES_MAX, sealFrame } from './record-frame.ts';
import { storeSalt } from './segment-header.ts';
import type { SegmentEntry } from './segment-list.ts';
import { SegmentReader } from './segment-reader.ts';

/** A file that reaches its share of the bound is followed by another, so that dropping one drops an eighth. */
const FILES = 8;
/** Longest stretch of work between two breaths of the host's event loop. */
const SLICE_MS = 4;
/** Bytes that are collected before they are written. */
const WRITE_BYTES = 256 * 1024;

export interface HistoryLogParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly storeId: string;
  /** Bytes that the history may take. */
  readonly bytesMax: number;
}

/** The file that records are added to. */
interface OpenHistory {
  readonly file: HistoryFile;
  readonly descriptor: FileDescriptor;
  bytes: number;
}

export class HistoryLog {
  private readonly parts: HistoryLogParts;
  private readonly salt: number;
  private scratch = Buffer.allocUnsafe(WRITE_BYTES);
  private filled = 0;
  /** The file whose name is known to be on the disk. */
  private syncedName: string | undefined;

  constructor(parts: HistoryLogParts) {
    this.parts = parts;
    this.salt = storeSalt(parts.storeId);
  }

  /** Bytes that the history takes. */
  get bytes(): number {
    const { fileSystem, directory } = this.parts;
    return listHistory(fileSystem, directory).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Moves the events of a segment, and makes them durable. `end` is the position at which the segment ends. */
  async move(segment: SegmentEntry, end: Position): Promise<void> {
    try {
      await this.moveTo(await this.openLast(segment.start), segment, end);
      this.dropOldest();
    } catch (error) {
      throw ioError(error, 'move events to', 'the journal history');
    }
  }

  private async moveTo(
    open: { readonly history: OpenHistory; readonly through: Position },
    segment: SegmentEntry,
    end: Position,
  ): Promise<void> {
    try {
      await this.copyEvents(segment, end, open.through, open.history);
      this.add(open.history, HISTORY_MARK, Buffer.alloc(0), end);
      this.flush(open.history);
      await this.parts.fileSystem.dataSync(open.history.descriptor);
      this.syncName(open.history.file.path);
    } finally {
      this.filled = 0;
      this.parts.fileSystem.close(open.history.descriptor);
    }
  }

  /** Once: whoever created the file may have died before its name was on the disk. */
  private syncName(path: string): void {
    if (this.syncedName === path) return;
    this.parts.fileSystem.syncDirectory(historyDirectory(this.parts.directory));
    this.syncedName = path;
  }

  private async copyEvents(segment: SegmentEntry, end: Position, through: Position, to: OpenHistory): Promise<void> {
    const { fileSystem, clock } = this.parts;
    const reader = new SegmentReader(fileSystem, segment);
    const slices = new Slices(clock, SLICE_MS);
    try {
      while (reader.next(end, 'samples')) {
        if (reader.kind === EVENTS && reader.recordEnd > through) {
          this.add(to, EVENTS, reader.buffer.subarray(reader.payloadStart, reader.payloadEnd), reader.recordEnd);
        }
        if (slices.isOver) await slices.breathe();
      }
    } finally {
      reader.close();
    }
  }

  /** The newest file if it has room, cut after its last whole record, or else a new one. */
  private async openLast(position: Position): Promise<{ readonly history: OpenHistory; readonly through: Position }> {
    const { fileSystem, directory } = this.parts;
    const own = listHistory(fileSystem, directory).filter(({ storeId }) => storeId === this.parts.storeId);
    const last = own.at(-1);
    if (last === undefined) return { history: this.create(position), through: 0 };
    const { bytes, through } = await this.scan(last);
    const newer = Math.max(position, through);
    if (bytes >= this.parts.bytesMax / FILES && newer > last.first) return { history: this.create(newer), through };
    const descriptor = this.openFor(last.path, 'readWrite', (opened) => {
      if (bytes < last.bytes) fileSystem.truncate(opened, bytes);
    });
    return { history: { file: last, descriptor, bytes }, through };
  }

  /** Where the whole records of a file end, and the position up to which it tells what happened. */
  private async scan(file: HistoryFile): Promise<{ readonly bytes: number; readonly through: Position }> {
    const { fileSystem, clock } = this.parts;
    const reader = openHistory(fileSystem, file);
    let through = file.first;
    const slices = new Slices(clock, SLICE_MS);
    try {
      while (reader.next(Number.POSITIVE_INFINITY)) {
        if (isHistoryRecord(reader)) through = Math.max(through, historyPosition(reader));
        if (slices.isOver) await slices.breathe();
      }
      return { bytes: reader.offsetOf(reader.position), through };
    } finally {
      reader.close();
    }
  }

  private create(first: Position): OpenHistory {
    const { fileSystem, directory, storeId } = this.parts;
    const file = historyFileName(first);
    const path = `${historyDirectory(directory)}/${file}`;
    fileSystem.makeDirectory(historyDirectory(directory));
    const descriptor = this.openFor(path, 'truncate', (opened) => {
      writeFully(fileSystem, opened, encodeHistoryHeader(storeId, first), 0, HISTORY_HEADER_BYTES, 0);
      fileSystem.syncDirectory(directory);
    });
    const entry = { file: `history/${file}`, path, first, bytes: HISTORY_HEADER_BYTES, storeId };
    return { file: entry, descriptor, bytes: HISTORY_HEADER_BYTES };
  }

  /** Opens a file and prepares it; it does not stay open when that fails. */
  private openFor(path: string, mode: OpenMode, prepare: (descriptor: FileDescriptor) => void): FileDescriptor {
    const descriptor = this.parts.fileSystem.open(path, mode);
    try {
      prepare(descriptor);
      return descriptor;
    } catch (error) {
      this.parts.fileSystem.close(descriptor);
      throw error;
    }
  }

  private add(to: OpenHistory, kind: number, payload: Buffer, position: Position): void {
    const payloadBytes = HISTORY_POSITION_BYTES + payload.length;
    // Longer than any label set may be: such a record is from a crafted file.
    if (payloadBytes > PAYLOAD_BYTES_MAX) return;
    const recordBytes = FRAME_BYTES + payloadBytes;
    if (this.filled + recordBytes > this.scratch.length) this.flush(to);
    if (recordBytes > this.scratch.length) this.scratch = Buffer.allocUnsafe(recordBytes);
    const start = this.filled;
    writeInt64LE(this.scratch, start + FRAME_BYTES, position);
    payload.copy(this.scratch, start + FRAME_BYTES + HISTORY_POSITION_BYTES);
    const place = to.bytes + start - HISTORY_HEADER_BYTES;
    this.filled += sealFrame(this.scratch, start, kind, payloadBytes, frameSeed(this.salt, place));
  }

  private flush(to: OpenHistory): void {
    writeFully(this.parts.fileSystem, to.descriptor, this.scratch, 0, this.filled, to.bytes);
    to.bytes += this.filled;
    this.filled = 0;
  }

  private dropOldest(): void {
    const { fileSystem, directory, bytesMax } = this.parts;
    const files = listHistory(fileSystem, directory);
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes } of files.slice(0, -1)) {
      if (total <= bytesMax) return;
      fileSystem.remove(path);
      total -= bytes;
    }
  }
}
