/**
 * Progress of opening and recovering: phase by phase, at most ten reports a second, with an estimate of the time left
 * from the pace so far.
 */
import type { Progress } from '../api.ts';
import type { Clock } from '../clock.ts';

const REPORT_EVERY_MS = 100;

export class ProgressReporter {
  private readonly clock: Clock;
  private readonly listener: ((progress: Progress) => void) | undefined;
  private phase = '';
  private phaseStarted = 0;
  private lastReport = Number.NEGATIVE_INFINITY;
  /** The newest report, for whoever asks. */
  current: Progress = { phase: 'opening', done: 0, total: 0 };

  constructor(clock: Clock, listener: ((progress: Progress) => void) | undefined) {
    this.clock = clock;
    this.listener = listener;
  }

  /** `done` of `total` of the phase; a new phase and the end of one are always reported. */
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
