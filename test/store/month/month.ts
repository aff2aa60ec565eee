/**
 * A month of a store's life in virtual time, on real files whose syncs cost nothing: samples every five minutes, series
 * that come and go, retention and memory target as given. What is promised for long runs is measured every day, and
 * every sample within retention is compared at the end.
 */
import { readdirSync } from 'node:fs';
import { nodeFileSystem } from '../../../src/files/node-file-system.ts';
import { openStore, type SeriesHandle, type Store } from '../../../src/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { labelsOf, type MonthlySeries, Population, ROUND_MS, ROUNDS_PER_DAY, valueAt } from './workload.ts';

export interface MonthOptions {
  readonly directory: string;
  readonly seriesCount: number;
  readonly days: number;
  readonly retentionDays: number;
  /** Share of the series that is replaced every day. */
  readonly churnPerDay: number;
  readonly memoryTarget: number;
  /** Virtual time between two looks at the timers. */
  readonly stepMs: number;
  readonly onDay?: (day: DayMeasured) => void;
}

export interface DayMeasured {
  readonly day: number;
  readonly samples: number;
  readonly inMemory: number;
  readonly archived: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly seriesBytes: number;
  readonly indexBytes: number;
  readonly seriesFiles: number;
  readonly descriptors: number;
  /** Time from the oldest sample on disk to now. */
  readonly oldestAgeMs: number;
}

export interface MonthResult {
  readonly days: readonly DayMeasured[];
  /** Samples within retention that were compared. */
  readonly compared: number;
  readonly seriesCompared: number;
}

const START_MS = 1_767_225_600_000;
const DAY_MS = 86_400_000;

/** Files on which nothing waits for the disk: this is about months, not about loss of power. */
const unsynced = {
  ...nodeFileSystem,
  syncBlocking: () => {},
  dataSyncBlocking: () => {},
  sync: () => Promise.resolve(),
  dataSync: () => Promise.resolve(),
  syncDirectory: () => {},
  syncDirectoryAside: () => Promise.resolve(),
};

export const runMonth = async (options: MonthOptions): Promise<MonthResult> => {
  const clock = new ManualClock(START_MS);
  const store = await openStore(options.directory, {
    clock,
    fileSystem: unsynced,
    retention: `${options.retentionDays}d`,
    memoryTarget: options.memoryTarget,
    headChunkTimeout: '15m',
    checkpointInterval: '6h',
    checkpointDirtySeries: Number.MAX_SAFE_INTEGER,
  });
  try {
    const population = new Population(options.seriesCount, options.churnPerDay);
    const days: DayMeasured[] = [];
    const handles = population.live.map(({ id }) => store.series(labelsOf(id)));
    let samples = 0;
    for (let round = 0; round < options.days * ROUNDS_PER_DAY; round++) {
      for (const place of round === 0 ? [] : population.churn(round)) {
        handles[place] = store.series(labelsOf(population.live[place].id));
      }
      await appendRound(store, handles, population.live, round);
      samples += handles.length;
      for (let passed = 0; passed < ROUND_MS; passed += options.stepMs) await step(clock, store, options.stepMs);
      if ((round + 1) % ROUNDS_PER_DAY !== 0) continue;
      const measured = await measure(store, clock, (round + 1) / ROUNDS_PER_DAY, samples);
      days.push(measured);
      options.onDay?.(measured);
    }
    return { days, ...(await compareAll(store, clock, population, options)) };
  } finally {
    await store.close();
  }
};

/** All series get their sample of the round; when the store is throttled, the rest follows when it is ready. */
const appendRound = async (
  store: Store,
  handles: readonly SeriesHandle[],
  live: readonly MonthlySeries[],
  round: number,
): Promise<void> => {
  const time = START_MS + round * ROUND_MS;
  for (let place = 0; place < handles.length; place++) handles[place].append(time, valueAt(live[place].id, round));
  await store.flush();
};

/** Passes time, and lets what that began come to its end. */
const step = async (clock: ManualClock, store: Store, stepMs: number): Promise<void> => {
  clock.step(stepMs);
  do await clock.breathe();
  while (store.stateCounts().persisting > 0);
};

const measure = async (store: Store, clock: ManualClock, day: number, samples: number): Promise<DayMeasured> => {
  const info = await store.info();
  return {
    day,
    samples,
    inMemory: info.seriesInMemory,
    archived: info.seriesArchived,
    memoryBytes: await gauge(store, 'tidemark_memory_used_bytes'),
    diskBytes: info.bytes.total,
    seriesBytes: info.bytes.seriesFiles,
    indexBytes: info.bytes.indexes,
    seriesFiles: countFiles(store.directory),
    descriptors: readdirSync('/proc/self/fd').length,
    oldestAgeMs: clock.now() - (info.firstTime ?? clock.now()),
  };
};

const gauge = async (store: Store, name: string): Promise<number> => {
  const metric = await store.registry.getSingleMetric(name)?.get();
  return metric?.values[0]?.value ?? Number.NaN;
};

const countFiles = (directory: string): number =>
  readdirSync(directory)
    .filter((name) => /^[0-9a-f]{2}$/.test(name))
    .reduce((sum, name) => sum + readdirSync(`${directory}/${name}`).length, 0);

/** Every series of the month: all its samples within retention are there, exact, and none that is older. */
const compareAll = async (
  store: Store,
  clock: ManualClock,
  population: Population,
  { retentionDays, days }: MonthOptions,
): Promise<Pick<MonthResult, 'compared' | 'seriesCompared'>> => {
  const oldestRound = Math.ceil((clock.now() - retentionDays * DAY_MS - START_MS) / ROUND_MS);
  const lastRound = days * ROUNDS_PER_DAY - 1;
  const expected = new Map<string, MonthlySeries>();
  for (const series of population.all) if (series.lastRound >= oldestRound) expected.set(String(series.id), series);
  let compared = 0;
  const seriesCompared = expected.size;
  for await (const { labels, timestamps, values } of store.select([])) {
    const series = expected.get(labels['id']);
    if (series === undefined) throw new Error(`series ${labels['id']} is past retention`);
    expected.delete(labels['id']);
    const from = Math.max(series.firstRound, oldestRound);
    const count = Math.min(series.lastRound, lastRound) - from + 1;
    if (timestamps.length !== count) {
      throw new Error(`series ${series.id} has ${timestamps.length} samples, not ${count}`);
    }
    for (let i = 0; i < count; i++) {
      const isRight =
        timestamps[i] === START_MS + (from + i) * ROUND_MS && Object.is(values[i], valueAt(series.id, from + i));
      if (!isRight) throw new Error(`series ${series.id} has ${values[i]} at ${timestamps[i]} as its sample ${i}`);
    }
    compared += count;
  }
  if (expected.size > 0) throw new Error(`${expected.size} series are missing, ${[...expected.keys()].slice(0, 5)} …`);
  return { compared, seriesCompared };
};
