/**
 * Reads lifecycle events, oldest first: those of the history files, then those of the journal. Sample batches are
 * skipped without reading them. With a fingerprint, events of other series are skipped without decoding them.
 */
import { Slices } from '../../async/slices.ts';
import type { FileSystem } from '../../files/file-system.ts';
import { isMissing } from '../../files/io-error.ts';
import { concerns } from '../../model/concerns.ts';
import type { LifecycleEvent, Position } from '../../model/events.ts';
import { type Fingerprint, parseFingerprint } from '../../model/fingerprint.ts';
import { writeInt32BE } from '../../model/int64.ts';
import { MalformedBytes } from '../../model/malformed-bytes.ts';
import type { Clock } from '../../ports/clock.ts';
import { EventsDecoder } from '../format/events-codec.ts';
import type { FindingListener, JournalFinding } from '../read/journal-findings.ts';
import { readJournal } from '../read/read-journal.ts';
import { listSegments } from '../read/segment-list.ts';
import type { SegmentReader } from '../read/segment-reader.ts';
import {
  type HistoryFile,
  hasEvents,
  historyPayload,
  historyPosition,
  isHistoryKind,
  isHistoryRecord,
  listHistory,
  openHistory,
} from './history-files.ts';

export interface ReadHistoryOptions {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  /** Only events that concern this series. */
  readonly fingerprint?: Fingerprint;
  /** Only records that have this text, such as part of the JSON of an event. */
  readonly text?: string;
  readonly onFinding?: FindingListener;
}

export type PlacedLifecycleEvent = LifecycleEvent & { readonly position: Position };

/** A record of the history. It has no events if none of them is wanted. */
interface Batch {
  readonly position: Position;
  readonly events: readonly PlacedLifecycleEvent[];
}

export function* readHistory(options: ReadHistoryOptions): Generator<PlacedLifecycleEvent, void, undefined> {
  const through = yield* readHistoryFiles(options, 0);
  yield* readSegments(options, through);
}

/**
 * As {@link readHistory}. Reads the history files in slices of a few milliseconds, also where no event is wanted. The
 * journal's segments are read in one go, because the writer may remove one of them in a pause.
 */
export async function* readHistoryInSlices(
  options: ReadHistoryOptions,
  clock: Clock,
): AsyncGenerator<PlacedLifecycleEvent, void, undefined> {
  const slices = new Slices(clock);
  let through = 0;
  for (let isWhole = false; !isWhole; ) {
    const before = through;
    for (const { position, events } of readBatches(options, before)) {
      through = position;
      for (const event of events) yield event;
      if (slices.isOver) await slices.breathe();
    }
    // In a pause, events of a segment may have been moved into a file that was read already, or is new.
    isWhole = through === before || !hasMoved(options, through);
  }
  for (const event of [...readSegments(options, through)]) yield event;
}

/** Whether the oldest segment begins after a position, so that the history has events between them. */
const hasMoved = ({ fileSystem, directory }: ReadHistoryOptions, through: Position): boolean => {
  const [oldest] = listSegments(fileSystem, directory).segments;
  return oldest !== undefined && oldest.previousEnd > through;
};

/** Yields the events of the history files after a position. Returns the position up to which the files have events. */
export function* readHistoryFiles(
  options: ReadHistoryOptions,
  after: Position,
): Generator<PlacedLifecycleEvent, Position, undefined> {
  let through = after;
  for (const { position, events } of readBatches(options, after)) {
    through = position;
    yield* events;
  }
  return through;
}

/** The events of the journal's segments after a position. */
function* readSegments(options: ReadHistoryOptions, from: Position): Generator<PlacedLifecycleEvent, void, undefined> {
  const wanted = filterOf(options);
  for (const record of readJournal({ ...options, from, eventsOnly: true, ...(wanted && { wanted }) })) {
    if (record.type === 'events') yield* placed(record.events, record.position, options.fingerprint);
  }
}

/** As {@link readHistoryFiles}, record by record, with the marks. */
function* readBatches(options: ReadHistoryOptions, after: Position): Generator<Batch, void, undefined> {
  const { fileSystem, directory, onFinding } = options;
  const wanted = filterOf(options);
  let through = after;
  const { storeId } = listSegments(fileSystem, directory);
  for (const file of listHistory(fileSystem, directory, onFinding)) {
    if (storeId !== undefined && file.storeId !== storeId) continue;
    through = yield* readFileOf(options, file, through, wanted);
  }
}

/** Yields the records of one file after `through`. Returns the position up to which the history has been read. */
function* readFileOf(
  { fileSystem, fingerprint, onFinding }: ReadHistoryOptions,
  file: HistoryFile,
  through: Position,
  wanted: ((payload: Buffer) => boolean) | undefined,
): Generator<Batch, Position, undefined> {
  const decoder = new EventsDecoder();
  const reader = openIfThere(fileSystem, file, onFinding);
  let reached = through;
  if (reader === undefined) return reached;
  try {
    while (reader.next(Number.POSITIVE_INFINITY)) {
      if (!isHistoryRecord(reader)) {
        onFinding?.(unreadable(reader));
        continue;
      }
      const position = historyPosition(reader);
      if (position <= reached) {
        // For a reader in slices, which looks at the clock after each record.
        yield { position: reached, events: [] };
        continue;
      }
      reached = position;
      const events = hasEvents(reader) ? decode(decoder, reader, wanted, onFinding) : [];
      yield { position, events: placed(events, position, fingerprint) };
    }
  } finally {
    reader.close();
  }
  return reached;
}

/** `undefined` when the file is gone: the oldest file may be removed after it was listed. */
const openIfThere = (
  fileSystem: FileSystem,
  file: HistoryFile,
  onFinding: FindingListener | undefined,
): SegmentReader | undefined => {
  try {
    return openHistory(fileSystem, file, onFinding);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/** The events of a record. There are none when the payload is malformed although its checksum is right. */
const decode = (
  decoder: EventsDecoder,
  reader: SegmentReader,
  wanted: ((payload: Buffer) => boolean) | undefined,
  onFinding: FindingListener | undefined,
): readonly LifecycleEvent[] => {
  try {
    const payload = historyPayload(reader);
    return wanted === undefined || wanted(payload) ? decoder.decode(payload, 0, payload.length) : [];
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    onFinding?.({ ...placeOf(reader), kind: 'badRecord', reason: error.message });
    return [];
  }
};

/** What is wrong with a whole record that is none of a history file. */
const unreadable = (reader: SegmentReader): JournalFinding =>
  isHistoryKind(reader.kind)
    ? { ...placeOf(reader), kind: 'badRecord', reason: 'the record has no position' }
    : { ...placeOf(reader), kind: 'unknownRecord', recordKind: reader.kind };

/** Where a record is in its file. */
const placeOf = (reader: SegmentReader): { file: string; offset: number; from: Position; to: Position } => {
  const { recordStart, recordEnd, entry } = reader;
  return { file: entry.file, offset: reader.offsetOf(recordStart), from: recordStart, to: recordEnd };
};

const placed = (
  events: readonly LifecycleEvent[],
  position: Position,
  fingerprint: Fingerprint | undefined,
): PlacedLifecycleEvent[] => {
  const batch: PlacedLifecycleEvent[] = [];
  for (const event of events)
    if (fingerprint === undefined || concerns(event, fingerprint)) batch.push({ ...event, position });
  return batch;
};

/** Whether a payload may hold wanted events; `undefined` if all are wanted. */
const filterOf = ({ fingerprint, text }: ReadHistoryOptions): ((payload: Buffer) => boolean) | undefined => {
  if (fingerprint !== undefined) return mentions(fingerprint);
  return text === undefined ? undefined : (payload) => payload.includes(text);
};

/** Whether a payload may hold an event of the series: it has the fingerprint as text, or as bytes in a creation. */
const mentions = (fingerprint: Fingerprint): ((payload: Buffer) => boolean) => {
  const text = Buffer.from(fingerprint, 'latin1');
  const halves = parseFingerprint(fingerprint);
  if (halves === undefined) return () => false;
  const bytes = Buffer.alloc(8);
  writeInt32BE(bytes, 0, halves.high);
  writeInt32BE(bytes, 4, halves.low);
  return (payload) => payload.includes(text) || payload.includes(bytes);
};
