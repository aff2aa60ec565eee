/** Series that come and go: workers that pause and return, jobs that run once and are deleted, and bursts of samples. */
import type { Labels, Store } from '../../index.ts';
import { codeOf } from '../../text/error-text.ts';
import { noise } from './demo-metrics.ts';

const workers = 24;
/** A worker works for this many seconds, and pauses for twice as many. */
const shiftSeconds = 10;
const shifts = 3;
/** The newest jobs are kept, older ones are deleted. */
const jobsKept = 6;

const jobOf = (n: number): Labels => ({ __name__: 'job_duration_seconds', job: `import-${n}` });

/** Series of a burst, and samples of each between two looks at the pressure. */
const burstSeries = 60;
const burstSamples = 100;
/** A burst ends below the score at which the store takes no samples. */
const burstScore = 0.88;
/**
 * On a busy machine chunks are persisted nearly as fast as they come, so a burst may need many rounds. Its samples are at
 * least a millisecond apart: bursts come every 30 seconds.
 */
const burstRoundsMax = 200;

export class DemoChurn {
  private readonly store: Store;
  private readonly breathe: () => Promise<void>;
  private burstAtMs: number | undefined;
  /** How many jobs have run. */
  private jobs = 0;

  constructor(store: Store, breathe: () => Promise<void>) {
    this.store = store;
    this.breathe = breathe;
  }

  /** A sample of each worker that works in the second with this number. */
  work(second: number, nowMs: number): void {
    for (let worker = 0; worker < workers; worker++) {
      if (Math.floor((second + 2 * worker) / shiftSeconds) % shifts !== 0) continue;
      const name = `worker-${String(worker + 1).padStart(2, '0')}`;
      const labels = { __name__: 'worker_busy_ratio', worker: name };
      this.store.append(labels, nowMs, Math.round(100 * noise(nowMs, worker)) / 100);
    }
  }

  /** Another job has run; an old one is deleted. */
  async job(nowMs: number): Promise<void> {
    const n = this.jobs++;
    this.store.append(jobOf(n), nowMs, Math.round(1000 * noise(nowMs, n)) / 10);
    if (n >= jobsKept) await this.store.drop(jobOf(n - jobsKept));
  }

  /** Appends noise, which does not compress, until many chunks wait for their files: the store hurries to write them. */
  async burst(nowMs: number): Promise<void> {
    const { store } = this;
    const score = store.registry.getSingleMetric('prometheus_local_storage_persistence_urgency_score');
    const fromMs = this.burstAtMs ?? nowMs - 60_000;
    this.burstAtMs = nowMs;
    const stepMs = (nowMs - fromMs) / (burstRoundsMax * burstSamples);
    for (let round = 0; round < burstRoundsMax; round++) {
      const urgency = (await score?.get())?.values[0]?.value ?? 1;
      if (urgency >= burstScore) return;
      try {
        this.append(round, fromMs, stepMs);
      } catch (error) {
        if (codeOf(error) === 'TIDEMARK_THROTTLED') return;
        throw error;
      }
      await this.breathe();
    }
  }

  private append(round: number, fromMs: number, stepMs: number): void {
    for (let i = 0; i < burstSeries; i++) {
      const handle = this.store.series({ __name__: 'batch_upload_value', device: `device-${i + 1}` });
      for (let k = 1; k <= burstSamples; k++) {
        const timeMs = Math.floor(fromMs + (round * burstSamples + k) * stepMs);
        handle.append(timeMs, Math.sin(timeMs * timeMs + i));
      }
    }
  }
}
