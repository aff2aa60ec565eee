/**
 * Reads the journal as domain events, in batches of whole records, for subscriptions and `tidemark events`. A lost part
 * of the journal is reported as a range, together with the batch that follows it.
 */
import type { FileSystem } from '../files/file-system.ts';
import type { FindingListener, JournalFinding } from '../journal/read/journal-findings.ts';
import { JournalReader, type JournalRecord, type SamplesRecord } from '../journal/read/read-journal.ts';
import type { JournalEvent, LateSamplesAppended, Position, SamplesAppended } from '../model/events.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import type { LostRange } from './subscription-cursors.ts';

/** A batch ends when it has this many bytes of the journal, even with few events. */
const BATCH_BYTES_MAX = 1024 * 1024;
/** After this many bytes of samples only, an empty batch lets the reader acknowledge them. */
const SKIPPED_BYTES_MAX = 16 * 1024 * 1024;

export interface SourceBatch {
  readonly events: readonly JournalEvent[];
  /** Where the batch ends and the next one starts. */
  readonly position: Position;
  /** The lost range between the previous batch and this one. */
  readonly lost?: LostRange;
}

export interface EventSourceOptions {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly from: Position;
  /** A batch ends when it has this many events or more; events of one record stay together. Default 1,000. */
  readonly batchSize?: number;
  /** Skips the batches of samples without reading them. */
  readonly eventsOnly?: boolean;
  readonly onFinding?: FindingListener;
}

export class EventSource {
  private readonly reader: JournalReader;
  private readonly batchSize: number;
  /** Texts of the fingerprints, by reference of the current segment. */
  private texts: (Fingerprint | undefined)[] = [];
  private textsOf: Position | undefined;
  private lost: LostRange | undefined;
  /** Events that were read after a lost range. They begin the next batch. */
  private held: { readonly events: JournalEvent[]; readonly position: Position } | undefined;
  private readonly eventsOnly: boolean;
  private at: Position;

  constructor(options: EventSourceOptions) {
    this.eventsOnly = options.eventsOnly === true;
    this.at = options.from;
    this.batchSize = options.batchSize ?? 1000;
    this.reader = new JournalReader({
      ...options,
      tellsMissingStart: true,
      onFinding: (finding) => {
        this.noteLoss(finding);
        options.onFinding?.(finding);
      },
    });
  }

  /** Where the next batch starts. */
  get position(): Position {
    return this.at;
  }

  /** The next batch of events that end at or before `limit`; `undefined` when there is none now. */
  take(limit: Position = Number.POSITIVE_INFINITY): SourceBatch | undefined {
    const events: JournalEvent[] = [];
    const lost = this.takeLoss();
    let position = Math.max(this.at, lost?.to ?? 0);
    if (this.held !== undefined) {
      events.push(...this.held.events);
      position = this.held.position;
      this.held = undefined;
    }
    while (events.length < this.batchSize && position - this.at < BATCH_BYTES_MAX) {
      const record = this.reader.next(limit);
      if (record === undefined) break;
      const read = { events: this.eventsOf(record), position: record.position };
      if (this.lost !== undefined) {
        this.held = read;
        break;
      }
      events.push(...read.events);
      position = read.position;
    }
    if (events.length === 0 && lost === undefined) {
      if (this.held !== undefined) return this.take(limit);
      if (!this.eventsOnly || !Number.isFinite(limit) || limit - this.at < SKIPPED_BYTES_MAX) return undefined;
      position = limit;
    }
    this.at = position;
    return { events, position, ...(lost !== undefined && { lost }) };
  }

  /** See {@link JournalReader.lookAhead}. */
  lookAhead(): void {
    this.reader.lookAhead();
  }

  close(): void {
    this.reader.close();
  }

  /** Returns and clears the lost range before the next batch. */
  private takeLoss(): LostRange | undefined {
    const { lost } = this;
    this.lost = undefined;
    return lost;
  }

  private noteLoss(finding: JournalFinding): void {
    if (finding.kind !== 'badRecord' && finding.kind !== 'missingSegment') return;
    // The damage is before the start of reading. A segment is always read from its start, for its definitions.
    if (finding.to <= this.at) return;
    this.lost = { from: this.lost?.from ?? Math.max(this.at, finding.from), to: finding.to };
  }

  private eventsOf(record: JournalRecord): JournalEvent[] {
    if (record.type === 'events') return record.events.map((event) => ({ ...event, position: record.position }));
    return [record.type === 'samples' ? this.samplesAppended(record) : lateSamplesAppended(record)];
  }

  private samplesAppended(record: SamplesRecord): SamplesAppended & { readonly position: Position } {
    if (record.segment !== this.textsOf) {
      this.texts = [];
      this.textsOf = record.segment;
    }
    const { count, references, highs, lows, time, position } = record;
    const fingerprints = new Array<Fingerprint>(count);
    for (let index = 0; index < count; index++) {
      const reference = references[index];
      fingerprints[index] = this.texts[reference] ??= fingerprintText(highs[index], lows[index]);
    }
    const timestamps = record.timestamps.slice(0, count);
    const values = record.values.slice(0, count);
    return { type: 'samplesAppended', time, fingerprints, timestamps, values, position };
  }
}

/** Few batches are late, so their fingerprints are not kept as text from batch to batch. */
const lateSamplesAppended = (record: SamplesRecord): LateSamplesAppended & { readonly position: Position } => {
  const { count, highs, lows, time, position } = record;
  const fingerprints = Array.from({ length: count }, (_, index) => fingerprintText(highs[index], lows[index]));
  const timestamps = record.timestamps.slice(0, count);
  const values = record.values.slice(0, count);
  return { type: 'lateSamplesAppended', time, fingerprints, timestamps, values, position };
};
