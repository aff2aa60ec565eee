/**
 * One import into an open store: reads lines, appends samples, and counts accepted and refused samples. If the store
 * throttles, the session stops reading until the store takes samples again.
 */

import type { Clock, ErrorCode, SeriesHandle, Store } from '../index.ts';
import { codeOf } from '../text/error-text.ts';
import { LineError } from '../text/json-lines.ts';
import { formatLabels } from '../text/label-text.ts';
import { BadLine, type Line, readLines } from '../text/lines.ts';
import { untilAborted } from './abortable.ts';
import { type ImportFormat, ImportLines, type LineSamples } from './import-lines.ts';
import { bitsOf, RepeatedSamples } from './repeated-samples.ts';
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
  private readonly repeats: RepeatedSamples;
  private lineCount = 0;
  private badLineCount = 0;
  private sampleCount = 0;
  private samplesSinceBreath = 0;

  constructor(store: Store, options: { readonly format: ImportFormat; readonly bits: boolean; readonly clock: Clock }) {
    this.store = store;
    this.repeats = new RepeatedSamples(store);
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
      onProgress(this.taken);
    }
    await this.compareRepeats();
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
    const handle = this.handleFor(samples);
    if (handle === undefined) return;
    for (let i = 0; i < samples.timestamps.length; i++) {
      while (!this.appendOne(handle, samples, i)) {
        await this.store.ready();
        if (signal.aborted) return;
      }
      if (++this.samplesSinceBreath >= samplesPerBreath) {
        this.samplesSinceBreath = 0;
        await this.clock.breathe();
        if (signal.aborted) return;
      }
      if (this.repeats.isFull) await this.compareRepeats();
    }
  }

  /**
   * Compares samples that are older than the newest of their series. Those that the series already has are not
   * refusals.
   */
  private async compareRepeats(): Promise<void> {
    if (this.repeats.isEmpty) return;
    const { repeated, different, missing, series } = await this.repeats.compare();
    this.sampleCount += repeated;
    for (const fingerprint of series) this.fingerprints.add(fingerprint);
    if (different > 0) this.noteRefusal('TIDEMARK_DUPLICATE_TIMESTAMP', different);
    if (missing > 0) this.noteRefusal('TIDEMARK_OUT_OF_ORDER', missing);
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
      // A store that has not read the newest sample's value yet refuses even a repetition of that sample.
      if (code === 'TIDEMARK_OUT_OF_ORDER' || code === 'TIDEMARK_DUPLICATE_TIMESTAMP')
        this.repeats.add(handle, timestamps[i], patternOf(values, bits, i));
      else this.noteRefusal(code, 1);
      return true;
    }
  }

  private handleFor({ labels, timestamps }: LineSamples): SeriesHandle | undefined {
    const key = formatLabels(labels);
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

const patternOf = (values: LineSamples['values'], bits: LineSamples['bits'], i: number): bigint =>
  bits === undefined ? bitsOf(values[i]) : (BigInt(bits[2 * i]) << 32n) | BigInt(bits[2 * i + 1]);
