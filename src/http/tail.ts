/**
 * The live tail of a selector: samples as they are appended, collected into a frame ten times a second. Samples beyond
 * a frame's bound are left out and counted in the frame; the page then reads the range again.
 */

import type { Clock, Sample, Store } from '../index.ts';
import { messageOf } from '../text/error-text.ts';
import { formatLabels } from '../text/label-text.ts';
import type { EventStream } from './event-stream.ts';
import { runFrames } from './live-frames.ts';

const samplesPerFrameMax = 2000;

interface TailSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestamps: number[];
  readonly values: (number | null)[];
}

class TailBuffer {
  private series = new Map<string, TailSeries>();
  private samples = 0;
  private left = 0;

  add({ labels, timestamp, value }: Sample): void {
    if (this.samples >= samplesPerFrameMax) {
      this.left++;
      return;
    }
    const key = formatLabels(labels);
    const series: TailSeries = this.series.get(key) ?? { labels, timestamps: [], values: [] };
    this.series.set(key, series);
    series.timestamps.push(timestamp);
    series.values.push(Number.isFinite(value) ? value : null);
    this.samples++;
  }

  /** Empties the buffer and returns its content; `undefined` if it is empty. */
  take(): { readonly series: readonly TailSeries[]; readonly leftOut: number } | undefined {
    if (this.samples === 0) return undefined;
    const taken = { series: [...this.series.values()], leftOut: this.left };
    this.series = new Map();
    this.samples = 0;
    this.left = 0;
    return taken;
  }
}

export const streamTail = async (
  stream: EventStream,
  store: Store,
  { selector, clock, signal }: { readonly selector: string; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> => {
  const buffer = new TailBuffer();
  const subscription = store.watch(selector).subscribe({
    next: (sample) => buffer.add(sample),
    error: (error: unknown) => {
      stream.send('failed', { error: messageOf(error) });
      stream.end();
    },
  });
  try {
    await runFrames(stream, { clock, signal }, () => {
      const frame = buffer.take();
      return frame !== undefined && stream.send('samples', frame);
    });
  } finally {
    subscription.unsubscribe();
  }
};
