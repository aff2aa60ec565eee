/**
 * Sorts series by their labels. The prefix that all label sets share, usually the metric's name, is compared once per
 * series, not in every comparison.
 */
import { compareLabelPairs, type LabelPairs } from '../model/labels.ts';

export const sortByLabels = (series: { readonly pairs: LabelPairs }[]): void => {
  if (series.length < 2) return;
  const same = sameFromTheStart(series);
  series.sort((a, b) => {
    const left = a.pairs[same];
    const right = b.pairs[same];
    // Most sets differ here. If one ends here, or both have the same text here, the whole sets are compared.
    if (left === undefined || right === undefined || left === right) return compareLabelPairs(a.pairs, b.pairs);
    return left < right ? -1 : 1;
  });
};

/** How many names and values from the beginning are the same in all series. */
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
