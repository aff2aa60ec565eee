/**
 * Reads the journal from a position on, through all its segments, in order, each record once. What is damaged is
 * reported by name and passed over (findings.ts). At the end it may be asked again when more has been written.
 */
import type { FileSystem } from '../disk/file-system.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import { MalformedBytes } from '../model/malformed-bytes.ts';
import { DecodedSamples, decodeSamples, readDefinitions } from './decode-samples.ts';
import { EventsDecoder } from './events-codec.ts';
import type { FindingListener } from './findings.ts';
import { EVENTS, SAMPLES } from './record-frame.ts';
import { listSegments, physicalEnd, type SegmentEntry } from './segment-list.ts';
import { SegmentReader } from './segment-reader.ts';

/** A batch of samples. The columns are the reader's: they change with the next record. */
export class SamplesRecord extends DecodedSamples {
  readonly type = 'samples';
  /** Where the record begins. */
  start: Position = 0;
  /** Where it ends, which is the position of what it tells. */
  position: Position = 0;
  /** Start of its segment: `references` keep their meaning while this stays the same. */
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
  /** Begins with the first record that starts here or later. Default: the oldest there is. */
  readonly from?: Position;
  readonly onFinding?: FindingListener | undefined;
  /** Leaves out the sample batches, without reading them. */
  readonly eventsOnly?: boolean;
  /** Decodes only the events records whose payload it accepts. */
  readonly wanted?: (payload: Buffer) => boolean;
}

export class JournalReader {
  private readonly options: JournalReaderOptions;
  private readonly samples = new SamplesRecord();
  private readonly eventsDecoder = new EventsDecoder();
  private readonly reported = new Set<string>();
  private segment: SegmentReader | undefined;
  /** Where the segment after this one starts. */
  private segmentLimit: Position = Number.POSITIVE_INFINITY;
  private at: Position;

  constructor(options: JournalReaderOptions) {
    this.options = options;
    this.at = options.from ?? 0;
  }

  /** Everything before this position has been returned, or is in no file. */
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
        if (this.leaveSegment()) continue;
        return undefined;
      }
      const record = segment.recordStart < this.at ? this.passOver(segment) : this.decode(segment);
      this.at = Math.max(this.at, segment.recordEnd);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** To be called at the end of a journal that nobody writes: reports an unfinished last record. */
  reportTail(): void {
    const { segment } = this;
    if (segment === undefined) return;
    const { offset, bytes, isPadding } = segment.tail();
    if (bytes === 0 || isPadding) return;
    this.options.onFinding?.({ kind: 'tornTail', file: segment.entry.file, offset, bytes, from: segment.position });
  }

  close(): void {
    this.segment?.close();
    this.segment = undefined;
  }

  /** Opens the segment that holds the position, or else the next one. */
  private enterSegment(): boolean {
    const segments = this.list();
    let index = segments.findLastIndex(({ start }) => start <= this.at);
    if (index === -1) {
      if (segments.length === 0) return false;
      index = 0;
      this.at = segments[0].start;
    }
    this.open(segments, index);
    return true;
  }

  /** Goes on to another segment, if there is one now. */
  private leaveSegment(): boolean {
    const segment = this.segment!;
    const segments = this.list();
    const holding = segments.findLastIndex(({ start }) => start <= this.at);
    if (holding !== -1 && segments[holding].start > segment.entry.start) {
      this.finish(segment, segments[holding]);
      this.open(segments, holding);
      return true;
    }
    const next = segments.find(({ start }) => start > this.at);
    if (next === undefined) return false;
    this.finish(segment, next);
    this.at = next.start;
    this.open(segments, segments.indexOf(next));
    return true;
  }

  private open(segments: readonly SegmentEntry[], index: number): void {
    this.segment?.close();
    this.segment = new SegmentReader(this.options.fileSystem, segments[index], this.options.onFinding);
    this.segmentLimit = segments[index + 1]?.start ?? Number.POSITIVE_INFINITY;
  }

  /** Says what of a segment, and between it and the next, is lost. */
  private finish(segment: SegmentReader, next: SegmentEntry): void {
    const known = Math.min(next.previousEnd, next.start);
    let reached = Math.max(this.at, segment.position);
    const { bytes } = segment.tail();
    const bad = Math.min(known, segment.position + bytes);
    if (bad > reached) {
      segment.reportLost(bad);
      reached = bad;
    }
    if (known > reached) this.options.onFinding?.({ kind: 'missingSegment', from: reached, to: known });
  }

  /** A record before the position: only its definitions matter. */
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
    this.options.onFinding?.({ ...this.place(segment), kind: 'unknownRecord', recordKind: segment.kind });
    return undefined;
  }

  private decodeEvents(segment: SegmentReader): EventsRecord {
    const events = this.eventsDecoder.decode(segment.buffer, segment.payloadStart, segment.payloadEnd);
    return { type: 'events', start: segment.recordStart, position: segment.recordEnd, events };
  }

  private decodeSamples(segment: SegmentReader): SamplesRecord {
    const { samples } = this;
    const { buffer, payloadStart, payloadEnd, references, referencesMax } = segment;
    decodeSamples(buffer, payloadStart, payloadEnd, references, referencesMax, samples);
    samples.start = segment.recordStart;
    samples.position = segment.recordEnd;
    samples.segment = segment.entry.start;
    if (samples.unresolved > 0) {
      const { file, from, to } = this.place(segment);
      this.options.onFinding?.({ kind: 'unresolvedReference', file, from, to, samples: samples.unresolved });
    }
    return samples;
  }

  /** A whole record whose content makes no sense is a bad record like any other. */
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

  /** The segments there are now; what is wrong with the directory is reported once. */
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
 * The records of the journal from a position to its end or to `limit`, one at a time: the caller may rest between them.
 * A samples record is good until the next one.
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
