/** Small instruments of the benchmark: a stopwatch, the median, the pauses of the event loop, memory, bytes on disk. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

export const elapsedMs = async (work: () => unknown): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Gives the event loop to the store once. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How long the event loop was held, from creation until `stop`: what a timer that is due every millisecond sees. */
export class LoopPauses {
  readonly #resolutionMs = 1;
  readonly #histogram: IntervalHistogram;

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: this.#resolutionMs });
    this.#histogram.enable();
  }

  stop(): { readonly p99Ms: number; readonly maxMs: number } {
    this.#histogram.disable();
    const delayMs = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - this.#resolutionMs);
    return { p99Ms: delayMs(this.#histogram.percentile(99)), maxMs: delayMs(this.#histogram.max) };
  }
}

/** Resident memory of the whole process in MB after a collection; needs `--expose-gc`. */
export const residentMB = (): number => {
  global.gc?.();
  global.gc?.();
  return process.memoryUsage.rss() / 1e6;
};

/** The sizes of all files below a directory, added up; `keep` sees each path relative to it. */
export const directoryBytes = (directory: string, keep: (path: string) => boolean = () => true): number => {
  let bytes = 0;
  for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!keep(path)) continue;
    const entry = statSync(join(directory, path), { throwIfNoEntry: false });
    if (entry?.isFile()) bytes += entry.size;
  }
  return bytes;
};

/** Series files lie in folders named by the first two hex digits of the fingerprint. */
export const isSeriesFile = (path: string): boolean => /^[0-9a-f]{2}[\\/][0-9a-f]{14}\.db$/.test(path);
