/** Two label sets with one fingerprint: the second series is stored under a mapped one, which recovery has to learn. */
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { MINUTE_MS, openMachine, START_MS } from '../store/support.ts';
import { ManualClock } from '../support/manual-clock.ts';

const options = { retention: 'off', headChunkTimeout: '1m', checkpointInterval: '1d', futureTolerance: 'off' } as const;
const first = { instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24483', status: '503' };
const second = { instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24480', status: '500' };

describe('A series with a mapped fingerprint', () => {
  it('keeps it when the replay of the journal has archived the series, and the other one ends', async () => {
    const { store, fileSystem, keyValueStores, events, pass } = await openMachine(options);
    for (const labels of [first, second]) store.append(labels, START_MS, 1);
    const { fingerprint } = store.series(second);
    expect(fingerprint).to.equal('0000000000000001');
    const isArchived = (): boolean =>
      events.some((event) => event.type === 'seriesArchived' && event.fingerprint === fingerprint);
    while (!isArchived()) await pass(1000, 1000);
    await store.flush();
    const left = fileSystem.afterKill();
    expect(left.paths(), 'files').not.to.include('/store/mappings.db');
    left.removeDirectory('/store/archived_fingerprint_to_metric');
    const after = await openStore('/store', {
      ...options,
      fileSystem: left,
      keyValueStores: keyValueStores.afterKill(),
      clock: new ManualClock(START_MS + 20 * MINUTE_MS),
    });
    expect(await after.drop(first)).to.equal(1);
    after.append(second, START_MS + 20 * MINUTE_MS, 2);
    expect(after.series(second).fingerprint).to.equal(fingerprint);
    expect(await after.metrics({ status: '500' })).to.deep.equal([second]);
    await after.close();
  });
});
