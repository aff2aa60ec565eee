/** The view of the Explore page. The address contains it, so a view can be shared as a link. */
import type { TimeRange } from '../../parts/chart/chart.ts';

/** Ranges of time that end now: name in the address, text, milliseconds. */
export const ranges = [
  ['1m', '1 min', 60_000],
  ['5m', '5 min', 300_000],
  ['15m', '15 min', 900_000],
  ['1h', '1 h', 3_600_000],
  ['6h', '6 h', 21_600_000],
  ['1d', '1 d', 86_400_000],
  ['7d', '7 d', 604_800_000],
] as const;

const fallbackRange = '5m';
const fallbackMs = 300_000;

export interface ExploreView {
  /** The selector. */
  readonly match: string;
  /** Name of a range that ends now. */
  readonly range: string;
  /** A range that does not move, in place of `range`. */
  readonly fixed: TimeRange | undefined;
  readonly live: boolean;
  /** Draw increases per second. */
  readonly rate: boolean;
  readonly table: boolean;
}

/** Whether the metric's name says that it is a counter. */
export const isCounter = (selector: string): boolean => /^[^{]*(?:_total|_count|_sum|_bucket)\b/.test(selector);

/** Reads the view from the address. */
export const readView = (): ExploreView => {
  const params = new URLSearchParams(location.search);
  const start = Number(params.get('start'));
  const end = Number(params.get('end'));
  const match = params.get('match') ?? '';
  return {
    match,
    range: params.get('range') ?? fallbackRange,
    fixed: start > 0 && end > start ? [start, end] : undefined,
    live: params.get('live') !== '0',
    rate: params.has('rate') ? params.get('rate') === '1' : isCounter(match),
    table: params.get('view') === 'table',
  };
};

/** Writes the view to the address. */
export const writeView = (view: ExploreView): void => {
  const params = new URLSearchParams({ match: view.match });
  if (view.fixed === undefined) params.set('range', view.range);
  else {
    params.set('start', String(view.fixed[0]));
    params.set('end', String(view.fixed[1]));
  }
  if (!view.live) params.set('live', '0');
  if (view.rate !== isCounter(view.match)) params.set('rate', view.rate ? '1' : '0');
  if (view.table) params.set('view', 'table');
  history.replaceState(null, '', `./explore?${params}`);
};

/** Whether the view moves with the time. */
export const isLive = ({ live, fixed }: ExploreView): boolean => live && fixed === undefined;

/** The range that the view shows now. */
export const shownRange = ({ fixed, range }: ExploreView): TimeRange => {
  const now = Date.now();
  return fixed ?? [now - (ranges.find(([name]) => name === range)?.[2] ?? fallbackMs), now];
};
