/**
 * Purges series that recovery found without any sample: a crash cut off the journal after their creation, or their file is
 * gone. No checkpoint would record them, so the label indexes would keep their entries forever. A checkpoint would not
 * record a series that has only late samples either: these go into a chunk.
 */

import { Slices } from '../async/slices.ts';
import type { Indexer } from '../indexes/indexer.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import { chunkLate } from '../series/chunk-late.ts';
import type { LateSamples } from '../series/late-samples.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import type { SeriesTable } from '../series/table.ts';

/** Rows between two readings of the clock. */
const ROWS_PER_LOOK = 4096;

export interface EmptySeriesParts {
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly late: LateSamples;
  readonly indexer: Indexer;
  readonly clock: Clock;
  readonly publish: (event: LifecycleEvent) => Position;
}

/** `damaged`: series whose file is damaged. They are left alone, because they are quarantined later. */
export const endEmptySeries = async (
  { table, chunks, late, indexer, clock, publish }: EmptySeriesParts,
  damaged: ReadonlySet<Fingerprint>,
): Promise<void> => {
  const slices = new Slices(clock);
  for (let row = 0; row < table.size; row++) {
    if (row % ROWS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
    if (!table.isLive(row) || table.chunksInFile[row] !== 0 || table.chunksUnpersisted[row] > 0) continue;
    if (late.has(row)) {
      chunkLate({ table, chunks, late }, row);
      continue;
    }
    const high = table.high[row];
    const low = table.low[row];
    const fingerprint = fingerprintText(high, low);
    const pairs = table.labels[row];
    if (pairs === undefined || damaged.has(fingerprint)) continue;
    if (indexer.queued >= indexer.capacity) await indexer.flush();
    const labels = toLabels(pairs);
    const position = publish({ type: 'seriesPurged', time: clock.now(), fingerprint, labels, reason: 'empty' });
    indexer.enqueue({ type: 'unindex', high, low, pairs, position });
    chunks.clean(row);
    table.remove(row);
  }
};
