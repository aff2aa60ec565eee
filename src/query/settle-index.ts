/**
 * Before a query uses the indexes, waiting index operations are written.
 *
 * While the disk refuses the journal's writes, that is not possible, but the query can still be answered. Only series
 * in memory can be missing from the indexes, because no series can leave memory without the journal, and the table has
 * all series in memory. If the disk refuses only the indexes' writes, the query fails, because its answer might omit
 * series. It also fails after a failed rebuild of the label indexes.
 */

import type { Indexer } from '../indexes/indexer.ts';
import { isDiskTrouble, TidemarkError } from '../model/errors.ts';

/** Whether the indexes have every series that existed when this was called. */
export const settleIndex = async (indexer: Indexer, isJournalRefused: () => boolean): Promise<boolean> => {
  const isSettled = indexer.queued === 0 || (await flushIfPossible(indexer, isJournalRefused));
  if (indexer.hasWholeLabels) return isSettled;
  throw new TidemarkError(
    'TIDEMARK_CORRUPT_INDEX',
    'the label indexes are incomplete because rebuilding them failed; call rebuildIndexes() again, or close and open the store',
  );
};

const flushIfPossible = async (indexer: Indexer, isJournalRefused: () => boolean): Promise<boolean> => {
  try {
    await indexer.flush();
    return true;
  } catch (error) {
    if (!isDiskTrouble(error) || !isJournalRefused()) throw error;
    return false;
  }
};
