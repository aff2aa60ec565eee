/** The main run: warm up, create the series, append all rounds, query, read everything back, checkpoint, close. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WayToAppend } from '../appenders.ts';
import { directoryBytes, elapsedMs, isSeriesFile, LoopPauses, residentMB } from '../measure.ts';
import type { Figures } from '../reference.ts';
import { Filler, openTidemark, timeQueries, verifyEverySample } from '../store-driver.ts';
import { sampleCount, type Workload } from '../workload.ts';
import type { Case } from './case.ts';

/**
 * A program that runs for days has its code compiled once; the first 10,000 series of a process would otherwise cost five times
 * what the others do.
 */
const warmUp = async (directory: string, workload: Workload, way: WayToAppend): Promise<void> => {
  const small: Workload = { ...workload, seriesCount: 2_000, rounds: 200 };
  const store = await openTidemark(directory);
  const filler = new Filler(store, small, way);
  await filler.appendRounds(small.rounds);
  for (let n = 0; n < 20; n++) await timeQueries(store, small);
  await store.close();
  rmSync(directory, { recursive: true });
};

export const ingest: Case = async ({ directory, workload, way, restSeconds }) => {
  const { seriesCount, rounds } = workload;
  await warmUp(join(directory, 'warm-up'), workload, way);
  const residentBeforeMB = residentMB();
  const store = await openTidemark(directory);
  const filler = new Filler(store, workload, way);

  const createMs = await filler.appendRound();
  const pauses = new LoopPauses();
  let appendMs = await filler.appendRounds(rounds - 1);
  const { maxMs: ingestLoopMaxMs } = pauses.stop();
  // A sample counts as appended when it is durable, so the last flush is part of the time.
  const flushMs = await elapsedMs(() => store.flush());
  appendMs += flushMs;
  const indexingMs = await elapsedMs(() => store.waitForIndexing());
  const resident = residentMB();
  const journal = (await store.info()).journal;
  if (restSeconds > 0) await new Promise((resolve) => setTimeout(resolve, restSeconds * 1000));
  const residentAtRest = residentMB();

  const queryPauses = new LoopPauses();
  const times = await timeQueries(store, workload);
  const { maxMs: queryLoopMaxMs } = queryPauses.stop();
  const verified = await verifyEverySample(store, workload);

  const checkpointPauses = new LoopPauses();
  const checkpointMs = await elapsedMs(() => store.checkpoint());
  const { maxMs: checkpointLoopMaxMs } = checkpointPauses.stop();
  const closeMs = await elapsedMs(() => store.close());

  const bytes = directoryBytes(directory);
  const waysFigure: Figures = { [`${way}Ns`]: (appendMs * 1e6) / (seriesCount * (rounds - 1)) };
  if (way !== 'handle') return { figures: waysFigure, facts: { verified, throttled: filler.throttledCount } };
  return {
    figures: {
      ...waysFigure,
      createUs: (createMs * 1e3) / seriesCount,
      journalBytesPerSample: (journal.end - journal.first) / sampleCount(workload),
      ingestLoopMaxMs,
      residentMB: resident,
      ...(restSeconds > 0 ? { residentAtRestMB: residentAtRest } : {}),
      residentBytesPerSeries: ((resident - residentBeforeMB) * 1e6) / seriesCount,
      checkpointMs,
      checkpointLoopMaxMs,
      stopMs: checkpointMs + closeMs,
      rangeMs: times['rangeMs'],
      lookupMs: times['lookupMs'],
      regexMs: times['regexMs'],
      queryLoopMaxMs,
      directoryMB: bytes / 1e6,
      directoryBytesPerSample: bytes / sampleCount(workload),
    },
    facts: {
      ...times,
      flushMs,
      indexingMs,
      verified,
      residentBeforeMB,
      throttled: filler.throttledCount,
      seriesFileMB: directoryBytes(directory, isSeriesFile) / 1e6,
    },
  };
};
