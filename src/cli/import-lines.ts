/**
 * Reads the lines of an import in whichever format they are: each line becomes samples for one series, or nothing, or a
 * `LineError` that says what is wrong with it.
 */
import type { Labels } from '../index.ts';
import { guessTimestampUnit, parseExpositionLine, toMilliseconds } from '../text/exposition.ts';
import { LineError, parseJsonLine } from '../text/json-lines.ts';

export const importFormats = ['auto', 'json', 'prometheus', 'openmetrics'] as const;
export type ImportFormat = (typeof importFormats)[number];

/** The samples of one line. `bits` has the high and low half of each value's pattern in turn. */
export interface LineSamples {
  readonly labels: Labels;
  readonly timestamps: readonly number[];
  readonly values: readonly number[];
  readonly bits: readonly number[] | undefined;
}

/** A JSON object's first key is followed by a colon, which a quoted metric name in Prometheus text never is. */
const looksLikeJson = (line: string): boolean => /^\s*(?:\{\s*"(?:[^"\\]|\\.)*"\s*:|\{\s*\}|\[)/.test(line);

export class ImportLines {
  private format: ImportFormat;
  private readonly bits: boolean;
  private readonly defaultTimestamp: number;
  private unit: 'milliseconds' | 'seconds' | undefined;
  private ended = false;

  /** `defaultTimestamp`, in milliseconds, is for samples that have none. */
  constructor(options: { readonly format: ImportFormat; readonly bits: boolean; readonly defaultTimestamp: number }) {
    this.format = options.bits && options.format === 'auto' ? 'json' : options.format;
    this.bits = options.bits;
    this.defaultTimestamp = options.defaultTimestamp;
    if (this.format === 'prometheus') this.unit = 'milliseconds';
    if (this.format === 'openmetrics') this.unit = 'seconds';
  }

  /** The samples of a line; `undefined` for blank lines, comments and metadata. */
  read(line: string): LineSamples | undefined {
    if (line.trim() === '') return undefined;
    if (this.format === 'auto' && !line.trimStart().startsWith('#'))
      this.format = looksLikeJson(line) ? 'json' : 'prometheus';
    return this.format === 'json' ? parseJsonLine(line, { bits: this.bits }) : this.readText(line);
  }

  private readText(line: string): LineSamples | undefined {
    const parsed = parseExpositionLine(line);
    if (parsed.kind === 'end') this.ended = true;
    if (parsed.kind === 'metadata' && parsed.keyword === 'UNIT') this.unit ??= 'seconds';
    if (parsed.kind !== 'sample') return undefined;
    if (this.ended) throw new LineError('a sample after # EOF');
    const { labels, value, timestampText } = parsed.sample;
    return { labels, values: [value], timestamps: [this.timestampOf(timestampText)], bits: undefined };
  }

  private timestampOf(text: string | undefined): number {
    if (text === undefined) return this.defaultTimestamp;
    this.unit ??= guessTimestampUnit(text);
    return toMilliseconds(text, this.unit);
  }
}
