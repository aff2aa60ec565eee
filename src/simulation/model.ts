/**
 * What must be true: the simplest store there could be, lists of samples in memory, with what is known of each sample's
 * fate. Per series: what was appended, up to where it was acknowledged as durable, what retention may have taken.
 *
 * Checks throw a {@link Violation}. What a query returns must be, bit for bit and in order, the samples appended, but
 *
 * - samples older than the retention limit may be missing from the beginning, and
 * - right after a recovery, samples that were not acknowledged may be missing: from the end, or, where power was lost,
 *   any of them.
 *
 * The model learns from the first look after a recovery what was lost; from then on it must not come back.
 */
import type { SeriesSamples } from '../api.ts';
import type { SamplesAppended } from '../model/events.ts';
import type { Labels } from '../model/labels.ts';
import { ModelSeries } from './model-series.ts';
import { TriedSamples } from './tried-samples.ts';
import { type Bits, seriesOf } from './values.ts';

export { ModelSeries };

/** Something that must not be. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** What a check allows. */
export interface Allowance {
  readonly from: number;
  readonly through: number;
  /** Samples of each series that were there when the query began; fewer must not be found. Default: all. */
  readonly countAtLeast?: number;
  /** Samples older than this may be missing too: another opener goes by another time. */
  readonly retentionLimit?: number;
  /** A crash came before: unacknowledged samples may be missing from the end, and the model learns which. */
  readonly afterCrash?: boolean;
}

/** Stands for no series of the model. */
export const STRANGER = -1;

export const EVERYTHING: Allowance = { from: Number.NEGATIVE_INFINITY, through: Number.POSITIVE_INFINITY };

export class Model {
  /** By number. */
  readonly series = new Map<number, ModelSeries>();
  /** Samples older than this may be gone. */
  retentionLimit = Number.NEGATIVE_INFINITY;
  /** Journal, checkpoint or mappings are damaged: anything may be lost, but nothing may be invented. */
  damaged = false;
  /** Labels and mapped fingerprints may be garbled: in heads.db there is nothing to check the one by but the other. */
  garbled = false;
  /** Series that were dropped, or that retention took whole: the record of that may be what is damaged. */
  private readonly ended = new Map<number, ModelSeries[]>();
  private readonly tried = new TriedSamples();

  /** Notes an appended sample. */
  append(number: number, time: number, high: number, low: number, nowMs: number): void {
    this.tried.add(number, time, high, low);
    let series = this.series.get(number);
    if (series === undefined || (series.count > 0 && time <= series.lastTime)) {
      // Accepted although it is older than the last: retention had taken the whole series, and this one is new.
      if (series !== undefined && !this.isForgettable(series)) {
        throw new Violation(`a sample of ${nameOf(number)} at ${time} was accepted after one at ${series.lastTime}`);
      }
      if (series !== undefined) this.end(series);
      series = new ModelSeries(number);
      this.series.set(number, series);
    }
    series.add(time, high, low, nowMs);
  }

  /** Power was lost: of what was not acknowledged any page may be there or not, also before one that is. */
  loseUnsynced(): void {
    for (const series of this.series.values()) series.doubt(series.acknowledged);
  }

  /** Notes a sample that may be there or not: its append failed with an error of the disk, or the process died over it. */
  appendUnsure(number: number, time: number, high: number, low: number): void {
    const series = this.series.get(number) ?? new ModelSeries(number);
    this.series.set(number, series);
    this.tried.add(number, time, high, low);
    series.unsure.push({ time, high, low, appendedMs: Number.POSITIVE_INFINITY });
  }

  /**
   * Notes a sample that, if it is there, began the series anew: its append failed as above, at a time that only a store in
   * which nothing is left of the series takes.
   */
  appendRenewal(series: ModelSeries, time: number, high: number, low: number): void {
    this.tried.add(series.number, time, high, low);
    series.renewal = { time, high, low, appendedMs: Number.POSITIVE_INFINITY, until: series.lastTime };
  }

  /** A series is gone, and must not come back. */
  end(series: ModelSeries): void {
    this.series.delete(series.number);
    this.ended.set(series.number, [...(this.ended.get(series.number) ?? []), series]);
  }

  /** The position of a flush: what was appended up to now, to be acknowledged when it is done. */
  mark(): Map<ModelSeries, number> {
    return new Map([...this.series.values()].map((series) => [series, series.count]));
  }

  acknowledge(mark: ReadonlyMap<ModelSeries, number>): void {
    for (const [series, count] of mark)
      series.acknowledged = Math.max(series.acknowledged, Math.min(count, series.count));
  }

  /** Acknowledges what was appended before a moment of simulated time. */
  acknowledgeUntil(ms: number): void {
    for (const series of this.series.values()) {
      while (series.acknowledged < series.count && series.appendedMs[series.acknowledged] <= ms) series.acknowledged++;
    }
  }

  /** Retention may have taken what is older than this. */
  passRetention(limitMs: number): void {
    this.retentionLimit = Math.max(this.retentionLimit, limitMs);
  }

  /** Whether a series has to exist: it has a sample that nothing may have taken. */
  mustExist(series: ModelSeries): boolean {
    return !series.dropping && !series.suspect && series.count > 0 && !this.isForgettable(series);
  }

  /** Checks a whole answer: each series once, no stranger, none missing. `numbers` are the series asked for. */
  check(answer: readonly SeriesSamples[], numbers: readonly number[], allowance: Allowance): void {
    const found = new Map<number, SeriesSamples>();
    for (const samples of answer) {
      const number = this.numberOf(samples.labels, numbers);
      if (number === STRANGER) continue;
      if (found.has(number) && this.garbled) continue;
      if (found.has(number)) throw new Violation(`${nameOf(number)} is in the answer twice`);
      found.set(number, samples);
    }
    for (const number of numbers) {
      const series = this.series.get(number) ?? (found.has(number) ? this.comeBack(number) : undefined);
      if (series === undefined) continue;
      this.checkSeries(series, found.get(number), allowance);
    }
  }

  /**
   * Takes over what another program has: of each series anything may be missing, what was dropped may be back, nothing is
   * invented. What is missing may turn up at the next opening, or not.
   */
  follow(answer: readonly SeriesSamples[], numbers: readonly number[]): void {
    const { damaged } = this;
    const before = [...this.series.values()].map((series) => series.copy());
    this.damaged = true;
    this.check(answer, numbers, { ...EVERYTHING, afterCrash: true });
    this.damaged = damaged;
    for (const { number, times, highs, lows, unsure } of before) {
      const series = this.series.get(number) ?? this.comeBack(number);
      // A crash may have taken these; the journal, which the other program does not read, may have them.
      for (const sample of unsure) {
        if (series.times[series.indexAt(sample.time)] === sample.time || series.unsure.includes(sample)) continue;
        series.unsure.push({ ...sample, appendedMs: Number.POSITIVE_INFINITY });
      }
      for (const [i, time] of times.entries()) {
        if (series.times[series.indexAt(time)] === time) continue;
        series.unsure.push({ time, high: highs[i], low: lows[i], appendedMs: Number.POSITIVE_INFINITY });
      }
      series.unsure.sort((a, b) => a.time - b.time);
    }
  }

  /** The number of a returned label set; it must be one of a series that exists, or, where labels are garbled, a stranger. */
  numberOf(labels: Labels, numbers: readonly number[]): number {
    const number = seriesOf(labels);
    const mayBe = number !== undefined && (this.series.has(number) || (this.damaged && this.ended.has(number)));
    if (mayBe && numbers.includes(number)) return number;
    if (this.garbled) return STRANGER;
    throw new Violation(`a series is returned that was never appended to, or was dropped: ${JSON.stringify(labels)}`);
  }

  /** A series that had ended is there again, after damage. */
  private comeBack(number: number): ModelSeries {
    const series = new ModelSeries(number);
    this.series.set(number, series);
    return series;
  }

  /**
   * Checks what a subscriber was given: each sample was appended to the series with its fingerprint, at some time. From now
   * on no crash may take it: nothing is delivered that is not on the disk.
   */
  takeDelivered({ fingerprints, timestamps, values }: SamplesAppended): void {
    if (fingerprints.length !== timestamps.length || values.length !== timestamps.length) {
      throw new Violation('the columns of a batch of samples differ in length');
    }
    for (const [i, fingerprint] of fingerprints.entries()) {
      const [low, high] = wordsOf(values, i);
      const numbers = this.tried.whose(fingerprint, timestamps[i], high, low);
      if (numbers.length === 1) this.acknowledgeSample(numbers[0], timestamps[i]);
      // A garbled checkpoint may give a series any fingerprint.
      if (numbers.length > 0 || this.garbled) continue;
      throw new Violation(
        `a subscriber got the sample ${hex(high, low)} of ${fingerprint} at ${describe(timestamps[i])}, which was not appended`,
      );
    }
  }

  private acknowledgeSample(number: number, time: number): void {
    const series = this.series.get(number);
    const index = series?.indexAt(time) ?? 0;
    if (series?.times[index] === time) series.acknowledged = Math.max(series.acknowledged, index + 1);
  }

  /** Checks what was returned of one series. */
  checkSeries(series: ModelSeries, samples: SeriesSamples | undefined, allowance: Allowance): void {
    if (series.suspect) {
      // Whether the crash took what was not acknowledged can't be seen in what decayed.
      if (allowance.afterCrash) series.doubt(series.acknowledged);
      return;
    }
    this.takeUnsure(series, samples);
    if (this.damaged || (series.dropping && !allowance.afterCrash)) {
      // While it is being dropped, an answer may have any part of it.
      this.checkSubset(series, samples);
      if (this.damaged && (allowance === EVERYTHING || allowance.afterCrash)) {
        this.takeOver(series, samples);
        // A drop that is still under way goes on.
        if (allowance.afterCrash) {
          series.dropping = false;
          this.settleUnsure(series);
        }
      }
      return;
    }
    const name = nameOf(series.number);
    const first = series.indexAt(allowance.from);
    const end = series.indexAt(allowance.through + 1);
    const times = samples?.timestamps ?? new Float64Array(0);
    if (times.length === 0 && series.dropping && !this.isForgettable(series)) {
      this.end(series);
      return;
    }
    const forgettable = Math.min(end, Math.max(first, this.forgettableCount(series, allowance.retentionLimit)));
    const start = times.length === 0 ? forgettable : series.indexAt(times[0]);
    if (start > forgettable) {
      throw new Violation(
        `${name} begins at ${describe(times[0])} instead of ${describe(series.times[forgettable])}: ` +
          `${start - forgettable} samples are missing from its beginning`,
      );
    }
    for (let i = 0; i < times.length; i++) {
      if (start + i < end && series.times[start + i] === times[i]) continue;
      if (start + i >= end) throw new Violation(`${name} has a sample at ${describe(times[i])} that was not appended`);
      throw new Violation(
        `${name} has ${describe(times[i])} where ${describe(series.times[start + i])} was appended (sample ${start + i})`,
      );
    }
    this.checkValues(series, samples, start);
    const needed = allowance.afterCrash
      ? Math.min(series.acknowledged, end)
      : Math.min(allowance.countAtLeast ?? end, end);
    const found = start + times.length;
    if (found < needed) {
      throw new Violation(
        `${name} ends at ${describe(times[times.length - 1])}: ${needed - found} samples are missing from its end` +
          `${allowance.afterCrash ? ', which were acknowledged' : ''}; the first is of ${describe(series.times[found])}`,
      );
    }
    if (allowance.afterCrash) this.learn(series, found, times.length > 0);
  }

  /** The first look after a recovery: what is missing from the end is lost for good. */
  private learn(series: ModelSeries, count: number, isSeen: boolean): void {
    series.truncate(count);
    // Where retention hides everything, nobody sees whether the end of it is there.
    if (!isSeen) series.doubt(series.acknowledged);
    series.dropping = false;
    this.settleUnsure(series);
    if (series.count + series.unsure.length === 0) this.series.delete(series.number);
  }

  /** Samples of uncertain fate that turn up were appended after all. */
  private takeUnsure(series: ModelSeries, samples: SeriesSamples | undefined): void {
    const times = samples?.timestamps ?? new Float64Array(0);
    const { renewal } = series;
    if (renewal !== undefined && times.some((time, i) => time === renewal.time && isValue(renewal, samples!, i))) {
      series.renew(renewal);
    }
    const there = new Set(times);
    const turnedUp = series.unsure.filter(({ time }) => there.has(time));
    if (turnedUp.length === 0) return;
    series.unsure = series.unsure.filter(({ time }) => !there.has(time));
    for (const sample of turnedUp) series.insert(sample);
  }

  /**
   * What a recovery does not have will not turn up any more; but a sample that is past retention may be there and yet not
   * be shown.
   */
  private settleUnsure(series: ModelSeries): void {
    series.unsure = series.unsure.filter(({ time }) => time < this.retentionLimit);
    if (series.renewal !== undefined && series.renewal.time >= this.retentionLimit) series.renewal = undefined;
  }

  /** Everything was appended, in this order and with these bits; anything may be missing. */
  private checkSubset(series: ModelSeries, samples: SeriesSamples | undefined): void {
    const times = samples?.timestamps ?? new Float64Array(0);
    for (let i = 0; i < times.length; i++) {
      if (i > 0 && times[i] <= times[i - 1]) throw new Violation(`${nameOf(series.number)} is out of order`);
      const incarnations = this.damaged ? [series, ...(this.ended.get(series.number) ?? [])] : [series];
      const withTime = incarnations.filter((one) => one.times[one.indexAt(times[i])] === times[i]);
      if (withTime.length === 0) {
        throw new Violation(`${nameOf(series.number)} has a sample at ${describe(times[i])} that was not appended`);
      }
      const [one] = withTime.filter((one) => hasValue(one, one.indexAt(times[i]), samples!, i));
      if (one === undefined) this.checkValue(withTime[0], samples!, i, withTime[0].indexAt(times[i]));
    }
  }

  /** The model takes over what the store has; what is past retention may come and go. */
  private takeOver(series: ModelSeries, samples: SeriesSamples | undefined): void {
    const times = samples?.timestamps ?? new Float64Array(0);
    const kept = Math.min(this.forgettableCount(series), times.length === 0 ? series.count : series.indexAt(times[0]));
    const words = new Int32Array(
      samples?.values.buffer ?? new ArrayBuffer(0),
      samples?.values.byteOffset,
      times.length * 2,
    );
    const appendedMs = series.appendedMs[0] ?? 0;
    series.truncate(kept);
    for (let i = 0; i < times.length; i++) series.add(times[i], words[2 * i + 1], words[2 * i], appendedMs);
    series.acknowledged = series.count;
    if (series.count + series.unsure.length === 0) this.end(series);
  }

  private checkValues(series: ModelSeries, samples: SeriesSamples | undefined, start: number): void {
    const count = samples?.timestamps.length ?? 0;
    if (samples !== undefined && samples.values.length !== count) {
      throw new Violation(`${nameOf(series.number)} has ${count} timestamps and ${samples.values.length} values`);
    }
    for (let i = 0; i < count; i++) this.checkValue(series, samples!, i, start + i);
  }

  private checkValue(series: ModelSeries, samples: SeriesSamples, i: number, index: number): void {
    if (hasValue(series, index, samples, i)) return;
    const words = wordsOf(samples.values, i);
    throw new Violation(
      `${nameOf(series.number)} has the value ${hex(words[1], words[0])} at ${describe(series.times[index])}, ` +
        `not the ${hex(series.highs[index], series.lows[index])} that was appended`,
    );
  }

  private isForgettable(series: ModelSeries): boolean {
    return this.forgettableCount(series) === series.count;
  }

  /** Samples from the beginning that may be gone: past retention, or quarantined. */
  forgettableCount(series: ModelSeries, retentionLimit = this.retentionLimit): number {
    return Math.max(series.quarantined, series.indexAt(Math.max(this.retentionLimit, retentionLimit)));
  }
}

/** Low and high word of the value of a sample. */
const wordsOf = (values: Float64Array, i: number): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset + i * 8, 2);

const hasValue = ({ highs, lows }: ModelSeries, index: number, samples: SeriesSamples, i: number): boolean =>
  isValue({ high: highs[index], low: lows[index] }, samples, i);

const isValue = (bits: Bits, samples: SeriesSamples, i: number): boolean => {
  const [low, high] = wordsOf(samples.values, i);
  return low === bits.low && high === bits.high;
};

export const nameOf = (number: number): string => `series ${number}`;

const describe = (time: number | undefined): string => (time === undefined ? 'nothing' : String(time));

const hex = (high: number, low: number): string =>
  (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
