/**
 * Before a query asks the indexes, what waits for them is written. While the journal is refused by the disk, that can't be
 * done, and the query is answered all the same: what the indexes lack are series in memory, which the table knows, since
 * none can leave memory without the journal. Where only the indexes are refused, the query fails: it might omit some. So
 * it does after a rebuild of the label indexes that failed.
 */
import { isDiskTrouble, TidemarkError } from '../errors.ts';
import type { Indexer } from '../index/indexer.ts';

/** Whether the indexes know every series that existed when this was called. */
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
