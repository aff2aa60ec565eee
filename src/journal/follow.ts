/**
 * The journal's events from a position on, one by one; with `follow`, those that come as well, once they are durable, until
 * the journal is closed.
 */
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import type { JournalEvent, Position } from '../model/events.ts';
import { EventSource } from './event-source.ts';
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
}

export async function* followJournal(parts: FollowParts, options: FollowOptions): AsyncGenerator<JournalEvent> {
  const { fileSystem, journalDirectory, journal, clock } = parts;
  const { from = journal.first, follow = false, signal } = options;
  if (journal.writable) journal.write();
  const source = new EventSource({ fileSystem, directory: journalDirectory, from });
  const end = journal.end;
  // Whoever reads may never ask again, and then no end of this function would close the segment.
  const stopListening = follow ? journal.onEnd(() => source.close()) : undefined;
  try {
    while (signal?.aborted !== true && !(follow && journal.hasEnded)) {
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
    source.close();
  }
}

/** Resolves when more than `position` is durable, when the journal ends, or when the signal aborts. */
const nextDurable = (journal: JournalWriter, position: Position, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      for (const stop of stops) stop();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const onDurable = (durable: Position): void => {
      if (durable > position) end();
    };
    const stops = [journal.onDurable(onDurable), journal.onEnd(end)];
    signal?.addEventListener('abort', end, { once: true });
    onDurable(journal.durable);
  });
