/** Samples that come after a drop of their time range, over crashes at which the file still has the dropped ones. */
import { expect } from 'chai';
import { openStore, type Store } from '../../src/index.ts';
import { type FolderStores, MINUTE_MS, openMachine, START_MS, samplesOf, settle } from '../store/support.ts';
import { ManualClock } from '../support/manual-clock.ts';

const options = { retention: 'off', headChunkTimeout: '1m', futureTolerance: 'off' } as const;
const labels = { __name__: 'm', id: '0' };

describe('samples in a range that was dropped before them', () => {
  it('survive a crash after the recovery that found them', async () => {
    const machine = await openMachine(options);
    for (let k = 0; k < 100; k++) machine.store.append(labels, START_MS + k * 1000, k);
    await machine.pass(3 * MINUTE_MS, 1000);
    expect(machine.store.stateCounts().archived).to.equal(1);
    const dropping = machine.store.drop('m', { from: START_MS + 50_000, through: START_MS + 60 * MINUTE_MS });
    await settle(machine.store);
    await dropping;
    // In the dropped range, and then after it: the series' last time is known again.
    machine.store.append(labels, START_MS + 30 * MINUTE_MS, 1);
    machine.store.append(labels, START_MS + 90 * MINUTE_MS, 2);
    await machine.store.checkpoint();
    // The file is rewritten after the checkpoint, which therefore keeps the journal from the drop on.
    await machine.pass(MINUTE_MS, 1000);
    expect(machine.events.some((event) => event.type === 'lateSamplesMerged' && event.erased > 0)).to.equal(true);
    await machine.store.flush();
    const expected = await samplesOf(machine.store, 'm');
    expect(expected.size).to.equal(52);

    let { fileSystem, keyValueStores } = machine;
    const afterKill = async (): Promise<Store> => {
      fileSystem = fileSystem.afterKill();
      keyValueStores = (keyValueStores as FolderStores).afterKill();
      return openStore('/store', { ...options, fileSystem, keyValueStores, clock: new ManualClock(START_MS) });
    };
    for (let crash = 1; crash <= 3; crash++) {
      const store = await afterKill();
      expect(await samplesOf(store, 'm'), `after crash ${crash}`).to.deep.equal(expected);
      await store.checkpoint();
    }
  });
});
