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
import { NO_ROW } from '../series/table.ts';
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

/**
 * Replaces what the label indexes hold. No batch may be on its way to them. If it fails, nothing is looked up in them
 * until it succeeds.
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
 * Every series there is, in pages; one that moves between memory and the archive meanwhile comes at least once. It is
 * looked for in memory first, then in the archive as it is on the disk, then among those on their way there.
 */
async function* allSeries(
  { table, clock }: Engine,
  { archive, archived, indexer }: Recovered,
): AsyncGenerator<IndexedSeries[]> {
  let page: IndexedSeries[] = [];
  for (const row of table.rows()) {
    page.push({ high: table.high[row], low: table.low[row], pairs: table.labels[row] ?? [] });
    if (page.length < PAGE_SERIES) continue;
    yield page;
    page = [];
    await clock.breathe();
  }
  yield page;
  const exists = (high: number, low: number): boolean =>
    archived.has(high, low) || table.findFingerprint(high, low) !== NO_ROW;
  for await (const { entries } of archive.scanMetrics()) yield entries.filter(({ high, low }) => exists(high, low));
  yield indexer.waitingToBeArchived.filter(({ high, low }) => exists(high, low));
}
