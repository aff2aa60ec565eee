/**
 * The live tail of a selector: samples as they are appended, collected into a frame ten times a second. Samples beyond
 * a frame's bound are left out and counted in the frame; the page then reads the range again.
 */

import type { Clock, InstantSample, Sample, Store } from '../index.ts';
import { messageOf } from '../text/error-text.ts';
import { formatLabels } from '../text/label-text.ts';
import { formatValue } from '../text/values.ts';
import type { EventStream } from './event-stream.ts';
import { ArrivingHoles } from './holes.ts';
import { runFrames } from './live-frames.ts';
import { drawable, isSpecial } from './thin-out.ts';

const samplesPerFrameMax = 2000;

interface TailSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestamps: number[];
  readonly values: (number | null)[];
  /** The times of samples, of this frame or of earlier ones, that come after a hole. */
  readonly holes: number[];
  /** The values that JSON has no number for, by index. */
  specials?: Record<number, string>;
}

/** Holes are told of this many series at most. */
const followedMax = 10_000;
/** Of more series than this, the last samples before the stream are not looked up. */
const begunMax = 200;

class TailBuffer {
  private readonly narrowestMs: number;
  private readonly holes = new Map<string, ArrivingHoles>();
  private series = new Map<string, TailSeries>();
  private samples = 0;
  private left = 0;

  constructor(narrowestMs: number) {
    this.narrowestMs = narrowestMs;
  }

  add({ labels, timestamp, value }: Sample): void {
    if (this.samples >= samplesPerFrameMax) {
      this.left++;
      return;
    }
    const key = formatLabels(labels);
    const series: TailSeries = this.series.get(key) ?? { labels, timestamps: [], values: [], holes: [] };
    this.series.set(key, series);
    if (isSpecial(value)) {
      series.specials ??= {};
      series.specials[series.timestamps.length] = formatValue(value);
    }
    series.timestamps.push(timestamp);
    series.values.push(drawable(value));
    const hole = this.holesOf(key)?.add(timestamp, this.narrowestMs);
    if (hole !== undefined) series.holes.push(hole);
    this.samples++;
  }

  private holesOf(key: string): ArrivingHoles | undefined {
    const known = this.holes.get(key);
    if (known !== undefined || this.holes.size >= followedMax) return known;
    const added = new ArrivingHoles();
    this.holes.set(key, added);
    return added;
  }

  /** Takes the time of a sample before the stream, so that a hole between it and the first one of the stream is found. */
  begin({ labels, timestamp }: InstantSample): void {
    this.holesOf(formatLabels(labels))?.add(timestamp);
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

interface TailOptions {
  readonly selector: string;
  /** The last samples before the stream, see {@link samplesBefore}. */
  readonly last: readonly InstantSample[];
  /** Milliseconds: shorter holes are not told. */
  readonly narrowestMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The last sample of each series of a selector; of too many series, none. Throws what is wrong with the selector. */
export const samplesBefore = async (store: Store, selector: string): Promise<readonly InstantSample[]> =>
  (await store.metrics(selector)).length > begunMax ? [] : store.lastSamples(selector);

export const streamTail = async (
  stream: EventStream,
  store: Store,
  { selector, last, narrowestMs, clock, signal }: TailOptions,
): Promise<void> => {
  const buffer = new TailBuffer(narrowestMs);
  for (const sample of last) buffer.begin(sample);
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
