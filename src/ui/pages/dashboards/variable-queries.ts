/** The queries of variables: `label_values(label)` and `label_values(selector, label)`. */

export interface LabelValuesQuery {
  readonly label: string;
  /** The series whose values are asked for; empty for all. */
  readonly selector: string;
}

/** `undefined` if the text is no such query. */
export const parseVariableQuery = (text: string): LabelValuesQuery | undefined => {
  const inside = /^\s*label_values\(\s*(.*?)\s*\)\s*$/s.exec(text)?.[1];
  const match = inside === undefined ? null : /^(?:(.+?)\s*,\s*)?("?)([a-zA-Z_][\w.:-]*)\2$/s.exec(inside);
  return match === null ? undefined : { selector: match[1] ?? '', label: match[3] };
};

/** The values that a regular expression leaves: those that match; of a group, what it captured. Sorted, each once. */
export const filterValues = (values: readonly string[], regex: string): string[] => {
  const compare = new Intl.Collator('en', { numeric: true }).compare;
  if (regex === '') return [...new Set(values)].sort(compare);
  let pattern: RegExp;
  try {
    pattern = new RegExp(regex);
  } catch {
    return [];
  }
  const found = values.flatMap((value) => {
    const match = pattern.exec(value);
    return match === null ? [] : [match.groups?.['value'] ?? match[1] ?? match[0]];
  });
  return [...new Set(found)].sort(compare);
};
