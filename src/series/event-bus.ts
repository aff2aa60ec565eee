/**
 * Publishes domain events: first to the journal, which assigns their position, then to the listeners. So the journal
 * and the live stream always have the same events in the same order.
 */
import type { JournalEvent, LifecycleEvent, Position } from '../model/events.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';

export interface EventJournal {
  appendEvent(event: LifecycleEvent): Position;
  appendCreated(time: number, high: number, low: number, pairs: LabelPairs): Position;
}

type EventType = LifecycleEvent['type'];
export type LifecycleListener = (event: JournalEvent & LifecycleEvent) => void;

export class EventBus {
  private readonly journal: EventJournal;
  /** The listeners, each with the types of events that it wants. */
  private readonly listeners = new Map<LifecycleListener, readonly EventType[] | 'all'>();
  private isCreationHeard = false;
  /** Events published, by type. */
  readonly counts = new Map<EventType, number>();

  constructor(journal: EventJournal) {
    this.journal = journal;
  }

  publish(event: LifecycleEvent): Position {
    const position = this.journal.appendEvent(event);
    this.count(event.type);
    if (this.listeners.size > 0) {
      const placed = { ...event, position };
      for (const [listener, types] of this.listeners)
        if (types === 'all' || types.includes(event.type)) listener(placed);
    }
    return position;
  }

  /**
   * Publishes `seriesCreated`, which may occur a million times: no event object is created while no listener wants this
   * type. Returns the event's position or an earlier one.
   */
  publishCreated(time: number, high: number, low: number, pairs: LabelPairs): Position {
    if (this.isCreationHeard) {
      const fingerprint = fingerprintText(high, low);
      return this.publish({ type: 'seriesCreated', time, fingerprint, labels: toLabels(pairs) });
    }
    this.count('seriesCreated');
    return this.journal.appendCreated(time, high, low, pairs);
  }

  /** Adds a listener, for all events or those of some types; returns a function that removes it. */
  listen(listener: LifecycleListener, types: readonly EventType[] | 'all' = 'all'): () => void {
    this.listeners.set(listener, types);
    this.isCreationHeard = this.hasListenerFor('seriesCreated');
    return () => {
      this.listeners.delete(listener);
      this.isCreationHeard = this.hasListenerFor('seriesCreated');
    };
  }

  private hasListenerFor(type: EventType): boolean {
    for (const types of this.listeners.values()) if (types === 'all' || types.includes(type)) return true;
    return false;
  }

  private count(type: EventType): void {
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
  }
}
