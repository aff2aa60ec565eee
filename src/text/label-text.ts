/**
 * Label sets as text: their order, and the form `name{label="value"}` of the text formats and of messages. Names that
 * are not in the classic form are quoted, as in Prometheus 3: `{"my.metric", "label.name"="value"}`.
 */

import { sortWithPauses } from '../async/sort-with-pauses.ts';
import type { Labels } from '../model/labels.ts';

/** The order of names and values. */
export const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The sorted names of labels that have a value. */
const sortedNames = (labels: Labels): string[] =>
  Object.keys(labels)
    .filter((name) => labels[name] !== '')
    .sort(byCodeUnits);

/** Names and values in turn, sorted by name; without labels that have no value. */
export const sortedPairs = (labels: Labels): string[] => sortedNames(labels).flatMap((name) => [name, labels[name]]);

const comparePairs = (a: readonly string[], b: readonly string[]): number => {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = byCodeUnits(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
};

/**
 * Orders label sets: compares the first labels by name, then by value, then the next labels, and so on. If one set is
 * the beginning of the other, it comes first.
 */
export const compareLabels = (a: Labels, b: Labels): number => comparePairs(sortedPairs(a), sortedPairs(b));

/** Sorts a list in the order of {@link compareLabels}; 100,000 label sets take a fraction of a second. */
export const sortByLabels = <T>(list: readonly T[], labelsOf: (item: T) => Labels): T[] =>
  list
    .map((item) => ({ item, pairs: sortedPairs(labelsOf(item)) }))
    .sort((a, b) => comparePairs(a.pairs, b.pairs))
    .map(({ item }) => item);

/** Label sets that {@link firstByLabels} processes before it yields to the event loop: a millisecond or two. */
const perSlice = 1000;

/**
 * The first `count` label sets in the order of {@link compareLabels}. Does not sort the rest, and yields to the event
 * loop.
 */
export const firstByLabels = async (
  list: readonly Labels[],
  count: number,
  breathe: () => Promise<void>,
): Promise<Labels[]> => {
  interface Candidate {
    readonly labels: Labels;
    readonly pairs: readonly string[];
  }
  const inOrder = (a: Candidate, b: Candidate): number => comparePairs(a.pairs, b.pairs);
  let candidates: Candidate[] = [];
  /** The last of the first `count` candidates: later label sets can't be in the result. */
  let bound: Candidate | undefined;
  const cut = async (): Promise<void> => {
    candidates = (await sortWithPauses(candidates, inOrder, breathe)).slice(0, count);
    bound = candidates[count - 1];
  };
  for (let i = 0; i < list.length; i++) {
    const pairs = sortedPairs(list[i]);
    if (bound === undefined || comparePairs(pairs, bound.pairs) < 0) candidates.push({ labels: list[i], pairs });
    if (candidates.length >= 2 * count + perSlice) await cut();
    if (i % perSlice === perSlice - 1) await breathe();
  }
  await cut();
  return candidates.map(({ labels }) => labels);
};

const classicMetricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const classicLabelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Escapes a label value for the text formats: backslash, double quote and line feed. */
const escapeLabelValue = (value: string): string =>
  value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));

const quote = (text: string): string => `"${escapeLabelValue(text)}"`;

/** `up{job="node"}`, with labels sorted by name; `{}` for no labels. */
export const formatLabels = (labels: Labels): string => {
  const name = labels['__name__'] ?? '';
  const parts = sortedNames(labels)
    .filter((label) => label !== '__name__')
    .map((label) => `${classicLabelName.test(label) ? label : quote(label)}=${quote(labels[label])}`);
  if (name === '') return `{${parts.join(',')}}`;
  if (!classicMetricName.test(name)) return `{${[quote(name), ...parts].join(',')}}`;
  return parts.length === 0 ? name : `${name}{${parts.join(',')}}`;
};

/** The label set as a plain object with sorted names, so that its JSON is always the same. */
export const sortedLabels = (labels: Labels): Labels =>
  Object.fromEntries(sortedNames(labels).map((name) => [name, labels[name]]));
