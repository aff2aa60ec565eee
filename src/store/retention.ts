/**
 * Decides which samples are past retention, by age and by bytes on disk. Each class of series has its own limit
 * (model/retention-classes.ts); without rules there is one class.
 *
 * The limit by bytes is a time too: it moves forward in small steps while the directory is too large, and stays
 * otherwise. Chunks that end before it are dropped at the next visit. Each class moves by a share of its own time span,
 * so that series that are kept long do not pay for the others.
 */
import type { RetentionLimits } from '../disk/retention-memory.ts';
import { EARLIEST } from '../model/int64.ts';
import type { LabelPairs } from '../model/labels.ts';
import { RetentionClasses } from '../model/retention-classes.ts';

/** Share of the stored time span that one step drops. */
const STEP_SHARE = 0.05;

export interface RetentionOptions {
  /** Infinity keeps everything. */
  readonly limits: RetentionLimits;
  readonly now: () => number;
}

export class Retention {
  readonly classes: RetentionClasses;
  private readonly bytes: number;
  private readonly now: () => number;
  /** The limit by bytes of each class. */
  private readonly bySize: number[];

  constructor({ limits, now }: RetentionOptions) {
    this.classes = new RetentionClasses(limits.timeMs, limits.rules);
    this.bytes = limits.bytes;
    this.now = now;
    this.bySize = this.classes.times.map(() => EARLIEST);
  }

  /** Whether there is any limit. */
  get isOn(): boolean {
    return this.classes.times[0] !== Infinity || this.limitsBytes;
  }

  get limitsBytes(): boolean {
    return this.bytes !== Infinity;
  }

  get hasRules(): boolean {
    return this.classes.hasRules;
  }

  /** Chunks of a series of this class that end before this time may be dropped; EARLIEST when none may. */
  beforeTime(index: number): number {
    return Math.max(this.byTime(index, EARLIEST), this.bySize[index]);
  }

  /** The same for a series with these labels. */
  beforeTimeOf(pairs: LabelPairs): number {
    return this.beforeTime(this.classes.classOf(pairs));
  }

  /** The latest limit of all classes: no series has anything to drop that is not before this time. */
  latestBeforeTime(): number {
    let latest = EARLIEST;
    for (let index = 0; index < this.bySize.length; index++) latest = Math.max(latest, this.beforeTime(index));
    return latest;
  }

  /** Queries hide samples of a series of this class before this time. The limit by bytes hides nothing. */
  visibleFrom(index: number): number {
    return this.byTime(index, Number.NEGATIVE_INFINITY);
  }

  /** The earliest time that is visible in any series. */
  earliestVisible(): number {
    return this.visibleFrom(this.bySize.length - 1);
  }

  /** Takes the directory's size and the time of the oldest sample. Returns whether the limit has moved. */
  noteSize(totalBytes: number, oldestTime: number): boolean {
    if (totalBytes <= this.bytes || oldestTime === EARLIEST) return false;
    const now = this.now();
    for (let index = 0; index < this.bySize.length; index++) {
      const from = Math.max(oldestTime, this.bySize[index], this.hasRules ? this.byTime(index, EARLIEST) : EARLIEST);
      this.bySize[index] = from + Math.max(1, (now - from) * STEP_SHARE);
    }
    return true;
  }

  private byTime(index: number, unlimited: number): number {
    const timeMs = this.classes.times[index];
    return timeMs === Infinity ? unlimited : this.now() - timeMs;
  }
}
