/**
 * Before a query asks the indexes, what waits for them is written. While the journal is refused by the disk, that can't be
 * done, and the query is answered all the same: what the indexes lack are series in memory, which the table knows, since
 * none can leave memory without the journal. Where only the indexes are refused, the query fails: it might omit some.
 */
import { isDiskTrouble } from '../errors.ts';
import type { Indexer } from '../index/indexer.ts';

/** Whether the indexes know every series that existed when this was called. */
export const settleIndex = async (indexer: Indexer, isJournalRefused: () => boolean): Promise<boolean> => {
  if (indexer.queued === 0) return true;
  try {
    await indexer.flush();
    return true;
  } catch (error) {
    if (!isDiskTrouble(error) || !isJournalRefused()) throw error;
    return false;
  }
};
