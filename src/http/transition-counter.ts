/**
 * Counts the transitions of all statecharts, by machine, event, source and target. It is attached to the store's
 * inspection only while a page is watching. Each kind of transition is one number in a map, so memory does not depend
 * on the rate.
 */
import type { AnyStateNode, AnyTransitionDefinition, InspectionEvent } from 'xstate';
import type { Store } from '../index.ts';

/**
 * `series.inMemory|maintain|series.persisting`; the target is empty for a transition that does not change the state.
 */
const transitionKey = (source: AnyStateNode, event: string, target: AnyStateNode | undefined): string =>
  `${source.id}|${event}|${target?.id ?? ''}`;

export class TransitionCounter {
  private readonly store: Store;
  private readonly totals = new Map<string, number>();
  private watchers = 0;
  private detach: (() => void) | undefined;

  constructor(store: Store) {
    this.store = store;
  }

  /** Starts counting. Counting ends when every returned function has been called. */
  watch(): () => void {
    if (this.watchers++ === 0) this.detach = this.store.inspect((event) => this.note(event));
    let released = false;
    return () => {
      if (released) return;
      released = true;
      if (--this.watchers === 0) this.detach?.();
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
