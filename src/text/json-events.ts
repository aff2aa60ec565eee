/** Domain events as JSON. Typed arrays become arrays; values that JSON lacks become the strings of the JSON lines. */
import type { JournalEvent } from '../model/events.ts';
import { formatValue } from './values.ts';

const plainValue = (value: number): number | string => (Number.isFinite(value) ? value : formatValue(value));

/** The event as one line of JSON, without a line feed. `position` comes first, so that the lines align. */
export const eventLine = ({ position, ...event }: JournalEvent): string => {
  if (!('timestamps' in event)) return JSON.stringify({ position, ...event });
  const timestamps = Array.from(event.timestamps);
  const values = Array.from(event.values, plainValue);
  return JSON.stringify({ position, ...event, timestamps, values });
};
