/**
 * The latest time that retention may use. A jump of wall time must not drop anything at once: the new time counts after
 * it has held for an hour, or when a process starts with it (docs/operations.md). Small corrections count at once.
 */
import type { Timeline } from './timeline.ts';

const CORRECTION_MS = 60_000;

/** Longest time between two readings of the clock by the store. */
const LOOKS_MS = 2_000;

/** How long a new time must hold. */
const HELD_MS = 3_600_000;

export class BelievedTime {
  private readonly timeline: Timeline;
  /** Wall time minus monotonic time: as the store believes it, and as it was read last and since when. */
  private offsetMs = 0;
  private seenMs = 0;
  private seenSinceMs = 0;
  /** What the store believed before the last small correction, and the time of the correction. */
  private formerMs = Number.NEGATIVE_INFINITY;
  private correctedMs = Number.NEGATIVE_INFINITY;

  constructor(timeline: Timeline) {
    this.timeline = timeline;
    this.restart();
  }

  /** A process starts, and believes the clock as it is. */
  restart(): void {
    this.offsetMs = this.offsetNow;
    this.seenMs = this.offsetMs;
    this.seenSinceMs = this.timeline.monotonicMs;
    this.formerMs = Number.NEGATIVE_INFINITY;
  }

  /** The latest time believed since the previous call, in milliseconds since the epoch. A call reads the clock. */
  latest(): number {
    const offsetMs = this.offsetNow;
    const { monotonicMs } = this.timeline;
    if (Math.abs(offsetMs - this.seenMs) >= CORRECTION_MS) {
      this.seenSinceMs = monotonicMs;
      this.seenMs = offsetMs;
      // If the store did not read the clock between a correction and the jump, it does not know the correction.
      if (monotonicMs - this.correctedMs < LOOKS_MS) this.offsetMs = Math.max(this.offsetMs, this.formerMs);
    }
    const heldMs = monotonicMs - this.seenSinceMs;
    const isCorrection = Math.abs(offsetMs - this.offsetMs) < CORRECTION_MS;
    if (!isCorrection && heldMs < HELD_MS - LOOKS_MS) return monotonicMs + this.offsetMs;
    // Up to this moment the store used the old time, which may have been ahead.
    const until = isCorrection ? monotonicMs : Math.min(monotonicMs, this.seenSinceMs + HELD_MS + LOOKS_MS);
    const latest = Math.max(until + this.offsetMs, monotonicMs + offsetMs);
    if (offsetMs < this.offsetMs - 1) {
      this.formerMs = this.offsetMs;
      this.correctedMs = monotonicMs;
    }
    this.offsetMs = offsetMs;
    return latest;
  }

  private get offsetNow(): number {
    return this.timeline.wallMs - this.timeline.monotonicMs;
  }
}
