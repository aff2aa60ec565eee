/**
 * Persists every chunk, by looking at the store an hour later, and weighs the series files. They are not synced: what is
 * asked for is their size, and the disk would take minutes for a hundred thousand syncs.
 */
import { type Clock, systemClock } from '../../../src/ports/clock.ts';
import { directoryBytes, isSeriesFile } from '../measure.ts';
import { openTidemark, verifyEverySample } from '../store-driver.ts';
import { sampleCount } from '../workload.ts';
import type { Case } from './case.ts';

const oneHourLater: Clock = { ...systemClock, now: () => systemClock.now() + 3_600_000 };

/** One visit closes the idle heads and persists, the next lets go of the chunks; more would mean that something waits for ever. */
const visitsAtMost = 5;

export const persistAll: Case = async ({ directory, workload }) => {
  const store = await openTidemark(directory, { clock: oneHourLater, syncSeriesFiles: 'never' });
  let visits = 0;
  for (; visits < visitsAtMost && (await store.info()).chunksInMemory > 0; visits++) await store.maintain();
  const { chunksInMemory } = await store.info();
  if (chunksInMemory > 0) throw new Error(`${chunksInMemory} chunks are still in memory after ${visits} visits`);
  const verified = await verifyEverySample(store, workload);
  await store.close();
  const samples = sampleCount(workload);
  return {
    figures: { seriesFileBytesPerSample: directoryBytes(directory, isSeriesFile) / samples },
    facts: { visits, verified, persistedDirectoryMB: directoryBytes(directory) / 1e6 },
  };
};
