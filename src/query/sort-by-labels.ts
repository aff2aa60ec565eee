/**
 * Sorts series by their labels. The prefix that all label sets share, usually the metric's name, is compared once per
 * series, not in every comparison.
 */
import { sortWithPauses } from '../async/sort-with-pauses.ts';
import { compareLabelPairs, type LabelPairs } from '../model/labels.ts';

interface Labelled {
  readonly pairs: LabelPairs;
}

/** Sorting so many series takes a few milliseconds. More are sorted with pauses. */
const AT_ONCE = 4096;

/** Label sets that are compared with the first one between two calls of `breathe`: they may be in no cache yet. */
const COMPARED_AT_ONCE = 256;

/** The sorted list. `breathe` gives the thread to others when it is time to. */
export const sortByLabels = async <T extends Labelled>(
  series: T[],
  breathe: () => Promise<void> | undefined,
): Promise<readonly T[]> => {
  if (series.length < 2) return series;
  const same = await sameFromTheStart(series, breathe);
  const compare = (a: Labelled, b: Labelled): number => {
    const left = a.pairs[same];
    const right = b.pairs[same];
    // Most sets differ here. If one ends here, or both have the same text here, the whole sets are compared.
    if (left === undefined || right === undefined || left === right) return compareLabelPairs(a.pairs, b.pairs);
    return left < right ? -1 : 1;
  };
  return series.length <= AT_ONCE ? series.sort(compare) : sortWithPauses(series, compare, breathe);
};

/** How many names and values from the beginning are the same in all series. */
const sameFromTheStart = async (
  series: readonly Labelled[],
  breathe: () => Promise<void> | undefined,
): Promise<number> => {
  const [{ pairs: first }] = series;
  let same = first.length;
  for (let n = 0; n < series.length; n++) {
    if ((n + 1) % COMPARED_AT_ONCE === 0) await breathe();
    const { pairs } = series[n];
    let i = 0;
    while (i < same && pairs[i] === first[i]) i++;
    same = i;
  }
  return same;
};
