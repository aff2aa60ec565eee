/** Appends all rounds with a checkpoint shortly before the end, flushes, and is killed by its caller without a close. */
import { Filler, openTidemark } from '../store-driver.ts';
import { sampleCount } from '../workload.ts';
import type { Case } from './case.ts';

export const crash: Case = async ({ directory, workload, tailRounds }) => {
  const store = await openTidemark(directory);
  const filler = new Filler(store, workload);
  await filler.appendRounds(workload.rounds - tailRounds);
  await store.checkpoint();
  await filler.appendRounds(tailRounds);
  await store.flush();
  return { figures: {}, facts: { acknowledged: sampleCount(workload), tail: tailRounds * workload.seriesCount } };
};
