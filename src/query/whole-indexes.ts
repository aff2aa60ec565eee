/**
 * Runs lookups on complete indexes. If the indexes are rebuilt during a lookup, entries may be missing without the
 * lookup noticing, so the lookup is run again.
 */
import type { Indexer } from '../indexes/indexer.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import { TidemarkError } from '../model/errors.ts';

/** How often one lookup may find an index damaged. */
const DAMAGED_RUNS_MAX = 3;
/** Most runs of one look-up during which the indexes were rebuilt. */
const DISTURBED_RUNS_MAX = 100;

export interface WholeIndexesParts {
  readonly indexer: Pick<Indexer, 'exclusiveTurns'>;
  /** Rebuilds the damaged index. Rejects if that is not possible. */
  readonly mendIndexes: (error: unknown) => Promise<void>;
}

/** Runs a lookup. If it finds an index damaged, rebuilds the index and runs it again. Finally throws the last error. */
export const onWholeIndexes = async <Result>(
  { indexer, mendIndexes }: WholeIndexesParts,
  look: () => Promise<Result>,
): Promise<Result> => {
  let damagedRuns = 0;
  for (let disturbedRuns = 0; disturbedRuns < DISTURBED_RUNS_MAX; ) {
    const turns = indexer.exclusiveTurns;
    try {
      const result = await look();
      if (indexer.exclusiveTurns === turns) return result;
      disturbedRuns++;
    } catch (error) {
      if (!isCorruptIndex(error) || ++damagedRuns === DAMAGED_RUNS_MAX) throw error;
      await mendIndexes(error);
    }
  }
  throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', 'the indexes were rebuilt again and again during one look-up');
};
