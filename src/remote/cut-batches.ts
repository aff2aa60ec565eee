/**
 * Cuts the journal's samples into batches. Where a batch ends depends on the journal alone: not on when its records
 * were read. So after a crash the batch that was not acknowledged is made again, with the same bytes, and a receiver that
 * has it already recognizes it.
 *
 * A batch begins with the first record after the last acknowledged position that has samples to send. Say that at most
 * 2,000 samples and 5 s are allowed, and that the records are
 *
 *   time   0 s   600 samples
 *   time   1 s   900 samples
 *   time   2 s   700 samples    would make 2,200: begins the next batch
 *
 * The batch is the first two records. Without the third record, all records before 5 s would belong to it. It would be
 * sent at 5.5 s: a record of 4.9 s may be on its way to the disk at 5 s, for as long as the store's `commitInterval`.
 *
 * A record with more samples than a batch may have is a batch of its own, and is sent as several requests.
 */
import type { EventBatch } from '../index.ts';
import { type Outgoing, SampleList } from './outgoing.ts';

/** How long a batch waits for records of its span that are on their way to the disk. */
export const STRAGGLERS_MS = 500;

export interface CutRule {
  readonly samplesMax: number;
  readonly delayMs: number;
}

/** The part of the journal that is sent, then acknowledged. */
export class OutgoingBatch {
  readonly samples = new SampleList();
  /** Late samples get requests of their own: a receiver that takes none refuses only those. */
  readonly late = new SampleList();
  /** The time of the first record with samples to send, milliseconds since the epoch. */
  begunAt = Number.NaN;
  /** The last record of the batch. Acknowledging it acknowledges the batch. */
  last: EventBatch | undefined;
  /** Records of the batch. */
  records = 0;

  get count(): number {
    return this.samples.length + this.late.length;
  }

  *requests(samplesMax: number): Generator<Outgoing, void, undefined> {
    for (const list of [this.samples, this.late])
      for (let from = 0; from < list.length; from += samplesMax)
        yield list.request(from, Math.min(from + samplesMax, list.length));
  }
}

/** Whether a record begins a new batch instead of being part of this one. */
export const beginsNew = (batch: OutgoingBatch, time: number, count: number, rule: CutRule): boolean =>
  batch.count > 0 &&
  count > 0 &&
  (batch.count + count > rule.samplesMax || time < batch.begunAt || time - batch.begunAt >= rule.delayMs);
