/**
 * One import into an open store: takes the samples of a source, and counts accepted and refused ones.
 *
 * Samples that are newer than the newest one of their series are appended. If the store throttles, the session stops
 * reading until the store takes samples again. The others are gathered, and merged by `backfill`: so the input may be in
 * any order, and a sample that the store already has is told from one that contradicts it.
 */

import type { Clock, SeriesColumns, SeriesHandle, Store } from '../index.ts';
import { codeOf } from '../text/error-text.ts';
import type { LineSamples } from '../text/import-lines.ts';
import { formatLabels } from '../text/label-text.ts';
import { ImportBuffer } from './import-buffer.ts';
import { type ReadingOptions, readPieces } from './read-pieces.ts';
import { refusals } from './refusal-codes.ts';
import type { ImportInput, SampleSource } from './sample-source.ts';

/** The maximum number of cached handles. Beyond this the cache is emptied. */
const cachedHandlesMax = 100_000;
/** How many samples are appended before yielding to the event loop, so that Ctrl-C is handled. */
const samplesPerBreath = 10_000;
const flushEveryMs = 1000;

export interface ImportCounts {
  readonly lines: number;
  readonly series: number;
  readonly samples: number;
  /** Refused samples by the code of the store's error. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly badLines: number;
}

export interface SessionOptions {
  readonly clock: Clock;
  /** Samples that are gathered before they are merged. Default: about 800,000. */
  readonly gatheredMax?: number;
}

export class ImportSession {
  private readonly store: Store;
  private readonly source: SampleSource;
  private readonly clock: Clock;
  private readonly handles = new Map<string, SeriesHandle>();
  private readonly rejected = new Map<string, number>();
  private readonly fingerprints = new Set<string>();
  private readonly older: ImportBuffer;
  private sampleCount = 0;
  private samplesSinceBreath = 0;
  private flushedAt: number;

  constructor(store: Store, source: SampleSource, { clock, gatheredMax }: SessionOptions) {
    this.store = store;
    this.source = source;
    this.clock = clock;
    this.older = new ImportBuffer(gatheredMax);
    this.flushedAt = clock.monotonic();
  }

  /** Reads to the end of the input, or until the signal aborts. */
  async read(input: ImportInput, options: ReadingOptions): Promise<void> {
    await readPieces(this.source, input, options, async (samples) => {
      await this.append(samples, options.signal);
      await this.flushNowAndThen();
    });
    await this.mergeOlder();
  }

  /** Samples that were read and wait until they are merged. */
  get waiting(): number {
    return this.older.count;
  }

  counts(): ImportCounts {
    return {
      lines: this.source.lineCount,
      series: this.fingerprints.size,
      samples: this.sampleCount,
      rejected: Object.fromEntries(this.rejectedInOrder),
      badLines: this.source.badLines.count,
    };
  }

  private get rejectedInOrder(): readonly (readonly [string, number])[] {
    return [...refusals].flatMap((code) => {
      const number = this.rejected.get(code);
      return number === undefined ? [] : [[code, number] as const];
    });
  }

  private async append(samples: LineSamples, signal: AbortSignal): Promise<void> {
    const key = formatLabels(samples.labels);
    const handle = this.handleFor(key, samples);
    if (handle === undefined) return;
    const { timestamps } = samples;
    let newest = handle.lastTime ?? Number.NEGATIVE_INFINITY;
    let i = 0;
    const appendNewer = (): boolean => {
      for (; i < timestamps.length && this.samplesSinceBreath < samplesPerBreath; i++) {
        if (timestamps[i] <= newest) break;
        if (!this.appendOne(handle, samples, i)) return false;
        newest = timestamps[i];
        this.samplesSinceBreath++;
      }
      return true;
    };
    while (i < timestamps.length) {
      if (timestamps[i] <= newest) {
        await this.gather(key, samples, i++);
        this.samplesSinceBreath++;
      } else if (!this.store.batch(appendNewer, { sync: false })) {
        await this.store.ready();
        if (signal.aborted) return;
      }
      if (this.samplesSinceBreath >= samplesPerBreath) {
        this.samplesSinceBreath = 0;
        await this.clock.breathe();
        if (signal.aborted) return;
      }
    }
  }

  /** Makes durable what was read, once a second: a long import that is killed has lost no more. */
  private async flushNowAndThen(): Promise<void> {
    const now = this.clock.monotonic();
    if (now - this.flushedAt < flushEveryMs) return;
    this.flushedAt = now;
    // An error shows up with the flush at the end.
    await this.store.flush().catch(() => {});
  }

  private async gather(key: string, { labels, timestamps, values, bits }: LineSamples, i: number): Promise<void> {
    if (this.older.isFull) await this.mergeOlder();
    const id = this.older.idOf(key, labels);
    if (bits === undefined) this.older.add(id, timestamps[i], values[i]);
    else this.older.addBits(id, timestamps[i], bits[2 * i], bits[2 * i + 1]);
  }

  /** Merges the gathered samples. Also after an interruption: they were read. */
  private async mergeOlder(): Promise<void> {
    const { older } = this;
    if (older.count === 0) return;
    const counts: number[] = [];
    const labels: SeriesColumns['labels'][] = [];
    const columns = function* (): Iterable<SeriesColumns> {
      for (const series of older.columns()) {
        counts.push(series.timestamps.length);
        labels.push(series.labels);
        yield series;
      }
    };
    const { accepted, rejected } = await this.store.backfill(columns());
    this.sampleCount += accepted;
    for (const { index, code, count } of rejected) {
      this.noteRefusal(code, count);
      counts[index] -= count;
    }
    for (const [index, count] of counts.entries())
      if (count > 0) this.fingerprints.add(this.store.series(labels[index]).fingerprint);
    older.clear();
  }

  /** Appends sample `i`; false if the store is throttled and the sample must be appended again later. */
  private appendOne(handle: SeriesHandle, { timestamps, values, bits }: LineSamples, i: number): boolean {
    try {
      if (bits === undefined) handle.append(timestamps[i], values[i]);
      else handle.appendBits(timestamps[i], bits[2 * i], bits[2 * i + 1]);
      this.sampleCount++;
      this.fingerprints.add(handle.fingerprint);
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'TIDEMARK_THROTTLED') return false;
      if (code === undefined || !refusals.has(code)) throw error;
      this.noteRefusal(code, 1);
      return true;
    }
  }

  private handleFor(key: string, { labels, timestamps }: LineSamples): SeriesHandle | undefined {
    const known = this.handles.get(key);
    if (known !== undefined) return known;
    try {
      const handle = this.store.series(labels);
      if (this.handles.size >= cachedHandlesMax) this.handles.clear();
      this.handles.set(key, handle);
      return handle;
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || !refusals.has(code)) throw error;
      this.noteRefusal(code, timestamps.length);
      return undefined;
    }
  }

  private noteRefusal(code: string, samples: number): void {
    this.rejected.set(code, (this.rejected.get(code) ?? 0) + samples);
  }
}
