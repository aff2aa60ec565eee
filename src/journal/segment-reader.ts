/**
 * Walks the records of one segment file, whole ones only. What is no valid record is passed over: by its length when its
 * header is whole, otherwise to the next bytes that are a record header for their position. Never reads a record twice,
 * so the work is linear in the file's size whatever is in it.
 */
import type { FileSystem } from '../disk/file-system.ts';
import type { Position } from '../model/events.ts';
import { FileWindow } from './file-window.ts';
import type { FindingListener } from './findings.ts';
import {
  FRAME_BYTES,
  findMarker,
  frameKind,
  framePayloadBytes,
  frameSeed,
  payloadIsWhole,
  SAMPLES,
} from './record-frame.ts';
import { readCarried, SEGMENT_HEADER_BYTES, storeSalt } from './segment-header.ts';
import type { SegmentEntry } from './segment-list.ts';
import { ReferenceTable } from './segment-references.ts';

/** Records that are passed over without reading or verifying their payload. */
export type SkipPayload = 'none' | 'samples';

export class SegmentReader {
  readonly entry: SegmentEntry;
  readonly references = new ReferenceTable();
  /** The record that {@link next} found: kind, positions, and where its payload lies in `buffer`. */
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
  /** File offset from which on there has been no valid record; -1 while all is well. */
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

  /** Where the next record would start. */
  get position(): Position {
    return this.positionAt(this.offset);
  }

  /** The highest reference that the file up to here can have defined, plus one. */
  get referencesMax(): number {
    return Math.floor(this.offset / 8);
  }

  offsetOf(position: Position): number {
    return position - this.entry.start + this.headerBytes;
  }

  /**
   * Goes on to the next whole record that ends at or before `limit`. `false` when there is none, now: after the file has
   * grown it may be asked again.
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
      if (skipPayload === 'samples' && kind === SAMPLES) {
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

  /** The bytes that follow the last whole record: how many, and whether they are all zero, that is padding. */
  tail(): { readonly offset: number; readonly bytes: number; readonly isPadding: boolean } {
    const end = Math.max(this.offset, this.window.fileBytes);
    return { offset: this.offset, bytes: end - this.offset, isPadding: this.isZero(this.offset, end) };
  }

  /** Whether the segment's name leads to another file by now: one that its writer wrote again. */
  isReplaced(): boolean {
    return this.window.isReplaced();
  }

  /** Reports that what follows the last whole record is lost, up to `to`. */
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

  /** Goes back to the first byte that is not understood yet, for the time when more is there. */
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

  /** Moves to the next record header that is valid for its position. */
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
