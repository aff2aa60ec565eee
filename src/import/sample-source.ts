/** What an import reads from, in whatever format: samples series by series, and the lines that can't be read. */
import type { LineSamples } from '../text/import-lines.ts';
import type { BadLines } from './bad-lines.ts';

export type ImportInput = AsyncIterable<Uint8Array | string>;

export interface SampleSource {
  /** Lines read so far. */
  readonly lineCount: number;
  readonly badLines: BadLines;
  /**
   * The samples of the input. Each step has those of one piece of input, which are read as they are taken. Throws
   * `UnreadableInputError` if the input as a whole can't be read.
   */
  read(input: ImportInput): AsyncGenerator<Iterable<LineSamples>>;
}
