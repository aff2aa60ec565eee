/**
 * The live stream of samples, in batches. Samples are collected only while there are listeners. A batch is emitted when
 * it is full, when a lifecycle event follows, when late samples follow samples in order or the reverse, or after a short
 * time.
 */

import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import type { SamplesEvent } from '../model/events.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import type { Clock, TimerHandle } from '../ports/clock.ts';
import type { Row, SeriesTable } from './table.ts';

const BATCH_SAMPLES_MAX = 4096;
const WAIT_MS = 50;

export class SampleTap {
  private readonly table: SeriesTable;
  private readonly clock: Clock;
  private readonly push: (event: SamplesEvent) => void;
  private readonly timestamps = new Float64Array(BATCH_SAMPLES_MAX);
  /** The values' bits, two words each. */
  private readonly words = new Int32Array(2 * BATCH_SAMPLES_MAX);
  private fingerprints: Fingerprint[] = [];
  /** Whether the collected samples are late ones. */
  private isLate = false;
  private timer: TimerHandle | undefined;

  constructor(table: SeriesTable, clock: Clock, push: (event: SamplesEvent) => void) {
    this.table = table;
    this.clock = clock;
    this.push = push;
  }

  add(row: Row, timestamp: number, high: number, low: number, isLate: boolean): void {
    if (isLate !== this.isLate) {
      this.flush();
      this.isLate = isLate;
    }
    const { table, fingerprints } = this;
    const at = fingerprints.length;
    this.timestamps[at] = timestamp;
    this.words[2 * at + HIGH_WORD] = high;
    this.words[2 * at + LOW_WORD] = low;
    fingerprints.push(fingerprintText(table.high[row], table.low[row]));
    if (fingerprints.length === BATCH_SAMPLES_MAX) this.flush();
    else this.timer ??= this.clock.setTimeout(() => this.flush(), WAIT_MS);
  }

  /** Emits the collected samples. */
  flush(): void {
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    const { fingerprints } = this;
    if (fingerprints.length === 0) return;
    this.fingerprints = [];
    const words = this.words.slice(0, fingerprints.length * 2);
    this.push({
      type: this.isLate ? 'lateSamplesAppended' : 'samplesAppended',
      time: this.clock.now(),
      fingerprints,
      timestamps: this.timestamps.slice(0, fingerprints.length),
      values: new Float64Array(words.buffer),
    });
  }
}
