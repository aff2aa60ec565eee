/**
 * `tidemark check`: verifies a store's directory. It writes nothing there, and does not wait for a process that has the
 * directory open. Every part is read and compared with the others: checkpoint, mapping table, archive, series files,
 * label indexes, journal.
 *
 * In a directory that was not closed cleanly, the parts may disagree until the next opening recovers it. There, only
 * damage counts as a problem. Traces of a crash, and data that a running store has not written yet, do not count.
 */
import { join } from 'node:path';
import type { Progress } from '../api/api.ts';
import { Slab } from '../chunk/slab.ts';
import { varbitDecoder } from '../chunk/varbit-decoder.ts';
import { LAST_CLOSE_DAMAGED, readLastClose } from '../disk/last-close.ts';
import { RETENTION_DAMAGED, readRetention } from '../disk/retention-memory.ts';
import { prepareDirectory } from '../disk/store-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { withTypedErrors } from '../files/typed-errors.ts';
import { databaseFolders } from '../indexes/database-folders.ts';
import type { KeyValueStores } from '../indexes/key-value-store.ts';
import { levelStores } from '../indexes/level-stores.ts';
import { inspectJournal } from '../journal/read/inspect-journal.ts';
import { describeFinding } from '../journal/read/journal-findings.ts';
import { isSettled, readSettledDamage } from '../journal/read/settled-damage.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { checkFiles } from './check-files.ts';
import { checkHeads, checkMappings } from './check-heads.ts';
import { checkArchive, checkLabels } from './check-indexes.ts';
import { Check, type CheckProblem } from './check-report.ts';
import { ProgressReporter } from './progress.ts';
import { readToldChanges } from './told-changes.ts';

export type { CheckProblem, CheckProblemKind } from './check-report.ts';

export interface CheckOptions {
  /** Reads every chunk of every series file, even if the file's headers look right. */
  readonly pedantic?: boolean;
  /** Called with each problem as soon as it is found. */
  readonly onProblem?: (problem: CheckProblem) => void;
  readonly onProgress?: (progress: Progress) => void;
  /** Aborts: the promise is rejected with `TIDEMARK_ABORTED`. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
  readonly keyValueStores?: KeyValueStores;
}

export interface CheckReport {
  readonly problems: readonly CheckProblem[];
  /**
   * Damage that an opening for writing has found, reported and handled. The damaged bytes stay until their file is no
   * longer needed. They are not problems, because nothing is left to do about them. Absent when there is none.
   */
  readonly settled?: readonly CheckProblem[];
  /** In use, or not closed cleanly. Then only damage is a problem; data that only the journal has is not counted. */
  readonly dirty: boolean;
  /** Number of series in the checkpoint and in the archive. */
  readonly series: number;
  /** Number of chunks in the checkpoint and in the series files. */
  readonly chunks: number;
  /**
   * Number of samples in the chunks that were read: those of the checkpoint, those of series files that changed since
   * the checkpoint, and with `pedantic` those of all series files.
   */
  readonly samples: number;
}

/**
 * Verifies a directory. Rejects when it cannot be checked at all (`TIDEMARK_NOT_A_STORE`,
 * `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`), or when the check was aborted (`TIDEMARK_ABORTED`).
 */
export const checkDirectory = async (directory: string, options: CheckOptions = {}): Promise<CheckReport> => {
  const { clock = systemClock, keyValueStores = levelStores } = options;
  varbitDecoder();
  const fileSystem = withTypedErrors(options.fileSystem ?? nodeFileSystem);
  const { pedantic = false, onProblem, signal } = options;
  const progress = new ProgressReporter(clock, options.onProgress);
  const { dirty } = prepareDirectory(fileSystem, directory, { readOnly: true });
  const isForeign = await isLeftByOriginal(keyValueStores, directory);
  const check = new Check({ fileSystem, directory, clock, pedantic, isOpen: dirty, isForeign, onProblem, signal });
  progress.report('checkpoint', 0, 0);
  const from = await checkHeads(check, (done, total) => progress.report('checkpoint', done, total, done));
  progress.report('archive', 0, 1);
  await checkArchive(check, keyValueStores);
  progress.report('archive', 1, 1);
  checkMappings(check);
  if (dirty)
    check.told = readToldChanges({
      fileSystem,
      directory: join(directory, 'journal'),
      ...(from !== undefined && { from }),
    });
  await checkFiles(check, new Slab(), (done, total) => progress.report('series files', done, total));
  progress.report('label indexes', 0, 1);
  await checkLabels(check, keyValueStores);
  progress.report('label indexes', 1, 1);
  checkJournal(check);
  checkSettings(check);
  const { problems, settled, seriesCount, chunks, samples } = check;
  return {
    problems,
    ...(settled.length > 0 && { settled }),
    dirty,
    series: seriesCount,
    chunks,
    samples,
  };
};

/** Whether the original opened the indexes last. */
const isLeftByOriginal = async (stores: KeyValueStores, directory: string): Promise<boolean> => {
  for (const folder of Object.values(databaseFolders)) {
    if ((await stores.describe?.(join(directory, folder)))?.isForeign === true) return true;
  }
  return false;
};

const checkSettings = (check: Check): void => {
  const { fileSystem, directory, isOpen } = check;
  if (readRetention(fileSystem, directory) === 'damaged') check.note('settings', RETENTION_DAMAGED);
  if (!isOpen && readLastClose(fileSystem, directory) === 'damaged') check.note('settings', LAST_CLOSE_DAMAGED);
};

const checkJournal = (check: Check): void => {
  const { fileSystem, directory: store, isOpen } = check;
  const directory = join(store, 'journal');
  const settled = readSettledDamage(fileSystem, directory);
  for (const finding of inspectJournal({ fileSystem, directory }).findings) {
    // A crash, or a process that is writing now, leaves the journal's end unfinished.
    const isUnfinished = finding.kind === 'tornTail' || finding.kind === 'emptySegment';
    if (isOpen && isUnfinished) continue;
    if (isSettled(settled, finding)) check.noteSettled('journal', describeFinding(finding));
    else check.note('journal', describeFinding(finding));
  }
};
