/**
 * A metric as the original writes it in hint files and log lines: `up{instance="a:9100", job="node"}`. Labels are
 * sorted by their rendered text, values are quoted as Go quotes them. docs/formats/labels-and-mappings.md
 */
import { type LabelPairs, METRIC_NAME } from './labels.ts';
import { compareUtf8, hasEscapedBytes } from './utf8.ts';

/** The metric's text; `{}` for no labels, and without braces if there is only the name. */
export const metricText = (pairs: LabelPairs): string => {
  let name = '';
  const labels: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === METRIC_NAME) name = pairs[i + 1];
    else labels.push(`${pairs[i]}=${quoteLikeGo(pairs[i + 1])}`);
  }
  if (labels.length === 0) return name === '' ? '{}' : name;
  return `${name}{${labels.sort(compareUtf8).join(', ')}}`;
};

const needsEscape = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
/** Characters that Go prints unescaped: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const named: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

const quoteLikeGo = (value: string): string => {
  if (!needsEscape.test(value)) return `"${value}"`;
  let quoted = '"';
  for (const character of value) quoted += named[character] ?? escapeLikeGo(character);
  return `${quoted}"`;
};

const escapeLikeGo = (character: string): string => {
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (hasEscapedBytes(character)) return `\\x${(code & 0xff).toString(16)}`;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
};
