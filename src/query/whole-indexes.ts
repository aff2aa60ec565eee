/**
 * A lookup sees the indexes as they are from its beginning to its end, or is run again: while they are being made anew,
 * entries are missing that the lookup would not miss.
 */
import type { Indexer } from '../index/indexer.ts';
import { isCorruptIndex } from '../index/replaceable-store.ts';

/** Runs of one lookup at most that find an index damaged. */
const DAMAGED_RUNS_MAX = 3;

export interface WholeIndexesParts {
  readonly indexer: Pick<Indexer, 'exclusiveTurns'>;
  /** Makes anew what was found damaged. Rejects when that is not possible. */
  readonly mendIndexes: (error: unknown) => Promise<void>;
}

/** A lookup that finds an index damaged waits until the index is whole again. Throws what the last run threw. */
export const onWholeIndexes = async <Result>(
  { indexer, mendIndexes }: WholeIndexesParts,
  look: () => Promise<Result>,
): Promise<Result> => {
  for (let damagedRuns = 0; ; ) {
    const turns = indexer.exclusiveTurns;
    try {
      const result = await look();
      if (indexer.exclusiveTurns === turns) return result;
    } catch (error) {
      if (!isCorruptIndex(error) || ++damagedRuns === DAMAGED_RUNS_MAX) throw error;
      await mendIndexes(error);
    }
  }
};
