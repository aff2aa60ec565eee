/** Which series of a selector a chart shows, and over which time a selector has samples. */
import type { Labels, SelectOptions, SeriesSamples, Store, TimeRange } from '../index.ts';
import { compareLabels, firstByLabels, formatLabels } from '../text/label-text.ts';

/** More lines than this are not readable in one chart. */
const CHART_SERIES_MAX = 50;

/** A chart does not wait longer for the comparison of values. */
const limits = { timeout: '3s', series: 100_000 } as const;

/** The chunks of this many series are looked at for the first and the last time of a selector. */
const extentSeriesMax = 200;

/** The series with the highest values at the end of the range. Without such values, none. */
const highestOf = async (
  store: Store,
  selector: string,
  { through, signal }: { readonly through: number | undefined; readonly signal: AbortSignal },
): Promise<readonly Labels[]> => {
  const at = through === undefined ? {} : { at: through };
  try {
    const { series } = await store.query(`topk(${CHART_SERIES_MAX}, ${selector})`, { ...at, signal, limits });
    return series.map(({ labels }) => labels);
  } catch (error) {
    if (signal.aborted) throw error;
    // More series than can be compared in time: then the first ones by name are shown.
    return [];
  }
};

/**
 * Which of the series of a selector to show, in the order of labels: those with the highest last values. If fewer have a
 * value at the end of the range, the first of the others by their labels. `'all'` if there are not too many.
 */
export const chosenSeries = async (
  store: Store,
  selector: string,
  all: readonly Labels[],
  context: {
    readonly through: number | undefined;
    readonly signal: AbortSignal;
    readonly breathe: () => Promise<void>;
  },
): Promise<readonly Labels[] | 'all'> => {
  if (all.length <= CHART_SERIES_MAX) return 'all';
  const chosen = new Map(
    (await highestOf(store, selector, context)).map((labels) => [formatLabels(labels), labels] as const),
  );
  for (const labels of await firstByLabels(all, CHART_SERIES_MAX, context.breathe)) {
    if (chosen.size >= CHART_SERIES_MAX) break;
    chosen.set(formatLabels(labels), labels);
  }
  return [...chosen.values()].sort(compareLabels);
};

/** The samples of the chosen series. */
export async function* selectSeries(
  store: Store,
  selector: string,
  chosen: readonly Labels[] | 'all',
  options: SelectOptions,
): AsyncGenerator<SeriesSamples> {
  if (chosen === 'all') {
    yield* store.select(selector, options);
    return;
  }
  // Series that have more labels match too.
  for (const labels of chosen)
    for await (const one of store.select(formatLabels(labels), options))
      if (compareLabels(one.labels, labels) === 0) yield one;
}

/** The times of the first and the last sample of a selector's first series; empty if there is none. */
export const extentOf = async (
  store: Store,
  selector: string,
  breathe: () => Promise<void>,
): Promise<Partial<TimeRange>> => {
  let from = Number.POSITIVE_INFINITY;
  let through = Number.NEGATIVE_INFINITY;
  for (const labels of await firstByLabels(await store.metrics(selector), extentSeriesMax, breathe)) {
    for (const { firstTime, lastTime } of await store.chunks(labels)) {
      from = Math.min(from, firstTime);
      through = Math.max(through, lastTime);
    }
    await breathe();
  }
  return from > through ? {} : { from, through };
};
