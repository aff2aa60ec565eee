/**
 * `npm run bench -- --questions --large`: one query over all series of workload W1, beside ingest: its time, its memory,
 * and how long the event loop was held. The answer is compared with what the samples must give.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { QueryResult, Store } from '../../../src/index.ts';
import { elapsedMs, LoopPauses, residentMB } from '../measure.ts';
import { hasProcessFigures, resetPeak, residentPeak } from '../process-figures.ts';
import { formatNumber, table } from '../report.ts';
import { pause } from '../servers.ts';
import { Filler, openTidemark } from '../store-driver.ts';
import { roundMs, type Workload, type WorkloadSize } from '../workload.ts';

const QUERY = 'sum by (job) (rate({__name__=~"metric_.+"}[5m]))';
const STEP_MS = 60_000;
const JOBS = 10;
/** Samples of the ingest at a time, and the time between: 50,000 a second. */
const SLICE = 250;
const SLICE_MS = 5;

/** Where the ingest of the query before has ended. */
let from = 0;

/** Appends further rounds at a steady rate until the query is over. */
const appendBeside = async (filler: Filler, { seriesCount }: WorkloadSize, isOver: () => boolean): Promise<number> => {
  let appended = 0;
  while (!isOver()) {
    const to = Math.min(from + SLICE, seriesCount);
    filler.rounds.make(from, to);
    await filler.appendSlice(from, to);
    appended += to - from;
    from = to === seriesCount ? 0 : to;
    await pause(SLICE_MS);
  }
  return appended;
};

interface Measured {
  readonly ms: number;
  readonly maxMs: number;
  readonly p99Ms: number;
  readonly growthMB: number;
  readonly appended: number;
}

const ask = async (store: Store, filler: Filler, workload: Workload): Promise<Measured> => {
  // Samples of a round are up to 6 ms late.
  const through = workload.base + (workload.rounds - 1) * roundMs + 6;
  const before = residentMB();
  if (hasProcessFigures) resetPeak(process.pid);
  let isOver = false;
  const appending = appendBeside(filler, workload, () => isOver);
  const pauses = new LoopPauses();
  let answer: QueryResult | undefined;
  const ms = await elapsedMs(async () => {
    answer = await store.queryRange(QUERY, { from: workload.base, through, step: STEP_MS });
  });
  const { maxMs, p99Ms } = pauses.stop();
  isOver = true;
  const appended = await appending;
  const growthMB = hasProcessFigures ? residentPeak(process.pid) / 1e6 - before : 0;
  if (answer?.series.length !== JOBS) throw new Error(`the answer has ${answer?.series.length} series, not ${JOBS}`);
  // The samples after the last step are in no window.
  const samples = answer.stats?.samples ?? 0;
  const roundsAtLeast = workload.rounds - STEP_MS / roundMs - 1;
  if (samples < workload.seriesCount * roundsAtLeast) throw new Error(`the query read ${samples} samples`);
  return { ms, maxMs, p99Ms, growthMB, appended };
};

export const runLargeQuestion = async (size: WorkloadSize, runs: number, directory: string): Promise<void> => {
  const parent = mkdtempSync(join(directory, 'tidemark-large-question-'));
  try {
    const store = await openTidemark(join(parent, 'store'));
    const workload = { ...size, base: Date.now() - size.rounds * roundMs };
    const filler = new Filler(store, workload);
    process.stderr.write(`appending ${size.seriesCount} series x ${size.rounds}\n`);
    await filler.appendRounds(size.rounds);
    await store.flush();
    await store.waitForIndexing();
    const rows: string[][] = [];
    for (let run = 1; run <= runs; run++) {
      const { ms, maxMs, p99Ms, growthMB, appended } = await ask(store, filler, workload);
      const cells = [run, ms, maxMs, p99Ms, growthMB, (1000 * appended) / ms].map(formatNumber);
      process.stderr.write(`${cells.join('  ')}\n`);
      rows.push(cells);
    }
    await store.close();
    const head = ['run', 'time, ms', 'longest pause, ms', 'pause, p99, ms', 'growth, MB', 'samples/s appended beside'];
    process.stdout.write(`\`${QUERY}\` over ${size.seriesCount} x ${size.rounds}\n\n${table(head, rows)}\n`);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
};
