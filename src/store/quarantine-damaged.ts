/** Sends damaged series to quarantine, each through its statechart. */
import { fingerprintText } from '../model/fingerprint.ts';
import type { Logger } from '../ports/logger.ts';
import type { ActorRows } from '../series/actor-rows.ts';
import type { SeriesActors } from '../series/actors.ts';
import type { Isolation } from '../series/isolation.ts';
import type { SeriesDirectory } from '../series/series-lookup.ts';
import { NO_ROW, type SeriesTable } from '../series/table.ts';
import { DamageReports } from './damage-reports.ts';

export interface DamagedParts {
  readonly table: SeriesTable;
  readonly rows: Pick<ActorRows, 'borrow'>;
  readonly actors: Pick<SeriesActors, 'send'>;
  readonly isolation: Pick<Isolation, 'leavingPairs'>;
  readonly directory: Pick<SeriesDirectory, 'archivedPairs'>;
  readonly logger: Logger;
  readonly readOnly: boolean;
  /** Resolves when another file call may start. */
  readonly room: () => Promise<void>;
}

export interface Damaged {
  readonly reports: DamageReports;
  /** Called when a series is found damaged. A read-only store only logs it. */
  readonly report: (high: number, low: number, reason: string) => void;
}

export const quarantineDamaged = (parts: DamagedParts): Damaged => {
  const { logger, readOnly, room } = parts;
  const reports = new DamageReports({
    room,
    pass: ({ high, low, reason }) => quarantine(parts, high, low, reason),
    onError: (error) => logger.error({ err: error }, 'A damaged series could not be quarantined.'),
  });
  const report: Damaged['report'] = (high, low, reason) => {
    if (!readOnly) reports.add({ high, low, reason });
    else logger.warn({ fingerprint: fingerprintText(high, low), reason }, 'A series is damaged.');
  };
  return { reports, report };
};

const quarantine = (
  { table, rows, actors, isolation, directory }: DamagedParts,
  high: number,
  low: number,
  reason: string,
): void => {
  // The file is already being moved. If the fingerprint is in use again, it belongs to a new series.
  if (isolation.leavingPairs(high, low) !== undefined) return;
  const row = table.findFingerprint(high, low);
  const pairs = row === NO_ROW ? directory.archivedPairs(high, low) : table.labels[row];
  // The series is neither in memory nor archived: it no longer exists.
  if (pairs === undefined) return;
  actors.send(row === NO_ROW ? rows.borrow(high, low, pairs) : row, { type: 'damage', reason });
};
