/**
 * Sample values as text, both ways: what JSON lines, the Prometheus text formats and the pages' JSON share.
 *
 * Finite numbers are written in the shortest decimal form that reads back to the same double, the sign of zero
 * included. NaN and the infinities are `NaN`, `+Inf`, `-Inf` in text. Where every bit counts (NaN payloads, the staleness
 * marker) a value is its IEEE 754 bit pattern, 16 hex digits, most significant first; patterns are moved as integers,
 * because a number register may quiet a signalling NaN.
 */

/** The value as Prometheus writes it: `21.5`, `-0`, `NaN`, `+Inf`, `-Inf`. */
export const formatValue = (value: number): string => {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
};

/** The value as a JSON token as VictoriaMetrics writes and takes it: a number, `null` for NaN, `"Infinity"`, `"-Infinity"`. */
export const formatJsonValue = (value: number): string => {
  if (Number.isFinite(value)) return formatValue(value);
  if (Number.isNaN(value)) return 'null';
  return value > 0 ? '"Infinity"' : '"-Infinity"';
};

/** The bit patterns of values as 16-hex-digit texts, from `start` to before `end`. */
export const formatBits = (values: Float64Array, start: number, end: number): string[] => {
  const words = new BigUint64Array(values.buffer, values.byteOffset, values.length);
  const texts: string[] = [];
  for (let i = start; i < end; i++) texts.push(words[i].toString(16).padStart(16, '0'));
  return texts;
};

/** A bit pattern as its two halves, unsigned; `undefined` when the text is not exactly 16 hex digits. */
export const parseBits = (text: string): { readonly high: number; readonly low: number } | undefined =>
  /^[0-9a-f]{16}$/i.test(text)
    ? { high: Number.parseInt(text.slice(0, 8), 16), low: Number.parseInt(text.slice(8), 16) }
    : undefined;

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const infinity = /^([+-]?)inf(?:inity)?$/i;

/**
 * Reads a number as Prometheus does, which is Go's `ParseFloat` without hexadecimal floats and underscores: a decimal
 * number, `NaN` without a sign, or an infinity, in upper and lower case. `undefined` for anything else, and for a number
 * that no double can hold, such as `1e999`; one too small for a double is zero.
 */
export const parseValue = (text: string): number | undefined => {
  if (decimal.test(text)) {
    const number = Number(text);
    return Number.isFinite(number) ? number : undefined;
  }
  if (text.length === 3 && text.toLowerCase() === 'nan') return Number.NaN;
  const match = infinity.exec(text);
  if (match === null) return undefined;
  return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
};
