/**
 * Before a query asks the indexes, what waits for them is written. While the disk refuses, that can't be done, and the
 * query is answered all the same: what the indexes lack are series in memory, which the table knows.
 */
import { isDiskTrouble } from '../errors.ts';
import type { Indexer } from '../index/indexer.ts';

/** Whether the indexes know every series that existed when this was called. */
export const settleIndex = async (indexer: Indexer): Promise<boolean> => {
  if (indexer.queued === 0) return true;
  try {
    await indexer.flush();
    return true;
  } catch (error) {
    if (!isDiskTrouble(error)) throw error;
    return false;
  }
};
