/** The lines that an import refuses: all are counted, the first ten are kept with their reasons. */
import type { RefusedLine } from '../text/import-lines.ts';

const NAMED_MAX = 10;

export class BadLines {
  count = 0;
  readonly first: RefusedLine[] = [];

  note(lineNumber: number, reason: string): void {
    this.count += 1;
    if (this.first.length < NAMED_MAX) this.first.push({ lineNumber, reason });
  }
}
