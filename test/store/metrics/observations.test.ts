/** What is observed before there are metrics is in them when they are made. */
import { expect } from 'chai';
import type { Distributions } from '../../../src/store/metrics/catalogue.ts';
import { Observations } from '../../../src/store/metrics/observations.ts';
import { openMachine, START_MS } from '../support.ts';

/** Distributions that note what they are told. */
const recorder = (): { readonly told: unknown[]; readonly target: Distributions } => {
  const told: unknown[] = [];
  const target = new Proxy({} as Distributions, {
    get: (_, kind) => ({ observe: (...args: unknown[]) => told.push([kind, ...args]) }),
  });
  return { told, target };
};

describe('observations before there are metrics', () => {
  it('wait in order, and later ones go to the metrics at once', () => {
    const observations = new Observations();
    observations.observe('commitDuration', 1);
    observations.observe('maintenanceBatchDuration', 2, { location: 'memory' });
    const { told, target } = recorder();
    observations.moveInto(target);
    observations.observe('commitDuration', 3);
    expect(told).to.deep.equal([
      ['commitDuration', 1],
      ['maintenanceBatchDuration', { location: 'memory' }, 2],
      ['commitDuration', 3],
    ]);
  });

  it('ask once for the metrics when many wait, and take bounded memory if nobody makes them', () => {
    const observations = new Observations();
    let asked = 0;
    observations.onFull = () => asked++;
    for (let i = 0; i < 100_000; i++) observations.observe('commitDuration', i);
    expect(asked).to.equal(1);
    const { told, target } = recorder();
    observations.moveInto(target);
    expect(told[0]).to.deep.equal(['commitDuration', 0]);
    expect(told).to.have.length.within(4096, 10_000);
  });
});

describe('store.registry, asked for late', () => {
  it('has the commits since the opening', async () => {
    const { store } = await openMachine();
    for (let i = 0; i < 3; i++) {
      store.append({ __name__: 'm' }, START_MS + i, i);
      await store.flush();
    }
    const text = await store.registry.getSingleMetricAsString('tidemark_journal_commit_duration_seconds');
    expect(Number(/_count (\d+)$/m.exec(text)?.[1])).to.be.at.least(3);
    expect(store.registry).to.equal(store.registry);
    await store.close();
  });
});
