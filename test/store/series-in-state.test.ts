/** `seriesIn`: the series in each state, a page at a time. And how often the store has entered each state. */
import { expect } from 'chai';
import type { ListedState, Store } from '../../src/index.ts';
import { codeOf, type Machine, openMachine, START_MS } from './support.ts';

const namesIn = async (store: Store, state: ListedState, limit?: number): Promise<string[]> => {
  const names: string[] = [];
  let from: number | undefined = 0;
  while (from !== undefined) {
    const page: Awaited<ReturnType<Store['seriesIn']>> = await store.seriesIn(
      state,
      limit === undefined ? { from } : { from, limit },
    );
    if (limit !== undefined) expect(page.series.length).to.be.at.most(limit);
    names.push(...page.series.map(({ labels }) => `${labels['__name__']}-${labels['id']}`));
    from = page.next;
  }
  return names.sort();
};

describe('store.seriesIn', () => {
  const count = 700;
  let machine: Machine;
  let store: Store;

  /** `old-…` are archived, `new-…` are in memory. */
  before(async () => {
    machine = await openMachine({ retention: 'off' });
    ({ store } = machine);
    for (let i = 0; i < count; i++) store.append({ __name__: 'old', id: String(i) }, START_MS, i);
    machine.clock.step(6 * 60_000);
    await store.maintain();
    await store.maintain();
    for (let i = 0; i < 30; i++) store.append({ __name__: 'new', id: String(i) }, START_MS + 400_000, i);
  });

  after(() => store.close());

  it('lists each series of a state once, whatever the size of the pages', async () => {
    const old = Array.from({ length: count }, (_, i) => `old-${i}`).sort();
    for (const limit of [undefined, 1000, 300, 7]) {
      expect(await namesIn(store, 'archived', limit), `limit ${limit}`).to.deep.equal(old);
      expect(await namesIn(store, 'inMemory', limit), `limit ${limit}`).to.deep.equal(
        Array.from({ length: 30 }, (_, i) => `new-${i}`).sort(),
      );
    }
    expect(await namesIn(store, 'persisting')).to.deep.equal([]);
  });

  it('names the fingerprint that events have', async () => {
    const { series } = await store.seriesIn('archived', { limit: 1 });
    expect(await store.labelsOf(series[0].fingerprint)).to.deep.equal(series[0].labels);
  });

  it('lists a woken series where it is now, also before the indexes know it', async () => {
    store.append({ __name__: 'old', id: '5' }, START_MS + 400_000, 1);
    expect(await namesIn(store, 'inMemory')).to.include('old-5');
    expect(await namesIn(store, 'archived')).not.to.include('old-5');
  });

  it('refuses what is no state, no place and no size', async () => {
    for (const call of [
      () => store.seriesIn('quarantined' as ListedState),
      () => store.seriesIn('inMemory', { from: -1 }),
      () => store.seriesIn('inMemory', { limit: 10_001 }),
      () => store.seriesIn('inMemory', { limit: 1.5 }),
      () => store.seriesIn('inMemory', null as unknown as object),
    ])
      expect(await codeOf(call)).to.equal('TIDEMARK_INVALID_OPTION');
  });
});

describe('tidemark_store_state_entries_total', () => {
  it('counts how often each state of the store was entered, from the opening on', async () => {
    const { store, pass } = await openMachine({ retention: 'off' });
    const entries = async (): Promise<Record<string, number>> => {
      const { values } = await store.registry.getSingleMetric('tidemark_store_state_entries_total')!.get();
      return Object.fromEntries(values.map(({ labels, value }) => [String(labels['state']), value]));
    };
    expect(await entries()).to.include({
      opening: 1,
      recovering: 1,
      running: 1,
      'running.pressure.normal': 1,
      'running.checkpoint.idle': 1,
    });
    for (let i = 0; i < 3; i++) await store.checkpoint();
    await pass(500);
    expect(await entries()).to.include({
      opening: 1,
      recovering: 1,
      running: 1,
      'running.checkpoint.writing': 3,
      'running.checkpoint.idle': 4,
    });
    await store.close();
  });
});
