/** Recognizes CSV that is read as another format, so that a message can name the option for it. */
import type { ImportInput } from '../import/sample-source.ts';

/** The first line of an input is looked for in so many bytes. */
const LOOKED_AT_BYTES = 4096;
const COLUMNS_SHOWN = 8;

/** Passes an input on, and keeps its beginning. */
export class CsvHint {
  private beginning = '';

  async *watch(input: ImportInput): AsyncGenerator<Uint8Array | string> {
    for await (const piece of input) {
      const missing = LOOKED_AT_BYTES - this.beginning.length;
      if (missing > 0) this.beginning += Buffer.from(piece).subarray(0, missing).toString('latin1');
      yield piece;
    }
  }

  /** What to write if the input is CSV; `undefined` if it is not. */
  get text(): string | undefined {
    const [line] = this.beginning.replace(/^\u00ef\u00bb\u00bf/, '').split(/\r?\n/);
    // JSON and series with labels have braces; comments begin with a number sign.
    if (/^#|[{}\0]/.test(line)) return undefined;
    const separator = [',', ';', '\t'].find((candidate) => line.includes(candidate));
    if (separator === undefined) return undefined;
    const columns = line.split(separator).map((column) => column.trim().replace(/^"(.*)"$/, '$1'));
    const shown = Buffer.from(columns.slice(0, COLUMNS_SHOWN).join(', '), 'latin1').toString();
    const more = columns.length > COLUMNS_SHOWN ? ', …' : '';
    return `This looks like CSV with the columns ${shown}${more}. --csv 'time=COLUMN,value=COLUMN,labels=COLUMN' reads it.`;
  }
}
