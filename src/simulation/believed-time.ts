/**
 * The latest time that retention may go by. A jump of wall time must drop nothing: it counts once it has held for an
 * hour, or when a process starts and finds the clock so (docs/operations.md). Small corrections count at once.
 */
import type { Timeline } from './timeline.ts';

const CORRECTION_MS = 60_000;

/** What the store's looks at the clock may lie apart. */
const LOOKS_MS = 2_000;

/** How long a new time must hold. */
const HELD_MS = 3_600_000;

export class BelievedTime {
  private readonly timeline: Timeline;
  /** Wall time less monotonic time: what is believed, and what is seen and since when. */
  private offsetMs = 0;
  private seenMs = 0;
  private seenSinceMs = 0;
  /** What was believed before the last small correction, and when that came. */
  private formerMs = Number.NEGATIVE_INFINITY;
  private correctedMs = Number.NEGATIVE_INFINITY;

  constructor(timeline: Timeline) {
    this.timeline = timeline;
    this.restart();
  }

  /** A process starts: it believes the clock that it finds. */
  restart(): void {
    this.offsetMs = this.offsetNow;
    this.seenMs = this.offsetMs;
    this.seenSinceMs = this.timeline.monotonicMs;
    this.formerMs = Number.NEGATIVE_INFINITY;
  }

  /** The latest time believed since it was asked before, in milliseconds since the epoch. Asking is looking at the clock. */
  latest(): number {
    const offsetMs = this.offsetNow;
    const { monotonicMs } = this.timeline;
    if (Math.abs(offsetMs - this.seenMs) >= CORRECTION_MS) {
      this.seenSinceMs = monotonicMs;
      this.seenMs = offsetMs;
      // A correction that nobody has looked at before the jump came is not known.
      if (monotonicMs - this.correctedMs < LOOKS_MS) this.offsetMs = Math.max(this.offsetMs, this.formerMs);
    }
    const heldMs = monotonicMs - this.seenSinceMs;
    const isCorrection = Math.abs(offsetMs - this.offsetMs) < CORRECTION_MS;
    if (!isCorrection && heldMs < HELD_MS - LOOKS_MS) return monotonicMs + this.offsetMs;
    // Up to here it went by the old time, which may have been ahead.
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
