/**
 * Events as messages: JSON as `tidemark events` prints it. An event with long columns is cut into several messages. An
 * event that is too large otherwise goes out without its fields, so that its place in the order is not empty.
 */
import type { JournalEvent } from '../../index.ts';
import { eventLine } from '../../text/json-events.ts';
import type { SinkBatch } from '../sinks/sink.ts';
import type { Continuation, MessagePlace } from './message-place.ts';

/** An upper bound of the JSON text of one item in all columns: fingerprint, timestamp and value. */
const ITEM_BYTES_MAX = 64;
/** An upper bound of the other text of an event with columns. */
const REST_BYTES_MAX = 512;
/** Making the text of so many items takes a few milliseconds. */
const ITEMS_MAX = 8192;

/** The smallest limit for a message. */
export const MESSAGE_BYTES_MIN = 4096;

export interface EventMessage {
  readonly place: MessagePlace;
  /** The event's type; `eventsLost` for a lost range. */
  readonly type: string;
  readonly data: Uint8Array;
  /** Where the journal continues after this message. */
  readonly after: Continuation;
  /** The event's fields were left out, because it is too large. */
  readonly isShortened: boolean;
}

/** The messages of a batch, in order, without those that a continuation has already. */
export function* messagesOf(
  { events, from, lost }: SinkBatch,
  stored: Continuation | undefined,
  bytesMax: number,
): Generator<EventMessage, void, undefined> {
  let before = from;
  if (lost !== undefined) {
    const start = Math.max(lost.from, stored?.from ?? 0);
    if (start < lost.to) yield lostMessage(start, lost.to);
    before = Math.max(before, lost.to);
  }
  let number = 0;
  for (const [index, event] of events.entries()) {
    const { position } = event;
    const isLast = events[index + 1]?.position !== position;
    const begin = firstItemToSend({ position, event: number, first: 0 }, stored);
    if (begin !== undefined)
      yield* messagesOfEvent(event, { position, event: number, first: begin }, isLast, before, bytesMax);
    number = isLast ? 0 : number + 1;
    if (isLast) before = position;
  }
}

/** `undefined` when the whole event is stored. */
const firstItemToSend = ({ position, event }: MessagePlace, stored: Continuation | undefined): number | undefined => {
  if (stored === undefined) return 0;
  if (position <= stored.from) return undefined;
  const { next } = stored;
  if (next === undefined || next.position !== position || event > next.event) return 0;
  return event < next.event ? undefined : next.first;
};

function* messagesOfEvent(
  event: JournalEvent,
  begin: MessagePlace,
  isLast: boolean,
  before: number,
  bytesMax: number,
): Generator<EventMessage, void, undefined> {
  const { position, type } = event;
  const total = 'fingerprints' in event ? event.fingerprints.length : 0;
  const items = Math.min(ITEMS_MAX, Math.floor((bytesMax - REST_BYTES_MAX) / ITEM_BYTES_MAX));
  let { first } = begin;
  do {
    const end = first + items;
    const place = { ...begin, first };
    const next = end < total ? { ...begin, first: end } : { position, event: begin.event + 1, first: 0 };
    const after = end >= total && isLast ? { from: position } : { from: before, next };
    const text = eventLine(first === 0 && end >= total ? event : partOf(event, first, end));
    const whole = Buffer.from(text);
    const isShortened = whole.length > bytesMax;
    yield { place, type, data: isShortened ? shortened(event, whole.length) : whole, after, isShortened };
    first = end;
  } while (first < total);
}

/** The event with a part of its columns. `part` says which one. */
const partOf = (event: JournalEvent, first: number, end: number): JournalEvent => {
  if (!('fingerprints' in event)) return event;
  const part = { first, total: event.fingerprints.length };
  const fingerprints = event.fingerprints.slice(first, end);
  if (!('timestamps' in event)) {
    const cut = { ...event, fingerprints, part };
    return cut;
  }
  const timestamps = event.timestamps.subarray(first, end);
  const values = event.values.subarray(first, end);
  const cut = { ...event, fingerprints, timestamps, values, part };
  return cut;
};

const shortened = (event: JournalEvent, bytes: number): Uint8Array => {
  const { position, type, time } = event;
  const fingerprint = 'fingerprint' in event ? { fingerprint: event.fingerprint } : {};
  return Buffer.from(JSON.stringify({ position, type, time, ...fingerprint, omittedBytes: bytes }));
};

const lostMessage = (from: number, to: number): EventMessage => ({
  place: { position: to, event: 0, first: 0 },
  type: 'eventsLost',
  data: Buffer.from(JSON.stringify({ position: to, type: 'eventsLost', from, to })),
  after: { from: to },
  isShortened: false,
});
