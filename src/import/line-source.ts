/** JSON lines or Prometheus' text formats as a source of samples. */
import { ImportLines, type ImportLinesOptions, type LineSamples } from '../text/import-lines.ts';
import { LineError } from '../text/json-lines.ts';
import { BadLine, type Line, LongLine, readLines } from '../text/lines.ts';
import { BadLines } from './bad-lines.ts';
import { BrokenGzipError, gunzipped } from './gunzipped.ts';
import type { ImportInput, SampleSource } from './sample-source.ts';

export interface LineSourceOptions extends ImportLinesOptions {
  /** A longer line is refused. */
  readonly lineBytesMax?: number;
  readonly breathe: () => Promise<void>;
}

export class LineSource implements SampleSource {
  lineCount = 0;
  readonly badLines = new BadLines();
  private readonly options: LineSourceOptions;
  private readonly lines: ImportLines;

  constructor(options: LineSourceOptions) {
    this.options = options;
    this.lines = new ImportLines(options);
  }

  async *read(input: ImportInput): AsyncGenerator<Iterable<LineSamples>> {
    const { lineBytesMax } = this.options;
    try {
      const limit = lineBytesMax === undefined ? {} : { bytesMax: lineBytesMax };
      for await (const lines of readLines(gunzipped(input), limit)) {
        if (lines.some((line) => line instanceof LongLine)) yield* this.longLines(lines);
        else yield this.samplesOf(lines);
      }
    } catch (error) {
      if (!(error instanceof BrokenGzipError)) throw error;
      this.badLines.note(this.lineCount + 1, error.message);
    }
    yield this.held();
  }

  private *samplesOf(lines: readonly Line[]): Iterable<LineSamples> {
    for (const line of lines) {
      this.lineCount++;
      yield* this.samplesOfLine(line);
    }
  }

  private samplesOfLine(line: Line): readonly LineSamples[] {
    if (line instanceof BadLine) this.badLines.note(this.lineCount, line.reason);
    if (typeof line !== 'string') return [];
    try {
      return this.lines.read(line, this.lineCount);
    } catch (error) {
      return this.refused(error);
    }
  }

  /** Lines with a long one among them, one at a time. */
  private async *longLines(lines: readonly Line[]): AsyncGenerator<Iterable<LineSamples>> {
    for (const line of lines) {
      this.lineCount++;
      yield line instanceof LongLine ? await this.samplesOfLongLine(line) : this.samplesOfLine(line);
    }
  }

  private async samplesOfLongLine(line: LongLine): Promise<readonly LineSamples[]> {
    try {
      return await this.lines.readLong(line, this.options.breathe);
    } catch (error) {
      return this.refused(error);
    }
  }

  private refused(error: unknown): readonly LineSamples[] {
    if (!(error instanceof LineError)) throw error;
    this.badLines.note(this.lineCount, error.message);
    return [];
  }

  /** The samples that were held until the end of the input. Notes problems of the input as a whole. */
  private *held(): Iterable<LineSamples> {
    const { samples, refused } = this.lines.end(this.lineCount);
    yield* samples;
    for (const { lineNumber, reason } of refused) this.badLines.note(lineNumber, reason);
  }
}
