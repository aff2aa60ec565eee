/** The view of the Explore page. The address contains all of it, so a view can be shared as a link. */
import { durationMs } from '../../parts/text/duration-text.ts';
import { fixedRangeOf, setRangeParams, type TimeView } from '../../parts/time/time-view.ts';

const fallbackRange = '5m';

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

export interface ExploreView extends TimeView {
  /** The expressions, in order. There is at least one; it may be empty. */
  readonly queries: readonly string[];
  /** Whether the address names a range. */
  readonly isRangeGiven: boolean;
  /** Draw increases per second; `undefined`: of selectors whose name says that they are counters. */
  readonly rate: boolean | undefined;
  readonly look: Look;
  /** The axis of values is logarithmic. */
  readonly log: boolean;
  /** Lines have patterns besides colours. */
  readonly patterns: boolean;
  /** Milliseconds between the points of an expression; `undefined`: chosen by the range. */
  readonly stepMs: number | undefined;
}

/** Reads the view from the address. */
export const readView = (): ExploreView => {
  const params = new URLSearchParams(location.search);
  const queries = params.getAll('match');
  const range = params.get('range') ?? '';
  const look = params.get('view');
  return {
    queries: queries.length === 0 ? [''] : queries,
    range: durationMs(range) === undefined ? fallbackRange : range,
    fixed: fixedRangeOf(params),
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
  setRangeParams(params, view);
  if (!view.live) params.set('live', '0');
  if (view.rate !== undefined) params.set('rate', view.rate ? '1' : '0');
  if (view.look !== 'chart') params.set('view', view.look);
  if (view.log) params.set('log', '1');
  if (view.patterns) params.set('patterns', '1');
  if (view.stepMs !== undefined) params.set('step', `${view.stepMs}ms`);
  if (view.utc) params.set('tz', 'utc');
  return `./explore?${params}`;
};
