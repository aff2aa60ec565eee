/**
 * A checkpoint records only series with chunks, in memory or in the file. So late samples do not wait when a series has
 * no chunk any more: they become one.
 */
import type { SeriesMemory } from './series-memory.ts';
import type { Row } from './table.ts';

/** Moves the late samples of a series without chunks into new ones. No file call of the series may be running. */
export const chunkLate = ({ table, chunks, late }: Pick<SeriesMemory, 'table' | 'chunks' | 'late'>, row: Row): void => {
  if (!table.hasNoChunks(row)) return;
  const waiting = late.of(row)?.waiting;
  if (waiting === undefined || waiting.count === 0) return;
  chunks.mergeLate(row, waiting, 0);
  late.settle(row, 0);
};
