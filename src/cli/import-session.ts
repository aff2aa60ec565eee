/**
 * One import into an open store: reads lines, and counts accepted and refused samples.
 *
 * Samples that are newer than the newest one of their series are appended. If the store throttles, the session stops
 * reading until the store takes samples again. The others are gathered, and merged by `backfill`: so the input may be in
 * any order, and a sample that the store already has is told from one that contradicts it.
 */

import type { Clock, ErrorCode, SeriesColumns, SeriesHandle, Store } from '../index.ts';
import { codeOf } from '../text/error-text.ts';
import { LineError } from '../text/json-lines.ts';
import { formatLabels } from '../text/label-text.ts';
import { BadLine, type Line, readLines } from '../text/lines.ts';
import { untilAborted } from './abortable.ts';
import { ImportBuffer } from './import-buffer.ts';
import { type ImportFormat, ImportLines, type LineSamples } from './import-lines.ts';
import { formatCount, formatQuantity } from './units.ts';

/** How many bad lines are listed one by one; the rest are counted. */
const namedBadLinesMax = 10;
/** The maximum number of cached handles. Beyond this the cache is emptied. */
const cachedHandlesMax = 100_000;
/** How many samples are appended before yielding to the event loop, so that Ctrl-C is handled. */
const samplesPerBreath = 20_000;

/** Codes with which the store may refuse a sample or a label set. They are counted, and the import continues. */
const refusals = new Set<string>([
  'TIDEMARK_OUT_OF_ORDER',
  'TIDEMARK_TOO_OLD',
  'TIDEMARK_TOO_FAR_AHEAD',
  'TIDEMARK_DUPLICATE_TIMESTAMP',
  'TIDEMARK_INVALID_LABELS',
  'TIDEMARK_INVALID_TIMESTAMP',
  'TIDEMARK_INVALID_VALUE',
  'TIDEMARK_TOO_MANY_COLLISIONS',
] satisfies ErrorCode[]);

export interface ImportCounts {
  readonly lines: number;
  readonly series: number;
  readonly samples: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly badLines: number;
}

export class ImportSession {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly lines: ImportLines;
  private readonly handles = new Map<string, SeriesHandle>();
  private readonly rejected = new Map<string, number>();
  private readonly namedBadLines: string[] = [];
  private readonly fingerprints = new Set<string>();
  private readonly older = new ImportBuffer();
  private lineCount = 0;
  private badLineCount = 0;
  private sampleCount = 0;
  private samplesSinceBreath = 0;

  constructor(store: Store, options: { readonly format: ImportFormat; readonly bits: boolean; readonly clock: Clock }) {
    this.store = store;
    this.clock = options.clock;
    this.lines = new ImportLines({ ...options, defaultTimestamp: options.clock.now() });
  }

  /** Whether every line was parsed and every sample accepted. */
  get clean(): boolean {
    return this.badLineCount === 0 && this.rejected.size === 0;
  }

  /** Reads to the end of the input, or until the signal aborts. */
  async read(
    input: AsyncIterable<Uint8Array | string>,
    { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (text: string) => void },
  ): Promise<void> {
    const iterator = readLines(input);
    for (;;) {
      const next = await untilAborted(iterator.next(), signal);
      if (next === undefined) break;
      if (next.done) {
        await this.takeHeld(signal);
        break;
      }
      await this.takeAll(next.value, signal);
      onProgress(this.progress);
    }
    await this.mergeOlder();
  }

  counts(): ImportCounts {
    return {
      lines: this.lineCount,
      series: this.fingerprints.size,
      samples: this.sampleCount,
      rejected: Object.fromEntries(this.rejectedInOrder),
      badLines: this.badLineCount,
    };
  }

  /** The result for people: one line, and one more for each kind of problem. */
  summary({ interrupted }: { readonly interrupted: boolean }): string {
    const { taken } = this;
    const lines = [
      interrupted ? `Interrupted: ${taken} were imported, and are kept.` : `Imported ${taken}.`,
      ...this.namedBadLines,
    ];
    const unnamed = this.badLineCount - this.namedBadLines.length;
    if (unnamed > 0) lines.push(`… and ${formatQuantity(unnamed, 'more line')} that could not be read.`);
    for (const [code, number] of this.rejectedInOrder)
      lines.push(`${formatQuantity(number, 'sample')} rejected: ${code}`);
    return `${lines.join('\n')}\n`;
  }

  private get rejectedInOrder(): readonly (readonly [string, number])[] {
    return [...refusals].flatMap((code) => {
      const number = this.rejected.get(code);
      return number === undefined ? [] : [[code, number] as const];
    });
  }

  private get progress(): string {
    const waiting = this.older.count;
    return waiting === 0 ? this.taken : `${this.taken}, ${formatCount(waiting)} more read`;
  }

  private get taken(): string {
    return `${formatQuantity(this.sampleCount, 'sample')} of ${formatCount(this.fingerprints.size)} series`;
  }

  private async takeAll(lines: readonly Line[], signal: AbortSignal): Promise<void> {
    for (const line of lines) {
      this.lineCount++;
      for (const samples of this.readLine(line)) await this.append(samples, signal);
      if (signal.aborted) return;
    }
  }

  /** Appends the samples that were held until the end of the input, and notes problems of the input as a whole. */
  private async takeHeld(signal: AbortSignal): Promise<void> {
    const { samples, refused } = this.lines.end(this.lineCount);
    for (const one of samples) await this.append(one, signal);
    for (const { lineNumber, reason } of refused) this.noteBadLine(reason, lineNumber);
  }

  private readLine(line: Line): readonly LineSamples[] {
    if (line instanceof BadLine) {
      this.noteBadLine(line.reason, this.lineCount);
      return [];
    }
    try {
      return this.lines.read(line, this.lineCount);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.noteBadLine(error.message, this.lineCount);
      return [];
    }
  }

  private async append(samples: LineSamples, signal: AbortSignal): Promise<void> {
    const key = formatLabels(samples.labels);
    const handle = this.handleFor(key, samples);
    if (handle === undefined) return;
    const { timestamps } = samples;
    let newest = handle.lastTime ?? Number.NEGATIVE_INFINITY;
    for (let i = 0; i < timestamps.length; i++) {
      if (timestamps[i] <= newest) await this.gather(key, samples, i);
      else {
        newest = timestamps[i];
        while (!this.appendOne(handle, samples, i)) {
          await this.store.ready();
          if (signal.aborted) return;
        }
      }
      if (++this.samplesSinceBreath >= samplesPerBreath) {
        this.samplesSinceBreath = 0;
        await this.clock.breathe();
        if (signal.aborted) return;
      }
    }
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

  private noteBadLine(reason: string, lineNumber: number): void {
    this.badLineCount++;
    if (this.namedBadLines.length < namedBadLinesMax) this.namedBadLines.push(`line ${lineNumber}: ${reason}`);
  }
}
