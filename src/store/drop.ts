/** Deletes series for good: each one's statechart does it, file first. */
import type { Selector } from '../api.ts';
import { NO_ROW } from '../series/table.ts';
import type { Running } from './running.ts';

/** Resolves with the number of series deleted. */
export const dropSeries = async (running: Running, selector: Selector): Promise<number> => {
  const { table } = running.engine;
  const found = await running.queries.find(selector, {
    from: Number.NEGATIVE_INFINITY,
    through: Number.POSITIVE_INFINITY,
  });
  const rows: number[] = [];
  for (const { high, low, pairs } of found) {
    await running.room();
    const known = table.findFingerprint(high, low);
    if (known === NO_ROW && !running.recovered.archived.has(high, low)) continue;
    const row = known === NO_ROW ? running.lifecycle.borrow(high, low, pairs) : known;
    running.actors.send(row, { type: 'drop' });
    rows.push(row);
  }
  await Promise.all(rows.map((row) => running.actors.settled(row)));
  if (rows.length > 0) running.actor.send({ type: 'diskFreed' });
  return rows.length;
};
