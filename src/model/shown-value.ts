/** Formats a caller's value for a message: on one line, short, and without running any of the caller's code. */

const LENGTH_MAX = 100;

/** Text in quotes, numbers as they are, other values by their kind. Never throws. */
export const shownValue = (value: unknown): string => {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return 'a BigInt';
    case 'undefined':
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object';
    default:
      return `a ${typeof value}`;
  }
};

/** Text in double quotes, shortened if it is long. */
export const quoted = (text: string): string => escapeControls(JSON.stringify(cutText(text)));

/** Text as it is, shortened if it is long, on one line. */
export const shownText = (text: string, lengthMax = LENGTH_MAX): string => escapeControls(cutText(text, lengthMax));

export const cutText = (text: string, lengthMax = LENGTH_MAX): string =>
  text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;

/**
 * Characters that change how a terminal or log shows a message: line feeds, escape sequences, writing-direction marks.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

export const escapeControls = (text: string): string => text.replace(controls, escaped);

const escaped = (character: string): string => {
  if (character === '\n') return '\\n';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
};

/**
 * A value for an error's details: text, numbers and booleans as they are, other values by their kind, so that JSON can
 * hold them.
 */
export const detailOf = (value: unknown): unknown => {
  if (typeof value === 'string') return cutText(value, DETAIL_LENGTH_MAX);
  return typeof value === 'number' || typeof value === 'boolean' || value === undefined ? value : shownValue(value);
};

const DETAIL_LENGTH_MAX = 1000;
