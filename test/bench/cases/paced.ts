/** Ingests at a given rate, spread evenly over short ticks, and watches how long the event loop of the host is held. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LoopPauses } from '../measure.ts';
import { Filler, openTidemark } from '../store-driver.ts';
import type { Case } from './case.ts';

const tickMs = 2;
/** Made and appended at a stretch, so that catching up after a pause is not a pause itself. */
const samplesPerTurn = 2_000;

export const paced: Case = async ({ directory, workload, samplesPerSecond, seconds }) => {
  const { seriesCount, rounds } = workload;
  const store = await openTidemark(directory);
  const filler = new Filler(store, workload);
  // Creating series is a burst of its own; what is watched is the steady state after it.
  await filler.appendRounds(Math.min(10, rounds - 1));
  await store.flush();

  const pauses = new LoopPauses();
  const started = performance.now();
  let appended = 0;
  let at = seriesCount;
  while (performance.now() - started < seconds * 1e3) {
    const due = Math.floor(((performance.now() - started) / 1e3) * samplesPerSecond) - appended;
    for (let left = due; left > 0; ) {
      if (at === seriesCount) {
        if (filler.rounds.made === rounds) break;
        at = 0;
      }
      const count = Math.min(left, seriesCount - at, samplesPerTurn);
      filler.rounds.make(at, at + count);
      await filler.appendSlice(at, at + count);
      at += count;
      left -= count;
      appended += count;
    }
    await sleep(tickMs);
  }
  const { p99Ms, maxMs } = pauses.stop();
  const ratePerSecond = appended / ((performance.now() - started) / 1e3);
  await store.close();
  return { figures: { halfRateLoopP99Ms: p99Ms, halfRateLoopMaxMs: maxMs }, facts: { ratePerSecond } };
};
