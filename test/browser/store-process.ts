/**
 * A process of its own that has a store and serves its pages, so that nothing of the browser's driver is in its figures.
 * Once it was asked for a window of time it goes on taking samples; each answer tells what one window saw.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PagesServer } from '../../src/http/index.ts';
import { openStore, type SeriesHandle, type Store, systemClock, TidemarkError } from '../../src/index.ts';
import { breathe, LoopPauses } from '../bench/measure.ts';
import { labelsOf, Rounds } from '../bench/workload.ts';

/** Samples between two turns of the event loop: what a scrape of a large host brings. */
const samplesPerTurn = 10_000;
const catchUpMs = 100;

export type StoreRequest =
  | { readonly ask: 'open'; readonly directory: string; readonly seriesCount: number; readonly rounds: number }
  /** `samplesPerSecond` of 0: as many as the store takes. */
  | { readonly ask: 'window'; readonly ms: number; readonly samplesPerSecond: number }
  | { readonly ask: 'memory' }
  | { readonly ask: 'close' };

export interface WindowFigures {
  readonly samplesPerSecond: number;
  /** The same, without the time in which the main thread could have run and other threads had the processors. */
  readonly samplesPerSecondRun: number;
  /** The share of the time in which that was so: how far the other figures can be trusted. */
  readonly waitedShare: number;
  /** Time that the main thread spent on a processor; what else keeps the machine busy is not in it. */
  readonly cpuNsPerSample: number;
  /** The longest that the event loop was held, and the 99th percentile. */
  readonly loopMaxMs: number;
  readonly loopP99Ms: number;
}

export interface MemoryFigures {
  /** After a collection. */
  readonly heapBytes: number;
  readonly liveActors: number;
}

/** What the kernel counts of the main thread by itself: nanoseconds on a processor, and waiting for one. */
const mainThread = (): { readonly ranNs: number; readonly waitedNs: number } => {
  const [ranNs, waitedNs] = readFileSync('/proc/self/schedstat', 'utf8').split(' ').map(Number);
  return { ranNs, waitedNs };
};

/** Appends to all series in turn, without a pause or at a given rate, until it is told to stop. */
class Feeder {
  appended = 0;
  samplesPerSecond = 0;
  private readonly store: Store;
  private readonly handles: readonly SeriesHandle[];
  private readonly rounds: Rounds;
  private at = 0;
  private time = 0;
  private stopped = false;

  constructor(store: Store, seriesCount: number) {
    this.store = store;
    this.rounds = new Rounds({ seriesCount, rounds: 2, base: 0 });
    this.handles = Array.from({ length: seriesCount }, (_, i) => store.series(labelsOf(i)));
  }

  async appendRounds(count: number): Promise<void> {
    for (let n = 0; n < count; ) {
      await this.appendTurn();
      if (this.at === 0) n++;
    }
  }

  async run(): Promise<void> {
    let paidUntil = performance.now();
    while (!this.stopped) {
      if (this.samplesPerSecond > 0) {
        // What could not be appended in time is not made up for, but for a little: it would be a burst.
        paidUntil = Math.max(paidUntil, performance.now() - catchUpMs);
        while (performance.now() < paidUntil) await sleep(1);
      }
      paidUntil += ((await this.appendTurn()) * 1000) / (this.samplesPerSecond || Number.POSITIVE_INFINITY);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private async appendTurn(): Promise<number> {
    const from = this.at;
    const to = Math.min(from + samplesPerTurn, this.handles.length);
    if (from === 0) this.time = Math.max(this.time + 1, systemClock.now());
    this.rounds.make(from, to);
    for (let reached = from; reached < to; ) {
      reached = this.appendUntilThrottled(reached, to);
      if (reached < to) await this.store.ready();
    }
    this.at = to === this.handles.length ? 0 : to;
    this.appended += to - from;
    await breathe();
    return to - from;
  }

  private appendUntilThrottled(from: number, to: number): number {
    let i = from;
    try {
      for (; i < to; i++) this.handles[i].append(this.time, this.rounds.values[i]);
    } catch (error) {
      if (!(error instanceof TidemarkError && error.code === 'TIDEMARK_THROTTLED')) throw error;
    }
    return i;
  }
}

const measure = async (feeder: Feeder, ms: number): Promise<WindowFigures> => {
  const before = { appended: feeder.appended, ...mainThread(), started: performance.now() };
  const pauses = new LoopPauses();
  await sleep(ms);
  const { maxMs, p99Ms } = pauses.stop();
  const { ranNs, waitedNs } = mainThread();
  const samples = feeder.appended - before.appended;
  const seconds = (performance.now() - before.started) / 1000;
  const waitedSeconds = (waitedNs - before.waitedNs) / 1e9;
  return {
    samplesPerSecond: samples / seconds,
    samplesPerSecondRun: samples / (seconds - waitedSeconds),
    waitedShare: waitedSeconds / seconds,
    cpuNsPerSample: (ranNs - before.ranNs) / samples,
    loopMaxMs: maxMs,
    loopP99Ms: p99Ms,
  };
};

const memory = async (store: Store): Promise<MemoryFigures> => {
  const actors = await store.registry.getSingleMetric('tidemark_live_actors')!.get();
  for (let n = 0; n < 3; n++) {
    global.gc?.();
    await breathe();
  }
  return { heapBytes: process.memoryUsage().heapUsed, liveActors: actors.values[0].value };
};

/** Answers requests until it is asked to close. */
const serveRequests = (): void => {
  let store: Store;
  let server: PagesServer;
  let feeder: Feeder;
  let feeding: Promise<void> | undefined;

  const answer = async (request: StoreRequest): Promise<unknown> => {
    switch (request.ask) {
      case 'open':
        store = await openStore(request.directory, { retention: 'off' });
        server = new PagesServer({ clock: systemClock });
        await server.listen();
        server.showStore(store);
        feeder = new Feeder(store, request.seriesCount);
        await feeder.appendRounds(request.rounds);
        return server.url;
      case 'window':
        feeder.samplesPerSecond = request.samplesPerSecond;
        feeding ??= feeder.run();
        return measure(feeder, request.ms);
      case 'memory':
        return memory(store);
      case 'close':
        feeder.stop();
        await feeding;
        await server.close();
        await store.close();
        return 'closed';
    }
  };

  process.on('message', async (request: StoreRequest) => {
    process.send?.(await answer(request));
    if (request.ask === 'close') process.disconnect();
  });
};

/** The other end: starts the process and asks it, one thing at a time. */
export class StoreProcess {
  private readonly child: ChildProcess = fork(import.meta.filename, {
    execArgv: ['--expose-gc', '--enable-source-maps'],
  });

  async ask<Answer>(request: StoreRequest): Promise<Answer> {
    const gone = new AbortController();
    const answered = once(this.child, 'message', { signal: gone.signal });
    const ended = once(this.child, 'exit', { signal: gone.signal }).then(([code, signal]) => {
      throw new Error(`the store's process ended with ${signal ?? `exit code ${code}`}`);
    });
    try {
      this.child.send(request);
      const [answer] = await Promise.race([answered, ended]);
      return answer as Answer;
    } finally {
      gone.abort();
      await Promise.allSettled([answered, ended]);
    }
  }

  /** Ends the process, whatever it is doing. */
  kill(): void {
    this.child.kill('SIGKILL');
  }
}

if (process.argv[1] === import.meta.filename) serveRequests();
