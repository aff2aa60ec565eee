/**
 * The last work of a clean close on series files: merges late samples, moves damaged files to quarantine, deletes files
 * of dropped series, and purges series without samples.
 */
import { seriesTags } from '../../machines/series-states.ts';
import { Slices } from '../async/slices.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { SeriesActors } from '../series/actors.ts';
import type { ErasedRanges } from '../series/erased-ranges.ts';
import type { LateMerging } from '../series/late-merging.ts';
import type { LateSamples } from '../series/late-samples.ts';
import { keyOfRow } from '../series/row-identity.ts';
import type { Row, SeriesTable } from '../series/table.ts';
import type { Visits } from './visits.ts';

export interface FinishFilesParts {
  readonly table: SeriesTable;
  readonly actors: Pick<SeriesActors, 'allSettled'>;
  readonly late: LateSamples;
  readonly erased: ErasedRanges;
  readonly merging: Pick<LateMerging, 'mergeAll'>;
  readonly visits: Pick<Visits, 'again' | 'late'>;
  readonly clock: Clock;
}

/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 4096;

/** If a file remains, the directory is not closed in order, and the next opening does this work. */
export const finishFiles = async (parts: FinishFilesParts): Promise<void> => {
  const { table, actors, visits } = parts;
  await actors.allSettled();
  await mergeLate(parts);
  // No checkpoint records a series whose samples were all dropped.
  const unfinished = await rowsThat(parts, (row) => isEmpty(parts, row) || isLeaving(parts, row));
  for (const row of unfinished) visits.again(row);
  await actors.allSettled();
  const leaving = await rowsThat(parts, (row) => isLeaving(parts, row));
  const fingerprints = leaving.map((row) => keyOfRow(table, row));
  if (fingerprints.length === 0) return;
  throw new TidemarkError(
    'TIDEMARK_IO',
    `${fingerprints.length} series files could not be moved to quarantine, or deleted; nothing is lost, and the next ` +
      'opening does it',
    { details: { fingerprints } },
  );
};

/**
 * Merges all late samples and takes dropped ranges out of the files. Each pass does what waited when it began, unless
 * the disk refuses.
 */
const mergeLate = async ({ late, erased, merging, visits }: FinishFilesParts): Promise<void> => {
  merging.mergeAll();
  const waiting = (): number => late.count + erased.size;
  for (let before = Number.POSITIVE_INFINITY; waiting() > 0 && waiting() < before; ) {
    before = waiting();
    await visits.late();
  }
  if (waiting() === 0) return;
  throw new TidemarkError(
    'TIDEMARK_IO',
    `late samples of ${late.size} series could not be merged into their files, and dropped samples could not be taken ` +
      `out of ${erased.size} files; nothing is lost, and the next opening does it`,
    { details: { samples: late.count, series: late.size, dropped: erased.size } },
  );
};

/** The rows of series in memory that meet a condition. While the store closes, nothing else changes them. */
const rowsThat = async ({ table, clock }: FinishFilesParts, matches: (row: Row) => boolean): Promise<Row[]> => {
  const slices = new Slices(clock);
  const rows: Row[] = [];
  for (let row = 0; row < table.size; row++) {
    if (row % ROWS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
    if (table.isLive(row) && matches(row)) rows.push(row);
  }
  return rows;
};

/** Whether the series has no sample. */
const isEmpty = ({ table, late }: FinishFilesParts, row: Row): boolean =>
  seriesTags.writable[table.stateCode(row)] === 1 && table.hasNoChunks(row) && !late.has(row);

/** Whether the series' file still has to be moved or deleted. */
const isLeaving = ({ table }: FinishFilesParts, row: Row): boolean => seriesTags.leaving[table.stateCode(row)] === 1;
