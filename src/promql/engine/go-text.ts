/** Numbers and label sets as Go writes them: messages and label values are compared with Prometheus'. */
import type { LabelPairs } from '../../model/labels.ts';
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import { printNumber } from '../syntax/numbers.ts';

/** `%g`, the shortest text that gives the same number. */
export const formatG = (x: number): string => {
  const special = formatSpecial(x);
  if (special !== undefined) return special;
  const [digits, exponent] = decimalOf(x);
  if (exponent >= -4 && exponent < 6) return printNumber(x);
  const sign = x < 0 || Object.is(x, -0) ? '-' : '';
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  const power = Math.abs(exponent).toString().padStart(2, '0');
  return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${power}`;
};

/** As OpenMetrics writes the values of `quantile` and `le`: a whole number has `.0`. */
export const formatOpenMetrics = (x: number): string => {
  const text = formatG(x);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
};

/** `%.2g`: two digits. */
export const formatTwoDigits = (x: number): string => {
  const special = formatSpecial(x);
  if (special !== undefined) return special;
  const [mantissa, exponent] = x.toExponential(1).split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 2) return printNumber(Number(x.toPrecision(2)));
  return `${mantissa.replace('.0', '')}e${power < 0 ? '-' : '+'}${Math.abs(power).toString().padStart(2, '0')}`;
};

const formatSpecial = (x: number): string | undefined => {
  if (Number.isNaN(x)) return 'NaN';
  if (x === Number.POSITIVE_INFINITY) return '+Inf';
  return x === Number.NEGATIVE_INFINITY ? '-Inf' : undefined;
};

/** The shortest digits, and the power of ten of the first one. */
const decimalOf = (x: number): readonly [string, number] => {
  const [mantissa, exponent] = Math.abs(x).toExponential().split('e');
  return [mantissa.replace('.', ''), Number(exponent)];
};

/** A number as Go's ParseFloat reads it, or `undefined`: bucket bounds. */
export const parseGoFloat = (text: string): number | undefined => {
  const match = /^([+-]?)(.*)$/s.exec(text);
  if (match === null) return undefined;
  const sign = match[1] === '-' ? -1 : 1;
  const unsigned = match[2];
  if (/^inf(?:inity)?$/i.test(unsigned)) return sign * Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(unsigned)) return match[1] === '' ? Number.NaN : undefined;
  if (/^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(unsigned)) {
    const value = Number(unsigned);
    // Go reports numbers beyond the range as errors.
    return Number.isFinite(value) ? sign * value : undefined;
  }
  const hex = /^0x([0-9a-f]*)(?:\.([0-9a-f]*))?p([+-]?\d+)$/i.exec(unsigned);
  if (hex === null || hex[1] + (hex[2] ?? '') === '') return undefined;
  const digits = hex[1] + (hex[2] ?? '');
  return sign * Number(`0x${digits}`) * 2 ** (Number(hex[3]) - 4 * (hex[2] ?? '').length);
};

const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `{__name__="up", job="node"}`. */
export const labelsText = (pairs: LabelPairs): string => {
  const parts: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = plainName.test(pairs[i]) ? pairs[i] : quoteLikeGo(pairs[i]);
    parts.push(`${name}=${quoteLikeGo(pairs[i + 1])}`);
  }
  return `{${parts.join(', ')}}`;
};
