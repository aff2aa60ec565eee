/** The view of the Explore page. The address contains all of it, so a view can be shared as a link. */
import type { TimeRange } from '../../parts/chart/chart.ts';
import { durationMs } from './duration-text.ts';

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

const fallbackRange = '5m';
const fallbackMs = 300_000;

/** How results are shown: name in the address, text. */
export const looks = [
  ['chart', 'Chart'],
  ['stacked', 'Stacked'],
  ['heatmap', 'Heatmap'],
  ['quantiles', 'Quantiles'],
  ['table', 'Table'],
  ['samples', 'Samples'],
] as const;

export type Look = (typeof looks)[number][0];

export interface ExploreView {
  /** The expressions, in order. There is at least one; it may be empty. */
  readonly queries: readonly string[];
  /** A range that ends now: a duration such as `5m`. */
  readonly range: string;
  /** A range that does not move, in place of `range`. */
  readonly fixed: TimeRange | undefined;
  /** Whether the address names a range. */
  readonly isRangeGiven: boolean;
  readonly live: boolean;
  /** Draw increases per second; `undefined`: of selectors whose name says that they are counters. */
  readonly rate: boolean | undefined;
  readonly look: Look;
  /** The axis of values is logarithmic. */
  readonly log: boolean;
  /** Lines have patterns besides colours. */
  readonly patterns: boolean;
  /** Milliseconds between the points of an expression; `undefined`: chosen by the range. */
  readonly stepMs: number | undefined;
  readonly utc: boolean;
}

/** Reads the view from the address. */
export const readView = (): ExploreView => {
  const params = new URLSearchParams(location.search);
  const start = Number(params.get('start'));
  const end = Number(params.get('end'));
  const queries = params.getAll('match');
  const range = params.get('range') ?? '';
  const look = params.get('view');
  return {
    queries: queries.length === 0 ? [''] : queries,
    range: durationMs(range) === undefined ? fallbackRange : range,
    fixed: params.has('start') && end > start ? [start, end] : undefined,
    isRangeGiven: params.has('range') || params.has('start'),
    live: params.get('live') !== '0',
    rate: params.has('rate') ? params.get('rate') === '1' : undefined,
    look: looks.find(([name]) => name === look)?.[0] ?? 'chart',
    log: params.get('log') === '1',
    patterns: params.get('patterns') === '1',
    stepMs: durationMs(params.get('step') ?? ''),
    utc: params.get('tz') === 'utc',
  };
};

/** The address of a view. */
export const addressOfView = (view: ExploreView): string => {
  const params = new URLSearchParams(view.queries.map((query) => ['match', query]));
  if (view.fixed === undefined) params.set('range', view.range);
  else {
    params.set('start', String(view.fixed[0]));
    params.set('end', String(view.fixed[1]));
  }
  if (!view.live) params.set('live', '0');
  if (view.rate !== undefined) params.set('rate', view.rate ? '1' : '0');
  if (view.look !== 'chart') params.set('view', view.look);
  if (view.log) params.set('log', '1');
  if (view.patterns) params.set('patterns', '1');
  if (view.stepMs !== undefined) params.set('step', `${view.stepMs}ms`);
  if (view.utc) params.set('tz', 'utc');
  return `./explore?${params}`;
};

/** Whether the view moves with the time. */
export const isLive = ({ live, fixed }: ExploreView): boolean => live && fixed === undefined;

/** The range that the view shows now. */
export const shownRange = ({ fixed, range }: ExploreView): TimeRange => {
  const now = Date.now();
  return fixed ?? [now - (durationMs(range) ?? fallbackMs), now];
};
