/**
 * Where a message begins in the journal, and where the journal continues after it. Both are text in the stream: the
 * place is in the message's id, the continuation in its headers.
 *
 * A record of the journal has one position and one or more events; a long event is several messages. For example, store
 * 9a1f5c6b02d4e873 has a record of two events at position 4711, and the second event is cut before its item 500:
 *
 *     id                            Tidemark-From   Tidemark-Next
 *     9a1f5c6b02d4e873:4711         4650            4711:1
 *     9a1f5c6b02d4e873:4711:1       4650            4711:1.500
 *     9a1f5c6b02d4e873:4711:1.500   4711
 *
 * `Tidemark-From` is the position from which a subscription has to read to get the next message. `Tidemark-Next` is the
 * place of that message if the record is not complete.
 */
import type { Position } from '../../index.ts';

export interface MessagePlace {
  /** The end of the record. */
  readonly position: Position;
  /** The event's number in its record. */
  readonly event: number;
  /** The number of the first item of the event's columns in this message. */
  readonly first: number;
}

export interface Continuation {
  /** Everything before this position is stored. */
  readonly from: Position;
  /** The place of the next message, if a part of the record after `from` is stored. */
  readonly next?: MessagePlace;
}

export const messageId = (storeId: string, place: MessagePlace): string => `${storeId}:${placeText(place)}`;

export const placeText = ({ position, event, first }: MessagePlace): string => {
  if (first > 0) return `${position}:${event}.${first}`;
  return event > 0 ? `${position}:${event}` : `${position}`;
};

/** The store's id in a message's id; `undefined` if the id is not one of Tidemark's. */
export const storeIdOf = (id: string | undefined): string | undefined =>
  /^([0-9a-f]{16}):\d+(?::\d+(?:\.\d+)?)?$/.exec(id ?? '')?.[1];

/** Reads a continuation from the two headers; `undefined` if they are not Tidemark's. */
export const parseContinuation = (from: string | undefined, next: string | undefined): Continuation | undefined => {
  const start = numberOf(from);
  if (start === undefined) return undefined;
  if (next === undefined) return { from: start };
  const [, position, event, first] = /^(\d+)(?::(\d+)(?:\.(\d+))?)?$/.exec(next) ?? [];
  const place = { position: numberOf(position), event: numberOf(event ?? '0'), first: numberOf(first ?? '0') };
  if (place.position === undefined || place.event === undefined || place.first === undefined) return undefined;
  return { from: start, next: { position: place.position, event: place.event, first: place.first } };
};

/** Whether everything before the continuation `a` is also before `b`, and `b` is further. */
export const isBefore = (a: Continuation, b: Continuation): boolean => {
  if (a.from !== b.from || b.next === undefined) return a.from < b.from;
  if (a.next === undefined) return true;
  return a.next.event !== b.next.event ? a.next.event < b.next.event : a.next.first < b.next.first;
};

const numberOf = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
};
