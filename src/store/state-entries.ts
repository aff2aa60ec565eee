/** Counts how often the store has entered each state of its statechart. */
import type { StateValue } from 'xstate';

/** The active states as paths: `running`, `running.pressure`, `running.pressure.normal`. */
const pathsOf = (value: StateValue, prefix = ''): string[] =>
  typeof value === 'string'
    ? [prefix + value]
    : Object.entries(value).flatMap(([name, child]) => [
        prefix + name,
        ...(child === undefined ? [] : pathsOf(child, `${prefix}${name}.`)),
      ]);

export class StateEntries {
  /** By path; the states that were active at first count as entered once. */
  readonly counts = new Map<string, number>();
  private active: ReadonlySet<string> = new Set();

  note(value: StateValue): void {
    const active = new Set(pathsOf(value));
    for (const path of active) if (!this.active.has(path)) this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
    this.active = active;
  }
}
