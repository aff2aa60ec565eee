/**
 * Collects the changes of series files that the journal has since the checkpoint. A check of a directory that is in
 * use, or was not closed cleanly, needs them: it is no damage if a file is missing or replaced because its series was
 * dropped or quarantined, if retention removed chunks from its beginning, or if it was rewritten. The next opening finds the same events.
 */
import type { FileSystem } from '../files/file-system.ts';
import { readJournal } from '../journal/read/read-journal.ts';
import type { Position } from '../model/events.ts';
import type { Fingerprint } from '../model/fingerprint.ts';

export interface ToldChanges {
  /** Series whose files have changed or were about to change. */
  readonly changed: ReadonlySet<Fingerprint>;
  /** Series whose files were removed or moved, or were about to be. A new file may exist since. */
  readonly gone: ReadonlySet<Fingerprint>;
  /** Series whose files were rewritten with late samples or without dropped ones, or were about to be. */
  readonly rewritten: ReadonlySet<Fingerprint>;
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
  const rewritten = new Set<Fingerprint>();
  for (const record of readJournal({ ...options, eventsOnly: true })) {
    if (record.type !== 'events') continue;
    for (const event of record.events) {
      if (event.type === 'seriesFilesChanging') {
        for (const fingerprint of event.fingerprints) {
          (event.removing ? gone : changed).add(fingerprint);
          if (event.rewriting) rewritten.add(fingerprint);
        }
      } else if (event.type === 'seriesPurged' || event.type === 'seriesQuarantined') {
        gone.add(event.fingerprint);
      }
    }
  }
  return { changed, gone, rewritten };
};
