/**
 * Reads the journal from a position on, through all its segments, in order, each record once. Damage is reported as a
 * finding and skipped (journal-findings.ts). At the end of the journal, `next` may be called again later to read
 * records that have been written since.
 *
 * The reader leaves a segment in three steps, because the writer may append to it until the next one exists. Example:
 *
 *     1. Segment 0 has no whole record at position 800 now.
 *     2. The directory has a segment 1000, and the limit is 1000 or more. So segment 0 is complete, and ends at 1000.
 *     3. Segment 0 is read again, up to 1000. Only records that are still missing now are lost.
 */
import type { FileSystem } from '../../files/file-system.ts';
import { isMissing } from '../../files/io-error.ts';
import type { LifecycleEvent, Position } from '../../model/events.ts';
import { MalformedBytes } from '../../model/malformed-bytes.ts';
import { DecodedSamples, decodeSamples, readDefinitions } from '../format/decode-samples.ts';
import { EventsDecoder } from '../format/events-codec.ts';
import { EVENTS, LATE_SAMPLES, SAMPLES } from '../format/record-frame.ts';
import { ReferenceTable } from '../format/segment-references.ts';
import type { FindingListener } from './journal-findings.ts';
import { listSegments, physicalEnd, type SegmentEntry } from './segment-list.ts';
import { SegmentReader } from './segment-reader.ts';

/** A batch of samples. The reader reuses the columns: the next record overwrites them. */
export class SamplesRecord extends DecodedSamples {
  /** `lateSamples`: each sample is older than the newest one that its series had when it was appended. */
  type: 'samples' | 'lateSamples' = 'samples';
  /** Where the record begins. */
  start: Position = 0;
  /** Where the record ends. This is the position of its content. */
  position: Position = 0;
  /** Start of the record's segment. References of samples in order keep their meaning within a segment. */
  segment: Position = 0;
}

export interface EventsRecord {
  readonly type: 'events';
  readonly start: Position;
  readonly position: Position;
  readonly events: readonly LifecycleEvent[];
}

export type JournalRecord = SamplesRecord | EventsRecord;

export interface JournalReaderOptions {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  /** Begins with the first record that starts here or later. Default: the oldest one. */
  readonly from?: Position;
  readonly onFinding?: FindingListener | undefined;
  /** Skips the sample batches without reading them. */
  readonly eventsOnly?: boolean;
  /** Reports the range between `from` and the oldest segment as missing. */
  readonly tellsMissingStart?: boolean;
  /** Only events records for whose payload this returns true are decoded. */
  readonly wanted?: (payload: Buffer) => boolean;
}

/** Most segments that {@link JournalReader.lookAhead} holds open: 2 GiB of journal at the default size. */
const AHEAD_MAX = 64;

export class JournalReader {
  private readonly options: JournalReaderOptions;
  private readonly samples = new SamplesRecord();
  /** The references of one record of late samples. */
  private readonly ownReferences = new ReferenceTable();
  private readonly eventsDecoder = new EventsDecoder();
  private readonly reported = new Set<string>();
  private segment: SegmentReader | undefined;
  /** Later segments, oldest first. They are held open because the writer may remove them. */
  private ahead: SegmentReader[] = [];
  /** Start of the segment after the current one; infinity while none is known. */
  private segmentLimit: Position = Number.POSITIVE_INFINITY;
  private at: Position;

  constructor(options: JournalReaderOptions) {
    this.options = options;
    this.at = options.from ?? 0;
  }

  /** Everything before this position has been returned, or is lost. */
  get position(): Position {
    return this.at;
  }

  /** The next record that ends at or before `limit`, or `undefined` when there is none now. */
  next(limit: Position = Number.POSITIVE_INFINITY): JournalRecord | undefined {
    while (this.at < limit) {
      if (this.segment === undefined && !this.enterSegment()) return undefined;
      const segment = this.segment!;
      const skipPayload = this.options.eventsOnly === true ? 'samples' : 'none';
      if (!segment.next(Math.min(limit, this.segmentLimit), skipPayload)) {
        if (this.leaveSegment(limit)) continue;
        return undefined;
      }
      const record = segment.recordStart < this.at ? this.passOver(segment) : this.decode(segment);
      this.at = Math.max(this.at, segment.recordEnd);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /**
   * For a journal that another process writes. Opens all segments that exist now, so that they can be read even after
   * that process removes them. Reopens the current segment if that process has replaced its file.
   */
  lookAhead(): void {
    const { segment } = this;
    const current = segment?.entry.start ?? this.at;
    for (const entry of this.list()) {
      const isKnown = this.ahead.some((one) => one.entry.start === entry.start);
      if (entry.start <= current || isKnown || this.ahead.length === AHEAD_MAX) continue;
      const opened = this.tryOpen(entry);
      if (opened !== undefined) this.ahead.push(opened);
    }
    this.ahead.sort((a, b) => a.entry.start - b.entry.start);
    if (segment?.isReplaced() !== true) return;
    segment.close();
    this.segment = undefined;
  }

  /** Reports an unfinished last record. Call it at the end of a journal that no process is writing. */
  reportTail(): void {
    const { segment } = this;
    if (segment === undefined) return;
    const { offset, bytes, isPadding } = segment.tail();
    if (bytes === 0 || isPadding) return;
    this.options.onFinding?.({ kind: 'tornTail', file: segment.entry.file, offset, bytes, from: segment.position });
  }

  close(): void {
    for (const segment of [this.segment, ...this.ahead]) segment?.close();
    this.segment = undefined;
    this.ahead = [];
  }

  /** Opens the segment that has the current position, or else the next one. */
  private enterSegment(): boolean {
    for (;;) {
      const segments = this.reachable();
      const index = Math.max(
        0,
        segments.findLastIndex(({ start }) => start <= this.at),
      );
      if (segments.length === 0) return false;
      if (!this.open(segments, index)) continue;
      this.begin(segments[index]);
      return true;
    }
  }

  private begin({ start, previousEnd }: SegmentEntry): void {
    const known = Math.min(start, previousEnd);
    if (this.options.tellsMissingStart === true && this.at < known) {
      this.options.onFinding?.({ kind: 'missingSegment', from: this.at, to: known });
    }
    this.at = Math.max(this.at, start);
  }

  /** Called when the segment has no record now. `false` when neither reading on nor the next segment gives one. */
  private leaveSegment(limit: Position): boolean {
    const segment = this.segment!;
    for (;;) {
      const segments = this.reachable();
      const index = this.nextIndex(segments, segment);
      if (index === -1) return false;
      const next = segments[index];
      // The rest of this segment may be beyond the limit. It is read when the limit allows it.
      if (next.start > limit) return false;
      if (this.segmentLimit !== next.start) {
        this.segmentLimit = next.start;
        return true;
      }
      // Reading the size may fail. The segment is the current one then, and is closed with the reader.
      const { bytes } = segment.tail();
      if (!this.open(segments, index)) continue;
      this.finish(segment, bytes, next);
      segment.close();
      this.at = Math.max(this.at, next.start);
      return true;
    }
  }

  /** The segment to read after this one: a later one that has the current position too, or else the next one. */
  private nextIndex(segments: readonly SegmentEntry[], { entry }: SegmentReader): number {
    const holding = segments.findLastIndex(({ start }) => start <= this.at);
    if (holding !== -1 && segments[holding].start > entry.start) return holding;
    return segments.findIndex(({ start }) => start > this.at);
  }

  /** Makes a segment the current one. `false` when it was removed since it was listed. */
  private open(segments: readonly SegmentEntry[], index: number): boolean {
    const { start } = segments[index];
    const held = this.ahead.find(({ entry }) => entry.start === start);
    const opened = held ?? this.tryOpen(segments[index]);
    if (opened === undefined) return false;
    for (const one of this.ahead) if (one.entry.start < start) one.close();
    this.ahead = this.ahead.filter(({ entry }) => entry.start > start);
    this.segment = opened;
    this.segmentLimit = segments[index + 1]?.start ?? Number.POSITIVE_INFINITY;
    return true;
  }

  private tryOpen(entry: SegmentEntry): SegmentReader | undefined {
    try {
      return new SegmentReader(this.options.fileSystem, entry, this.options.onFinding);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The segments that can be read: those in the directory now, and removed ones that are held open. */
  private reachable(): readonly SegmentEntry[] {
    const listed = this.list();
    const gone = this.ahead.filter(({ entry }) => !listed.some(({ start }) => start === entry.start));
    if (gone.length === 0) return listed;
    return [...listed, ...gone.map(({ entry }) => entry)].sort((a, b) => a.start - b.start);
  }

  /** Reports what is lost in the last bytes of a segment, and between this segment and the next. */
  private finish(segment: SegmentReader, bytes: number, next: SegmentEntry): void {
    const known = Math.min(next.previousEnd, next.start);
    let reached = Math.max(this.at, segment.position);
    const bad = Math.min(known, segment.position + bytes);
    if (bad > reached) {
      segment.reportLost(bad);
      reached = bad;
    }
    if (known > reached) this.options.onFinding?.({ kind: 'missingSegment', from: reached, to: known });
  }

  /** Handles a record before the current position: only its definitions matter. */
  private passOver(segment: SegmentReader): undefined {
    if (segment.kind !== SAMPLES || this.options.eventsOnly === true) return;
    const { buffer, payloadStart, payloadEnd, references, referencesMax } = segment;
    this.guard(segment, () => readDefinitions(buffer, payloadStart, payloadEnd, references, referencesMax));
  }

  private decode(segment: SegmentReader): JournalRecord | undefined {
    if (segment.kind === EVENTS) {
      if (this.options.wanted !== undefined && !this.options.wanted(payloadOf(segment))) return undefined;
      return this.guard(segment, () => this.decodeEvents(segment));
    }
    if (segment.kind === SAMPLES) {
      if (this.options.eventsOnly === true) return undefined;
      return this.guard(segment, () => this.decodeSamples(segment));
    }
    if (segment.kind === LATE_SAMPLES) {
      if (this.options.eventsOnly === true) return undefined;
      return this.guard(segment, () => this.decodeLateSamples(segment));
    }
    this.options.onFinding?.({ ...this.place(segment), kind: 'unknownRecord', recordKind: segment.kind });
    return undefined;
  }

  private decodeEvents(segment: SegmentReader): EventsRecord {
    const events = this.eventsDecoder.decode(segment.buffer, segment.payloadStart, segment.payloadEnd);
    return { type: 'events', start: segment.recordStart, position: segment.recordEnd, events };
  }

  private decodeSamples(segment: SegmentReader): SamplesRecord {
    return this.decodeBatch(segment, 'samples', segment.references);
  }

  private decodeLateSamples(segment: SegmentReader): SamplesRecord {
    this.ownReferences.clear();
    return this.decodeBatch(segment, 'lateSamples', this.ownReferences);
  }

  private decodeBatch(segment: SegmentReader, type: SamplesRecord['type'], references: ReferenceTable): SamplesRecord {
    const { samples } = this;
    const { buffer, payloadStart, payloadEnd, referencesMax } = segment;
    decodeSamples(buffer, payloadStart, payloadEnd, references, referencesMax, samples);
    samples.type = type;
    samples.start = segment.recordStart;
    samples.position = segment.recordEnd;
    samples.segment = segment.entry.start;
    if (samples.unresolved > 0) {
      const { file, from, to } = this.place(segment);
      this.options.onFinding?.({ kind: 'unresolvedReference', file, from, to, samples: samples.unresolved });
    }
    return samples;
  }

  /** Reports a bad record when the payload is malformed although its checksum is right. */
  private guard<T>(segment: SegmentReader, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      this.options.onFinding?.({ ...this.place(segment), kind: 'badRecord', reason: error.message });
      return undefined;
    }
  }

  private place(segment: SegmentReader): { file: string; offset: number; from: Position; to: Position } {
    const { recordStart, recordEnd, entry } = segment;
    return { file: entry.file, offset: segment.offsetOf(recordStart), from: recordStart, to: recordEnd };
  }

  /** Lists the segments in the directory. Each finding about the directory is reported once. */
  private list(): readonly SegmentEntry[] {
    const { segments, findings } = listSegments(this.options.fileSystem, this.options.directory);
    const overlaps = segments.flatMap((segment, index) => {
      const next = segments[index + 1];
      const to = physicalEnd(segment);
      if (next === undefined || to <= next.start) return [];
      return [{ kind: 'duplicatedSegment', file: segment.file, from: next.start, to } as const];
    });
    for (const finding of [...findings, ...overlaps]) {
      const key = JSON.stringify(finding);
      if (this.reported.has(key)) continue;
      this.reported.add(key);
      this.options.onFinding?.(finding);
    }
    return segments;
  }
}

const payloadOf = ({ buffer, payloadStart, payloadEnd }: SegmentReader): Buffer =>
  buffer.subarray(payloadStart, payloadEnd);

/**
 * Yields the records of the journal from a position to its end, or to `limit`. The caller may pause between records. A
 * samples record is valid until the next record is read.
 */
export function* readJournal(
  options: JournalReaderOptions & { readonly limit?: Position },
): Generator<JournalRecord, void, undefined> {
  const reader = new JournalReader(options);
  try {
    for (let record = reader.next(options.limit); record !== undefined; record = reader.next(options.limit))
      yield record;
    if (options.limit === undefined) reader.reportTail();
  } finally {
    reader.close();
  }
}
