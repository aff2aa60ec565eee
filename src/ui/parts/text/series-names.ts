/** Names of series. */
import type { Labels } from '../../server/server-answers.ts';

const escapeValue = (text: string): string =>
  text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));

const quote = (text: string): string => `"${escapeValue(text)}"`;

/** `up{job="node"}`, which is also the selector of exactly these labels. */
export const formatLabels = (labels: Labels): string => {
  const name = labels['__name__'] ?? '';
  const classic = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
  const parts = Object.keys(labels)
    .filter((label) => label !== '__name__')
    .sort()
    .map((label) => `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) ? label : quote(label)}=${quote(labels[label])}`);
  if (name !== '' && !classic) parts.unshift(quote(name));
  if (parts.length === 0) return classic ? name : '{}';
  return `${classic ? name : ''}{${parts.join(', ')}}`;
};

/** Short names of series for a legend, with only the labels in which they differ. */
export const distinguish = (list: readonly Labels[]): string[] => {
  const names = new Set(list.flatMap((labels) => Object.keys(labels)));
  const differing = [...names].filter((name) => list.some((labels) => labels[name] !== list[0][name]));
  return list.map((labels) => {
    if (list.length < 2) return formatLabels(labels);
    return formatLabels(
      Object.fromEntries(differing.filter((name) => name in labels).map((name) => [name, labels[name]])),
    );
  });
};

/** The labels that all series have in common. */
export const commonLabels = (list: readonly Labels[]): Labels =>
  Object.fromEntries(
    Object.entries(list[0] ?? {}).filter(([name, value]) => list.every((labels) => labels[name] === value)),
  );
