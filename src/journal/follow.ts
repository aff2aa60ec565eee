/** The journal's events from a position on, one by one; with `follow`, those that come as well, once they are durable. */
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
  try {
    while (signal?.aborted !== true) {
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
    source.close();
  }
}

/** Resolves when more than `position` is durable, or when the signal aborts. */
const nextDurable = (journal: JournalWriter, position: Position, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      stop();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const stop = journal.onDurable((durable) => {
      if (durable > position) end();
    });
    signal?.addEventListener('abort', end, { once: true });
    if (journal.durable > position) end();
  });
