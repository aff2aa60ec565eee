/**
 * What must be true: the simplest possible store, lists of samples in memory, with what is known of each sample's fate.
 * For each series: which samples were appended, which were acknowledged as durable, which ones retention may have
 * removed, and which ones are in a time range that is being dropped.
 *
 * Checks throw a {@link Violation}. A query must return the appended samples, bit for bit and in order of time, with
 * these exceptions:
 *
 * - Samples older than the retention limit may be missing.
 * - Samples in a time range may be missing or not from the beginning of its drop until the drop is done. After a crash
 *   in between, all of them are there or none.
 * - Right after a recovery, unacknowledged samples may be missing: those that were appended last, late ones or not, or
 *   any of them after a loss of power.
 *
 * The model learns from the first look after a recovery which samples were lost. They must not come back. A dropped
 * time range must not come back either; samples that were appended after the drop stay.
 */
import type { SeriesSamples } from '../../src/api/api.ts';
import type { SamplesEvent } from '../../src/model/events.ts';
import type { Labels } from '../../src/model/labels.ts';
import { isWithin, type ModelSample, ModelSeries, type RangeDrop, SEVERAL_DROPS } from './model-series.ts';
import { isRuled } from './retention-rule.ts';
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
  /** The query began at this tick: what was appended since, or dropped since, may be found or not. */
  readonly since?: number;
  /** Only acknowledged samples must be found. */
  readonly onlySafe?: boolean;
  /** Samples may be missing too that another process hides: it may use another time or other rules. */
  readonly retention?: RetentionNow;
  /** The first look after a crash: unacknowledged samples may be missing from the end, and the model learns which. */
  readonly afterCrash?: boolean;
}

const NOTHING: SeriesSamples = {
  labels: {},
  fingerprint: '',
  timestamps: new Float64Array(0),
  values: new Float64Array(0),
};

/** The number of a series that is not in the model. */
export const STRANGER = -1;

/** What retention hides at a moment, in a process that the model's own limits do not describe. */
export interface RetentionNow {
  readonly limitMs: number;
  readonly ruleIsOn: boolean;
}

const NO_RETENTION: RetentionNow = { limitMs: Number.NEGATIVE_INFINITY, ruleIsOn: true };

export const EVERYTHING: Allowance = { from: Number.NEGATIVE_INFINITY, through: Number.POSITIVE_INFINITY };

const isOfEverything = ({ from, through, onlySafe }: Allowance): boolean =>
  from === EVERYTHING.from && through === EVERYTHING.through && onlySafe !== true;

export class Model {
  /** Series by number. */
  readonly series = new Map<number, ModelSeries>();
  /** Samples older than this may be gone. */
  retentionLimit = Number.NEGATIVE_INFINITY;
  /** The same for the samples that the rule keeps. It passes while the rule is off. */
  ruledLimit = Number.NEGATIVE_INFINITY;
  /** Journal, checkpoint or mappings are damaged: anything may be lost, but nothing may be invented. */
  damaged = false;
  /** How much older than its series' newest sample a sample may be. */
  windowMs = 0;
  /** Labels and mapped fingerprints may be garbled: heads.db has no other way to check one than by the other. */
  garbled = false;
  /** Series that were dropped, or that retention removed completely. The journal's records of that may be damaged. */
  private readonly ended = new Map<number, ModelSeries[]>();
  /** When a series of this number ended the last time. */
  private readonly endedTicks = new Map<number, number>();
  private readonly tried = new TriedSamples();
  /** Counts appends and drops. */
  private tick = 0;
  /** Drops of time ranges that have begun. */
  dropsBegun = 0;
  /** Drops of time ranges that are under way, by series number. */
  private drops: { readonly number: number; readonly drop: RangeDrop }[] = [];
  /** Samples of backfills that are under way, by series number. A drop does not end a backfill. */
  private filling: { readonly number: number; readonly sample: ModelSample }[] = [];

  /** The series that were dropped or ran out of samples so far. */
  endedSeries(): Set<ModelSeries> {
    return new Set([...this.ended.values()].flat());
  }

  /** Records an appended sample, which may be late. */
  append(number: number, time: number, high: number, low: number, nowMs: number): void {
    this.tried.add(number, time, high, low);
    let series = this.series.get(number);
    if (series !== undefined && series.count > 0 && time <= series.lastTime) {
      // A series whose file was damaged may be in quarantine. Its labels then begin anew, at any time.
      const newest = series.suspect ? undefined : series.samples.findLast((sample) => this.isCertain(sample));
      if (newest !== undefined && newest.time - time >= Math.max(1, this.windowMs + 1)) {
        throw new Violation(`a sample of ${nameOf(number)} at ${time} was accepted after one at ${newest.time}`);
      }
      // Without a window, this is right only if retention had removed the newest samples, or for a repeated sample. If
      // the clock went back since, the former samples may be there again.
      if (this.windowMs === 0 && this.isForgettable(series)) series.doubt(() => true);
    }
    if (series === undefined) {
      series = new ModelSeries(number);
      this.series.set(number, series);
    }
    const fading = this.fadingAt(number, time);
    const isLate = series.samples.some((one) => one.time > time);
    const sample = { time, high, low, appendedMs: nowMs, tick: this.tick++, fading, isLate, isRuled: isRuled(number) };
    const there = series.at(time);
    if (there === undefined) {
      series.add(sample);
      return;
    }
    // If retention may have removed the sample of the same time, or if it is being dropped, either may be there. Also when
    // both are the same: the second one may be there when the rest of the range is gone. That is so after a drop, too,
    // that failed and whose outcome is not known.
    const isSame = there.high === high && there.low === low;
    if (there.fading !== undefined && (fading !== undefined || isSame)) there.fading = SEVERAL_DROPS;
    series.addUnsure(sample);
  }

  /**
   * Records an accepted sample for whose time the series has another value, or the same one. The sample that is there
   * stays.
   */
  appendAgain(series: ModelSeries, time: number, high: number, low: number): void {
    this.tried.add(series.number, time, high, low);
    series.conflicting.push({
      time,
      high,
      low,
      appendedMs: Number.POSITIVE_INFINITY,
      tick: this.tick++,
      isRuled: isRuled(series.number),
    });
  }

  /** Whether a sample of other bits was given to the store at this time. */
  hasRival(number: number, time: number, high: number, low: number): boolean {
    return this.tried.at(number, time).some((bits) => bits.high !== high || bits.low !== low);
  }

  /** Power was lost: any page of unacknowledged samples may be missing, also one before a page that is there. */
  loseUnsynced(): void {
    for (const series of this.series.values()) series.doubt(({ safe }) => safe !== true);
  }

  /** Records a sample that may be there or not: its append failed with a disk error, or the process died in it. */
  appendUnsure(number: number, time: number, high: number, low: number): void {
    const series = this.series.get(number) ?? new ModelSeries(number);
    this.series.set(number, series);
    this.tried.add(number, time, high, low);
    const sample = { ...this.unknown(number, time), high, low };
    if (series.at(time) === undefined) series.addUnsure(sample);
    else series.conflicting.push(sample);
  }

  /** A sample of a backfill that is under way: it may be there or not. The series has none of this time. */
  backfillUnsure(number: number, time: number, high: number, low: number): void {
    const series = this.series.get(number) ?? new ModelSeries(number);
    this.series.set(number, series);
    this.tried.add(number, time, high, low);
    // A drop that is under way may come before the sample or after it, also after an answer that has it.
    const fading = this.fadingAt(number, time);
    const sample = { ...this.unknown(number, time), high, low, isBackfilled: true, fading };
    series.addUnsure(sample);
    this.filling.push({ number, sample });
  }

  /** Whether a backfill of the series is under way. */
  isBeingFilled(number: number): boolean {
    return this.filling.some((one) => one.number === number);
  }

  /** A backfill is over. */
  endBackfill(number: number, times: ReadonlySet<number>): void {
    this.filling = this.filling.filter((one) => one.number !== number || !times.has(one.sample.time));
  }

  /** A backfill is done: its samples are on disk. A query that began before may have passed them. */
  settleBackfill(series: ModelSeries, times: ReadonlySet<number>): void {
    const isDone = ({ time, isBackfilled }: ModelSample): boolean => isBackfilled === true && times.has(time);
    const done = [...series.unsure, ...series.samples].filter(isDone);
    series.unsure = series.unsure.filter((sample) => !isDone(sample));
    series.keep((sample) => !isDone(sample));
    for (const sample of done) {
      if (series.at(sample.time) === undefined) series.add({ ...sample, safe: true, tick: this.tick++ });
      else series.conflicting.push(sample);
    }
  }

  private unknown(number: number, time: number): Omit<ModelSample, 'high' | 'low'> {
    return { time, appendedMs: Number.POSITIVE_INFINITY, tick: this.tick++, isRuled: isRuled(number) };
  }

  /** The mark of a sample that comes while its time is being dropped. */
  private fadingAt(number: number, time: number): RangeDrop | undefined {
    const isDropping = this.drops.some((one) => one.number === number && isWithin(one.drop, { time }));
    return isDropping ? SEVERAL_DROPS : undefined;
  }

  /** Whether a drop of a time range of one of these series has begun and is not known to be done. */
  isBeingDropped(numbers: readonly number[]): boolean {
    return this.drops.some(({ number }) => numbers.includes(number));
  }

  /** A drop of a time range begins, of one series or of all. */
  beginDrop(numbers: readonly number[], from: number, through: number): RangeDrop {
    const beside = this.filling.filter((one) => numbers.includes(one.number));
    const drop = { from, through, tick: this.tick++, beside: new Set(beside.map(({ sample }) => sample.time)) };
    this.dropsBegun++;
    for (const number of numbers) {
      this.drops.push({ number, drop });
      this.series.get(number)?.beginDrop(drop);
    }
    return drop;
  }

  /** A drop of a time range is done and acknowledged. What retention hides may not have been found. */
  endDrop(drop: RangeDrop): void {
    const tick = this.tick++;
    for (const series of this.takeDrop(drop)) series.endDrop(drop, tick, (sample) => this.mayBeHidden(sample));
  }

  /** A drop of a time range found no series. */
  cancelDrop(drop: RangeDrop): void {
    for (const series of this.takeDrop(drop)) series.cancelDrop(drop);
  }

  /** A drop of a time range failed: its samples may be there or not. */
  leaveDrop(drop: RangeDrop): void {
    this.takeDrop(drop);
  }

  /** The process is gone, and no drop and no backfill is under way any more. */
  leaveDrops(): void {
    this.drops = [];
    this.filling = [];
  }

  /** The series of a drop that is over. A series that was dropped as a whole meanwhile is not among them. */
  private takeDrop(drop: RangeDrop): ModelSeries[] {
    const own = this.drops.filter((one) => one.drop === drop);
    this.drops = this.drops.filter((one) => one.drop !== drop);
    return own.flatMap(({ number }) => this.series.get(number) ?? []);
  }

  /** Records that a series is gone and must not come back. A backfill that is under way may begin it anew. */
  end(series: ModelSeries): void {
    const { number } = series;
    this.series.delete(number);
    this.endedTicks.set(number, this.tick++);
    this.ended.set(number, [...(this.ended.get(number) ?? []), series]);
    const still = this.filling.filter((one) => one.number === number);
    if (still.length === 0) return;
    const anew = new ModelSeries(number);
    for (const { sample } of still) anew.addUnsure({ ...sample });
    this.series.set(number, anew);
  }

  /** The moment at the beginning of a flush: the earlier samples are acknowledged when the flush is done. */
  mark(): number {
    return this.tick;
  }

  acknowledge(mark: number): void {
    for (const series of this.series.values()) series.acknowledge(mark);
  }

  /** Acknowledges the samples that were appended up to a moment of simulated time, and those before them. */
  acknowledgeUntil(ms: number): void {
    for (const series of this.series.values()) {
      let last = -1;
      for (const { appendedMs, tick } of series.samples) if (appendedMs <= ms && tick > last) last = tick;
      if (last >= 0) series.acknowledge(last + 1);
    }
  }

  /** Records that retention may have removed samples older than this; with `ruleIsOn`, not those that the rule keeps. */
  passRetention(limitMs: number, ruleIsOn = false): void {
    this.retentionLimit = Math.max(this.retentionLimit, limitMs);
    if (!ruleIsOn) this.ruledLimit = Math.max(this.ruledLimit, limitMs);
  }

  /** Whether a series must exist, because it has a sample that nothing may have removed. */
  mustExist(series: ModelSeries): boolean {
    return !series.dropping && !series.suspect && series.samples.some((sample) => this.isCertain(sample));
  }

  /** Checks a whole answer: each series once, no unknown series, none missing. `numbers` are the requested series. */
  check(answer: readonly SeriesSamples[], numbers: readonly number[], allowance: Allowance): void {
    const found = new Map<number, SeriesSamples>();
    for (const samples of answer) {
      const number = this.numberOf(samples.labels, numbers, allowance.since);
      if (number === STRANGER) continue;
      if (this.hasEndedSince(number, allowance.since)) {
        // The answer may be of the former series, also if a backfill or a sample has begun another one since.
        this.checkTried(number, samples);
        continue;
      }
      if (found.has(number) && this.garbled) continue;
      if (found.has(number)) throw new Violation(`${nameOf(number)} is in the answer twice`);
      found.set(number, samples);
    }
    for (const number of numbers) {
      if (this.hasEndedSince(number, allowance.since)) continue;
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
    for (const { number, samples, unsure, erased } of before) {
      const series = this.series.get(number) ?? this.comeBack(number);
      // The other program does not read the journal, in which samples were dropped. Tidemark may drop them again.
      for (const { time, tick } of erased) {
        const sample = series.at(time);
        if (sample !== undefined && !samples.some((one) => one.time === time && one.tick > tick))
          sample.fading = SEVERAL_DROPS;
      }
      // A crash may have lost these samples, or the journal may have them, which the other program does not read.
      for (const sample of [...unsure, ...samples]) {
        if (series.at(sample.time) !== undefined || series.unsure.some(({ tick }) => tick === sample.tick)) continue;
        series.addUnsure({ ...sample, appendedMs: Number.POSITIVE_INFINITY });
      }
    }
    this.bringBackHidden();
  }

  /** Of a dropped series that is back, retention may have hidden samples from the other program. */
  private bringBackHidden(): void {
    for (const [number, former] of this.ended) {
      const hidden = former.flatMap(({ samples }) => samples.filter((sample) => this.mayBeHidden(sample)));
      if (hidden.length === 0) continue;
      const series = this.series.get(number) ?? this.comeBack(number);
      for (const sample of hidden) {
        if (series.at(sample.time) !== undefined) series.conflicting.push({ ...sample });
        else series.addUnsure({ ...sample, appendedMs: Number.POSITIVE_INFINITY });
      }
    }
  }

  /**
   * The number of a returned label set. The series must exist, or must have ended since the query began, if `since` tells
   * when. If labels are garbled, it may be a stranger.
   */
  numberOf(labels: Labels, numbers: readonly number[], since?: number): number {
    const number = seriesOf(labels);
    const mayBe =
      number !== undefined &&
      (this.series.has(number) || (this.damaged && this.ended.has(number)) || this.hasEndedSince(number, since));
    if (mayBe && numbers.includes(number)) return number;
    if (this.garbled) return STRANGER;
    throw new Violation(`a series is returned that was never appended to, or was dropped: ${JSON.stringify(labels)}`);
  }

  private hasEndedSince(number: number, since: number | undefined): boolean {
    return since !== undefined && (this.endedTicks.get(number) ?? -1) >= since;
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
  takeDelivered({ fingerprints, timestamps, values }: SamplesEvent): void {
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
        `a subscriber got the sample ${hex(high, low)} of ${fingerprint} at ${timestamps[i]}, which was not appended`,
      );
    }
  }

  private acknowledgeSample(number: number, time: number): void {
    const series = this.series.get(number);
    const sample = series?.at(time);
    // If several samples were given at this time, it is not known which one was delivered.
    if (sample !== undefined && this.tried.at(number, time).length === 1) series?.acknowledge(sample.tick + 1);
  }

  /** Checks the answer for one series. */
  checkSeries(series: ModelSeries, samples: SeriesSamples | undefined, allowance: Allowance): void {
    if (series.suspect) {
      // A decayed series does not show whether the crash lost unacknowledged samples.
      if (allowance.afterCrash) series.doubt(({ safe }) => safe !== true);
      return;
    }
    const answer = samples ?? NOTHING;
    this.checkColumns(series, answer);
    if (this.damaged || (series.dropping && !allowance.afterCrash)) {
      // During a drop, an answer may have any part of the series.
      const recalled = this.takeUnsure(series, answer, allowance);
      this.checkSubset(series, answer, recalled);
      if (this.damaged && (isOfEverything(allowance) || allowance.afterCrash)) {
        this.takeOver(series, answer);
        // After a crash the drop has ended. Otherwise it is still under way.
        if (allowance.afterCrash) {
          series.dropping = false;
          this.settleUnsure(series);
        }
      }
      return;
    }
    if (answer.timestamps.length === 0 && series.dropping && !this.isForgettable(series)) {
      this.end(series);
      return;
    }
    const recalled = this.takeUnsure(series, answer, allowance);
    const missing = this.compare(series, answer, allowance, recalled);
    if (allowance.afterCrash) this.learn(series, missing, allowance.retention);
  }

  /** Compares an answer with the samples of a series in the range. Returns the samples that are missing and may be. */
  private compare(
    series: ModelSeries,
    answer: SeriesSamples,
    allowance: Allowance,
    recalled: ReadonlySet<number>,
  ): Set<ModelSample> {
    const name = nameOf(series.number);
    const { timestamps } = answer;
    const end = series.indexAt(allowance.through + 1);
    const missing = new Set<ModelSample>();
    const lost: ModelSample[] = [];
    let i = 0;
    for (let index = series.indexAt(allowance.from); index <= end; index++) {
      const sample = index < end ? series.samples[index] : undefined;
      for (; i < timestamps.length && (sample === undefined || timestamps[i] < sample.time); i++) {
        if (!recalled.has(timestamps[i]))
          throw new Violation(`${name} has a sample at ${timestamps[i]} that was not appended, or was dropped`);
      }
      if (sample === undefined) break;
      if (timestamps[i] !== sample.time) {
        missing.add(sample);
        if (!this.mayLack(sample, allowance)) lost.push(sample);
      } else if (recalled.has(sample.time) || isValue(sample, answer, i)) i++;
      else this.failValue(name, sample, answer, i);
    }
    const [first] = lost;
    if (first === undefined) return missing;
    throw new Violation(
      `${name} lacks ${lost.length} samples${allowance.afterCrash ? ', which were acknowledged' : ''}; the first is of ` +
        `${first.time}`,
    );
  }

  /** Whether an answer may lack a sample. */
  private mayLack(sample: ModelSample, { afterCrash, onlySafe, since, retention }: Allowance): boolean {
    if (this.mayBeHidden(sample, retention) || sample.fading !== undefined) return true;
    if (afterCrash || onlySafe) return sample.safe !== true;
    // Until a backfill is done, a query may pass a sample of it that an earlier answer has.
    return since !== undefined && (sample.tick >= since || (sample.isBackfilled === true && sample.safe !== true));
  }

  /** Learns from the first look after a recovery: samples that are missing are lost for good. */
  private learn(series: ModelSeries, missing: ReadonlySet<ModelSample>, retention?: RetentionNow): void {
    const mayBeHidden = (sample: ModelSample): boolean => this.mayBeHidden(sample, retention);
    this.checkLosses(series, missing, mayBeHidden);
    // If retention hides a sample, the answer does not show whether it is there.
    series.doubt((sample) => missing.has(sample) && mayBeHidden(sample) && sample.safe !== true);
    // The drop is done after all. Until a visit rewrites the file, the store may show the series without samples.
    const erasedTick = this.tick;
    for (const sample of series.samples)
      if (missing.has(sample) && sample.fading !== undefined && !mayBeHidden(sample))
        series.erased.push({ ...sample, fading: undefined, erasedTick });
    series.keep((sample) => !missing.has(sample) || mayBeHidden(sample));
    for (const sample of series.samples) if (!missing.has(sample)) sample.fading = undefined;
    series.dropping = false;
    this.settleUnsure(series);
    // A series whose samples were all dropped may still be there without any.
    if (series.count + series.unsure.length === 0 && series.erased.length === 0) this.series.delete(series.number);
  }

  /**
   * A crash loses only what was appended last; what a loss of power may have lost besides is of uncertain fate by now. A
   * drop of a time range is done or not.
   */
  private checkLosses(
    series: ModelSeries,
    missing: ReadonlySet<ModelSample>,
    mayBeHidden: (sample: ModelSample) => boolean,
  ): void {
    const isLost = (sample: ModelSample): boolean =>
      missing.has(sample) && sample.fading === undefined && !mayBeHidden(sample);
    // Late samples and samples in order are in records of their own: the order is kept within each kind. Those of a
    // backfill are in no record.
    // After a drop of the newest samples, the store does not know which sample is the newest, and either kind may be.
    for (const isLate of series.wasDropped ? [] : [false, true]) {
      const ofKind = series.samples.filter(
        (sample) => (sample.isLate === true) === isLate && sample.isBackfilled !== true,
      );
      const firstLost = Math.min(...ofKind.filter(isLost).map(({ tick }) => tick));
      const later = ofKind.find((sample) => sample.tick > firstLost && !missing.has(sample));
      if (later !== undefined) {
        const { time } = later;
        throw new Violation(`${nameOf(series.number)} lacks a sample that was appended before the one at ${time}`);
      }
    }
    const dropped = new Map<RangeDrop, boolean>();
    for (const sample of series.samples) {
      const { fading: drop, safe } = sample;
      if (drop === undefined || drop === SEVERAL_DROPS || safe !== true || mayBeHidden(sample)) continue;
      const isGone = missing.has(sample);
      if ((dropped.get(drop) ?? isGone) !== isGone)
        throw new Violation(
          `a part of the range from ${drop.from} through ${drop.through} of ${nameOf(series.number)} is dropped`,
        );
      dropped.set(drop, isGone);
    }
  }

  /**
   * Inserts the samples of uncertain fate that the answer has. Returns the times of samples that the answer has rightly,
   * because its query began before a drop was done that removed them, or may have.
   */
  private takeUnsure(series: ModelSeries, answer: SeriesSamples, allowance: Allowance): Set<number> {
    const { since = Number.POSITIVE_INFINITY } = allowance;
    const recalled = new Set<number>();
    const found = new Set<ModelSample>();
    for (const [i, time] of answer.timestamps.entries()) {
      const there = series.at(time);
      if (there !== undefined && isValue(there, answer, i)) continue;
      const isSame = (sample: ModelSample): boolean => sample.time === time && isValue(sample, answer, i);
      const sample = series.unsure.find(isSame) ?? series.conflicting.find(isSame);
      const mayBe = there === undefined || this.mayLack(there, allowance);
      if (!mayBe) continue;
      if (sample?.doubtedTick !== undefined && sample.doubtedTick >= since) recalled.add(time);
      else if (sample !== undefined) {
        found.add(sample);
        if (there === undefined) series.insert(sample);
        else series.replace(sample);
      } else if (series.erased.some((one) => one.erasedTick >= since && isSame(one))) recalled.add(time);
    }
    if (found.size > 0) {
      series.unsure = series.unsure.filter((sample) => !found.has(sample));
      series.conflicting = series.conflicting.filter((sample) => !found.has(sample));
    }
    return recalled;
  }

  /**
   * Forgets samples of uncertain fate that a recovery did not find: they will not come back. Samples past retention
   * stay uncertain, because they may be there without being shown.
   */
  private settleUnsure(series: ModelSeries): void {
    series.unsure = series.unsure.filter((sample) => this.mayBeHidden(sample));
    series.conflicting = series.conflicting.filter(
      (sample) => series.at(sample.time) !== undefined || this.mayBeHidden(sample),
    );
  }

  private checkColumns(series: ModelSeries, { timestamps, values }: SeriesSamples): void {
    if (values.length !== timestamps.length) {
      throw new Violation(`${nameOf(series.number)} has ${timestamps.length} timestamps and ${values.length} values`);
    }
    for (let i = 1; i < timestamps.length; i++) {
      if (timestamps[i] <= timestamps[i - 1]) throw new Violation(`${nameOf(series.number)} is out of order`);
    }
  }

  /** Checks that all returned samples were appended with these bits. Any sample may be missing. */
  private checkSubset(series: ModelSeries, answer: SeriesSamples, recalled: ReadonlySet<number>): void {
    for (const [i, time] of answer.timestamps.entries()) {
      if (recalled.has(time)) continue;
      const there = series.at(time);
      const candidates: readonly Bits[] = this.damaged
        ? this.tried.at(series.number, time)
        : there === undefined
          ? []
          : [there];
      if (candidates.length === 0)
        throw new Violation(`${nameOf(series.number)} has a sample at ${time} that was not appended`);
      if (!candidates.some((bits) => isValue(bits, answer, i)))
        this.failValue(nameOf(series.number), { time, ...candidates[0] }, answer, i);
    }
  }

  /** Checks that all returned samples were appended with these bits, to this series or to one that ended. */
  private checkTried(number: number, answer: SeriesSamples): void {
    for (const [i, time] of answer.timestamps.entries()) {
      if (!this.tried.at(number, time).some((bits) => isValue(bits, answer, i)))
        throw new Violation(`${nameOf(number)} has a sample at ${time} that was not appended`);
    }
  }

  /** Takes over what the store has. Samples past retention may be shown or not, so the model keeps them. */
  private takeOver(series: ModelSeries, answer: SeriesSamples): void {
    const appendedMs = series.samples[0]?.appendedMs ?? 0;
    const there = new Set(answer.timestamps);
    const known = [...series.samples, ...series.unsure];
    const backfilled = new Set(known.filter(({ isBackfilled }) => isBackfilled === true).map(({ time }) => time));
    series.keep((sample) => this.mayBeHidden(sample) && !there.has(sample.time));
    for (const [i, time] of answer.timestamps.entries()) {
      const [low, high] = wordsOf(answer.values, i);
      const isBackfilled = backfilled.has(time);
      series.add({ time, high, low, appendedMs, tick: 0, isRuled: isRuled(series.number), isBackfilled });
    }
    for (const sample of series.samples) sample.safe = true;
    if (series.count + series.unsure.length === 0) this.end(series);
  }

  private failValue(name: string, sample: Bits & { readonly time: number }, answer: SeriesSamples, i: number): never {
    const words = wordsOf(answer.values, i);
    throw new Violation(
      `${name} has the value ${hex(words[1], words[0])} at ${sample.time}, ` +
        `not the ${hex(sample.high, sample.low)} that was appended`,
    );
  }

  private isForgettable(series: ModelSeries): boolean {
    return series.samples.every((sample) => this.mayBeHidden(sample));
  }

  /** Whether a sample may be gone: it is past retention, or was quarantined. */
  mayBeHidden({ time, quarantined, isRuled }: ModelSample, now: RetentionNow = NO_RETENTION): boolean {
    if (quarantined) return true;
    if (isRuled) return time < (now.ruleIsOn ? this.ruledLimit : Math.max(this.ruledLimit, now.limitMs));
    return time < Math.max(this.retentionLimit, now.limitMs);
  }

  /** Whether a sample must be there as long as the process does not crash. */
  isCertain(sample: ModelSample): boolean {
    return sample.fading === undefined && !this.mayBeHidden(sample);
  }
}

/** Low and high word of the value of a sample. */
const wordsOf = (values: Float64Array, i: number): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset + i * 8, 2);

const isValue = (bits: Bits, samples: SeriesSamples, i: number): boolean => {
  const [low, high] = wordsOf(samples.values, i);
  return low === bits.low && high === bits.high;
};

export const nameOf = (number: number): string => `series ${number}`;

const hex = (high: number, low: number): string =>
  (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
