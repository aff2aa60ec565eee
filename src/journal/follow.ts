/**
 * The journal's events from a position on, one by one; with `follow`, also those appended later, once they are durable,
 * until the journal is closed. What is read holds back the journal's truncation, within the bound that subscriptions have.
 */
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import type { JournalEvent, Position } from '../model/events.ts';
import { stoppable } from '../stoppable.ts';
import { EventSource } from './event-source.ts';
import type { FindingListener } from './findings.ts';
import type { JournalWriter } from './journal-writer.ts';

export interface FollowParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly journalDirectory: string;
  readonly clock: Clock;
  readonly journal: JournalWriter;
}

export interface FollowOptions {
  /** Default: the oldest event there is. */
  readonly from?: Position;
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Called for what cannot be read; may throw. */
  readonly onFinding?: FindingListener;
}

export const followJournal = (parts: FollowParts, options: FollowOptions): AsyncGenerator<JournalEvent> => {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  return stoppable(eventsOf(parts, { ...options, signal }), () => stop.abort());
};

async function* eventsOf(
  parts: FollowParts,
  options: FollowOptions & { readonly signal: AbortSignal },
): AsyncGenerator<JournalEvent, void, undefined> {
  const { fileSystem, journalDirectory, journal, clock } = parts;
  const { follow = false, signal, onFinding } = options;
  if (journal.writable) journal.write();
  // From the beginning means from what is kept.
  const from = options.from || journal.first;
  const source = new EventSource({ fileSystem, directory: journalDirectory, from, ...(onFinding && { onFinding }) });
  const endHold = journal.hold(() => source.position);
  const end = journal.end;
  // The consumer may never ask again: then only this closes the segment's file.
  const stopListening = follow ? journal.onEnd(() => source.close()) : undefined;
  try {
    while (!signal.aborted && !(follow && journal.hasEnded)) {
      const limit = follow ? journal.durable : end;
      const batch = source.take(limit);
      if (batch !== undefined) {
        yield* batch.events;
        await clock.breathe();
      } else if (follow) {
        await nextDurable(journal, limit, signal);
      } else {
        return;
      }
    }
  } finally {
    stopListening?.();
    endHold();
    source.close();
  }
}

/** Resolves when more than `position` is durable, when the journal ends, or when the signal aborts. */
const nextDurable = (journal: JournalWriter, position: Position, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      for (const stop of stops) stop();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const onDurable = (durable: Position): void => {
      if (durable > position) end();
    };
    const stops = [journal.onDurable(onDurable), journal.onEnd(end)];
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    else onDurable(journal.durable);
  });
