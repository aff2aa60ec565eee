/**
 * The latest time that retention may go by. A jump of wall time must drop nothing: it counts once it has held for an
 * hour, or when a process starts and finds the clock so (docs/operations.md). Small corrections count at once.
 */
import type { Timeline } from './timeline.ts';

const CORRECTION_MS = 60_000;

/** The hour, less what the store's looks at the clock may lie apart. */
const HELD_MS = 3_600_000 - 2_000;

export class BelievedTime {
  private readonly timeline: Timeline;
  /** Wall time less monotonic time: what is believed, and what is seen and since when. */
  private offsetMs = 0;
  private seenMs = 0;
  private seenSinceMs = 0;

  constructor(timeline: Timeline) {
    this.timeline = timeline;
    this.restart();
  }

  /** A process starts: it believes the clock that it finds. */
  restart(): void {
    this.offsetMs = this.offsetNow;
    this.seenMs = this.offsetMs;
    this.seenSinceMs = this.timeline.monotonicMs;
  }

  /** Milliseconds since the epoch; asking is looking at the clock. */
  now(): number {
    const offsetMs = this.offsetNow;
    const { monotonicMs } = this.timeline;
    if (Math.abs(offsetMs - this.seenMs) >= CORRECTION_MS) {
      this.seenSinceMs = monotonicMs;
      this.seenMs = offsetMs;
    }
    const isCorrection = Math.abs(offsetMs - this.offsetMs) < CORRECTION_MS;
    if (isCorrection || monotonicMs - this.seenSinceMs >= HELD_MS) this.offsetMs = offsetMs;
    return monotonicMs + this.offsetMs;
  }

  private get offsetNow(): number {
    return this.timeline.wallMs - this.timeline.monotonicMs;
  }
}
