/** Labels in files may be in any order; the store keeps them sorted by name. */
import type { LabelPairs } from './labels.ts';
import { MalformedBytes } from './malformed-bytes.ts';

/**
 * Turns names and values in any order into label pairs in the store's form. A name that occurs twice is an error,
 * because a label has one value.
 */
export const sortedPairs = (pairs: string[]): LabelPairs => {
  let previous = '';
  for (let i = 0; i < pairs.length; i += 2) {
    if ((i > 0 && pairs[i] <= previous) || pairs[i + 1] === '') return sortAll(pairs);
    previous = pairs[i];
  }
  return pairs;
};

const sortAll = (pairs: readonly string[]): LabelPairs => {
  const labels: (readonly [string, string])[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i + 1] !== '') labels.push([pairs[i], pairs[i + 1]]);
  }
  labels.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (let i = 1; i < labels.length; i++) {
    if (labels[i][0] === labels[i - 1][0]) throw new MalformedBytes(`label name ${labels[i][0]} occurs twice`);
  }
  return labels.flat();
};
