/** Label sets of results: computed once for each series or group, never for a step. */
import { type LabelPairs, labelValue, METRIC_NAME, pairsEqual, pairsHash } from '../../model/labels.ts';
import { hasEscapedBytes, INVALID_UTF16, utf8ByteCount } from '../../model/utf8.ts';

/** Whether a query may give a label this name: any UTF-8 text that is not empty. */
export const isLabelName = (name: string): boolean =>
  name !== '' && !hasEscapedBytes(name) && utf8ByteCount(name) !== INVALID_UTF16;

/** Type and unit of a metric. What is computed from a metric is another one, so they go together with its name. */
const isTypeOrUnit = (name: string): boolean => name === '__type__' || name === '__unit__';

/** The labels without the metric name, and without its type and unit. */
export const withoutName = (pairs: LabelPairs): LabelPairs => {
  const rest: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] !== METRIC_NAME && !isTypeOrUnit(pairs[i])) rest.push(pairs[i], pairs[i + 1]);
  }
  return rest.length === pairs.length ? pairs : rest;
};

export const hasTypeOrUnit = (pairs: LabelPairs): boolean => {
  for (let i = 0; i < pairs.length; i += 2) if (isTypeOrUnit(pairs[i])) return true;
  return false;
};

/** The labels without one of them; the same object if it is not among them. */
export const without = (pairs: LabelPairs, name: string): LabelPairs => {
  for (let found = 0; found < pairs.length; found += 2) {
    if (pairs[found] !== name) continue;
    const rest: string[] = [];
    for (let i = 0; i < pairs.length; i++) if (i !== found && i !== found + 1) rest.push(pairs[i]);
    return rest;
  }
  return pairs;
};

/** Sets a label; an empty value deletes it. */
export const withLabel = (pairs: LabelPairs, name: string, value: string): LabelPairs => {
  const result = [...without(pairs, name)];
  if (value === '') return result;
  let index = 0;
  while (index < result.length && result[index] < name) index += 2;
  result.splice(index, 0, name, value);
  return result;
};

/** Writes only the labels with these names to `into`. The names are sorted. */
export const keepLabels = (pairs: LabelPairs, sortedNames: readonly string[], into: string[]): void => {
  into.length = 0;
  for (const name of sortedNames) {
    const value = labelValue(pairs, name);
    if (value !== '') into.push(name, value);
  }
};

/** Writes the labels without these names, and without the metric name, to `into`. */
export const removeLabels = (pairs: LabelPairs, names: ReadonlySet<string>, into: string[]): void => {
  into.length = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] !== METRIC_NAME && !names.has(pairs[i])) into.push(pairs[i], pairs[i + 1]);
  }
};

/** Gives label sets numbers from 0 on: equal sets, equal numbers. */
export class LabelNumbers {
  readonly sets: LabelPairs[] = [];
  /** The newest set of each hash; `nextOf` leads to the older ones. */
  private readonly newestOf = new Map<number, number>();
  private readonly nextOf: number[] = [];

  get size(): number {
    return this.sets.length;
  }

  /** -1 if the set has no number. */
  find(pairs: LabelPairs): number {
    let number = this.newestOf.get(pairsHash(pairs)) ?? -1;
    while (number >= 0 && !pairsEqual(this.sets[number], pairs)) number = this.nextOf[number];
    return number;
  }

  /** The number of the set, a new one if there is none. With `isShared` the array is copied before it is kept. */
  numberOf(pairs: LabelPairs, isShared: boolean): number {
    const hash = pairsHash(pairs);
    const newest = this.newestOf.get(hash) ?? -1;
    let number = newest;
    while (number >= 0 && !pairsEqual(this.sets[number], pairs)) number = this.nextOf[number];
    if (number >= 0) return number;
    number = this.sets.push(isShared ? pairs.slice() : pairs) - 1;
    this.nextOf.push(newest);
    this.newestOf.set(hash, number);
    return number;
  }
}
