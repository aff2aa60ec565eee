/** The time span of a store's samples, in memory and archived. */
import { EARLIEST } from '../model/int64.ts';
import { firstTimeOfRow } from '../series/series-memory.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';

/** Time of the oldest known sample; EARLIEST in an empty store. */
export const oldestTime = (engine: Engine, { archived }: Recovered): number => {
  let oldest = Number.POSITIVE_INFINITY;
  for (const row of engine.table.rows()) {
    const first = firstTimeOfRow(engine, row);
    if (first !== EARLIEST && first < oldest) oldest = first;
  }
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
    oldest = Math.min(oldest, archived.firstTimeAt(slot));
  }
  return oldest === Number.POSITIVE_INFINITY ? EARLIEST : oldest;
};

/** Time of the newest sample; EARLIEST in an empty store. */
export const newestTime = ({ table }: Engine, { archived }: Recovered): number => {
  let newest = EARLIEST;
  for (const row of table.rows()) newest = Math.max(newest, table.lastTime(row));
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
    newest = Math.max(newest, archived.lastTimeAt(slot));
  }
  return newest;
};
