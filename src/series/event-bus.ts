/**
 * Where domain events are published: into the journal first, which gives them their position, then to whoever listens.
 * The journal and the live stream can therefore never disagree on what happened and in which order.
 */
import type { JournalEvent, LifecycleEvent, Position } from '../model/events.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';

export interface EventJournal {
  appendEvent(event: LifecycleEvent): Position;
  appendCreated(time: number, high: number, low: number, pairs: LabelPairs): Position;
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
    this.count(event.type);
    if (this.listeners.size > 0) {
      const placed = { ...event, position };
      for (const listener of this.listeners) listener(placed);
    }
    return position;
  }

  /**
   * `seriesCreated`, the one event that comes a million times: while nobody listens, no event is made of it. The position
   * is the event's or one before it.
   */
  publishCreated(time: number, high: number, low: number, pairs: LabelPairs): Position {
    if (this.listeners.size > 0) {
      const fingerprint = fingerprintText(high, low);
      return this.publish({ type: 'seriesCreated', time, fingerprint, labels: toLabels(pairs) });
    }
    this.count('seriesCreated');
    return this.journal.appendCreated(time, high, low, pairs);
  }

  /** Adds a listener; returns what removes it. */
  listen(listener: LifecycleListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private count(type: LifecycleEvent['type']): void {
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
  }
}
