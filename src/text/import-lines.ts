/**
 * Parses the lines of an import in any of the formats. Each line gives samples of one series, or nothing, or a
 * `LineError` that states what is wrong with it.
 *
 * If the caller has not named the format, it is detected by features that no other format has. The first line shows
 * whether the input is JSON or text. A wrong guess between the two text formats would multiply or divide every time by
 * 1000, so only these features decide:
 *
 * - OpenMetrics (seconds): a timestamp with a fraction, an exemplar or metadata that only OpenMetrics has, `# EOF` as
 *   the last line;
 * - 0.0.4 (milliseconds): a whole number that is too large to be seconds.
 *
 * Samples are held back until the format is known.
 */
import type { Labels } from '../model/labels.ts';
import { parseExpositionLine, type TimestampUnit, toMilliseconds, unitShownBy } from './exposition.ts';
import { LineError, parseJsonLine } from './json-lines.ts';
import type { LongLine } from './lines.ts';
import { parseLongJsonLine } from './long-json-line.ts';

export const importFormats = ['auto', 'json', 'text', 'prometheus', 'openmetrics'] as const;
export type ImportFormat = (typeof importFormats)[number];

export interface ImportLinesOptions {
  /** `auto` takes all formats, `text` both text formats. */
  readonly format: ImportFormat;
  /** JSON lines have bit patterns as values. */
  readonly bits: boolean;
  /** Milliseconds since the epoch, for samples without a timestamp. */
  readonly defaultTimestamp: number;
  /** How a caller names a format, up to its name: `--format `. For messages. */
  readonly naming: string;
}

/** The samples of one line. `bits` has the high and low half of each value's pattern in turn. */
export interface LineSamples {
  readonly labels: Labels;
  readonly timestamps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly bits: ArrayLike<number> | undefined;
}

/** A sample of a text format; the unit of its timestamp is not known yet. */
interface HeldSample {
  readonly lineNumber: number;
  readonly labels: Labels;
  readonly value: number;
  readonly timestampText: string | undefined;
}

/** A line that the import refuses, with its number. */
export interface RefusedLine {
  readonly lineNumber: number;
  readonly reason: string;
}

/** The maximum number of samples held back until the unit of their timestamps is known. */
const heldSamplesMax = 10_000;

const ambiguous = (text: string, naming: string): string =>
  `the timestamp ${text} may be seconds or milliseconds: name the format with ${naming}openmetrics or ${naming}prometheus`;

/** Whether the text begins like a JSON object. Its first key is followed by a colon, unlike a quoted metric name. */
const looksLikeJson = (line: string): boolean => {
  const start = /^\s*(?:\[|\{\s*(?:"|\}))/.exec(line)?.[0];
  if (start === undefined) return false;
  if (!start.endsWith('"')) return true;
  let position = start.length;
  while (position < line.length && line[position] !== '"') position += line[position] === '\\' ? 2 : 1;
  return /^\s*:/.test(line.slice(position + 1, position + 100));
};

/** Adds a hint if carriage returns seem to end the lines, because then the whole input is read as one line. */
const withHint = (error: LineError, line: string): LineError =>
  /\r[^\r]/.test(line)
    ? new LineError(`${error.message} (the line has a carriage return in it: lines must end with a line feed)`)
    : error;

export class ImportLines {
  private format: ImportFormat;
  private readonly isNamed: boolean;
  private readonly bits: boolean;
  private readonly defaultTimestamp: number;
  private readonly naming: string;
  private unit: TimestampUnit | undefined;
  /** Whether a feature was read that only OpenMetrics has. */
  private isOpenMetrics: boolean;
  /** Whether the last line that is not blank was `# EOF`. */
  private ended = false;
  private held: HeldSample[] = [];
  private holds = true;

  constructor(options: ImportLinesOptions) {
    this.format = options.bits && options.format === 'auto' ? 'json' : options.format;
    this.isNamed = this.format !== 'auto' && this.format !== 'text';
    this.bits = options.bits;
    this.defaultTimestamp = options.defaultTimestamp;
    this.naming = options.naming;
    this.isOpenMetrics = this.format === 'openmetrics';
    if (this.format === 'prometheus') this.unit = 'milliseconds';
    if (this.format === 'openmetrics') this.unit = 'seconds';
  }

  /**
   * The samples that can be returned after this line. Blank lines, comments and metadata give none. Throws
   * {@link LineError}.
   */
  read(line: string, lineNumber: number): readonly LineSamples[] {
    if (line.trim() === '') return [];
    if (this.format === 'auto' && !line.trimStart().startsWith('#'))
      this.format = looksLikeJson(line) ? 'json' : 'prometheus';
    try {
      return this.format === 'json' ? [parseJsonLine(line, { bits: this.bits })] : this.readText(line, lineNumber);
    } catch (error) {
      throw error instanceof LineError ? withHint(error, line) : error;
    }
  }

  /**
   * The samples that were still held back, and problems of the input as a whole. `lineNumber` is that of the last line.
   */
  end(lineNumber: number): { readonly samples: readonly LineSamples[]; readonly refused: readonly RefusedLine[] } {
    const { held } = this;
    this.held = [];
    const refused: RefusedLine[] = [];
    let samples: readonly LineSamples[] = [];
    if (this.unit === undefined && (this.ended || this.isOpenMetrics || held.every(hasNoTimestamp))) {
      this.unit = 'seconds';
      samples = held.map((sample) => this.complete(sample));
    } else
      for (const { lineNumber: number, timestampText } of held)
        refused.push({ lineNumber: number, reason: ambiguous(timestampText ?? '', this.naming) });
    if (this.isOpenMetrics && !this.ended)
      refused.push({ lineNumber, reason: 'the OpenMetrics text ends without # EOF: it may have been cut off' });
    return { samples, refused };
  }

  /** The samples of a line of many megabytes. Calls `breathe` between its parts. Throws {@link LineError}. */
  async readLong(line: LongLine, breathe: () => Promise<void>): Promise<readonly LineSamples[]> {
    const beginning = line.bytes.toString('latin1', 0, 1000).trimStart();
    if (beginning.startsWith('#')) return [];
    if (this.format === 'auto') this.format = beginning.startsWith('{') ? 'json' : 'prometheus';
    if (this.format !== 'json') throw new LineError(`a line of text has ${line.bytes.length} bytes`);
    return [await parseLongJsonLine(line.bytes, { bits: this.bits, breathe })];
  }

  private readText(line: string, lineNumber: number): readonly LineSamples[] {
    const parsed = parseExpositionLine(line);
    if (parsed.kind === 'end') this.ended = true;
    if (parsed.kind === 'metadata' && parsed.onlyOpenMetrics) this.noteOpenMetrics();
    if (parsed.kind !== 'sample') return [];
    if (this.ended && this.isOpenMetrics) throw new LineError('a sample after # EOF');
    this.ended = false;
    const { labels, value, timestampText, hasExemplar } = parsed.sample;
    if (hasExemplar) this.noteExemplar();
    return this.taken({ lineNumber, labels, value, timestampText });
  }

  /**
   * Metadata decides only while the unit is unknown: neither if the format was named, nor after a timestamp has
   * decided.
   */
  private noteOpenMetrics(): void {
    if (this.unit === undefined) this.isOpenMetrics = true;
  }

  private noteExemplar(): void {
    if (this.unit === 'milliseconds') throw new LineError('an exemplar, which only OpenMetrics has');
    this.noteOpenMetrics();
  }

  /** The held samples and this sample if the unit is known; otherwise none, and the sample is held. */
  private taken(sample: HeldSample): readonly LineSamples[] {
    const { timestampText } = sample;
    const shown = timestampText === undefined || this.isNamed ? this.unit : unitShownBy(timestampText);
    if (this.unit === undefined && shown !== undefined) {
      this.unit = shown;
      this.isOpenMetrics = shown === 'seconds';
    }
    if (this.unit === 'seconds' && shown === 'milliseconds')
      throw new LineError(`the timestamp ${timestampText} is milliseconds, but those before it are seconds`);
    if (this.unit !== undefined) return [...this.release(), this.complete(sample)];
    if (timestampText === undefined && this.held.length === 0) return [this.complete(sample)];
    return this.hold(sample);
  }

  private hold(sample: HeldSample): readonly LineSamples[] {
    if (this.isOpenMetrics) {
      this.unit = 'seconds';
      return [...this.release(), this.complete(sample)];
    }
    if (!this.holds || this.held.length >= heldSamplesMax) {
      this.holds = false;
      if (sample.timestampText === undefined) return [this.complete(sample)];
      throw new LineError(ambiguous(sample.timestampText, this.naming));
    }
    this.held.push(sample);
    return [];
  }

  private release(): readonly LineSamples[] {
    if (this.held.length === 0) return [];
    const { held } = this;
    this.held = [];
    return held.map((sample) => this.complete(sample));
  }

  private complete({ labels, value, timestampText }: HeldSample): LineSamples {
    const timestamp =
      timestampText === undefined ? this.defaultTimestamp : toMilliseconds(timestampText, this.unit ?? 'milliseconds');
    return { labels, values: [value], timestamps: [timestamp], bits: undefined };
  }
}

const hasNoTimestamp = ({ timestampText }: HeldSample): boolean => timestampText === undefined;
