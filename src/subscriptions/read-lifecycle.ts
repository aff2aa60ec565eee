/**
 * Reads lifecycle events of a directory for views that show any place of the journal: all events after a position, or
 * those at certain positions only. Files that have none of them are not read, and what is not asked for is not decoded.
 *
 * The work is done in slices of a few milliseconds, also where nothing is found: the event loop of the host stays free.
 */
import { join } from 'node:path';
import { Slices } from '../async/slices.ts';
import type { FileSystem } from '../files/file-system.ts';
import { isMissing } from '../files/io-error.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { withTypedErrors } from '../files/typed-errors.ts';
import { EventsDecoder } from '../journal/format/events-codec.ts';
import { EVENTS } from '../journal/format/record-frame.ts';
import {
  hasEvents,
  historyPayload,
  historyPosition,
  listHistory,
  openHistory,
} from '../journal/history/history-files.ts';
import { describeFinding, type JournalFinding } from '../journal/read/journal-findings.ts';
import { listSegments } from '../journal/read/segment-list.ts';
import { SegmentReader } from '../journal/read/segment-reader.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import { MalformedBytes } from '../model/malformed-bytes.ts';
import type { Clock } from '../ports/clock.ts';

/** Less than this is read rather than skipped. */
const SKIPPED_BYTES_MIN = 1024 * 1024;
/** Records that are passed over between two looks at the clock. */
const RECORDS_PER_LOOK = 16;

/** The events of one record. */
export interface LifecycleRecord {
  readonly position: Position;
  readonly events: readonly LifecycleEvent[];
}

/** Where a record is. */
export interface RecordPlace {
  readonly position: Position;
  /** The position of any record before it, the nearer the better: there reading begins. 0 if none is known. */
  readonly after: Position;
}

export interface ReadLifecycleOptions {
  /** Begins with the first event after this position. Default 0: the oldest event that is kept. */
  readonly after?: Position;
  /** Only these records, in ascending order. */
  readonly at?: readonly RecordPlace[];
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Called with one sentence for each part of the journal that cannot be read. */
  readonly onProblem?: (message: string) => void;
  /** Called with the bytes that have been read, of how many, after each file and during long ones. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called at the end with the position up to which everything has been read. Reading can go on `after` it. */
  readonly onReached?: (position: Position) => void;
  readonly fileSystem?: FileSystem;
}

/** A file of the journal or of its history. The events in it end at `through` at most. */
interface JournalPart {
  readonly isHistory: boolean;
  readonly from: Position;
  readonly through: Position;
  readonly bytes: number;
  /** Throws if the file is gone. */
  readonly open: () => SegmentReader;
}

/** Yields the records in order, each once. Ends without an error when `signal` aborts. */
export const readLifecycle = (directory: string, options: ReadLifecycleOptions): AsyncGenerator<LifecycleRecord> =>
  new LifecycleReader(join(directory, 'journal'), options).read();

class LifecycleReader {
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  private readonly options: ReadLifecycleOptions;
  private readonly slices: Slices;
  private readonly decoder = new EventsDecoder();
  private readonly wanted: readonly RecordPlace[] | undefined;
  /** The index of the next wanted position. */
  private nextWanted = 0;
  /** Everything up to this position has been read. */
  private reached: Position;
  private done = 0;
  private total = 0;
  private records = 0;

  constructor(directory: string, options: ReadLifecycleOptions) {
    this.fileSystem = withTypedErrors(options.fileSystem ?? nodeFileSystem);
    this.directory = directory;
    this.options = options;
    this.slices = new Slices(options.clock);
    this.wanted = options.at;
    this.reached = options.after ?? 0;
  }

  async *read(): AsyncGenerator<LifecycleRecord, void, undefined> {
    // A segment that is removed meanwhile has its events in the history, so the files are listed again.
    for (let isGone = true; isGone && !this.isOver; ) {
      isGone = false;
      for (const part of this.parts()) {
        if (this.isOver) return;
        if (!this.isAskedFor(part)) continue;
        const reader = openPart(part);
        isGone = reader === undefined;
        if (reader === undefined) break;
        yield* this.readPart(part, reader);
      }
    }
    this.options.onReached?.(this.reached);
  }

  private get isOver(): boolean {
    return this.options.signal?.aborted === true || this.nextWanted === this.wanted?.length;
  }

  /** The files that may have events after the position that was reached, oldest first. */
  private parts(): JournalPart[] {
    const { fileSystem, directory } = this;
    const onFinding = (finding: JournalFinding): void => this.options.onProblem?.(describeFinding(finding));
    const { storeId, segments } = listSegments(fileSystem, directory);
    const history = listHistory(fileSystem, directory).filter(
      (file) => storeId === undefined || file.storeId === storeId,
    );
    const oldest = segments[0]?.start ?? Number.POSITIVE_INFINITY;
    const parts = [
      ...history.map((file, i) => ({
        isHistory: true,
        from: file.first,
        through: Math.min(history[i + 1]?.first ?? Number.POSITIVE_INFINITY, oldest),
        bytes: file.bytes,
        open: () => openHistory(fileSystem, file, onFinding),
      })),
      ...segments.map((segment, i) => ({
        isHistory: false,
        from: segment.start,
        through: segments[i + 1]?.start ?? Number.POSITIVE_INFINITY,
        bytes: segment.bytes,
        open: () => new SegmentReader(fileSystem, segment, onFinding),
      })),
    ].filter(({ through }) => through > this.reached);
    this.done = 0;
    this.total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    return parts;
  }

  private isAskedFor({ through }: JournalPart): boolean {
    return through > this.reached && (this.wanted === undefined || this.wanted[this.nextWanted].position <= through);
  }

  private async *readPart(part: JournalPart, reader: SegmentReader): AsyncGenerator<LifecycleRecord, void, undefined> {
    const before = this.done;
    try {
      const limit = part.isHistory ? Number.POSITIVE_INFINITY : part.through;
      for (;;) {
        if (!part.isHistory) this.skip(part, reader);
        if (!reader.next(limit, 'samples') || this.isOver) break;
        const record = this.recordOf(part, reader);
        if (record !== undefined) yield record;
        // Decoding a record of many events takes long; passing over a record does not.
        const isLookDue = record !== undefined || ++this.records % RECORDS_PER_LOOK === 0;
        if (!isLookDue || !this.slices.isOver) continue;
        this.options.onProgress?.(before + reader.offsetOf(reader.recordEnd), this.total);
        await this.slices.breathe();
      }
      if (!part.isHistory && !this.isOver) this.reached = Math.max(this.reached, reader.position);
    } finally {
      reader.close();
    }
    if (!this.isOver && Number.isFinite(part.through)) this.reached = Math.max(this.reached, part.through);
    this.done = before + part.bytes;
    this.options.onProgress?.(this.done, this.total);
  }

  /** Continues in a segment where the next record that is asked for may be. */
  private skip(part: JournalPart, reader: SegmentReader): void {
    const after = this.wanted?.[this.nextWanted]?.after ?? this.reached;
    if (after <= part.through && after - reader.position >= SKIPPED_BYTES_MIN) reader.skipTo(after);
  }

  /** The record that the reader found, if it has events that are asked for. */
  private recordOf({ isHistory }: JournalPart, reader: SegmentReader): LifecycleRecord | undefined {
    if (isHistory ? !hasEvents(reader) : reader.kind !== EVENTS) return undefined;
    const position = isHistory ? historyPosition(reader) : reader.recordEnd;
    if (position <= this.reached) return undefined;
    this.reached = position;
    if (this.wanted !== undefined) {
      while (this.wanted[this.nextWanted]?.position < position) this.nextWanted++;
      if (this.wanted[this.nextWanted]?.position !== position) return undefined;
      this.nextWanted++;
    }
    const events = this.decode(reader, isHistory);
    return events && { position, events };
  }

  /** The events of a record; `undefined` if the payload is malformed although its checksum is right. */
  private decode(reader: SegmentReader, isHistory: boolean): readonly LifecycleEvent[] | undefined {
    try {
      const payload = isHistory ? historyPayload(reader) : payloadOf(reader);
      return this.decoder.decode(payload, 0, payload.length);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      const { recordStart: from, recordEnd: to, entry } = reader;
      const place = { file: entry.file, offset: reader.offsetOf(from), from, to };
      this.options.onProblem?.(describeFinding({ ...place, kind: 'badRecord', reason: error.message }));
      return undefined;
    }
  }
}

const payloadOf = ({ buffer, payloadStart, payloadEnd }: SegmentReader): Buffer =>
  buffer.subarray(payloadStart, payloadEnd);

/** `undefined` if the file is gone. */
const openPart = (part: JournalPart): SegmentReader | undefined => {
  try {
    return part.open();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};
