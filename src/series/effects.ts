/**
 * Joins the effects of the series statechart (machines/series.machine.ts) to the parts that carry them out. Each decision
 * of the statechart is carried out by one of these functions.
 *
 * The intent to change a file is durable before the file is touched, and the event that reports the change is published
 * after the file was moved or deleted.
 */
import { seriesTags } from '../../machines/series-states.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Logger } from '../ports/logger.ts';
import type { SeriesEffects } from './actors.ts';
import type { Archiving } from './archiving.ts';
import { type CloseHeadParts, closeHead } from './close-head.ts';
import type { Isolation } from './isolation.ts';
import type { LateMerging } from './late-merging.ts';
import type { Persister } from './persister.ts';
import type { Purging } from './purging.ts';
import { keyOfRow } from './row-identity.ts';
import type { SeriesMemory } from './series-memory.ts';
import { EARLIEST, type Row } from './table.ts';

export interface EffectParts extends Pick<SeriesMemory, 'cache'>, CloseHeadParts {
  readonly archived: ArchiveDirectory;
  readonly persister: Persister;
  readonly merging: Pick<LateMerging, 'inMemory' | 'inFile' | 'dueInFile' | 'has'>;
  readonly archiving: Archiving;
  readonly isolation: Isolation;
  readonly purging: Purging;
  readonly logger: Pick<Logger, 'warn'>;
  /** Chunks of the row's series that end before this time are past retention; `undefined` if there is no retention. */
  readonly beforeTime: (row: Row) => number | undefined;
  readonly onDiskTrouble: (error: unknown) => void;
}

export const seriesEffects = (parts: EffectParts): SeriesEffects => {
  const { table, cache, archived, persister, merging, archiving, isolation, purging } = parts;
  return {
    closeHead: (row) => closeHead(parts, row),
    mergeInMemory: (row) => merging.inMemory(row),
    forgetDescriptors: (row) => cache.forgetSeries(keyOfRow(table, row)),
    noteTrimmed: (row, result) => archiving.noteTrimmed(row, result),
    archive: (row) => archiving.archive(row),
    wake: (row) => archiving.wake(row),
    purge: (row, reason) => purging.purge(row, reason),
    reportDiskTrouble: (row, error) => {
      parts.logger.warn(
        { err: error, fingerprint: keyOfRow(table, row) },
        'A series file could not be changed; it will be tried again.',
      );
      if (seriesTags.quarantined[table.stateCode(row)] === 1) isolation.failedCount++;
      parts.onDiskTrouble(error);
    },
    nothingInMemory: (row) => table.chunksUnpersisted[row] === 0 && !merging.has(row),
    persist: async (row) => {
      // Nothing is written to a damaged file that could not be moved away yet. The chunks wait until it has been moved.
      if (isolation.isLeaving(row)) return persister.nothingDone(row);
      if (merging.dueInFile(row)) return merging.inFile(row);
      // Once the chunks are in the file, it would have to be rewritten for these samples.
      merging.inMemory(row);
      return persister.persist(row, parts.beforeTime(row));
    },
    trim: (row) => {
      const high = table.high[row];
      const low = table.low[row];
      const noteKept = (until: number): void => archived.setKeptUntil(high, low, until);
      return persister.trim(high, low, parts.beforeTime(row) ?? EARLIEST, noteKept);
    },
    isolate: (row, reason) => isolation.isolate(row, reason),
    deleteFile: (row) => purging.deleteFile(row),
  };
};
