/** CSV with a header as a source of samples. */

import { CsvRecords } from '../text/csv.ts';
import type { LineSamples } from '../text/import-lines.ts';
import { LineError } from '../text/json-lines.ts';
import { BadLine, type Line, readLines, UnreadableInputError } from '../text/lines.ts';
import { BadLines } from './bad-lines.ts';
import { CsvColumns, type CsvMapping } from './csv-columns.ts';
import { BrokenGzipError, gunzipped } from './gunzipped.ts';
import type { ImportInput, SampleSource } from './sample-source.ts';

export class CsvSource implements SampleSource {
  lineCount = 0;
  readonly badLines = new BadLines();
  private readonly mapping: CsvMapping;
  private readonly records = new CsvRecords();
  private columns: CsvColumns | undefined;
  /** The line on which the record begins that is being read. */
  private firstLine = 0;

  constructor(mapping: CsvMapping) {
    this.mapping = mapping;
  }

  async *read(input: ImportInput): AsyncGenerator<Iterable<LineSamples>> {
    try {
      for await (const lines of readLines(gunzipped(input))) yield this.samplesOf(lines);
    } catch (error) {
      if (!(error instanceof BrokenGzipError)) throw error;
      this.badLines.note(this.lineCount + 1, error.message);
    }
    if (this.records.isOpen) this.badLines.note(this.firstLine, 'a quoted field is not closed');
  }

  private *samplesOf(lines: readonly Line[]): Iterable<LineSamples> {
    for (const line of lines) {
      this.lineCount++;
      if (!this.records.isOpen) this.firstLine = this.lineCount;
      try {
        yield* this.samplesOfLine(line);
      } catch (error) {
        if (!(error instanceof LineError)) throw error;
        if (this.columns === undefined) throw new UnreadableInputError(`line ${this.firstLine}: ${error.message}`);
        this.badLines.note(this.firstLine, error.message);
      }
    }
  }

  private samplesOfLine(line: Line): readonly LineSamples[] {
    if (typeof line !== 'string') {
      this.records.clear();
      throw new LineError(line instanceof BadLine ? line.reason : `it has ${line.bytes.length} bytes`);
    }
    if (line === '' && !this.records.isOpen) return [];
    const fields = this.records.add(line);
    if (fields === undefined) return [];
    if (this.columns !== undefined) return this.columns.samplesOf(fields);
    this.columns = new CsvColumns(this.mapping, fields);
    return [];
  }
}
