/**
 * What must be true: the simplest possible store, lists of samples in memory, with what is known of each sample's fate.
 * For each series: which samples were appended, how many were acknowledged as durable, and which ones retention may
 * have removed.
 *
 * Checks throw a {@link Violation}. A query must return the appended samples, bit for bit and in order, with two
 * exceptions:
 *
 * - Samples older than the retention limit may be missing from the beginning.
 * - Right after a recovery, unacknowledged samples may be missing: from the end, or any of them after a loss of power.
 *
 * The model learns from the first look after a recovery which samples were lost. They must not come back.
 */
import type { SeriesSamples } from '../../src/api/api.ts';
import type { SamplesAppended } from '../../src/model/events.ts';
import type { Labels } from '../../src/model/labels.ts';
import { ModelSeries } from './model-series.ts';
import { TriedSamples } from './tried-samples.ts';
import { type Bits, seriesOf } from './value-source.ts';

export { ModelSeries };

/** Something that must not happen. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** What a check allows. */
export interface Allowance {
  readonly from: number;
  readonly through: number;
  /** Number of samples of each series when the query began, which must be found at least. Default: all. */
  readonly countAtLeast?: number;
  /** Samples older than this may be missing too, because another process may use another time. */
  readonly retentionLimit?: number;
  /** The first look after a crash: unacknowledged samples may be missing from the end, and the model learns which. */
  readonly afterCrash?: boolean;
}

/** The number of a series that is not in the model. */
export const STRANGER = -1;

export const EVERYTHING: Allowance = { from: Number.NEGATIVE_INFINITY, through: Number.POSITIVE_INFINITY };

export class Model {
  /** Series by number. */
  readonly series = new Map<number, ModelSeries>();
  /** Samples older than this may be gone. */
  retentionLimit = Number.NEGATIVE_INFINITY;
  /** Journal, checkpoint or mappings are damaged: anything may be lost, but nothing may be invented. */
  damaged = false;
  /** Labels and mapped fingerprints may be garbled: heads.db has no other way to check one than by the other. */
  garbled = false;
  /** Series that were dropped, or that retention removed completely. The journal's records of that may be damaged. */
  private readonly ended = new Map<number, ModelSeries[]>();
  private readonly tried = new TriedSamples();

  /** The series that were dropped or ran out of samples so far. */
  endedSeries(): Set<ModelSeries> {
    return new Set([...this.ended.values()].flat());
  }

  /** Records an appended sample. */
  append(number: number, time: number, high: number, low: number, nowMs: number): void {
    this.tried.add(number, time, high, low);
    let series = this.series.get(number);
    if (series === undefined || (series.count > 0 && time <= series.lastTime)) {
      // The sample is not newer than the last one. This is right only if retention had removed the whole series.
      if (series !== undefined && !this.isForgettable(series)) {
        throw new Violation(`a sample of ${nameOf(number)} at ${time} was accepted after one at ${series.lastTime}`);
      }
      if (series !== undefined) this.end(series);
      series = new ModelSeries(number);
      this.series.set(number, series);
    }
    series.add(time, high, low, nowMs);
  }

  /** Power was lost: any page of unacknowledged samples may be missing, also one before a page that is there. */
  loseUnsynced(): void {
    for (const series of this.series.values()) series.doubt(series.acknowledged);
  }

  /** Records a sample that may be there or not: its append failed with a disk error, or the process died in it. */
  appendUnsure(number: number, time: number, high: number, low: number): void {
    const series = this.series.get(number) ?? new ModelSeries(number);
    this.series.set(number, series);
    this.tried.add(number, time, high, low);
    series.unsure.push({ time, high, low, appendedMs: Number.POSITIVE_INFINITY });
  }

  /**
   * Records a sample that, if it is there, started a new series. Its append failed with a disk error or a crash, and
   * its time is one that the store accepts only if nothing of the old series is left.
   */
  appendRenewal(series: ModelSeries, time: number, high: number, low: number): void {
    this.tried.add(series.number, time, high, low);
    series.renewal = { time, high, low, appendedMs: Number.POSITIVE_INFINITY, until: series.lastTime };
  }

  /** Records that a series is gone and must not come back. */
  end(series: ModelSeries): void {
    this.series.delete(series.number);
    this.ended.set(series.number, [...(this.ended.get(series.number) ?? []), series]);
  }

  /** The sample counts at the beginning of a flush, which are acknowledged when the flush is done. */
  mark(): Map<ModelSeries, number> {
    return new Map([...this.series.values()].map((series) => [series, series.count]));
  }

  acknowledge(mark: ReadonlyMap<ModelSeries, number>): void {
    for (const [series, count] of mark)
      series.acknowledged = Math.max(series.acknowledged, Math.min(count, series.count));
  }

  /** Acknowledges the samples that were appended up to a moment of simulated time. */
  acknowledgeUntil(ms: number): void {
    for (const series of this.series.values()) {
      while (series.acknowledged < series.count && series.appendedMs[series.acknowledged] <= ms) series.acknowledged++;
    }
  }

  /** Records that retention may have removed samples older than this. */
  passRetention(limitMs: number): void {
    this.retentionLimit = Math.max(this.retentionLimit, limitMs);
  }

  /** Whether a series must exist, because it has a sample that nothing may have removed. */
  mustExist(series: ModelSeries): boolean {
    return !series.dropping && !series.suspect && series.count > 0 && !this.isForgettable(series);
  }

  /** Checks a whole answer: each series once, no unknown series, none missing. `numbers` are the requested series. */
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
   * Takes over what another program shows. Any sample may be missing and dropped series may be back, but nothing may
   * be invented. Missing samples may or may not be there again at the next opening.
   */
  follow(answer: readonly SeriesSamples[], numbers: readonly number[]): void {
    const { damaged } = this;
    const before = [...this.series.values()].map((series) => series.copy());
    this.damaged = true;
    this.check(answer, numbers, { ...EVERYTHING, afterCrash: true });
    this.damaged = damaged;
    for (const { number, times, highs, lows, unsure } of before) {
      const series = this.series.get(number) ?? this.comeBack(number);
      // A crash may have lost these samples, or the journal may have them, which the other program does not read.
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

  /** The number of a returned label set. The series must exist; if labels are garbled, it may be a stranger. */
  numberOf(labels: Labels, numbers: readonly number[]): number {
    const number = seriesOf(labels);
    const mayBe = number !== undefined && (this.series.has(number) || (this.damaged && this.ended.has(number)));
    if (mayBe && numbers.includes(number)) return number;
    if (this.garbled) return STRANGER;
    throw new Violation(`a series is returned that was never appended to, or was dropped: ${JSON.stringify(labels)}`);
  }

  /** Adds a series that had ended and is there again after damage. */
  private comeBack(number: number): ModelSeries {
    const series = new ModelSeries(number);
    this.series.set(number, series);
    return series;
  }

  /**
   * Checks delivered samples: each must have been appended, at some time, to a series with its fingerprint. From now on
   * no crash may lose them, because only samples that are on the disk are delivered.
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

  /** Checks the answer for one series. */
  checkSeries(series: ModelSeries, samples: SeriesSamples | undefined, allowance: Allowance): void {
    if (series.suspect) {
      // A decayed series does not show whether the crash lost unacknowledged samples.
      if (allowance.afterCrash) series.doubt(series.acknowledged);
      return;
    }
    this.takeUnsure(series, samples);
    if (this.damaged || (series.dropping && !allowance.afterCrash)) {
      // During a drop, an answer may have any part of the series.
      this.checkSubset(series, samples);
      if (this.damaged && (allowance === EVERYTHING || allowance.afterCrash)) {
        this.takeOver(series, samples);
        // After a crash the drop has ended. Otherwise it is still under way.
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

  /** Learns from the first look after a recovery: samples that are missing from the end are lost for good. */
  private learn(series: ModelSeries, count: number, isSeen: boolean): void {
    series.truncate(count);
    // If retention hides all samples, the answer does not show whether the last ones are there.
    if (!isSeen) series.doubt(series.acknowledged);
    series.dropping = false;
    this.settleUnsure(series);
    if (series.count + series.unsure.length === 0) this.series.delete(series.number);
  }

  /** Inserts the samples of uncertain fate that the answer has. */
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
   * Forgets samples of uncertain fate that a recovery did not find: they will not come back. Samples past retention
   * stay uncertain, because they may be there without being shown.
   */
  private settleUnsure(series: ModelSeries): void {
    series.unsure = series.unsure.filter(({ time }) => time < this.retentionLimit);
    if (series.renewal !== undefined && series.renewal.time >= this.retentionLimit) series.renewal = undefined;
  }

  /** Checks that all returned samples were appended, in this order and with these bits. Any sample may be missing. */
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

  /** Takes over what the store has. Samples past retention may be shown or not, so the model keeps them. */
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

  /** Number of samples from the beginning that may be gone: past retention, or quarantined. */
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
