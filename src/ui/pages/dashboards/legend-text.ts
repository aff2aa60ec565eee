/** Names of series in a legend, by a text with `{{label}}`. */
import { distinguish } from '../../parts/text/series-names.ts';
import type { Labels } from '../../server/server-answers.ts';

/** The text with the values of labels in place of `{{label}}`; a label that the series lacks is empty. */
const filled = (text: string, labels: Labels): string =>
  text.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (_, name: string) => (Object.hasOwn(labels, name) ? labels[name] : ''));

/**
 * The names of series of several queries. `texts`: the legend's text of each series; without one it is named by the
 * labels in which the series differ, or by its query if it has none.
 */
export const legendNames = (
  list: readonly Labels[],
  texts: readonly string[],
  queries: readonly string[],
): readonly string[] => {
  const unnamed = list.filter((_, i) => texts[i] === '');
  const distinguished = distinguish(unnamed);
  const shortNames = new Map(unnamed.map((labels, i) => [labels, distinguished[i]]));
  return list.map((labels, i) => {
    if (texts[i] !== '') return filled(texts[i], labels) || queries[i];
    const name = shortNames.get(labels) ?? '{}';
    return name === '{}' ? queries[i] : name;
  });
};
