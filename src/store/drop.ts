/**
 * Deletes series, or a time range of series. The journal records the deletion before a file is changed.
 *
 * A series is deleted through its statechart, which deletes the file. A time range is left out of all answers at once;
 * the next visit rewrites the file without it.
 */
import { seriesTags } from '../../machines/series-states.ts';
import type { Selector } from '../api/api.ts';
import { TidemarkError } from '../model/errors.ts';
import type { FoundSeries } from '../query/find-series.ts';
import { eraseSpan } from '../series/erase-span.ts';
import type { TimeSpan } from '../series/erased-ranges.ts';
import { keyOfRow } from '../series/row-identity.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import type { Running } from './running.ts';

/** Drops whole series if the range is open at both ends, otherwise the samples in the range. */
export const dropSamples = (running: Running, selector: Selector, span: TimeSpan): Promise<number> =>
  span.from === Number.NEGATIVE_INFINITY && span.through === Number.POSITIVE_INFINITY
    ? dropSeries(running, selector)
    : dropSpan(running, selector, span);

/** Resolves with the number of deleted series. Rejects with `TIDEMARK_IO` when some files could not be deleted. */
const dropSeries = async (running: Running, selector: Selector): Promise<number> => {
  const { table } = running.engine;
  const found = await running.queries.find(selector, { from: -Infinity, through: Infinity });
  const rows: { readonly row: Row; readonly generation: number }[] = [];
  for (const { high, low, pairs } of found) {
    await running.visits.room();
    const known = table.findFingerprint(high, low);
    if (known === NO_ROW && !running.recovered.archived.has(high, low)) continue;
    const row = known === NO_ROW ? running.rows.borrow(high, low, pairs) : known;
    rows.push({ row, generation: table.generation(row) });
    running.actors.send(row, { type: 'drop' });
  }
  await Promise.all(rows.map(({ row }) => running.actors.settled(row)));
  const remaining = rows.filter(({ row, generation }) => table.generation(row) === generation).length;
  // A crash must not bring back a series, from the journal or the checkpoint, after the caller was told that it is
  // deleted.
  if (rows.length > 0) await running.commit();
  if (rows.length > 0) running.actor.send({ type: 'diskFreed' });
  if (remaining === 0) return rows.length;
  throw new TidemarkError(
    'TIDEMARK_IO',
    `the files of ${remaining} of ${rows.length} series could not be deleted; the next maintenance visit tries again`,
    { details: { remaining, deleted: rows.length - remaining } },
  );
};

/** Resolves with the number of series that may have had samples in the range, when the deletion is durable. */
const dropSpan = async (running: Running, selector: Selector, span: TimeSpan): Promise<number> => {
  let dropped = 0;
  for (const series of await running.queries.find(selector, span)) {
    await running.visits.room();
    if (await dropFrom(running, series, span)) dropped++;
  }
  if (dropped > 0) await running.commit();
  return dropped;
};

/**
 * Drops the range from one series. An archived series is woken: its file has to be rewritten. While the file's key is
 * held, no call writes to the file or moves chunks to it.
 */
const dropFrom = async (
  { engine, recovered, directory, visits }: Running,
  { high, low, pairs }: FoundSeries,
  span: TimeSpan,
): Promise<boolean> => {
  const { table, fileKeys, clock, late } = engine;
  const { archived, bus, journal } = recovered;
  if (table.findFingerprint(high, low) === NO_ROW && !archived.has(high, low)) return false;
  const row = directory.resolvePairs(pairs);
  // A series that is being deleted or moved to quarantine loses these samples anyway.
  if (seriesTags.onDisk[table.stateCode(row)] === 1) directory.makeWritable(row);
  if (seriesTags.writable[table.stateCode(row)] === 0) return false;
  const generation = table.generation(row);
  const release = await fileKeys.acquire(keyOfRow(table, row));
  try {
    // The series may have been deleted, or moved to quarantine, while its key was awaited.
    if (table.generation(row) !== generation) return false;
    const position = journal.end;
    bus.publish({ type: 'samplesDropped', time: clock.now(), fingerprint: keyOfRow(table, row), ...finite(span) });
    eraseSpan(engine, row, span, position);
    // A checkpoint does not record a series without samples, so that a crash would leave its entries in the indexes.
    if (table.hasNoChunks(row) && !late.has(row)) visits.again(row);
    return true;
  } finally {
    release();
  }
};

/** JSON has no infinities, so an open end is left out of the event. */
const finite = ({ from, through }: TimeSpan): Partial<TimeSpan> => ({
  ...(Number.isFinite(from) ? { from } : {}),
  ...(Number.isFinite(through) ? { through } : {}),
});
