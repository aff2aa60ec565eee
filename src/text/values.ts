/**
 * Formats and parses sample values, for JSON lines, the Prometheus text formats and the pages' JSON.
 *
 * Finite numbers are written in the shortest decimal form that reads back to the same double, including the sign of
 * zero. NaN and the infinities are `NaN`, `+Inf`, `-Inf` in text. Where every bit matters (NaN payloads, the staleness
 * marker), a value is written as its IEEE 754 bit pattern, 16 hex digits, most significant first. Patterns are copied
 * as integers, because loading a signalling NaN as a number may change its bits.
 */
import { writeAscii, writeDouble } from './shortest-decimal.ts';

/** The texts of the hundredths: `''`, `.01`, …, `.1`, …, `.99`. */
const fractions = Array.from({ length: 100 }, (_, i) => String(i / 100).slice(1));

/** The value as Prometheus writes it: `21.5`, `-0`, `NaN`, `+Inf`, `-Inf`. */
export const formatValue = (value: number): string => {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  // Most measured values have at most two digits after the point. They are written several times faster than others. At
  // most one decimal of up to 15 digits reads back to a double, so this is the shortest one. Below 1e7, the hundredths are
  // exact in 32 bits.
  if (value > 0 && value < 1e7) {
    const hundredths = Math.round(value * 100);
    if (hundredths / 100 === value) {
      const whole = (hundredths / 100) | 0;
      return whole + fractions[hundredths - whole * 100];
    }
  }
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
};

/** The value as Prometheus' HTTP API writes it: like {@link formatValue}, with at least two digits of exponent: `1e-07`. */
export const formatApiValue = (value: number): string => {
  const text = formatValue(value);
  // Only small numbers have an exponent of one digit.
  return Math.abs(value) < 1e-6 ? text.replace(/e-(\d)$/, 'e-0$1') : text;
};

/** Writes the text of {@link formatApiValue} into bytes, which have room for it. Returns the position behind it. */
export const writeApiValue = (bytes: Uint8Array, at: number, value: number): number => {
  if (Number.isFinite(value) && Math.abs(value) >= 1e-6) return writeDouble(bytes, at, value);
  return writeAscii(bytes, at, formatApiValue(value));
};

/** The value as a JSON token in VictoriaMetrics' form: a number, `null` for NaN, `"Infinity"` or `"-Infinity"`. */
export const formatJsonValue = (value: number): string => {
  if (Number.isFinite(value)) return formatValue(value);
  if (Number.isNaN(value)) return 'null';
  return value > 0 ? '"Infinity"' : '"-Infinity"';
};

/** The bit patterns of the values from `start` to before `end`, each as text of 16 hex digits. */
export const formatBits = (values: Float64Array, start: number, end: number): string[] => {
  const words = new BigUint64Array(values.buffer, values.byteOffset, values.length);
  const texts: string[] = [];
  for (let i = start; i < end; i++) texts.push(words[i].toString(16).padStart(16, '0'));
  return texts;
};

/** A bit pattern as two unsigned halves; `undefined` if the text is not exactly 16 hex digits. */
export const parseBits = (text: string): { readonly high: number; readonly low: number } | undefined =>
  /^[0-9a-f]{16}$/i.test(text)
    ? { high: Number.parseInt(text.slice(0, 8), 16), low: Number.parseInt(text.slice(8), 16) }
    : undefined;

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const infinity = /^([+-]?)inf(?:inity)?$/i;

/**
 * Parses a number as Prometheus does, which is Go's `ParseFloat` without hexadecimal floats and underscores: a decimal
 * number, `NaN` without a sign, or an infinity, in upper and lower case. `undefined` for anything else, and for a
 * number that is too large for a double, such as `1e999`. A number that is too small for a double is read as zero.
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
