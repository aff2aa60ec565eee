/**
 * Where domain events are published: into the journal first, which gives them their position, then to whoever listens.
 * The journal and the live stream can therefore never disagree on what happened and in which order.
 */
import type { JournalEvent, LifecycleEvent, Position } from '../model/events.ts';

export interface EventJournal {
  appendEvent(event: LifecycleEvent): Position;
}

export type LifecycleListener = (event: JournalEvent & LifecycleEvent) => void;

export class EventBus {
  private readonly journal: EventJournal;
  private readonly listeners = new Set<LifecycleListener>();
  /** Events published, by type. */
  readonly counts = new Map<LifecycleEvent['type'], number>();

  constructor(journal: EventJournal) {
    this.journal = journal;
  }

  publish(event: LifecycleEvent): Position {
    const position = this.journal.appendEvent(event);
    this.counts.set(event.type, (this.counts.get(event.type) ?? 0) + 1);
    if (this.listeners.size > 0) {
      const placed = { ...event, position };
      for (const listener of this.listeners) listener(placed);
    }
    return position;
  }

  /** Adds a listener; returns what removes it. */
  listen(listener: LifecycleListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
