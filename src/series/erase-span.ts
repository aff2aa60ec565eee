/** Drops a time range of one series: at once from memory, later from its file. The drop is in the journal already. */
import { NO_SLOT } from '../chunk/slab.ts';
import type { Position } from '../model/events.ts';
import { chunkLate } from './chunk-late.ts';
import type { TimeSpan } from './erased-ranges.ts';
import type { SeriesMemory } from './series-memory.ts';
import { EARLIEST, type Row } from './table.ts';

/**
 * `position` is that of the drop's event, or an earlier one. No file call of the series may be running. `mayBeInFile`:
 * the file may have more chunks than the row says.
 *
 * If the newest samples are dropped, the series takes samples from the dropped range again. What its newest sample is
 * now may be known only to the file. Then the row's last time becomes a bound: no sample that is left is later.
 */
export const eraseSpan = (
  { table, chunks, late, erased }: Pick<SeriesMemory, 'table' | 'chunks' | 'late' | 'erased'>,
  row: Row,
  span: TimeSpan,
  position: Position,
  { mayBeInFile = false }: { readonly mayBeInFile?: boolean } = {},
): void => {
  const { from, through } = span;
  chunks.erase(row, span);
  late.erase(row, span);
  const lastInFile = table.lastChunkLastTime[row];
  const isInFile =
    table.chunksInFile[row] !== 0 &&
    (table.firstTime[row] === EARLIEST || table.firstTime[row] <= through) &&
    (lastInFile === EARLIEST || lastInFile >= from);
  if (isInFile || mayBeInFile) erased.add(row, span, position);
  const bound = Math.max(EARLIEST, from - 1);
  if (isInFile && lastInFile !== EARLIEST && lastInFile <= through) table.lastChunkLastTime[row] = bound;
  const lastTime = table.lastTime(row);
  if (lastTime < from || lastTime > through) return;
  if (table.oldestSlot(row) !== NO_SLOT) chunks.readLastSample(row);
  else if (table.chunksInFile[row] === 0) table.adoptLastTime(row, EARLIEST);
  else table.adoptLastTime(row, lastInFile === EARLIEST ? bound : Math.min(lastInFile, bound));
  // A chunk in memory with times before the file's end would be taken for one that the file has.
  if (!mayBeInFile) chunkLate({ table, chunks, late }, row);
  // A late sample may be the newest one that is left.
  if (late.lastTime(row) > table.lastTime(row)) chunks.adoptLastTime(row, late.lastTime(row));
};
