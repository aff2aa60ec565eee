/**
 * A loss of power leaves zeros in a chunk that was not synced, and an index of the archive is lost, too. So all series
 * files are examined before the journal is replayed.
 */
import { expect } from 'chai';
import { RECORD_BYTES } from '../../src/disk/series-files/series-record.ts';
import { seriesPath } from '../../src/disk/series-path.ts';
import { openStore } from '../../src/index.ts';
import { parseFingerprint } from '../../src/model/fingerprint.ts';
import { HOUR_MS, type Machine, MINUTE_MS, openMachine, START_MS, samplesOf } from '../store/support.ts';
import { ManualClock } from '../support/manual-clock.ts';

const options = {
  retention: 'off',
  headChunkTimeout: '1m',
  checkpointInterval: '1d',
  futureTolerance: 'off',
  syncSeriesFiles: 'never',
} as const;
const labels = { __name__: 'm', id: '0' };
const COUNT = 1500;

/** Values that take many bits, so that zeros can't be what was written. */
const valueAt = (k: number): number => Math.sin(k) * 1e9;

const appendTo = ({ store }: Machine, from: number): void => {
  for (let k = from; k < from + COUNT; k++) store.append(labels, START_MS + k * 10, valueAt(k));
};

/** Waits until the file of the series has all its chunks. */
const persist = async ({ events, pass }: Machine): Promise<void> => {
  const before = events.length;
  while (!events.slice(before).some(({ type }) => type === 'chunksPersisted')) await pass(1000, 1000);
};

/** Loses power: a part of the file's last chunk but one is zeros afterwards, and a database is lost. Opens the store again. */
const recover = async (
  { store, fileSystem, keyValueStores }: Machine,
  database = 'archived_fingerprint_to_timerange',
): Promise<ReadonlyMap<string, number>> => {
  await store.flush();
  const { high, low } = parseFingerprint(store.series(labels).fingerprint)!;
  const left = fileSystem.afterKill();
  const path = `/store/${seriesPath(high, low)}`;
  const bytes = Buffer.from(left.content(path));
  // The last chunk may not be full, so this is in the one before it.
  const end = bytes.length - RECORD_BYTES;
  expect(end).to.be.at.least(RECORD_BYTES);
  left.put(path, bytes.fill(0, end - 700, end - 200));
  const databases = keyValueStores.afterKill();
  await databases.destroy(`/store/${database}`);
  left.removeDirectory(`/store/${database}`);
  const recovered = await openStore('/store', {
    ...options,
    fileSystem: left,
    keyValueStores: databases,
    clock: new ManualClock(START_MS + 3 * HOUR_MS),
  });
  const samples = await samplesOf(recovered, 'm');
  await recovered.close();
  return samples;
};

const expected = (count: number): [string, number][] =>
  Array.from({ length: count }, (_, k) => [`0@${START_MS + k * 10}`, valueAt(k)]);

describe('recovery/left-to-replay', () => {
  it('keeps the samples of a series of the checkpoint', async () => {
    const machine = await openMachine(options);
    appendTo(machine, 0);
    await machine.store.checkpoint();
    await persist(machine);
    expect([...(await recover(machine))]).to.deep.equal(expected(COUNT));
  });

  it('keeps the samples of a series that was created after the checkpoint', async () => {
    const machine = await openMachine(options);
    await machine.store.checkpoint();
    appendTo(machine, 0);
    await persist(machine);
    expect([...(await recover(machine))]).to.deep.equal(expected(COUNT));
  });

  for (const database of ['archived_fingerprint_to_timerange', 'archived_fingerprint_to_metric']) {
    it(`keeps the samples of a series that was archived at the checkpoint, without ${database}`, async () => {
      const machine = await openMachine(options);
      appendTo(machine, 0);
      await machine.pass(2 * MINUTE_MS, 1000);
      await machine.store.maintain();
      // A series is archived when its file is synced.
      await machine.store.checkpoint();
      await machine.store.maintain();
      expect(machine.store.stateCounts().archived).to.equal(1);
      await machine.store.checkpoint();
      appendTo(machine, COUNT);
      await persist(machine);
      expect([...(await recover(machine, database))]).to.deep.equal(expected(2 * COUNT));
    });
  }
});
