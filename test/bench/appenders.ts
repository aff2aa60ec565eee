/** The four ways to append that are measured: by handle, by labels (the same or fresh objects), and in batches. */
import type { Sample, SeriesHandle, Store } from '../../src/api/api.ts';
import type { Labels } from '../../src/model/labels.ts';
import { freshLabelsOf, labelsOf, type Rounds } from './workload.ts';

export const waysToAppend = ['handle', 'sameLabels', 'freshLabels', 'batch'] as const;
export type WayToAppend = (typeof waysToAppend)[number];

export interface Appender {
  /** Makes what the program would have at hand already for series `from` to `to`; not timed. */
  prepare(from: number, to: number): void;
  /** Appends the current round's samples of series `from` to `to`; returns where it stopped: `to`, or where the store throttled. */
  append(from: number, to: number): number;
}

const samplesPerBatch = 1_000;

const isThrottled = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'TIDEMARK_THROTTLED';

/** Appends one by one; the index is kept when the store throttles in the middle. */
const oneByOne =
  (appendSample: (i: number) => void) =>
  (from: number, to: number): number => {
    let i = from;
    try {
      for (; i < to; i++) appendSample(i);
    } catch (error) {
      if (!isThrottled(error)) throw error;
    }
    return i;
  };

/** Resolves the labels of every series once, with its first sample, and keeps nothing but the handle from then on. */
const byHandle = (store: Store, { timestamps, values }: Rounds): Appender => {
  const handles: SeriesHandle[] = [];
  let labels: Labels[] = [];
  let offset = 0;
  const first = oneByOne((i) => {
    handles[i] ??= store.series(labels[i - offset]);
    handles[i].append(timestamps[i], values[i]);
  });
  const later = oneByOne((i) => handles[i].append(timestamps[i], values[i]));
  return {
    prepare: (from, to) => {
      offset = from;
      labels = handles.length < to ? Array.from({ length: to - from }, (_, n) => labelsOf(from + n)) : [];
    },
    append: (from, to) => (handles.length < to ? first(from, to) : later(from, to)),
  };
};

/** A program that keeps its label objects, as most instrumentation does. */
const bySameLabels = (store: Store, { timestamps, values }: Rounds): Appender => {
  const labels: Labels[] = [];
  return {
    prepare: (from, to) => {
      for (let i = from; i < to; i++) labels[i] ??= labelsOf(i);
    },
    append: oneByOne((i) => store.append(labels[i], timestamps[i], values[i])),
  };
};

/** A program that parses every sample's labels anew: nothing can be recognised by identity. */
const byFreshLabels = (store: Store, { timestamps, values }: Rounds): Appender => {
  let labels: Labels[] = [];
  let offset = 0;
  return {
    prepare: (from, to) => {
      offset = from;
      labels = Array.from({ length: to - from }, (_, n) => freshLabelsOf(from + n));
    },
    append: oneByOne((i) => store.append(labels[i - offset], timestamps[i], values[i])),
  };
};

const inBatches = (store: Store, { timestamps, values }: Rounds): Appender => {
  const labels: Labels[] = [];
  let samples: Sample[] = [];
  let offset = 0;
  const appendBatch = (from: number, to: number): number => {
    const { rejected } = store.appendBatch(samples.slice(from - offset, to - offset));
    if (rejected.length === 0) return to;
    const [{ index, code }] = rejected;
    if (code !== 'TIDEMARK_THROTTLED') throw new Error(`sample of series ${from + index} was rejected: ${code}`);
    return from + index;
  };
  return {
    prepare: (from, to) => {
      offset = from;
      samples = Array.from({ length: to - from }, (_, n) => {
        const i = from + n;
        labels[i] ??= labelsOf(i);
        return { labels: labels[i], timestamp: timestamps[i], value: values[i] };
      });
    },
    append: (from, to) => {
      for (let i = from; i < to; ) {
        const end = Math.min(i + samplesPerBatch, to);
        const reached = appendBatch(i, end);
        if (reached < end) return reached;
        i = end;
      }
      return to;
    },
  };
};

const appenders: Readonly<Record<WayToAppend, (store: Store, rounds: Rounds) => Appender>> = {
  handle: byHandle,
  sameLabels: bySameLabels,
  freshLabels: byFreshLabels,
  batch: inBatches,
};

export const appenderFor = (way: WayToAppend, store: Store, rounds: Rounds): Appender => appenders[way](store, rounds);
