/** Finds the labels of all archived series when the index that holds them is damaged. */

import { ArchiveBatch, ArchiveIndex } from '../indexes/archive-index.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import { codeOf } from '../model/errors.ts';
import type { LabelPairs } from '../model/labels.ts';
import { isOwnFingerprint, nameSeries } from '../recovery/naming.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';

/** Number of series read by one call, as long as no damage is found. */
const READ_AT_ONCE = 256;

interface Halves {
  readonly high: number;
  readonly low: number;
}

export interface NamedArchive {
  /** A batch that writes the labels to an empty index. */
  readonly named: ArchiveBatch;
  readonly unnamed: readonly Halves[];
}

/**
 * An entry of the damaged index is used if the fingerprint matches its labels. The other series are named as after a
 * crash. Series whose archiving waits in the indexing queue are left out, because the queue has their labels.
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
  // `nameSeries` reads the history from the disk.
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

/**
 * Returns `undefined` for series that are missing or can't be read. A damaged block affects only the series in it: a
 * page that can't be read is halved until the damage is isolated.
 */
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

/**
 * Whether the entry can't be read. A closed database counts too: an earlier attempt to replace it closed it and failed.
 */
const isUnreadable = (error: unknown): boolean => isCorruptIndex(error) || codeOf(error) === 'TIDEMARK_CLOSED';
