/** How often each state of the statecharts was entered since the store was opened, from the store's metrics. */
import type { Clock, Store } from '../index.ts';

/** The totals are read again after this time. */
const readEveryMs = 1000;

const valuesOf = async (
  store: Store,
  metric: string,
  label: string,
): Promise<readonly (readonly [string, number])[]> => {
  const found = await store.registry.getSingleMetric(metric)?.get();
  return (found?.values ?? []).map(({ labels, value }) => [String(labels[label]), value] as const);
};

/** The states that a transition enters, each with the states around it that were not active: `a.b -> a.c.d`. */
const enteredBy = (transition: string): readonly string[] => {
  const [from, to] = transition.split(' -> ');
  const wasActive = (path: string): boolean => from === path || from.startsWith(`${path}.`);
  const names = to.split('.');
  return names.map((_, i) => names.slice(0, i + 1).join('.')).filter((path) => !wasActive(path));
};

export class StateTotals {
  private readonly store: Store;
  private totals: Readonly<Record<string, number>> = {};
  private readAt = Number.NEGATIVE_INFINITY;

  constructor(store: Store) {
    this.store = store;
  }

  /** The totals as they were a moment ago, by the state's id: `series.archived`. Empty before the first reading. */
  recent(clock: Clock): Readonly<Record<string, number>> {
    if (clock.monotonic() - this.readAt >= readEveryMs) {
      this.readAt = clock.monotonic();
      this.read().then(
        (totals) => {
          this.totals = totals;
        },
        // A closing store has no metrics; the totals stay as they were.
        () => {},
      );
    }
    return this.totals;
  }

  private async read(): Promise<Readonly<Record<string, number>>> {
    const { store } = this;
    const totals: Record<string, number> = {};
    const add = (id: string, count: number): void => {
      totals[id] = (totals[id] ?? 0) + count;
    };
    for (const [transition, count] of await valuesOf(store, 'tidemark_transitions_total', 'transition'))
      for (const path of enteredBy(transition)) add(`series.${path}`, count);
    // A new series begins in memory, without a transition.
    for (const [type, count] of await valuesOf(store, 'prometheus_local_storage_series_ops_total', 'type'))
      if (type === 'create') add('series.inMemory', count);
    for (const [path, count] of await valuesOf(store, 'tidemark_store_state_entries_total', 'state'))
      add(`store.${path}`, count);
    return totals;
  }
}
