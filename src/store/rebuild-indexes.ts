/**
 * Rebuilds the label indexes from the existing series. The label indexes are projections, so one that is damaged, or
 * may be wrong, is replaced this way. In a running store appends go on meanwhile, operations for new series wait in the
 * indexing queue, and queries wait until the indexes are whole again.
 *
 * LOST_INDEXES names both indexes from before the first entry is deleted until the last one is on disk, and the indexer
 * writes to neither in between. So if a crash or an error ends a rebuild, the next opening repeats it, whatever was
 * written to the indexes meanwhile.
 */
import type { Progress } from '../api/api.ts';
import { Slices } from '../async/slices.ts';
import type { IndexedSeries } from '../indexes/label-index.ts';
import { forgetLostIndexes } from '../indexes/lost-indexes.ts';
import type { Position } from '../model/events.ts';
import { NO_ROW } from '../series/table.ts';
import { distrustLabelIndexes, LABEL_INDEXES } from './distrust-labels.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';

/** Number of series in a page. */
const PAGE_SERIES = 4096;

/** For a running store. Resolves when the indexes are whole and on disk. */
export const rebuildIndexes = (
  engine: Engine,
  recovered: Recovered,
  onProgress: (progress: Progress) => void,
): Promise<void> => {
  const { indexer, journal } = recovered;
  return indexer.alone(async () => {
    const position = await journal.commit();
    const total = engine.table.live + recovered.archived.size;
    await fillLabelIndexes(engine, recovered, position, (done) => {
      onProgress({ phase: 'label indexes', done, total: Math.max(done, total) });
    });
  });
};

/** For a store that is being opened. The label indexes must have been suspended before the first operation. */
export const buildLabelIndexes = async (
  engine: Engine,
  recovered: Recovered,
  onProgress: (done: number) => void,
): Promise<void> => {
  const { indexer, journal } = recovered;
  // The rebuild finds all series of the operations that recovery has enqueued. If these operations were written after
  // the rebuild, they would set the indexes' position back.
  await indexer.flush();
  await indexer.alone(() => fillLabelIndexes(engine, recovered, journal.end, onProgress));
};

/**
 * Replaces the content of the label indexes. Call it only in {@link Indexer.alone}: otherwise a series whose archiving
 * is written meanwhile would be found neither on disk nor in the queue. If this fails, no lookup uses the indexes until
 * it succeeds.
 */
export const fillLabelIndexes = async (
  engine: Engine,
  recovered: Recovered,
  position: Position,
  onProgress: (done: number) => void,
): Promise<void> => {
  const { indexer, labels } = recovered;
  distrustLabelIndexes(engine, indexer);
  await labels.rebuild(allSeries(engine, recovered), { position, onProgress, slices: new Slices(engine.clock) });
  indexer.resumeLabels();
  if (!engine.options.readOnly) forgetLostIndexes(engine.fileSystem, engine.directory, LABEL_INDEXES);
};

/**
 * All series, in pages. Series in memory and series that wait to be archived are collected at one moment, because a
 * series may move from the first group to the second while pages are written. The archive on disk does not change
 * meanwhile.
 */
async function* allSeries(
  { table, clock }: Engine,
  { archive, archived, indexer }: Recovered,
): AsyncGenerator<IndexedSeries[]> {
  // Columns are copied and not turned into objects: that takes milliseconds for a million series.
  const rows = Int32Array.from(table.rows());
  const highs = table.high.slice(0, table.size);
  const lows = table.low.slice(0, table.size);
  const labels = table.labels.slice(0, table.size);
  const waiting = indexer.waitingToBeArchived;
  const exists = ({ high, low }: IndexedSeries): boolean =>
    archived.has(high, low) || table.findFingerprint(high, low) !== NO_ROW;
  for (let start = 0; start < rows.length; start += PAGE_SERIES) {
    const page: IndexedSeries[] = [];
    for (const row of rows.subarray(start, start + PAGE_SERIES)) {
      const series = { high: highs[row], low: lows[row], pairs: labels[row] ?? [] };
      if (exists(series)) page.push(series);
    }
    yield page;
    await clock.breathe();
  }
  yield waiting.filter(exists);
  for await (const { entries } of archive.scanMetrics()) yield entries.filter(exists);
}
