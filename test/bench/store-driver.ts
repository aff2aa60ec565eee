/** What the benchmark does with a store, the way a user's program would: fill it, query it, read everything back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Store, StoreOptions } from '../../src/api/api.ts';
import { type Appender, appenderFor, type WayToAppend } from './appenders.ts';
import { breathe, elapsedMs, median } from './measure.ts';
import { expectedCounts, fillExpected, queries, Rounds, type Workload } from './workload.ts';

/** Samples between two turns of the event loop: what a scrape of a large host brings. */
const samplesPerTurn = 10_000;

interface Library {
  openStore(directory: string, options?: StoreOptions): Promise<Store>;
}

/** Names the folder of another built checkout whose library is measured. */
export const CHECKOUT_VARIABLE = 'TIDEMARK_BENCH_CHECKOUT';

/** The file that `import 'tidemark'` loads: that of this package, or of another checkout. */
export const libraryFile = (): string => {
  const root = process.env[CHECKOUT_VARIABLE] ?? join(import.meta.dirname, '..', '..', '..');
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<'.', { readonly default: string }>>;
  };
  return join(root, exports['.'].default);
};

/** Loads the library, so that loading it is no part of opening a store. */
export const loadTidemark = async (): Promise<Library> => (await import(pathToFileURL(libraryFile()).href)) as Library;

/** Opens a store that keeps everything and takes everything: the rounds run faster than the clock. */
export const openTidemark = async (directory: string, options: StoreOptions = {}): Promise<Store> => {
  const { openStore } = await loadTidemark();
  const everything: StoreOptions = { retention: 'off', ...options };
  // An earlier checkout may not know the newer option.
  return openStore(directory, { futureTolerance: 'off', ...everything }).catch((error: unknown) => {
    if (process.env[CHECKOUT_VARIABLE] === undefined || !String(error).includes('futureTolerance')) throw error;
    return openStore(directory, everything);
  });
};

/** Fills a store round by round; the clock runs while the store has the thread, not while samples are made. */
export class Filler {
  readonly rounds: Rounds;
  /** How often the store refused a sample until it was ready again. */
  throttledCount = 0;
  readonly #store: Store;
  readonly #appender: Appender;
  readonly #seriesCount: number;

  constructor(store: Store, workload: Workload, way: WayToAppend = 'handle') {
    this.#store = store;
    this.#seriesCount = workload.seriesCount;
    this.rounds = new Rounds(workload);
    this.#appender = appenderFor(way, store, this.rounds);
  }

  /** Appends one more round; resolves to the milliseconds that it took. */
  async appendRound(): Promise<number> {
    let ms = 0;
    for (let from = 0; from < this.#seriesCount; from += samplesPerTurn) {
      const to = Math.min(from + samplesPerTurn, this.#seriesCount);
      // Making a million samples at a stretch would be a pause of the benchmark's own.
      this.rounds.make(from, to);
      ms += await this.appendSlice(from, to);
    }
    return ms;
  }

  async appendRounds(count: number): Promise<number> {
    let ms = 0;
    for (let n = 0; n < count; n++) ms += await this.appendRound();
    return ms;
  }

  /** Appends the current round's samples of some series, then gives the event loop to the store. */
  async appendSlice(from: number, to: number): Promise<number> {
    this.#appender.prepare(from, to);
    return elapsedMs(async () => {
      let reached = this.#appender.append(from, to);
      while (reached < to) {
        this.throttledCount += 1;
        await this.#store.ready();
        reached = this.#appender.append(reached, to);
      }
      await breathe();
    });
  }
}

/** How often a query is asked after the first time. At small sizes it takes a millisecond, so a few times would not do. */
const TIMES = 20;

/** The time to the last row of a query, the first time and the median of the others; fails when it finds a wrong number of series. */
const timeQuery = async (name: string, expected: number, run: () => Promise<number>) => {
  const times: number[] = [];
  for (let n = 0; n <= TIMES; n++) {
    let found = 0;
    times.push(
      await elapsedMs(async () => {
        found = await run();
      }),
    );
    if (found !== expected) throw new Error(`the ${name} query found ${found} series instead of ${expected}`);
  }
  return { [`${name}FirstMs`]: times[0], [`${name}Ms`]: median(times.slice(1)) };
};

export const timeQueries = async (store: Store, workload: Workload): Promise<Record<string, number>> => {
  const expected = expectedCounts(workload);
  const range = async (): Promise<number> => {
    let found = 0;
    let sum = 0;
    for await (const series of store.select(queries.range)) {
      found += 1;
      const { values } = series;
      for (let n = 0; n < values.length; n++) sum += values[n];
    }
    if (Number.isNaN(sum)) throw new Error('the range query returned a value that is not a number');
    return found;
  };
  return {
    ...(await timeQuery('range', expected.range, range)),
    ...(await timeQuery('lookup', expected.lookup, async () => (await store.metrics(queries.lookup)).length)),
    ...(await timeQuery('regex', expected.regex, async () => (await store.metrics(queries.regex)).length)),
  };
};

const bytesOf = (array: Float64Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const sameBits = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && Buffer.compare(bytesOf(a), bytesOf(b)) === 0;

/** Reads every sample of every series and compares it bit for bit; returns how many there were, or fails. */
export const verifyEverySample = async (store: Store, workload: Workload): Promise<number> => {
  const expected = {
    timestamps: new Float64Array(workload.rounds),
    values: new Float64Array(workload.rounds),
  };
  const seen = new Uint8Array(workload.seriesCount);
  let sampleCount = 0;
  for (let metric = 0; metric < Math.min(100, workload.seriesCount); metric++) {
    for await (const { labels, timestamps, values } of store.select(`metric_${metric}`)) {
      const i = Number(labels['id']);
      if (seen[i] !== 0) throw new Error(`series ${i} was read twice`);
      seen[i] = 1;
      fillExpected(workload, i, expected);
      if (!sameBits(timestamps, expected.timestamps) || !sameBits(values, expected.values)) {
        throw new Error(
          `series ${i} reads back ${timestamps.length} samples that are not the ${workload.rounds} appended`,
        );
      }
      sampleCount += timestamps.length;
    }
  }
  const missing = seen.indexOf(0);
  if (missing !== -1) throw new Error(`series ${missing} is missing`);
  return sampleCount;
};
