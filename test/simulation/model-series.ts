/** One series of the model: what was appended to it, and what is known of the fate of each sample. */
import type { Labels } from '../../src/model/labels.ts';
import { type Bits, labelsOf } from './value-source.ts';

/** A drop of a time range. */
export interface RangeDrop {
  readonly from: number;
  readonly through: number;
  /** Samples of earlier ticks are dropped. */
  readonly tick: number;
  /** Times of the backfills that were under way when the drop began. */
  readonly beside: ReadonlySet<number>;
}

/** A sample that is within several drops of unknown outcome, or was appended while one was under way. */
export const SEVERAL_DROPS: RangeDrop = { from: 0, through: -1, tick: -1, beside: new Set() };

export interface ModelSample extends Bits {
  readonly time: number;
  /** Simulated time at which it was appended; infinity if that is not known. */
  readonly appendedMs: number;
  /** Its place in the order of all appends and drops. The journal has the samples in this order. */
  readonly tick: number;
  /** It was older than the newest sample of its series. */
  isLate?: boolean;
  /** No crash may lose it. */
  safe?: boolean;
  /** It was in a file that went into quarantine, or may have been. */
  quarantined?: boolean;
  /** It came by a backfill, which the journal does not have. */
  readonly isBackfilled?: boolean;
  /** A rule of retention keeps it longer. */
  readonly isRuled?: boolean;
  /** It may have been appended earlier than `appendedMs` says. */
  blurred?: boolean;
  /** A drop of a time range was begun and is not known to be done: the sample may be there or not. */
  fading?: RangeDrop | undefined;
  /** When a drop was done that may have removed it. A query that was open by then may still show it. */
  doubtedTick?: number;
}

/** A sample that a drop of a time range removed. */
export interface ErasedSample extends ModelSample {
  readonly erasedTick: number;
}

/** One series from its creation on. A drop ends it, and a later sample starts another. */
export class ModelSeries {
  readonly number: number;
  readonly labels: Labels;
  /** In order of time. */
  readonly samples: ModelSample[] = [];
  /** A drop was begun and is not known to be done: either all samples are left, or none. */
  dropping = false;
  /** Samples of uncertain fate, in order of time. Each may or may not be found among the others. */
  unsure: ModelSample[] = [];
  /**
   * Accepted samples for whose times the series had other values. A merge refuses them. If a crash loses the first
   * sample of a time, the second may be there instead.
   */
  conflicting: ModelSample[] = [];
  /** Samples that drops of time ranges removed. A query that was open by then may still show them. */
  erased: ErasedSample[] = [];
  /** After its newest samples were dropped, the store may take samples up to this time for late ones. */
  bound = Number.NEGATIVE_INFINITY;
  /** Times of samples that the original appended: no journal has them. */
  readonly foreign = new Set<number>();
  /** A time range was dropped. From then on, the store may take a sample as late that is the newest one. */
  wasDropped = false;
  /** Bits of its file were flipped: it may return anything, but other series must not be affected. */
  suspect = false;

  constructor(number: number) {
    this.number = number;
    this.labels = labelsOf(number);
  }

  get count(): number {
    return this.samples.length;
  }

  get lastTime(): number {
    return this.samples[this.samples.length - 1]?.time;
  }

  /** Time of the last sample that was given to the store, of uncertain fate or not, or that the store may assume. */
  get lastTriedTime(): number {
    const last = this.lastTime ?? Number.NEGATIVE_INFINITY;
    return Math.max(last, this.unsure.at(-1)?.time ?? last, this.bound);
  }

  /** The sample at a time. */
  at(time: number): ModelSample | undefined {
    const sample = this.samples[this.indexAt(time)];
    return sample?.time === time ? sample : undefined;
  }

  /** Adds a sample for whose time the series has none. */
  add(sample: ModelSample): void {
    if (this.count === 0 || sample.time > this.lastTime) this.samples.push(sample);
    else this.samples.splice(this.indexAt(sample.time), 0, sample);
  }

  addUnsure(sample: ModelSample): void {
    this.unsure.push(sample);
    this.unsure.sort((a, b) => a.time - b.time);
  }

  /** A copy of the series, which later changes do not affect. */
  copy(): ModelSeries {
    const copy = new ModelSeries(this.number);
    for (const sample of this.samples) copy.samples.push({ ...sample });
    copy.dropping = this.dropping;
    copy.unsure = this.unsure.map((sample) => ({ ...sample }));
    copy.conflicting = this.conflicting.map((sample) => ({ ...sample }));
    copy.erased = [...this.erased];
    copy.bound = this.bound;
    copy.suspect = this.suspect;
    for (const time of this.foreign) copy.foreign.add(time);
    copy.wasDropped = this.wasDropped;
    return copy;
  }

  /**
   * Inserts a sample of uncertain fate that was found. It is as safe as the samples that were appended after it, unless
   * it is one of a backfill, which the journal does not have.
   */
  insert(sample: ModelSample): void {
    const later = this.samples.filter(({ tick }) => tick > sample.tick);
    const next = later.reduce((ms, { appendedMs }) => Math.min(ms, appendedMs), Number.POSITIVE_INFINITY);
    this.add({
      ...sample,
      appendedMs: later.length === 0 ? sample.appendedMs : next,
      safe: sample.isBackfilled !== true && later.some(({ safe }) => safe === true),
      blurred: true,
    });
  }

  /** Replaces a sample that is gone by one of uncertain fate, which was found at the same time. */
  replace(sample: ModelSample): void {
    this.samples.splice(this.indexAt(sample.time), 1);
    this.insert(sample);
  }

  /** The samples of earlier ticks are on the disk. */
  acknowledge(tick: number): void {
    for (const sample of this.samples) if (sample.tick < tick) sample.safe = true;
  }

  /**
   * Its file went into quarantine. The file has no sample that was appended after the last write to it; when the original
   * appended a sample is not known exactly.
   */
  quarantine(writtenMs: number): void {
    for (const sample of this.samples)
      if (sample.blurred === true || sample.appendedMs <= writtenMs || this.foreign.has(sample.time))
        sample.quarantined = true;
  }

  /** Makes the fate of some samples uncertain. */
  doubt(isDoubtful: (sample: ModelSample, index: number) => boolean): void {
    const doubted = this.samples.filter(isDoubtful);
    if (doubted.length === 0) return;
    this.keep((sample, index) => !isDoubtful(sample, index));
    this.unsure = [...doubted, ...this.unsure].sort((a, b) => a.time - b.time);
  }

  /** Forgets all other samples. */
  keep(isKept: (sample: ModelSample, index: number) => boolean): void {
    const kept = this.samples.filter(isKept);
    this.samples.length = 0;
    // A call with all samples as arguments would exceed the stack.
    for (const sample of kept) this.samples.push(sample);
  }

  /** A drop of a time range begins. */
  beginDrop(drop: RangeDrop): void {
    this.wasDropped = true;
    for (const sample of this.samples)
      if (isWithin(drop, sample)) sample.fading = sample.fading === undefined ? drop : SEVERAL_DROPS;
    this.bound = Math.max(this.bound, drop.from - 1);
  }

  /** A drop of a time range is done. `isKept` tells which samples it may have left. */
  endDrop(drop: RangeDrop, tick: number, isKept: (sample: ModelSample) => boolean): void {
    // The drop may have come before these, or after them.
    const isBeside = (sample: ModelSample): boolean =>
      sample.isBackfilled === true && drop.beside.has(sample.time) && isWithin(drop, sample);
    const isErased = (sample: ModelSample): boolean =>
      sample.tick < drop.tick && isWithin(drop, sample) && !isKept(sample) && !isBeside(sample);
    for (const sample of this.samples)
      if (isErased(sample)) this.erased.push({ ...sample, fading: undefined, erasedTick: tick });
    this.keep((sample) => !isErased(sample));
    this.unsure = this.unsure.filter((sample) => !isErased(sample));
    this.conflicting = this.conflicting.filter((sample) => !isErased(sample));
    // These were appended while the drop was under way.
    const isInBetween = (sample: ModelSample): boolean =>
      isWithin(drop, sample) && sample.fading === SEVERAL_DROPS && sample.tick > drop.tick;
    this.doubt((sample) => isInBetween(sample) || isBeside(sample));
    for (const sample of [...this.unsure, ...this.conflicting])
      if (isInBetween(sample) || isBeside(sample)) sample.doubtedTick = tick;
  }

  /** A drop of a time range found nothing. */
  cancelDrop(drop: RangeDrop): void {
    for (const sample of this.samples) if (sample.fading === drop) sample.fading = undefined;
  }

  /** What was dropped since a tick may be there again, as far as is known. */
  recall(sinceTick: number): void {
    for (const sample of this.erased) {
      if (sample.erasedTick < sinceTick) continue;
      if (this.at(sample.time) === undefined) this.add({ ...sample, fading: SEVERAL_DROPS });
      else this.conflicting.push(sample);
    }
  }

  /** Index of the first sample at or after a time. */
  indexAt(time: number): number {
    let low = 0;
    let high = this.samples.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.samples[middle].time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export const isWithin = ({ from, through }: RangeDrop, { time }: { readonly time: number }): boolean =>
  time >= from && time <= through;
