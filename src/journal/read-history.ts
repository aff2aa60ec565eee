/**
 * What happened, oldest first: the lifecycle events of the history files, then those of the journal. Sample batches are
 * passed over unread, and events of other series undecoded.
 */
import type { FileSystem } from '../disk/file-system.ts';
import { isMissing } from '../disk/io-error.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import { concerns } from '../model/evolve.ts';
import { type Fingerprint, parseFingerprint } from '../model/fingerprint.ts';
import { writeInt32BE } from '../model/int64.ts';
import { MalformedBytes } from '../model/malformed-bytes.ts';
import { EventsDecoder } from './events-codec.ts';
import type { FindingListener } from './findings.ts';
import {
  HISTORY_POSITION_BYTES,
  type HistoryFile,
  historyPosition,
  isHistoryRecord,
  listHistory,
  openHistory,
} from './history-files.ts';
import { readJournal } from './read-journal.ts';
import { EVENTS } from './record-frame.ts';
import { listSegments } from './segment-list.ts';
import type { SegmentReader } from './segment-reader.ts';

export interface ReadHistoryOptions {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  /** Only what concerns this series. */
  readonly fingerprint?: Fingerprint;
  readonly onFinding?: FindingListener;
}

export type PlacedLifecycleEvent = LifecycleEvent & { readonly position: Position };

export function* readHistory(options: ReadHistoryOptions): Generator<PlacedLifecycleEvent, void, undefined> {
  const { fingerprint } = options;
  const wanted = fingerprint === undefined ? undefined : mentions(fingerprint);
  const through = yield* readHistoryFiles(options, 0);
  for (const record of readJournal({ ...options, from: through, eventsOnly: true, ...(wanted && { wanted }) })) {
    if (record.type === 'events') yield* placed(record.events, record.position, fingerprint);
  }
}

/** The events of the history files that come after a position; returns how far the files tell what happened. */
export function* readHistoryFiles(
  options: ReadHistoryOptions,
  after: Position,
): Generator<PlacedLifecycleEvent, Position, undefined> {
  const { fileSystem, directory, fingerprint, onFinding } = options;
  const wanted = fingerprint === undefined ? undefined : mentions(fingerprint);
  let through = after;
  const { storeId } = listSegments(fileSystem, directory);
  for (const file of listHistory(fileSystem, directory, onFinding)) {
    if (storeId !== undefined && file.storeId !== storeId) continue;
    through = yield* readFileOf(options, file, through, wanted);
  }
  return through;
}

/** Yields the events of one file that come after `through`; returns how far it tells. */
function* readFileOf(
  { fileSystem, fingerprint, onFinding }: ReadHistoryOptions,
  file: HistoryFile,
  through: Position,
  wanted: ((payload: Buffer) => boolean) | undefined,
): Generator<PlacedLifecycleEvent, Position, undefined> {
  const decoder = new EventsDecoder();
  const reader = openIfThere(fileSystem, file, onFinding);
  let reached = through;
  if (reader === undefined) return reached;
  try {
    while (reader.next(Number.POSITIVE_INFINITY)) {
      if (!isHistoryRecord(reader)) continue;
      const position = historyPosition(reader);
      if (position <= reached) continue;
      reached = position;
      if (reader.kind !== EVENTS) continue;
      const start = reader.payloadStart + HISTORY_POSITION_BYTES;
      if (wanted !== undefined && !wanted(reader.buffer.subarray(start, reader.payloadEnd))) continue;
      yield* placed(decode(decoder, reader.buffer, start, reader.payloadEnd), position, fingerprint);
    }
  } finally {
    reader.close();
  }
  return reached;
}

/** The oldest file may be dropped after it was listed. */
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

/** A record that makes no sense has been reported by whoever checked the history; here it tells nothing. */
const decode = (decoder: EventsDecoder, buffer: Buffer, start: number, end: number): readonly LifecycleEvent[] => {
  try {
    return decoder.decode(buffer, start, end);
  } catch (error) {
    if (error instanceof MalformedBytes) return [];
    throw error;
  }
};

function* placed(
  events: readonly LifecycleEvent[],
  position: Position,
  fingerprint: Fingerprint | undefined,
): Generator<PlacedLifecycleEvent, void, undefined> {
  for (const event of events) {
    if (fingerprint === undefined || concerns(event, fingerprint)) yield { ...event, position };
  }
}

/** Whether a payload can hold an event of a series: it has its fingerprint as text, or as bytes in a creation. */
const mentions = (fingerprint: Fingerprint): ((payload: Buffer) => boolean) => {
  const text = Buffer.from(fingerprint, 'latin1');
  const halves = parseFingerprint(fingerprint);
  if (halves === undefined) return () => false;
  const bytes = Buffer.alloc(8);
  writeInt32BE(bytes, 0, halves.high);
  writeInt32BE(bytes, 4, halves.low);
  return (payload) => payload.includes(text) || payload.includes(bytes);
};
