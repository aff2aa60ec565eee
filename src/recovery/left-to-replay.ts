/**
 * Which series files a full recovery leaves to the replay that follows it. If the journal continues exactly this
 * checkpoint, the files that it names as changing are compared with what was acknowledged (reconcile.ts), as in a replay
 * alone. A scan could not do that: a loss of power leaves zeros in chunks that were not synced, and zeros can decode as
 * repeated samples.
 */
import { Slices } from '../async/slices.ts';
import type { ChunkDescriptors } from '../disk/series-files/series-file-reader.ts';
import type { FileSystem } from '../files/file-system.ts';
import { readJournal } from '../journal/read/read-journal.ts';
import type { Position } from '../model/events.ts';
import type { Fingerprint } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import type { Clock } from '../ports/clock.ts';
import { isInOrder } from './file-examiner.ts';

/** What the journal says about series files after the checkpoint. */
export interface TailFiles {
  /** Series that are created in the tail, or taken out of the archive. */
  readonly begun: ReadonlySet<Fingerprint>;
  /** Series whose files have changed in the tail, or were about to change. */
  readonly changed: ReadonlySet<Fingerprint>;
}

/** `directory`: the journal's own. `from`: the checkpoint's position. */
export const readTailFiles = async (
  tail: { readonly fileSystem: FileSystem; readonly directory: string; readonly from: Position },
  clock: Clock,
): Promise<TailFiles> => {
  const slices = new Slices(clock);
  const begun = new Set<Fingerprint>();
  const changed = new Set<Fingerprint>();
  for (const record of readJournal({ ...tail, eventsOnly: true })) {
    if (slices.isOver) await slices.breathe();
    if (record.type !== 'events') continue;
    for (const event of record.events) {
      if (event.type === 'seriesCreated' || event.type === 'seriesUnarchived') begun.add(event.fingerprint);
      else if (event.type === 'seriesFilesChanging') for (const one of event.fingerprints) changed.add(one);
    }
  }
  return { begun, changed };
};

/** What the checkpoint states of a file. */
export interface KnownFile {
  readonly chunksInFile: number;
  readonly firstTime: number;
}

/**
 * Whether the chunks that the checkpoint counts can be told from those that came later, and their headers are sound. A
 * damaged one among them is for the scan: it keeps the others.
 */
export const isKnownPartSound = ({ chunksInFile, firstTime }: KnownFile, found: ChunkDescriptors): boolean => {
  const { firstTimes, lastTimes, encodings } = found;
  // Retention or a rewriting has changed the file's beginning since. The replay knows of it.
  if (firstTime !== EARLIEST && firstTimes[0] !== firstTime) return true;
  const count = Math.max(0, Math.min(chunksInFile, encodings.length));
  return isInOrder({
    firstTimes: firstTimes.subarray(0, count),
    lastTimes: lastTimes.subarray(0, count),
    encodings: encodings.subarray(0, count),
  });
};
