/**
 * Reads CSV as RFC 4180 describes it, line by line: fields between commas, a field may be in double quotes, and a quoted
 * field may have commas, line breaks, and a double quote written twice. A line break within a field becomes a line feed.
 */
import { LineError } from './json-lines.ts';

/** A record is at most this long; a quote that is never closed would take the rest of the input into one field. */
const RECORD_CHARACTERS_MAX = 1024 * 1024;

export class CsvRecords {
  private fields: string[] = [];
  /** The part of a quoted field that came on earlier lines; `undefined` between records. */
  private open: string | undefined;
  private characters = 0;

  /** Whether a quoted field goes on with the next line. */
  get isOpen(): boolean {
    return this.open !== undefined;
  }

  /**
   * The fields of the record that ends with this line; `undefined` if the record goes on. Throws {@link LineError}; the
   * next line then begins a new record.
   */
  add(line: string): readonly string[] | undefined {
    this.characters += line.length + 1;
    try {
      if (this.characters > RECORD_CHARACTERS_MAX)
        throw new LineError(`the record is longer than ${RECORD_CHARACTERS_MAX} characters: is a quote not closed?`);
      if (!this.readLine(line)) return undefined;
    } catch (error) {
      this.clear();
      throw error;
    }
    const { fields } = this;
    this.clear();
    return fields;
  }

  /** Forgets an unfinished record. */
  clear(): void {
    this.fields = [];
    this.open = undefined;
    this.characters = 0;
  }

  /** Whether the line ends the record. */
  private readLine(line: string): boolean {
    let at = 0;
    if (this.open !== undefined) {
      const end = this.readQuoted(line, 0, `${this.open}\n`);
      if (end < 0) return false;
      // The comma that ends the field is passed over; after it comes the next field.
      at = end + 1;
    }
    for (; at <= line.length; at++) {
      if (line[at] === '"') {
        at = this.readQuoted(line, at + 1, '');
        if (at < 0) return false;
      } else {
        const comma = line.indexOf(',', at);
        const end = comma < 0 ? line.length : comma;
        const field = line.slice(at, end);
        if (field.includes('"')) throw new LineError(`column ${at + field.indexOf('"') + 1}: a quote within a field`);
        this.fields.push(field);
        at = end;
      }
    }
    return true;
  }

  /** Adds a field whose quote was opened before `from`. Returns where it ends; -1 if it goes on with the next line. */
  private readQuoted(line: string, from: number, begun: string): number {
    let text = begun;
    let start = from;
    for (;;) {
      const quote = line.indexOf('"', start);
      if (quote < 0) {
        this.open = text + line.slice(start);
        return -1;
      }
      text += line.slice(start, quote);
      if (line[quote + 1] !== '"') {
        this.open = undefined;
        this.fields.push(text);
        if (quote + 1 < line.length && line[quote + 1] !== ',')
          throw new LineError(`column ${quote + 2}: text after the end of a quoted field`);
        return quote + 1;
      }
      text += '"';
      start = quote + 2;
    }
  }
}
