/** A new process opens what another one left: the time to open, the same queries, everything read back. */
import { elapsedMs, LoopPauses, residentMB } from '../measure.ts';
import { loadTidemark, openTidemark, timeQueries, verifyEverySample } from '../store-driver.ts';
import type { Case, CaseContext } from './case.ts';

const openAndVerify = async ({ directory, workload }: CaseContext, expectedHow: string) => {
  await loadTidemark();
  const pauses = new LoopPauses();
  const started = performance.now();
  const store = await openTidemark(directory);
  const openMs = performance.now() - started;
  const { maxMs: reopenLoopMaxMs } = pauses.stop();
  const { opened } = await store.info();
  if (opened !== expectedHow) throw new Error(`the directory opened as ${opened}, expected ${expectedHow}`);
  const residentAfterOpenMB = residentMB();
  const times = await timeQueries(store, workload);
  const verified = await verifyEverySample(store, workload);
  const closeMs = await elapsedMs(() => store.close());
  return { openMs, times, reopenLoopMaxMs, facts: { ...times, residentAfterOpenMB, verified, closeMs } };
};

export const reopenClean: Case = async (context) => {
  const { openMs, times, reopenLoopMaxMs, facts } = await openAndVerify(context, 'clean');
  return { figures: { reopenMs: openMs, reopenLoopMaxMs, rangeAfterReopenMs: times['rangeFirstMs'] }, facts };
};

export const reopenAfterShortTail: Case = async (context) => {
  const { openMs, facts } = await openAndVerify(context, 'journal');
  return { figures: { shortTailReopenMs: openMs }, facts };
};

export const reopenAfterLongTail: Case = async (context) => {
  const { openMs, facts } = await openAndVerify(context, 'journal');
  return { figures: { longTailReopenMs: openMs }, facts };
};
