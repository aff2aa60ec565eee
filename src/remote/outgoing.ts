/**
 * Samples on their way to a receiver: columns in the order in which they were appended, and requests that are made of
 * them. In a request the samples are grouped by series, in the order in which the series first occur, and ascend in time
 * within each. The same samples give the same request.
 */
import type { Labels } from '../model/labels.ts';
import type { SeriesRun, WriteColumns } from '../wire/remote-write-encode.ts';

/** A series as the receiver gets it. */
export interface ForwardedSeries {
  /** Name, value, name, value …, in the bytewise order of the names. */
  readonly pairs: readonly string[];
  /** The labels in the store. */
  readonly labels: Labels;
}

/** One request, or a part of one. */
export interface Outgoing extends WriteColumns {
  readonly runs: readonly SeriesRun[];
  readonly count: number;
}

const CAPACITY_MIN = 256;

/** A growing list of samples. */
export class SampleList {
  private series: ForwardedSeries[] = [];
  private timestamps = new Float64Array(CAPACITY_MIN);
  private words = new Int32Array(2 * CAPACITY_MIN);

  get length(): number {
    return this.series.length;
  }

  /** Adds sample `index` of two columns; `words` is the memory of the values. */
  add(series: ForwardedSeries, timestamps: Float64Array, words: Int32Array, index: number): void {
    const at = this.series.length;
    if (at === this.timestamps.length) this.grow();
    this.series.push(series);
    this.timestamps[at] = timestamps[index];
    this.words[2 * at] = words[2 * index];
    this.words[2 * at + 1] = words[2 * index + 1];
  }

  /** The samples from index `from` to before `to` as one request. */
  request(from = 0, to = this.length): Outgoing {
    const { series, timestamps, words } = this;
    const groups = new Map<ForwardedSeries, number[]>();
    for (let i = from; i < to; i++) {
      const group = groups.get(series[i]);
      if (group === undefined) groups.set(series[i], [i]);
      else group.push(i);
    }
    const count = to - from;
    const columns = { timestamps: new Float64Array(count), words: new Int32Array(2 * count) };
    const runs: SeriesRun[] = [];
    let at = 0;
    for (const [{ pairs }, indexes] of groups) {
      // Late samples may be in any order.
      if (!ascends(timestamps, indexes)) indexes.sort((a, b) => timestamps[a] - timestamps[b]);
      const start = at;
      for (const index of indexes) {
        columns.timestamps[at] = timestamps[index];
        columns.words[2 * at] = words[2 * index];
        columns.words[2 * at + 1] = words[2 * index + 1];
        at += 1;
      }
      runs.push({ labels: pairs, start, end: at });
    }
    return { ...columns, runs, count };
  }

  private grow(): void {
    const { timestamps, words } = this;
    this.timestamps = new Float64Array(2 * timestamps.length);
    this.timestamps.set(timestamps);
    this.words = new Int32Array(2 * words.length);
    this.words.set(words);
  }
}

const ascends = (timestamps: Float64Array, indexes: readonly number[]): boolean => {
  for (let i = 1; i < indexes.length; i++) if (timestamps[indexes[i]] < timestamps[indexes[i - 1]]) return false;
  return true;
};

/** The memory of values as words. Event columns begin at a multiple of eight bytes, as every Float64Array does. */
export const wordsOf = (values: Float64Array): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset, 2 * values.length);

const countOf = (runs: readonly SeriesRun[]): number => runs.reduce((sum, { start, end }) => sum + end - start, 0);

const part = (request: Outgoing, runs: readonly SeriesRun[]): Outgoing => ({ ...request, runs, count: countOf(runs) });

/** The request in two halves of its series, or of its samples if it has one series; `undefined` for one sample. */
export const halved = (request: Outgoing): readonly [Outgoing, Outgoing] | undefined => {
  const { runs, count } = request;
  if (count < 2) return undefined;
  if (runs.length > 1) {
    const middle = runs.length >> 1;
    return [part(request, runs.slice(0, middle)), part(request, runs.slice(middle))];
  }
  const [{ labels, start, end }] = runs;
  const middle = start + ((end - start) >> 1);
  return [part(request, [{ labels, start, end: middle }]), part(request, [{ labels, start: middle, end }])];
};

/** The request without samples before a time. Returns the request itself if it has none. */
export const since = (request: Outgoing, time: number): Outgoing => {
  const { timestamps } = request;
  let isWhole = true;
  const runs: SeriesRun[] = [];
  for (const run of request.runs) {
    let { start } = run;
    while (start < run.end && timestamps[start] < time) start += 1;
    if (start > run.start) isWhole = false;
    if (start < run.end) runs.push(start === run.start ? run : { ...run, start });
  }
  return isWhole ? request : part(request, runs);
};

/** The latest time in a request, milliseconds since the epoch. */
export const latestOf = ({ runs, timestamps }: Outgoing): number => {
  let latest = Number.NEGATIVE_INFINITY;
  for (const { end } of runs) latest = Math.max(latest, timestamps[end - 1]);
  return latest;
};
