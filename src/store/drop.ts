/**
 * Deletes series for good, each through its statechart. The journal records the deletion before the file is deleted.
 */
import type { Selector } from '../api/api.ts';
import { TidemarkError } from '../model/errors.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import type { Running } from './running.ts';

/** Resolves with the number of deleted series. Rejects with `TIDEMARK_IO` when some files could not be deleted. */
export const dropSeries = async (running: Running, selector: Selector): Promise<number> => {
  const { table } = running.engine;
  const found = await running.queries.find(selector, {
    from: Number.NEGATIVE_INFINITY,
    through: Number.POSITIVE_INFINITY,
  });
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
