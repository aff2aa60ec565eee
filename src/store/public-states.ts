/** The public states of series: how many are in each, and in which one a series is. */
import { phaseOfCode } from '../../machines/series-states.ts';
import type { SeriesState } from '../api/api.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { SeriesActors } from '../series/actors.ts';
import type { SeriesDirectory } from '../series/series-lookup.ts';
import { EARLIEST, NO_ROW, type SeriesTable } from '../series/table.ts';
import type { Counts } from './counts.ts';

export type StateCounts = Readonly<Record<'inMemory' | 'persisting' | 'archived' | 'quarantined', number>>;

export interface PublicStatesParts {
  readonly table: SeriesTable;
  readonly archived: ArchiveDirectory;
  readonly actors: Pick<SeriesActors, 'busy'>;
  readonly directory: Pick<SeriesDirectory, 'fingerprintOf'>;
  readonly counts: Counts;
}

/** Number of series in each public state. */
export const stateCounts = ({ table, archived, actors, counts }: PublicStatesParts): StateCounts => {
  const persisting = actors.busy;
  return {
    // A series that is being isolated is busy but no longer in the table, so the difference could be negative.
    inMemory: Math.max(0, table.live - persisting),
    persisting,
    archived: archived.size,
    quarantined: counts.quarantined,
  };
};

/** The public state of a series. */
export const stateOf = ({ table, archived, directory }: PublicStatesParts, pairs: LabelPairs): SeriesState => {
  const row = table.findPairs(pairs);
  if (row !== NO_ROW) return phaseOfCode(table.stateCode(row));
  const { high, low } = directory.fingerprintOf(pairs);
  return archived.has(high, low) ? 'archived' : 'absent';
};

/** Time of the newest sample of a series; `undefined` if it has none. */
export const lastTimeOf = (
  { table, archived, directory }: Pick<PublicStatesParts, 'table' | 'archived' | 'directory'>,
  pairs: LabelPairs,
): number | undefined => {
  const row = table.findPairs(pairs);
  const { high, low } = row === NO_ROW ? directory.fingerprintOf(pairs) : { high: 0, low: 0 };
  const time = row === NO_ROW ? archived.lastTimeOf(high, low) : table.lastTime(row);
  return time === EARLIEST || Number.isNaN(time) ? undefined : time;
};
