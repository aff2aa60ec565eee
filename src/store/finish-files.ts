/** The last attempt of a clean close to move damaged files to quarantine and to delete files of dropped series. */
import { seriesTags } from '../../machines/series-states.ts';
import { TidemarkError } from '../model/errors.ts';
import type { SeriesActors } from '../series/actors.ts';
import { keyOfRow } from '../series/row-identity.ts';
import type { Row, SeriesTable } from '../series/table.ts';
import type { Visits } from './visits.ts';

export interface FinishFilesParts {
  readonly table: SeriesTable;
  readonly actors: Pick<SeriesActors, 'allSettled'>;
  readonly visits: Pick<Visits, 'again'>;
}

/** If a file remains, the directory is not closed in order, and the next opening does this work. */
export const finishFiles = async ({ table, actors, visits }: FinishFilesParts): Promise<void> => {
  await actors.allSettled();
  for (const row of rowsLeaving(table)) visits.again(row);
  await actors.allSettled();
  const fingerprints = rowsLeaving(table).map((row) => keyOfRow(table, row));
  if (fingerprints.length === 0) return;
  throw new TidemarkError(
    'TIDEMARK_IO',
    `${fingerprints.length} series files could not be moved to quarantine, or deleted; nothing is lost, and the next ` +
      'opening does it',
    { details: { fingerprints } },
  );
};

/** The rows of the series whose files still have to be moved or deleted. */
const rowsLeaving = (table: SeriesTable): Row[] => {
  const rows: Row[] = [];
  for (let row = 0; row < table.size; row++) {
    if (table.isLive(row) && seriesTags.leaving[table.stateCode(row)] === 1) rows.push(row);
  }
  return rows;
};
