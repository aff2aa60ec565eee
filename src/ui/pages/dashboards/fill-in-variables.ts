/**
 * Puts the values of variables into queries, as Grafana does: `$name`, `${name}`, `${name:format}` and the old `[[name]]`.
 *
 * Of a variable of which several values can be chosen, a query gets a regular expression that matches any of them. Values
 * inside a string of PromQL are escaped as the string needs it; where a string begins and ends is found by its quotes.
 */

/** The value of a variable as it is chosen. */
export interface ChosenValue {
  readonly values: readonly string[];
  /** Whether queries get a regular expression: several values, or all, can be chosen. */
  readonly isRegex: boolean;
}

export type ChosenValues = Readonly<Record<string, ChosenValue>>;

const reference = /\$(\w+)|\$\{(\w+)(?::([\w-]+))?\}|\[\[(\w+)(?::([\w-]+))?\]\]/y;

/** Text of which a regular expression matches nothing else. */
const escapeRegex = (text: string): string => text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');

/** A regular expression that matches any of the values. */
const anyOf = (values: readonly string[]): string => {
  if (values.length === 0) return '.*';
  const escaped = values.map(escapeRegex);
  return escaped.length === 1 ? escaped[0] : `(${escaped.join('|')})`;
};

const formats: Readonly<Record<string, (values: readonly string[]) => string>> = {
  regex: anyOf,
  pipe: (values) => values.join('|'),
  csv: (values) => values.join(','),
  raw: (values) => values.join(','),
  text: (values) => values.join(' + '),
};

const textOf = ({ values, isRegex }: ChosenValue, format: string | undefined): string => {
  if (format !== undefined && Object.hasOwn(formats, format)) return formats[format](values);
  return isRegex ? anyOf(values) : (values[0] ?? '');
};

/** As a part of a string with this quote. A raw string has no escapes, so a backtick can't be in one. */
const escapeFor = (quote: string, text: string): string => {
  if (quote === '') return text;
  if (quote === '`') return text.replaceAll('`', '');
  return text.replace(/[\\"'\n]/g, (character) => {
    if (character === '\n') return '\\n';
    return character === '\\' || character === quote ? `\\${character}` : character;
  });
};

/** The query with the values. What names no variable stays as it is. */
export const fillIn = (query: string, chosen: ChosenValues): string => {
  let filled = '';
  let quote = '';
  for (let i = 0; i < query.length; ) {
    reference.lastIndex = i;
    const match = reference.exec(query);
    const name = match?.[1] ?? match?.[2] ?? match?.[4];
    if (match !== null && name !== undefined && Object.hasOwn(chosen, name)) {
      filled += escapeFor(quote, textOf(chosen[name], match[3] ?? match[5]));
      i += match[0].length;
      continue;
    }
    const character = query[i];
    const isEscape = character === '\\' && (quote === '"' || quote === "'");
    const piece = isEscape ? query.slice(i, i + 2) : character;
    if (!isEscape && quote === '' && /["'`]/.test(character)) quote = character;
    else if (!isEscape && character === quote) quote = '';
    filled += piece;
    i += piece.length;
  }
  return filled;
};

/** For titles: the chosen values as people write them. */
export const fillInTitle = (title: string, chosen: ChosenValues): string =>
  title.replace(/\$(\w+)|\$\{(\w+)(?::[\w-]+)?\}|\[\[(\w+)(?::[\w-]+)?\]\]/g, (all, ...names: unknown[]) => {
    const name = names.slice(0, 3).find((one) => typeof one === 'string') as string;
    return Object.hasOwn(chosen, name) ? chosen[name].values.join(', ') : all;
  });
