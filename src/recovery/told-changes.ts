/**
 * What the journal tells of series files since the checkpoint, for a check of a directory that is in use or was not closed
 * in order: a file that is gone, or is another one, because its series was dropped or put into quarantine is no damage,
 * nor is one from whose beginning retention has taken chunks. The next opening finds the same in the journal.
 */
import type { FileSystem } from '../disk/file-system.ts';
import { readJournal } from '../journal/read-journal.ts';
import type { Position } from '../model/events.ts';
import type { Fingerprint } from '../model/fingerprint.ts';

export interface ToldChanges {
  /** Series whose files have changed, or were about to. */
  readonly changed: ReadonlySet<Fingerprint>;
  /** Series whose files were removed or moved away, or were about to be. There may be a new file since. */
  readonly gone: ReadonlySet<Fingerprint>;
}

/** `from`: the checkpoint's position; without it the whole journal is read. */
export const readToldChanges = (options: {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly from?: Position;
}): ToldChanges => {
  const changed = new Set<Fingerprint>();
  const gone = new Set<Fingerprint>();
  for (const record of readJournal({ ...options, eventsOnly: true })) {
    if (record.type !== 'events') continue;
    for (const event of record.events) {
      if (event.type === 'seriesFilesChanging') {
        for (const fingerprint of event.fingerprints) (event.removing ? gone : changed).add(fingerprint);
      } else if (event.type === 'seriesPurged' || event.type === 'seriesQuarantined') {
        gone.add(event.fingerprint);
      }
    }
  }
  return { changed, gone };
};
