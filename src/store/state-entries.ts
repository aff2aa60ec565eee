/** Counts how often the store has entered each state of its statechart. */
import type { StateValue } from 'xstate';
import type { StoreActor } from './engine.ts';

/** The active states as paths: `running`, `running.pressure`, `running.pressure.normal`. */
const pathsOf = (value: StateValue, prefix = ''): string[] =>
  typeof value === 'string'
    ? [prefix + value]
    : Object.entries(value).flatMap(([name, child]) => [
        prefix + name,
        ...(child === undefined ? [] : pathsOf(child, `${prefix}${name}.`)),
      ]);

export class StateEntries {
  /** By path. The states in which the actor is found count as entered once. */
  readonly counts = new Map<string, number>();
  private active: ReadonlySet<string> = new Set();

  follow(actor: StoreActor): void {
    this.note(actor.getSnapshot().value);
    actor.subscribe({ next: ({ value }) => this.note(value), error: () => {} });
  }

  private note(value: StateValue): void {
    const active = new Set(pathsOf(value));
    for (const path of active) if (!this.active.has(path)) this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
    this.active = active;
  }
}
