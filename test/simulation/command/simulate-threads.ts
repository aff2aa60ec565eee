/**
 * Plays seeds on several threads. Sequences are independent, and a seed gives the same run on any thread. Threads
 * finish in any order, so an outcome waits for the outcomes of all earlier seeds: the reports are the same as those of
 * one thread, down to the last digit of a sum.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SeedOutcome, SeedTask } from './simulate-seed.ts';

export interface ThreadedSeeds {
  /** Seed of the first run; the others follow it. */
  readonly seed: number;
  readonly runs: number;
  /** Steps of each. */
  readonly steps: number;
  readonly threads: number;
  /** Called with one outcome at a time, in the order of the seeds. Returns false to end the run. */
  readonly onOutcome: (outcome: SeedOutcome) => Promise<boolean>;
}

/** Resolves when all seeds are played, or `onOutcome` has ended the run. Rejects when a thread dies. */
export const playOnThreads = async ({ seed, runs, steps, threads, onOutcome }: ThreadedSeeds): Promise<void> => {
  const file = new URL(`./simulate-worker${extname(import.meta.url)}`, import.meta.url);
  let next = 0;
  let isEnded = false;
  const waiting = new Map<number, SeedOutcome>();
  let nextTold = seed;
  let telling = Promise.resolve();
  const tell = async (): Promise<void> => {
    for (;;) {
      const outcome = waiting.get(nextTold);
      if (outcome === undefined || isEnded) return;
      waiting.delete(nextTold++);
      if (!(await onOutcome(outcome))) isEnded = true;
    }
  };
  const play = async (): Promise<void> => {
    const worker = new Worker(file);
    try {
      while (next < runs && !isEnded) {
        const outcome = await ask(worker, { seed: seed + next++, steps });
        waiting.set(outcome.seed, outcome);
        telling = telling.then(tell);
        await telling;
      }
    } catch (error) {
      isEnded = true;
      throw error;
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, runs) }, play));
};

const ask = (worker: Worker, task: SeedTask): Promise<SeedOutcome> =>
  new Promise((resolve, reject) => {
    const died = (cause: unknown): void =>
      reject(new Error(`the thread that played seed ${task.seed} died`, { cause }));
    worker.once('error', died);
    worker.once('exit', died);
    worker.once('message', (outcome: SeedOutcome) => {
      worker.off('error', died);
      worker.off('exit', died);
      resolve(outcome);
    });
    worker.postMessage(task);
  });
