/**
 * Moves the lifecycle events of a segment into the history before the segment is removed. The history only grows at its
 * end. It has a size bound: beyond it, the oldest file is removed.
 *
 * A move that failed, or that a crash interrupted, is repeated from its beginning: the history is cut back to where it
 * ended before the move, and all records of the segment are written again. Reason: after a failed sync, in this process
 * or in one that crashed, the move's records may be only in the page cache, and no later sync would write them
 * (docs/durability.md). The records can be written again because the segment is removed only after a successful move.
 */

import { Slices } from '../../async/slices.ts';
import type { FileDescriptor, FileSystem, OpenMode } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import { writeFully } from '../../files/read-write.ts';
import type { Position } from '../../model/events.ts';
import { writeInt64LE } from '../../model/int64.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  DEFLATED_EVENTS,
  EVENTS,
  FRAME_BYTES,
  frameSeed,
  HISTORY_MARK,
  PAYLOAD_BYTES_MAX,
  sealFrame,
} from '../format/record-frame.ts';
import { storeSalt } from '../format/segment-header.ts';
import type { SegmentEntry } from '../read/segment-list.ts';
import { SegmentReader } from '../read/segment-reader.ts';
import { deflateEvents } from './deflated-events.ts';
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

/** Files that share the size bound. A file that reaches its share is full, so removing one removes about an eighth. */
const FILES = 8;
/** Size of the buffer that collects records before they are written. */
const WRITE_BYTES = 256 * 1024;

export interface HistoryLogParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly storeId: string;
  /** Largest size of the history. */
  readonly bytesMax: number;
}

/** The history file that records are appended to. */
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
  /** The file whose directory entry is known to be synced. */
  private syncedName: string | undefined;

  constructor(parts: HistoryLogParts) {
    this.parts = parts;
    this.salt = storeSalt(parts.storeId);
  }

  /** Size of all history files. */
  get bytes(): number {
    const { fileSystem, directory } = this.parts;
    return listHistory(fileSystem, directory).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Moves the events of a segment into the history durably. `end` is the position at which the segment ends. */
  async move(segment: SegmentEntry, end: Position): Promise<void> {
    try {
      const history = await this.openLast(segment.start, end);
      if (history === undefined) return;
      await this.moveTo(history, segment, end);
      this.dropOldest();
    } catch (error) {
      throw ioError(error, 'move events to', 'the journal history');
    }
  }

  private async moveTo(history: OpenHistory, segment: SegmentEntry, end: Position): Promise<void> {
    try {
      await this.copyEvents(segment, end, history);
      this.add(history, HISTORY_MARK, Buffer.alloc(0), end);
      this.flush(history);
      await this.parts.fileSystem.dataSync(history.descriptor);
      this.syncName(history.file.path);
    } finally {
      this.filled = 0;
      this.parts.fileSystem.close(history.descriptor);
    }
  }

  /** Syncs a file's directory entry once: the process that created the file may have crashed before it synced that. */
  private syncName(path: string): void {
    if (this.syncedName === path) return;
    this.parts.fileSystem.syncDirectory(historyDirectory(this.parts.directory));
    this.syncedName = path;
  }

  private async copyEvents(segment: SegmentEntry, end: Position, to: OpenHistory): Promise<void> {
    const { fileSystem, clock } = this.parts;
    const reader = new SegmentReader(fileSystem, segment);
    const slices = new Slices(clock);
    try {
      while (reader.next(end, 'samples')) {
        if (reader.kind === EVENTS) {
          this.addEvents(to, reader.buffer.subarray(reader.payloadStart, reader.payloadEnd), reader.recordEnd);
        }
        if (slices.isOver) await slices.breathe();
      }
    } finally {
      reader.close();
    }
  }

  /**
   * Opens the file that the events of the segment `start` to `end` go to. Records that an interrupted move of this
   * segment left are cut off. The file is the newest one, or a new one when that is full. `undefined` when the history
   * goes beyond `end`: then this segment was moved before and its file was put back.
   */
  private async openLast(start: Position, end: Position): Promise<OpenHistory | undefined> {
    const { fileSystem, directory, storeId, bytesMax } = this.parts;
    const own = listHistory(fileSystem, directory).filter((file) => file.storeId === storeId);
    for (let last = own.pop(); last !== undefined; last = own.pop()) {
      const { bytes, through } = await this.scan(last, start);
      if (through > end) return undefined;
      if (last.first < start) return bytes < bytesMax / FILES ? this.reopen(last, bytes) : this.create(start);
      fileSystem.remove(last.path);
    }
    return this.create(start);
  }

  /**
   * `bytes` is the file offset at which the records of segments before `start` end. `through` is the last position that
   * the file covers.
   */
  private async scan(
    file: HistoryFile,
    start: Position,
  ): Promise<{ readonly bytes: number; readonly through: Position }> {
    const { fileSystem, clock } = this.parts;
    const reader = openHistory(fileSystem, file);
    let bytes = HISTORY_HEADER_BYTES;
    let through = file.first;
    const slices = new Slices(clock);
    try {
      while (reader.next(Number.POSITIVE_INFINITY)) {
        if (isHistoryRecord(reader)) through = Math.max(through, historyPosition(reader));
        if (through <= start) bytes = reader.offsetOf(reader.recordEnd);
        if (slices.isOver) await slices.breathe();
      }
      return { bytes, through };
    } finally {
      reader.close();
    }
  }

  private reopen(file: HistoryFile, bytes: number): OpenHistory {
    const { fileSystem } = this.parts;
    const descriptor = this.openFor(file.path, 'readWrite', (opened) => {
      if (bytes < file.bytes) fileSystem.truncate(opened, bytes);
    });
    return { file, descriptor, bytes };
  }

  private create(first: Position): OpenHistory {
    const { fileSystem, directory, storeId } = this.parts;
    const file = historyFileName(first);
    const path = `${historyDirectory(directory)}/${file}`;
    fileSystem.makeDirectory(historyDirectory(directory));
    this.syncedName = undefined;
    const descriptor = this.openFor(path, 'truncate', (opened) => {
      writeFully(fileSystem, opened, encodeHistoryHeader(storeId, first), 0, HISTORY_HEADER_BYTES, 0);
      fileSystem.syncDirectory(directory);
    });
    const entry = { file: `history/${file}`, path, first, bytes: HISTORY_HEADER_BYTES, storeId };
    return { file: entry, descriptor, bytes: HISTORY_HEADER_BYTES };
  }

  /** Opens a file and prepares it. If preparing fails, the file is closed again. */
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

  private addEvents(to: OpenHistory, payload: Buffer, position: Position): void {
    const deflated = deflateEvents(payload);
    if (deflated === undefined) this.add(to, EVENTS, payload, position);
    else this.add(to, DEFLATED_EVENTS, deflated, position);
  }

  private add(to: OpenHistory, kind: number, payload: Buffer, position: Position): void {
    const payloadBytes = HISTORY_POSITION_BYTES + payload.length;
    // No label set is that long, so such a record can only come from a crafted file.
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
