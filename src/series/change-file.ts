/** Moves or deletes a series file while its key is held, between the durable intent and the event about the outcome. */
import type { SeriesFileAnswers, SeriesFileRequest } from '../disk/series-files/series-file-requests.ts';
import { runOne } from '../disk/series-files/series-file-worker.ts';
import { keyOfRow } from './row-identity.ts';
import type { SeriesStorage } from './series-storage.ts';
import { FILE_UNSYNCED, type Row, type SeriesTable } from './table.ts';

export interface ChangeFileParts extends SeriesStorage {
  readonly table: SeriesTable;
}

export interface FileChange<Request extends SeriesFileRequest> {
  readonly row: Row;
  readonly request: Request;
  /** Publishes the intent, before the change. */
  readonly announce?: () => void;
  /** Publishes the outcome, after the change. */
  readonly publish: (answer: SeriesFileAnswers[Request['kind']]) => void;
}

export const changeFile = async <const Request extends SeriesFileRequest>(
  { table, files, fileKeys, fileChanges }: ChangeFileParts,
  { row, request, announce, publish }: FileChange<Request>,
): Promise<void> => {
  const key = keyOfRow(table, row);
  const release = await fileKeys.acquire(key);
  try {
    const change = async (): Promise<void> => {
      const answer = await runOne(files, request);
      // Without the sync, a loss of power could bring the file back, and the next series with this fingerprint would
      // get it.
      if (request.kind === 'remove') await runOne(files, { kind: 'syncDirectories' });
      table.clearFlag(row, FILE_UNSYNCED);
      publish(answer);
    };
    await fileChanges.around([key], change, announce);
  } finally {
    release();
  }
};
