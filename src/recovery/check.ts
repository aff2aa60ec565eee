/**
 * `tidemark check`: verifies a store's directory and writes nothing to it, nor waits for anybody who has it open. Every
 * part is read and compared with the others: checkpoint, mapping table, archive, series files, label indexes, journal.
 *
 * A directory that was not closed in order is not as its parts say: the next opening recovers it. Then only what is
 * damaged counts as a problem, and not what a crash leaves, or what a running store has not written yet.
 */
import { join } from 'node:path';
import type { Progress } from '../api.ts';
import { Slab } from '../chunk/slab.ts';
import { type Clock, systemClock } from '../clock.ts';
import { prepareDirectory } from '../disk/directory.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { nodeFileSystem } from '../disk/node-file-system.ts';
import { withTypedErrors } from '../disk/typed-errors.ts';
import { databaseFolders } from '../index/database-folders.ts';
import type { KeyValueStores } from '../index/key-value-store.ts';
import { levelStores } from '../index/level-stores.ts';
import { describeFinding } from '../journal/findings.ts';
import { inspectJournal } from '../journal/inspect-journal.ts';
import { isSettled, readSettledDamage } from '../journal/settled-damage.ts';
import { checkFiles } from './check-files.ts';
import { checkHeads, checkMappings } from './check-heads.ts';
import { checkArchive, checkLabels } from './check-indexes.ts';
import { Check, type CheckProblem } from './check-report.ts';
import { ProgressReporter } from './progress.ts';
import { readToldChanges } from './told-changes.ts';

export type { CheckProblem, CheckProblemKind } from './check-report.ts';

export interface CheckOptions {
  /** Reads every chunk of every series file, also where nothing looks wrong. */
  readonly pedantic?: boolean;
  /** Told of each problem when it is found. */
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
   * What an opening for writing has found, told and dealt with: damaged bytes that stay until their file is not needed any
   * more. No problem: nothing is left to be done about them. Absent when there is none.
   */
  readonly settled?: readonly CheckProblem[];
  /** In use, or not closed in order: then only damage is a problem, and what the journal alone has is not counted. */
  readonly dirty: boolean;
  /** Series of the checkpoint and of the archive. */
  readonly series: number;
  /** Chunks of the checkpoint and of the series files. */
  readonly chunks: number;
  /** Samples in the chunks that were read: those of the checkpoint, and with `pedantic` all. */
  readonly samples: number;
}

/** Verifies a directory. Rejects only where nothing can be checked: `TIDEMARK_NOT_A_STORE`, `TIDEMARK_IO`. */
export const checkDirectory = async (directory: string, options: CheckOptions = {}): Promise<CheckReport> => {
  const { clock = systemClock, keyValueStores = levelStores } = options;
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

/** The original opened the indexes last. */
const isLeftByOriginal = async (stores: KeyValueStores, directory: string): Promise<boolean> => {
  for (const folder of Object.values(databaseFolders)) {
    if ((await stores.describe?.(join(directory, folder)))?.isForeign === true) return true;
  }
  return false;
};

const checkJournal = (check: Check): void => {
  const { fileSystem, directory: store, isOpen } = check;
  const directory = join(store, 'journal');
  const settled = readSettledDamage(fileSystem, directory);
  for (const finding of inspectJournal({ fileSystem, directory }).findings) {
    // A crash, or a writer at work, leaves its end unfinished.
    const isUnfinished = finding.kind === 'tornTail' || finding.kind === 'emptySegment';
    if (isOpen && isUnfinished) continue;
    if (isSettled(settled, finding)) check.noteSettled('journal', describeFinding(finding));
    else check.note('journal', describeFinding(finding));
  }
};
