/**
 * Reads the whole records of one segment file. Invalid bytes are skipped: if a record's header is valid but its payload
 * is not, the reader skips the length in the header; otherwise it skips to the next bytes that are a valid header for
 * their position. No record is read twice, so the time is linear in the file's size, for any content.
 */
import type { FileSystem } from '../../files/file-system.ts';
import type { Position } from '../../model/events.ts';
import {
  FRAME_BYTES,
  findMarker,
  frameKind,
  framePayloadBytes,
  frameSeed,
  LATE_SAMPLES,
  payloadIsWhole,
  SAMPLES,
} from '../format/record-frame.ts';
import { readCarried, SEGMENT_HEADER_BYTES, storeSalt } from '../format/segment-header.ts';
import { ReferenceTable } from '../format/segment-references.ts';
import { FileWindow } from './file-window.ts';
import type { FindingListener } from './journal-findings.ts';
import type { SegmentEntry } from './segment-list.ts';

/** Which records `next` returns without reading or verifying their payload. */
export type SkipPayload = 'none' | 'samples';

export class SegmentReader {
  readonly entry: SegmentEntry;
  readonly references = new ReferenceTable();
  /** The record that {@link next} found: its kind, its positions, and where its payload is in `buffer`. */
  kind = 0;
  recordStart: Position = 0;
  recordEnd: Position = 0;
  payloadStart = 0;
  payloadEnd = 0;
  private readonly window: FileWindow;
  private readonly salt: number;
  private readonly listener: FindingListener | undefined;
  private readonly headerBytes: number;
  /** File offset of the next record. */
  private offset: number;
  /** File offset at which the current run of invalid bytes begins; -1 when there is none. */
  private badFrom = -1;
  private badReason = 'the file ends before';

  constructor(fileSystem: FileSystem, entry: SegmentEntry, listener?: FindingListener) {
    this.entry = entry;
    this.listener = listener;
    this.salt = storeSalt(entry.storeId);
    this.window = new FileWindow(fileSystem, entry.path);
    this.headerBytes = entry.headerBytes;
    this.offset = this.headerBytes;
    try {
      this.readCarriedReferences();
    } catch (error) {
      this.window.close();
      throw error;
    }
  }

  get buffer(): Buffer {
    return this.window.buffer;
  }

  /** Start of the next record. */
  get position(): Position {
    return this.positionAt(this.offset);
  }

  /** One more than the highest reference that the file up to here can define: each definition takes 8 bytes. */
  get referencesMax(): number {
    return Math.floor(this.offset / 8);
  }

  offsetOf(position: Position): number {
    return position - this.entry.start + this.headerBytes;
  }

  /**
   * Continues at a position, if a record begins there or the file ends there. Otherwise nothing changes. Definitions of
   * references in between are not read, so that only events can be read afterwards.
   */
  skipTo(position: Position): void {
    const offset = this.offsetOf(position);
    if (offset <= this.offset) return;
    const isEnd = offset === this.window.fileBytes;
    const index = isEnd ? -1 : this.window.locate(offset, FRAME_BYTES);
    const isRecord = index !== -1 && framePayloadBytes(this.buffer, index, frameSeed(this.salt, position)) !== -1;
    if (isEnd || isRecord) this.offset = offset;
  }

  /**
   * Moves to the next whole record that ends at or before `limit`. `false` when there is none now. It may be called
   * again when the file has grown.
   */
  next(limit: Position, skipPayload: SkipPayload = 'none'): boolean {
    while (this.positionAt(this.offset) < limit) {
      const index = this.window.locate(this.offset, FRAME_BYTES);
      if (index === -1) return this.stop();
      const payloadBytes = framePayloadBytes(this.buffer, index, frameSeed(this.salt, this.positionAt(this.offset)));
      if (payloadBytes === -1) {
        this.markBad('no record header');
        if (!this.findHeader()) return this.stop();
        continue;
      }
      const end = this.offset + FRAME_BYTES + payloadBytes;
      if (this.positionAt(end) > limit) return this.stop();
      const kind = frameKind(this.buffer, index);
      if (skipPayload === 'samples' && (kind === SAMPLES || kind === LATE_SAMPLES)) {
        if (this.window.locate(end - 1, 1) === -1) return this.stop();
        return this.found(kind, end, 0, 0);
      }
      const whole = this.window.locate(this.offset, FRAME_BYTES + payloadBytes);
      if (whole === -1) {
        this.markBad('the file ends within it');
        return this.stop();
      }
      if (payloadIsWhole(this.buffer, whole, payloadBytes)) {
        return this.found(kind, end, whole + FRAME_BYTES, whole + FRAME_BYTES + payloadBytes);
      }
      this.markBad('checksum mismatch');
      this.offset = end;
    }
    return this.stop();
  }

  /** The bytes after the last whole record: their offset and number, and whether all are zero, which is padding. */
  tail(): { readonly offset: number; readonly bytes: number; readonly isPadding: boolean } {
    const end = Math.max(this.offset, this.window.fileBytes);
    return { offset: this.offset, bytes: end - this.offset, isPadding: this.isZero(this.offset, end) };
  }

  /** Whether the segment's path now leads to another file, because the writer has written the segment again. */
  isReplaced(): boolean {
    return this.window.isReplaced();
  }

  /** Reports that everything from the end of the last whole record to `to` is lost. */
  reportLost(to: Position): void {
    this.report(this.position, to);
  }

  close(): void {
    this.window.close();
  }

  private found(kind: number, end: number, payloadStart: number, payloadEnd: number): boolean {
    if (this.badFrom !== -1) this.report(this.positionAt(this.badFrom), this.positionAt(this.offset));
    this.badFrom = -1;
    this.kind = kind;
    this.recordStart = this.positionAt(this.offset);
    this.recordEnd = this.positionAt(end);
    this.payloadStart = payloadStart;
    this.payloadEnd = payloadEnd;
    this.offset = end;
    return true;
  }

  /** Goes back to the first invalid byte, so that reading continues there when the file has grown. */
  private stop(): boolean {
    if (this.badFrom !== -1) this.offset = this.badFrom;
    this.badFrom = -1;
    this.window.refresh();
    return false;
  }

  private markBad(reason: string): void {
    if (this.badFrom !== -1) return;
    this.badFrom = this.offset;
    this.badReason = reason;
  }

  private report(from: Position, to: Position): void {
    const offset = this.offsetOf(from);
    this.listener?.({ kind: 'badRecord', file: this.entry.file, offset, from, to, reason: this.badReason });
  }

  /** Moves to the next record header that is valid for its position. `false` when there is none. */
  private findHeader(): boolean {
    let offset = this.offset + 1;
    for (;;) {
      const index = this.window.locate(offset, FRAME_BYTES);
      if (index === -1) return false;
      const end = index + this.window.availableFrom(offset);
      const marker = findMarker(this.buffer, index, end - FRAME_BYTES + 1);
      if (marker === -1) {
        offset += end - index - FRAME_BYTES + 1;
        continue;
      }
      offset += marker - index;
      if (framePayloadBytes(this.buffer, marker, frameSeed(this.salt, this.positionAt(offset))) !== -1) {
        this.offset = offset;
        return true;
      }
      offset++;
    }
  }

  private readCarriedReferences(): void {
    const { header } = this.entry;
    if (header === undefined || header.carriedCount === 0) return;
    const byteCount = 8 * header.carriedCount;
    const index = this.window.locate(SEGMENT_HEADER_BYTES, byteCount);
    const whole = index !== -1 && readCarried(this.buffer.subarray(index, index + byteCount), header, this.references);
    if (!whole) this.listener?.({ kind: 'damagedHeader', file: this.entry.file, reason: 'carried references' });
  }

  private positionAt(offset: number): Position {
    return this.entry.start + offset - this.headerBytes;
  }

  private isZero(from: number, end: number): boolean {
    for (let offset = from; offset < end; ) {
      const index = this.window.locate(offset, 1);
      if (index === -1) return true;
      const count = Math.min(end - offset, this.window.availableFrom(offset));
      for (let i = index; i < index + count; i++) if (this.buffer[i] !== 0) return false;
      offset += count;
    }
    return true;
  }
}
