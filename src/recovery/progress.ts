/**
 * Reports the progress of opening and recovery, phase by phase, at most ten times a second. Each report estimates the
 * time left from the speed so far.
 */
import type { Progress } from '../api/api.ts';
import type { Clock } from '../ports/clock.ts';

const REPORT_EVERY_MS = 100;

export class ProgressReporter {
  private readonly clock: Clock;
  private readonly listener: ((progress: Progress) => void) | undefined;
  private phase = '';
  private phaseStarted = 0;
  private lastReport = Number.NEGATIVE_INFINITY;
  /** The newest report, also if the listener was not called with it. */
  current: Progress = { phase: 'opening', done: 0, total: 0 };

  constructor(clock: Clock, listener: ((progress: Progress) => void) | undefined) {
    this.clock = clock;
    this.listener = listener;
  }

  /** Notes that `done` of `total` of the phase are done. The first and the last report of a phase are never skipped. */
  report(phase: string, done: number, total: number, bytes?: number): void {
    const now = this.clock.monotonic();
    const isNew = phase !== this.phase;
    if (isNew) {
      this.phase = phase;
      this.phaseStarted = now;
    }
    const elapsedMs = now - this.phaseStarted;
    const progress: Progress = {
      phase,
      done,
      total,
      ...(bytes === undefined ? {} : { bytes }),
      ...(done > 0 && total > done && elapsedMs > 0
        ? { remainingMs: Math.round((elapsedMs / done) * (total - done)) }
        : {}),
    };
    this.current = progress;
    if (!isNew && done < total && now - this.lastReport < REPORT_EVERY_MS) return;
    this.lastReport = now;
    this.listener?.(progress);
  }
}
