/** The labels of all archived series, when the index that has them is damaged. */
import { ArchiveBatch, ArchiveIndex } from '../index/archive-index.ts';
import { isCorruptIndex } from '../index/replaceable-store.ts';
import type { LabelPairs } from '../model/labels.ts';
import { isOwnFingerprint, nameSeries } from '../recovery/naming.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './opening.ts';

/** Series read by one call, while nothing in the way is damaged. */
const READ_AT_ONCE = 256;

interface Halves {
  readonly high: number;
  readonly low: number;
}

export interface NamedArchive {
  /** Puts the labels into an empty index. */
  readonly named: ArchiveBatch;
  readonly unnamed: readonly Halves[];
}

/**
 * What the damaged index still has counts where the fingerprint is that of the labels. The other series are named as after a
 * crash. Series whose archiving waits in the indexing queue are left out: the queue has their labels.
 */
export const nameArchived = async (engine: Engine, recovered: Recovered): Promise<NamedArchive> => {
  const { archived, databases, indexer, journal, labels } = recovered;
  const { clock } = engine;
  const damaged = new ArchiveIndex(databases.metric.current, databases.timeRange.current, engine.texts);
  const named = new ArchiveBatch();
  const rest: Halves[] = [];
  let page: Halves[] = [];
  const readPage = async (): Promise<void> => {
    const found = await readWhatGoes(damaged, page);
    for (const [index, { high, low }] of page.entries()) {
      const pairs = found[index];
      if (pairs !== undefined && isOwnFingerprint(high, low, pairs)) named.putMetric(high, low, pairs);
      else rest.push({ high, low });
    }
    page = [];
    await clock.breathe();
  };
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
    const halves = { high: archived.highAt(slot), low: archived.lowAt(slot) };
    if (indexer.pendingArchived(halves.high, halves.low) !== undefined) continue;
    page.push(halves);
    if (page.length === READ_AT_ONCE) await readPage();
  }
  await readPage();
  // The history is read from the disk.
  await journal.commit();
  const { fileSystem, directory, journalDirectory } = engine;
  const breathe = (): Promise<void> => clock.breathe();
  const names = await nameSeries({ fileSystem, directory, journalDirectory, labels, breathe }, rest);
  const unnamed = rest.filter(({ high, low }) => {
    const pairs = names.get(high, low);
    if (pairs !== undefined) named.putMetric(high, low, pairs);
    return pairs === undefined;
  });
  return { named, unnamed };
};

/** `undefined` for those that are missing or can't be read. A damaged block takes only the series in it away. */
const readWhatGoes = async (
  index: ArchiveIndex,
  page: readonly Halves[],
): Promise<readonly (LabelPairs | undefined)[]> => {
  try {
    return await index.labelsOfMany(page.flatMap(({ high, low }) => [high, low]));
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    if (page.length <= 1) return [undefined];
    const middle = page.length >> 1;
    return [...(await readWhatGoes(index, page.slice(0, middle))), ...(await readWhatGoes(index, page.slice(middle)))];
  }
};

/** Also when an attempt before has closed the database and failed then. */
const isUnreadable = (error: unknown): boolean =>
  isCorruptIndex(error) || (error instanceof Error && 'code' in error && error.code === 'TIDEMARK_CLOSED');
