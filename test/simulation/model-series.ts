/** One series of the model: what was appended to it, and what is known of the fate of each sample. */
import type { Labels } from '../../src/model/labels.ts';
import { labelsOf } from './value-source.ts';

/** A sample that may or may not be in the store. */
export interface UnsureSample {
  readonly time: number;
  readonly high: number;
  readonly low: number;
  readonly appendedMs: number;
}

/** A sample that, if it was taken, started a new series after retention or quarantine had removed the old one. */
export interface Renewal extends UnsureSample {
  /** Time of the last sample of the old series. */
  readonly until: number;
}

/** One series from its creation on. A drop ends it, and a later sample starts another. */
export class ModelSeries {
  readonly number: number;
  readonly labels: Labels;
  readonly times: number[] = [];
  readonly highs: number[] = [];
  readonly lows: number[] = [];
  /** Simulated time at which each sample was appended. */
  readonly appendedMs: number[] = [];
  /** Number of samples, from the first on, that no crash may lose. */
  acknowledged = 0;
  /** A drop was begun and is not known to be done: either all samples are left, or none. */
  dropping = false;
  /** Samples before this index went into quarantine, or may have. */
  quarantined = 0;
  /** Samples before this index may have been appended earlier than `appendedMs` says. */
  private blurred = 0;
  /** Samples of uncertain fate, in order of time. Each may or may not be found among the others. */
  unsure: UnsureSample[] = [];
  renewal: Renewal | undefined;
  /** Times of samples that the original appended: no journal has them. */
  readonly foreign = new Set<number>();
  /** Bits of its file were flipped: it may return anything, but other series must not be affected. */
  suspect = false;

  constructor(number: number) {
    this.number = number;
    this.labels = labelsOf(number);
  }

  get count(): number {
    return this.times.length;
  }

  get lastTime(): number {
    return this.times[this.times.length - 1];
  }

  /** Time of the last sample that was given to the store, of uncertain fate or not. */
  get lastTriedTime(): number {
    return Math.max(this.lastTime ?? Number.NEGATIVE_INFINITY, this.unsure.at(-1)?.time ?? Number.NEGATIVE_INFINITY);
  }

  add(time: number, high: number, low: number, nowMs: number): void {
    this.times.push(time);
    this.highs.push(high);
    this.lows.push(low);
    this.appendedMs.push(nowMs);
  }

  /** A copy of the series, which later changes do not affect. */
  copy(): ModelSeries {
    const copy = new ModelSeries(this.number);
    for (const [i, time] of this.times.entries()) copy.add(time, this.highs[i], this.lows[i], this.appendedMs[i]);
    copy.acknowledged = this.acknowledged;
    copy.dropping = this.dropping;
    copy.quarantined = this.quarantined;
    copy.blurred = this.blurred;
    copy.unsure = [...this.unsure];
    copy.renewal = this.renewal;
    copy.suspect = this.suspect;
    for (const time of this.foreign) copy.foreign.add(time);
    return copy;
  }

  /** Inserts a sample of uncertain fate that was found, in order of time. It is as safe as the samples after it. */
  insert({ time, high, low, appendedMs }: UnsureSample): void {
    const index = this.indexAt(time);
    this.times.splice(index, 0, time);
    this.highs.splice(index, 0, high);
    this.lows.splice(index, 0, low);
    this.appendedMs.splice(index, 0, this.appendedMs[index] ?? appendedMs);
    if (index < this.acknowledged) this.acknowledged++;
    if (index < this.quarantined) this.quarantined++;
    this.blurred = Math.max(this.blurred, index + 1);
  }

  /** Its file went into quarantine. The file has no sample that was appended after the last write to it. */
  quarantine(writtenMs: number): void {
    const unwritten = this.appendedMs.findIndex((ms, index) => index >= this.blurred && ms > writtenMs);
    this.quarantined = Math.max(this.quarantined, unwritten < 0 ? this.count : unwritten);
  }

  /** The renewal has turned out to be there, so it started a new series: the samples before it are gone. */
  renew(renewal: Renewal): void {
    const gone = this.indexAt(renewal.until + 1);
    for (const column of [this.times, this.highs, this.lows, this.appendedMs]) column.splice(0, gone);
    this.acknowledged = Math.max(0, this.acknowledged - gone);
    this.quarantined = Math.max(0, this.quarantined - gone);
    this.unsure = this.unsure.filter(({ time }) => time > renewal.until);
    this.renewal = undefined;
    this.insert(renewal);
  }

  /** Makes the fate of the samples from this index on uncertain. */
  doubt(count: number): void {
    const doubted = this.times.slice(count).map((time, i) => {
      const index = count + i;
      return { time, high: this.highs[index], low: this.lows[index], appendedMs: this.appendedMs[index] };
    });
    this.unsure = [...doubted, ...this.unsure].sort((a, b) => a.time - b.time);
    this.truncate(count);
  }

  /** Forgets the samples from this index on, because a crash lost them. */
  truncate(count: number): void {
    for (const column of [this.times, this.highs, this.lows, this.appendedMs]) column.length = count;
    this.acknowledged = Math.min(this.acknowledged, count);
    this.quarantined = Math.min(this.quarantined, count);
  }

  /** Index of the first sample at or after a time. */
  indexAt(time: number): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.times[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
