/**
 * Decides which samples are past retention, by age and by bytes on disk. The limit by bytes is a time too: it moves
 * forward in small steps while the directory is too large, and stays otherwise. Chunks that end before it are dropped
 * at the next visit.
 */
import { EARLIEST } from '../model/int64.ts';

/** Share of the stored time span that one step drops. */
const STEP_SHARE = 0.05;

export interface RetentionOptions {
  /** Infinity keeps everything. */
  readonly timeMs: number;
  readonly bytes: number;
  readonly now: () => number;
}

export class Retention {
  private readonly options: RetentionOptions;
  private bySize = EARLIEST;

  constructor(options: RetentionOptions) {
    this.options = options;
  }

  /** Whether there is any limit. */
  get isOn(): boolean {
    return this.options.timeMs !== Infinity || this.options.bytes !== Infinity;
  }

  get limitsBytes(): boolean {
    return this.options.bytes !== Infinity;
  }

  /** Chunks that end before this time may be dropped; EARLIEST when none may. */
  beforeTime(): number {
    const { timeMs, now } = this.options;
    const byTime = timeMs === Infinity ? EARLIEST : now() - timeMs;
    return Math.max(byTime, this.bySize);
  }

  /** Takes the directory's size and the time of the oldest sample. Returns whether the limit has moved. */
  noteSize(totalBytes: number, oldestTime: number): boolean {
    const { bytes, now } = this.options;
    if (totalBytes <= bytes || oldestTime === EARLIEST) return false;
    const from = Math.max(oldestTime, this.bySize);
    this.bySize = from + Math.max(1, (now() - from) * STEP_SHARE);
    return true;
  }
}
