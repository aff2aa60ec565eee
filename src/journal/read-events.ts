/**
 * The events of a directory's journal as they lie there, whoever has the directory open: nothing is recovered and
 * nothing is written. A record that is being written at this moment is taken up when it is whole.
 */
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { prepareDirectory } from '../disk/directory.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { nodeFileSystem } from '../disk/node-file-system.ts';
import { withTypedErrors } from '../disk/typed-errors.ts';
import type { JournalEvent, Position } from '../model/events.ts';
import { EventSource } from './event-source.ts';
import { describeFinding } from './findings.ts';
import { readHistory } from './read-history.ts';

/** How often a journal that is followed is looked at. */
const LOOK_MS = 200;
/** Lifecycle events between two turns of the host's event loop. */
const EVENTS_PER_BREATH = 1000;

export interface ReadEventsOptions {
  /** Events that end after this position. Default: from the oldest one that is kept. */
  readonly from?: Position;
  /** Goes on with what is written from now on, until `signal` aborts. Default false. */
  readonly follow?: boolean;
  /** Leaves out the batches of samples; lifecycle events are kept longer than those. Default false. */
  readonly lifecycle?: boolean;
  readonly signal?: AbortSignal;
  /** Hears, in one sentence each, of what in the journal cannot be read. */
  readonly onProblem?: (message: string) => void;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
}

/**
 * Reads a directory's journal, oldest event first. Ends without an error when `signal` aborts.
 *
 * @throws {TidemarkError} `TIDEMARK_NOT_A_STORE`, `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`
 */
export async function* readEvents(directory: string, options: ReadEventsOptions = {}): AsyncGenerator<JournalEvent> {
  const { follow = false, lifecycle = false, signal, onProblem = () => {} } = options;
  const { clock = systemClock } = options;
  const fileSystem = withTypedErrors(options.fileSystem ?? nodeFileSystem);
  prepareDirectory(fileSystem, directory, { readOnly: true });
  const parts = {
    fileSystem,
    directory: join(directory, 'journal'),
    onFinding: (finding: Parameters<typeof describeFinding>[0]) => onProblem(describeFinding(finding)),
  };
  let from = options.from ?? 0;
  let count = 0;
  if (lifecycle) {
    for (const event of readHistory(parts)) {
      if (signal?.aborted) return;
      if (++count % EVENTS_PER_BREATH === 0) await clock.breathe();
      if (event.position > (options.from ?? -1)) yield event;
      from = Math.max(from, event.position);
    }
    if (!follow) return;
  }
  const source = new EventSource({ ...parts, from });
  try {
    while (signal?.aborted !== true) {
      const batch = source.take();
      if (batch !== undefined) {
        for (const event of batch.events) if (!lifecycle || event.type !== 'samplesAppended') yield event;
        await clock.breathe();
      } else if (follow) await pause(clock, signal);
      else return;
    }
  } finally {
    source.close();
  }
}

/** Waits until it is time to look again, or until the signal aborts. */
const pause = (clock: Clock, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimeout(end, LOOK_MS);
    signal?.addEventListener('abort', end, { once: true });
  });
