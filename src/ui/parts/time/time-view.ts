/** The range of time that a page shows. */
import type { TimeRange } from '../chart/chart.ts';
import { durationMs } from '../text/duration-text.ts';

/** Ranges of time that end now: name in the address, text. */
export const ranges = [
  ['1m', '1 min'],
  ['5m', '5 min'],
  ['15m', '15 min'],
  ['1h', '1 h'],
  ['6h', '6 h'],
  ['1d', '1 d'],
  ['7d', '7 d'],
] as const;

const fallbackMs = 300_000;

export interface TimeView {
  /** A range that ends now: a duration such as `5m`. */
  readonly range: string;
  /** A range that does not move, in place of `range`. */
  readonly fixed: TimeRange | undefined;
  readonly live: boolean;
  readonly utc: boolean;
}

/** The range of the address that does not move; `undefined` if it names none. */
export const fixedRangeOf = (params: URLSearchParams): TimeRange | undefined => {
  const start = Number(params.get('start'));
  const end = Number(params.get('end'));
  return params.has('start') && end > start ? [start, end] : undefined;
};

/** Writes the range into the parameters of an address. */
export const setRangeParams = (params: URLSearchParams, { range, fixed }: Pick<TimeView, 'range' | 'fixed'>): void => {
  if (fixed === undefined) params.set('range', range);
  else {
    params.set('start', String(fixed[0]));
    params.set('end', String(fixed[1]));
  }
};

/** Whether the view moves with the time. */
export const isLive = ({ live, fixed }: Pick<TimeView, 'live' | 'fixed'>): boolean => live && fixed === undefined;

/** The range that the view shows now. */
export const shownRange = ({ fixed, range }: Pick<TimeView, 'range' | 'fixed'>): TimeRange => {
  const now = Date.now();
  return fixed ?? [now - (durationMs(range) ?? fallbackMs), now];
};
