/**
 * Yields the journal's events from a position on, one by one. With `follow` it also yields events that are appended
 * later, as soon as they are durable, until the journal is closed. While it reads, it holds back truncation of the
 * journal, within the same bound as subscriptions.
 */

import { stoppable } from '../async/stoppable.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { FindingListener } from '../journal/read/journal-findings.ts';
import type { JournalWriter } from '../journal/write/journal-writer.ts';
import type { JournalEvent, Position } from '../model/events.ts';
import type { Clock } from '../ports/clock.ts';
import { EventSource } from './event-source.ts';

export interface FollowParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly journalDirectory: string;
  readonly clock: Clock;
  readonly journal: JournalWriter;
}

export interface FollowOptions {
  /** Default: the oldest event in the journal. */
  readonly from?: Position;
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Called for each part of the journal that cannot be read. It may throw. */
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
  // Position 0 means the oldest record that is kept.
  const from = options.from || journal.first;
  const source = new EventSource({ fileSystem, directory: journalDirectory, from, ...(onFinding && { onFinding }) });
  const endHold = journal.hold(() => source.position);
  const end = journal.end;
  // A consumer may never call `next` again. Then only this listener closes the segment's file.
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
