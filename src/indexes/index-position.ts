/**
 * The journal position that a database has reached, stored in the database itself. Its key begins with a length of -1,
 * which no label name or label pair has; the text after it is for people who inspect the database. The original never
 * lists the entries of these databases, and a clean close removes the key.
 */
import type { Position } from '../model/events.ts';
import type { KeyValueOperation, KeyValueStore } from './key-value-store.ts';

const KEY = Buffer.from('\x01tidemark.position', 'latin1');
const VALUE_BYTES = 8;

/** Whether a key is the position's. */
export const isPositionKey = (key: Uint8Array): boolean => KEY.equals(key);

/** Sets the position. It must be part of the batch that brings the database to this position. */
export const positionOperation = (position: Position): KeyValueOperation => {
  const value = Buffer.allocUnsafe(VALUE_BYTES);
  value.writeDoubleBE(position);
  return { type: 'put', key: KEY, value };
};

/** The position, or `undefined` when there is none. */
export const readPosition = async (store: KeyValueStore): Promise<Position | undefined> => {
  const value = await store.get(KEY);
  if (value === undefined || value.length !== VALUE_BYTES) return undefined;
  const position = Buffer.from(value).readDoubleBE();
  return Number.isSafeInteger(position) && position >= 0 ? position : undefined;
};

/** Removes the position. */
export const clearPosition = (store: KeyValueStore): Promise<void> =>
  store.batch([{ type: 'del', key: KEY }], { sync: true });
