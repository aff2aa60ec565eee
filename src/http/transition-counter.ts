/**
 * Counts the transitions of all statecharts, by machine, event, source and target. It is attached to the
 * inspection of the store and of the rules only while a page is watching. Each kind of transition is one number in a map, so memory does not depend
 * on the rate.
 */
import type { AnyStateNode, AnyTransitionDefinition, InspectionEvent } from 'xstate';

/**
 * `series.inMemory|maintain|series.persisting`; the target is empty for a transition that does not change the state.
 */
export const transitionKey = (source: AnyStateNode, event: string, target: AnyStateNode | undefined): string =>
  `${source.id}|${event}|${target?.id ?? ''}`;

/** What has actors: adds an observer of their inspection events, and returns a function that removes it. */
export type Inspectable = (observer: (event: InspectionEvent) => void) => () => void;

export class TransitionCounter {
  private readonly sources: readonly Inspectable[];
  private readonly totals = new Map<string, number>();
  private watchers = 0;
  private detach: readonly (() => void)[] = [];

  constructor(sources: readonly Inspectable[]) {
    this.sources = sources;
  }

  /** Starts counting. Counting ends when every returned function has been called. */
  watch(): () => void {
    if (this.watchers++ === 0) this.detach = this.sources.map((inspect) => inspect((event) => this.note(event)));
    let released = false;
    return () => {
      if (released) return;
      released = true;
      if (--this.watchers === 0) for (const detach of this.detach) detach();
    };
  }

  /** Transitions counted so far, by key. Counts only grow, so a reader that missed frames can compute differences. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.totals);
  }

  private note(event: InspectionEvent): void {
    if (event.type !== '@xstate.microstep') return;
    for (const transition of event._transitions as readonly AnyTransitionDefinition[]) {
      const key = transitionKey(transition.source, transition.eventType, transition.target?.[0]);
      this.totals.set(key, (this.totals.get(key) ?? 0) + 1);
    }
  }
}
