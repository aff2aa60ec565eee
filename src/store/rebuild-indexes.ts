/**
 * Rebuilds the label indexes from the series that exist: they are projections, and this is how one that is damaged, or
 * suspected, is replaced. In a running store appends go on meanwhile, new series wait in the indexing queue, and queries
 * wait until the indexes are whole again.
 *
 * LOST_INDEXES names both indexes from before the first entry is deleted until the last one is on the disk, and the indexer
 * writes to neither in between. So a rebuild that a crash or an error ends is done again by the next opening, whatever
 * was written to the indexes meanwhile.
 */
import type { Progress } from '../api.ts';
import type { IndexedSeries } from '../index/label-index.ts';
import { forgetLostIndexes } from '../index/lost-indexes.ts';
import type { Position } from '../model/events.ts';
import { NO_ROW, type SeriesTable } from '../series/table.ts';
import { distrustLabelIndexes, LABEL_INDEXES } from './distrust-labels.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './opening.ts';

/** Series of one page. */
const PAGE_SERIES = 4096;

/** For a store that runs: resolves when the indexes are whole and on the disk. */
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

/** For a store that is being opened: the label indexes are suspended since before the first operation. */
export const buildLabelIndexes = async (
  engine: Engine,
  recovered: Recovered,
  onProgress: (done: number) => void,
): Promise<void> => {
  const { indexer, journal } = recovered;
  // What recovery has enqueued is about series that the build finds. Later, it would take the position back.
  await indexer.flush();
  await indexer.alone(() => fillLabelIndexes(engine, recovered, journal.end, onProgress));
};

/**
 * Replaces what the label indexes hold. Only in {@link Indexer.alone}: a series whose archiving is written meanwhile would
 * be found neither on the disk nor on its way there. If it fails, nothing is looked up in them until it succeeds.
 */
export const fillLabelIndexes = async (
  engine: Engine,
  recovered: Recovered,
  position: Position,
  onProgress: (done: number) => void,
): Promise<void> => {
  const { indexer, labels } = recovered;
  distrustLabelIndexes(engine, indexer);
  await labels.rebuild(allSeries(engine, recovered), { position, onProgress, breathe: () => engine.clock.breathe() });
  indexer.resumeLabels();
  if (!engine.options.readOnly) forgetLostIndexes(engine.fileSystem, engine.directory, LABEL_INDEXES);
};

/**
 * Every series there is, in pages. Those in memory and those on their way to the archive are noted at one moment, because
 * a series moves between the two while the others are looked at. The archive on the disk stays as it is meanwhile.
 */
async function* allSeries(
  { table, clock }: Engine,
  { archive, archived, indexer }: Recovered,
): AsyncGenerator<IndexedSeries[]> {
  const noted = seriesInMemory(table);
  for (const series of indexer.waitingToBeArchived) noted.push(series);
  const exists = ({ high, low }: IndexedSeries): boolean =>
    archived.has(high, low) || table.findFingerprint(high, low) !== NO_ROW;
  for (let start = 0; start < noted.length; start += PAGE_SERIES) {
    yield noted.slice(start, start + PAGE_SERIES).filter(exists);
    await clock.breathe();
  }
  for await (const { entries } of archive.scanMetrics()) yield entries.filter(exists);
}

const seriesInMemory = (table: SeriesTable): IndexedSeries[] => {
  const found: IndexedSeries[] = [];
  for (const row of table.rows())
    found.push({ high: table.high[row], low: table.low[row], pairs: table.labels[row] ?? [] });
  return found;
};
