/** The labels of a series that a sender gave as names and values in turn, in any order. */
import type { Labels } from '../../index.ts';
import { quoteBriefly } from '../../text/json-lines.ts';

/**
 * The labels, or a sentence that says what is wrong with them: a name occurs twice or is empty, or the metric has no
 * name. A label with an empty value counts as absent.
 */
export const labelsFromPairs = (pairs: readonly string[]): Labels | string => {
  const labels: Record<string, string> = {};
  let last = '';
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i];
    if (name === '') return 'a label has an empty name';
    // In sorted labels every name is after the last one, and none needs to be looked up.
    if (name > last) last = name;
    else if (Object.hasOwn(labels, name)) return `the label ${quoteBriefly(name)} occurs twice`;
    if (name === '__proto__') setProto(labels, pairs[i + 1]);
    else labels[name] = pairs[i + 1];
  }
  return labels['__name__'] ? labels : 'the metric name, the label __name__, is missing or empty';
};

/** Assigning to `__proto__` would set the object's prototype. */
const setProto = (labels: Record<string, string>, value: string): void => {
  Object.defineProperty(labels, '__proto__', { value, enumerable: true, configurable: true, writable: true });
};
