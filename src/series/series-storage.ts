/** The series files of a running store: the worker that changes them, the keys that guard them, their announcements. */
import type { KeyedMutex } from '../async/keyed-mutex.ts';
import type { SeriesFileWorker } from '../disk/series-files/series-file-worker.ts';
import type { FileChanges } from './file-changes.ts';

export interface SeriesStorage {
  readonly files: SeriesFileWorker;
  /** One key for each series file. A caller holds the key while it reads or changes the file. */
  readonly fileKeys: KeyedMutex<string>;
  readonly fileChanges: FileChanges;
}
