/**
 * Appends all rounds with a checkpoint shortly before the end, flushes, and is killed by its caller without a close. Nothing
 * has run in the process before, so this is also where the creation of a program's first series is measured.
 */
import { Filler, openTidemark } from '../store-driver.ts';
import { sampleCount } from '../workload.ts';
import type { Case } from './case.ts';

export const crash: Case = async ({ directory, workload, tailRounds }) => {
  const store = await openTidemark(directory);
  const filler = new Filler(store, workload);
  const createMs = await filler.appendRound();
  await filler.appendRounds(workload.rounds - tailRounds - 1);
  await store.checkpoint();
  await filler.appendRounds(tailRounds);
  await store.flush();
  const figures = { createFreshUs: (createMs * 1e3) / workload.seriesCount };
  return { figures, facts: { acknowledged: sampleCount(workload), tail: tailRounds * workload.seriesCount } };
};
