/** How what a caller gave appears in a message: on one line, short, and without calling anything of the caller's. */

const LENGTH_MAX = 100;

/** Text in quotes, numbers as they are, everything else by its kind. Never throws. */
export const shownValue = (value: unknown): string => {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `the BigInt ${cut(String(value))}`;
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

/** Text in double quotes, cut when it is long; control characters and halves of surrogate pairs are escaped. */
export const quoted = (text: string): string => {
  const shown = JSON.stringify(cut(text));
  // JSON leaves these as they are; a terminal does not.
  return shown.replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escaped);
};

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const cut = (text: string): string => (text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text);
