/** A series of the checkpoint whose file is gone, in a recovery that examines all files before it replays the journal. */
import { expect } from 'chai';
import { seriesPath } from '../../src/disk/series-path.ts';
import { openStore, type Store } from '../../src/index.ts';
import { parseFingerprint } from '../../src/model/fingerprint.ts';
import { MINUTE_MS, openMachine, START_MS, samplesOf } from '../store/support.ts';
import { ManualClock } from '../support/manual-clock.ts';

const options = { retention: 'off', headChunkTimeout: '1m', checkpointInterval: '1d', futureTolerance: 'off' } as const;
const labels = { __name__: 'm', id: '0' };

/** The checkpoint has no chunk of the series, because all are in the file. Then the process dies, and the file is lost. */
const recoverWithout = async (appendMore: (store: Store) => void): Promise<Store> => {
  const { store, fileSystem, keyValueStores, events, pass } = await openMachine(options);
  for (let k = 0; k < 100; k++) store.append(labels, START_MS + k * 1000, k);
  while (!events.some(({ type }) => type === 'chunksPersisted')) await pass(1000, 1000);
  expect(store.stateCounts().inMemory).to.equal(1);
  await store.checkpoint();
  appendMore(store);
  await store.flush();
  const { high, low } = parseFingerprint(store.series(labels).fingerprint)!;
  const left = fileSystem.afterKill();
  left.remove(`/store/${seriesPath(high, low)}`);
  // Without an index of the archive, all series files are examined.
  left.removeDirectory('/store/archived_fingerprint_to_timerange');
  return openStore('/store', {
    ...options,
    fileSystem: left,
    keyValueStores: keyValueStores.afterKill(),
    clock: new ManualClock(START_MS + 20 * MINUTE_MS),
  });
};

describe('A series whose file is missing after a crash', () => {
  it('keeps the samples that came after the checkpoint', async () => {
    const store = await recoverWithout((before) => {
      for (let k = 0; k < 3; k++) before.append(labels, START_MS + 10 * MINUTE_MS + k, 100 + k);
    });
    expect([...(await samplesOf(store, 'm')).values()]).to.deep.equal([100, 101, 102]);
    await store.close();
  });

  it('ends if there are none', async () => {
    const store = await recoverWithout(() => {});
    expect(await store.metrics('m')).to.deep.equal([]);
    expect(store.stateCounts().inMemory).to.equal(0);
    await store.close();
  });
});
