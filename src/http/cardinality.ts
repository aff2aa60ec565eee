/** Which metrics and labels have the most series: the lists of `/api/v1/status/tsdb`. */
import type { Store } from '../index.ts';

const listed = 10;

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

export interface Cardinality {
  readonly labelPairs: number;
  readonly seriesByMetric: readonly NamedCount[];
  readonly valuesByLabel: readonly NamedCount[];
  readonly seriesByPair: readonly NamedCount[];
}

const inOrder = (a: NamedCount, b: NamedCount): number => b.value - a.value || (a.name < b.name ? -1 : 1);

/** The largest counts, without sorting all of them: there may be as many label pairs as series. */
const top = (counts: ReadonlyMap<string, number>): NamedCount[] => {
  const largest: NamedCount[] = [];
  for (const [name, value] of counts) {
    if (largest.length === listed && inOrder({ name, value }, largest[listed - 1]) > 0) continue;
    largest.push({ name, value });
    largest.sort(inOrder);
    largest.splice(listed);
  }
  return largest;
};

const increment = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
};

/** Series to count before yielding to the event loop. */
const perSlice = 1000;

/** Counts over all series; several milliseconds per ten thousand. */
export const cardinality = async (
  store: Store,
  signal: AbortSignal,
  breathe: () => Promise<void>,
): Promise<Cardinality> => {
  const metrics = new Map<string, number>();
  const pairs = new Map<string, number>();
  const values = new Map<string, number>();
  let counted = 0;
  for (const labels of await store.metrics([])) {
    if (++counted % perSlice === 0) await breathe();
    if (signal.aborted) break;
    for (const name in labels) {
      const pair = `${name}=${labels[name]}`;
      // Values are counted by the name itself, because a name may contain an equals sign.
      if (!pairs.has(pair)) increment(values, name);
      increment(pairs, pair);
      if (name === '__name__') increment(metrics, labels[name]);
    }
  }
  return {
    labelPairs: pairs.size,
    seriesByMetric: top(metrics),
    valuesByLabel: top(values),
    seriesByPair: top(pairs),
  };
};
