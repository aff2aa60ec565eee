/** The last attempt of a clean close to move damaged files to quarantine and to delete files of dropped series. */
import { TidemarkError } from '../model/errors.ts';
import type { SeriesActors } from '../series/actors.ts';
import type { Isolation } from '../series/isolation.ts';
import type { Purging } from '../series/purging.ts';
import { keyOfRow } from '../series/row-identity.ts';
import type { Row, SeriesTable } from '../series/table.ts';
import type { Visits } from './visits.ts';

export interface FinishFilesParts {
  readonly table: SeriesTable;
  readonly actors: Pick<SeriesActors, 'allSettled'>;
  readonly isolation: Pick<Isolation, 'unfinishedRows'>;
  readonly purging: Pick<Purging, 'unfinishedRows'>;
  readonly visits: Pick<Visits, 'again'>;
}

/** If a file remains, the directory is not closed in order, and the next opening does this work. */
export const finishFiles = async ({ table, actors, isolation, purging, visits }: FinishFilesParts): Promise<void> => {
  const unfinishedRows = (): Row[] => [...isolation.unfinishedRows, ...purging.unfinishedRows];
  await actors.allSettled();
  for (const row of unfinishedRows()) visits.again(row);
  await actors.allSettled();
  const fingerprints = unfinishedRows().map((row) => keyOfRow(table, row));
  if (fingerprints.length === 0) return;
  throw new TidemarkError(
    'TIDEMARK_IO',
    `${fingerprints.length} series files could not be moved to quarantine, or deleted; nothing is lost, and the next ` +
      'opening does it',
    { details: { fingerprints } },
  );
};
