/**
 * What happened in a simulation, line by line: every step, every call to the disk and the databases, every crash. The
 * hash of all lines identifies the run: the same seed must give the same hash. If it does not, something took
 * randomness or time from outside the ports.
 *
 * Only the last lines are kept, for the report of a failure.
 */

/** Lines that are kept for the report of a failure. */
const LINES_KEPT = 400;

export class Trace {
  private readonly recent: string[] = [];
  private start = 0;
  private lineCount = 0;
  private h1 = 0xdeadbeef;
  private h2 = 0x41c6ce57;
  private readonly listener: ((line: string) => void) | undefined;

  /** `listener` receives every line as it is written. */
  constructor(listener?: (line: string) => void) {
    this.listener = listener;
  }

  get lines(): number {
    return this.lineCount;
  }

  /** 16 hex digits over all lines so far. */
  get hash(): string {
    return hex(mixed(this.h1, this.h2)) + hex(mixed(this.h2, this.h1));
  }

  write(line: string): void {
    this.lineCount++;
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i);
      this.h1 = Math.imul(this.h1 ^ code, 0x9e3779b1);
      this.h2 = Math.imul(this.h2 ^ code, 0x5f356495);
    }
    this.h1 = Math.imul(this.h1 ^ 10, 0x9e3779b1) ^ (this.h2 >>> 15);
    this.h2 = Math.imul(this.h2 ^ 10, 0x5f356495) ^ (this.h1 >>> 13);
    if (this.recent.length < LINES_KEPT) this.recent.push(line);
    else {
      this.recent[this.start] = line;
      this.start = (this.start + 1) % LINES_KEPT;
    }
    this.listener?.(line);
  }

  /** The last lines, oldest first. */
  tail(count = LINES_KEPT): string[] {
    const ordered = [...this.recent.slice(this.start), ...this.recent.slice(0, this.start)];
    return ordered.slice(-count);
  }
}

const mixed = (a: number, b: number): number => {
  let h = a ^ (b >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  return Math.imul(h, 0xc2b2ae35) ^ (h >>> 16);
};

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
