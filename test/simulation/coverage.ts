/**
 * What a run exercised: calls by operation and kind of file, with each fault; transitions of the statecharts; types of
 * events; steps by type. `missing` lists everything that a large run must reach and has not reached.
 */
import type { FaultKind, FileKind, Operation } from './faults.ts';

/** How often each named thing happened. */
export type Counts = Readonly<Record<string, number>>;

export interface CoverageReport {
  /** `write journal` -> calls. */
  readonly calls: Counts;
  /** `write journal: EIO` -> how often that fault struck that call. */
  readonly faults: Counts;
  /** `series inMemory: persist` -> how often the transition was taken. */
  readonly transitions: Counts;
  /** Domain events by type. */
  readonly events: Counts;
  /** Steps by type. */
  readonly steps: Counts;
  /** What happens to late samples and to dropped time ranges, and the calls in which a crash interrupted it. */
  readonly merges: Counts;
}

/** What a large run must reach. */
export interface Expectation {
  /** Faults by call, as in the report. */
  readonly faults: readonly string[];
  readonly transitions: readonly string[];
  readonly events: readonly string[];
  readonly steps: readonly string[];
  readonly merges: readonly string[];
}

export class Coverage {
  private readonly calls = new Map<string, number>();
  private readonly faults = new Map<string, number>();
  private readonly transitions = new Map<string, number>();
  private readonly events = new Map<string, number>();
  private readonly steps = new Map<string, number>();
  private readonly merges = new Map<string, number>();
  /** A series file is being rewritten with late samples or without dropped ones, as far as the events tell. */
  isMerging = false;

  countCall(operation: Operation, file: FileKind, fault: FaultKind | undefined): void {
    count(this.calls, `${operation} ${file}`);
    if (fault !== undefined) this.countFault(operation, file, fault);
  }

  /** Counts a fault that struck a call by chance, or because the disk is full. */
  countFault(operation: Operation, file: FileKind, fault: FaultKind): void {
    count(this.faults, faultName(operation, file, fault));
  }

  countMerge(what: string): void {
    count(this.merges, what);
  }

  countTransition(transition: string): void {
    count(this.transitions, transition);
  }

  countEvent(type: string): void {
    count(this.events, type);
  }

  countStep(type: string): void {
    count(this.steps, type);
  }

  /** Adds the counts of another run. */
  add(report: CoverageReport): void {
    for (const field of ['calls', 'faults', 'transitions', 'events', 'steps', 'merges'] as const) {
      for (const [key, value] of Object.entries(report[field])) count(this[field], key, value);
    }
  }

  /** Everything that was expected and never happened, sorted. */
  missing(expected: Expectation): string[] {
    const missed = (name: string, keys: Iterable<string>, seen: ReadonlyMap<string, number>): string[] =>
      [...keys].filter((key) => !seen.has(key)).map((key) => `${name} ${key}`);
    return [
      ...missed('step', expected.steps, this.steps),
      ...missed('merge', expected.merges, this.merges),
      ...missed('event', expected.events, this.events),
      ...missed('transition', expected.transitions, this.transitions),
      ...missed('fault', expected.faults, this.faults),
    ].sort();
  }

  report(): CoverageReport {
    return {
      calls: toRecord(this.calls),
      faults: toRecord(this.faults),
      transitions: toRecord(this.transitions),
      events: toRecord(this.events),
      steps: toRecord(this.steps),
      merges: toRecord(this.merges),
    };
  }
}

const count = (counts: Map<string, number>, key: string, by = 1): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};

const toRecord = (counts: ReadonlyMap<string, number>): Counts => Object.fromEntries([...counts].sort());

/** The name, in reports, of a crash in a call of a merge. */
export const crashedMerge = (operation: Operation, file: FileKind): string => `crash in ${operation} ${file}`;

/** The name of a fault of a kind of call in reports. */
export const faultName = (operation: Operation, file: FileKind, fault: FaultKind): string =>
  `${operation} ${file}: ${fault}`;
