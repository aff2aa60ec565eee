/**
 * Puts series in the order of their labels. What all of them begin with, the metric's name above all, is compared once for
 * each and not by each comparison.
 */
import { compareLabelPairs, type LabelPairs } from '../model/labels.ts';

export const sortByLabels = (series: { readonly pairs: LabelPairs }[]): void => {
  if (series.length < 2) return;
  const same = sameFromTheStart(series);
  series.sort((a, b) => {
    const left = a.pairs[same];
    const right = b.pairs[same];
    // Most differ right there; where one ends, or both go on alike, the whole sets decide.
    if (left === undefined || right === undefined || left === right) return compareLabelPairs(a.pairs, b.pairs);
    return left < right ? -1 : 1;
  });
};

/** How many names and values, from the first one on, are the same in all of them. */
const sameFromTheStart = (series: readonly { readonly pairs: LabelPairs }[]): number => {
  const [{ pairs: first }] = series;
  let same = first.length;
  for (const { pairs } of series) {
    let i = 0;
    while (i < same && pairs[i] === first[i]) i++;
    same = i;
  }
  return same;
};
