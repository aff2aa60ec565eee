/** One series of the model: what was appended to it, and what is known of the fate of each sample. */
import type { Labels } from '../model/labels.ts';
import { labelsOf } from './values.ts';

/** A sample of which nobody knows whether it is there. */
export interface UnsureSample {
  readonly time: number;
  readonly high: number;
  readonly low: number;
  readonly appendedMs: number;
}

/** A sample that, if it was taken, began a series anew in place of what retention or quarantine had taken. */
export interface Renewal extends UnsureSample {
  /** Time of the last sample of what it replaced. */
  readonly until: number;
}

/** One series from its creation on; dropping ends it, a later sample begins another. */
export class ModelSeries {
  readonly number: number;
  readonly labels: Labels;
  readonly times: number[] = [];
  readonly highs: number[] = [];
  readonly lows: number[] = [];
  /** Simulated time at which each sample was appended. */
  readonly appendedMs: number[] = [];
  /** Samples from the first on that no crash may lose. */
  acknowledged = 0;
  /** A drop of it was begun and is not known to be done: all or nothing may be left. */
  dropping = false;
  /** Samples before this index went into quarantine, or may have. */
  quarantined = 0;
  /** Samples before this index may have been appended earlier than it says. */
  private blurred = 0;
  /** Samples whose fate is uncertain: each may turn up among the others, or not. In order of time. */
  unsure: UnsureSample[] = [];
  renewal: Renewal | undefined;
  /** Times of samples that the original appended: no journal has them. */
  readonly foreign = new Set<number>();
  /** Bits of its file flipped: what it returns is anybody's guess, but it must not harm others. */
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

  /** Time of the last sample that was appended, whatever became of it. */
  get lastTriedTime(): number {
    return Math.max(this.lastTime ?? Number.NEGATIVE_INFINITY, this.unsure.at(-1)?.time ?? Number.NEGATIVE_INFINITY);
  }

  add(time: number, high: number, low: number, nowMs: number): void {
    this.times.push(time);
    this.highs.push(high);
    this.lows.push(low);
    this.appendedMs.push(nowMs);
  }

  /** The series as it is now; what happens to the original later does not change the copy. */
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

  /** A sample of uncertain fate was taken: it is in its place in time, and as safe as those after it. */
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

  /** Its file went into quarantine: it can have no sample that was appended after it was last written to. */
  quarantine(writtenMs: number): void {
    const unwritten = this.appendedMs.findIndex((ms, index) => index >= this.blurred && ms > writtenMs);
    this.quarantined = Math.max(this.quarantined, unwritten < 0 ? this.count : unwritten);
  }

  /** The sample that may have begun the series anew has: what was there before is gone. */
  renew(renewal: Renewal): void {
    const gone = this.indexAt(renewal.until + 1);
    for (const column of [this.times, this.highs, this.lows, this.appendedMs]) column.splice(0, gone);
    this.acknowledged = Math.max(0, this.acknowledged - gone);
    this.quarantined = Math.max(0, this.quarantined - gone);
    this.unsure = this.unsure.filter(({ time }) => time > renewal.until);
    this.renewal = undefined;
    this.insert(renewal);
  }

  /** From this one on, the fate of the samples is uncertain. */
  doubt(count: number): void {
    const doubted = this.times.slice(count).map((time, i) => {
      const index = count + i;
      return { time, high: this.highs[index], low: this.lows[index], appendedMs: this.appendedMs[index] };
    });
    this.unsure = [...doubted, ...this.unsure].sort((a, b) => a.time - b.time);
    this.truncate(count);
  }

  /** Forgets samples from the end: a crash took them. */
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
