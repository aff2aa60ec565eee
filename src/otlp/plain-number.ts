/**
 * Numbers as the values of the labels `le` and `quantile`: the shortest decimal digits that read back to the same double,
 * without an exponent. Prometheus' OTLP receiver prints them with Go's format 'f': `0.005`, `10`, `+Inf`, and 1e21 with
 * all of its zeros.
 */
import { formatValue } from '../text/values.ts';

export const formatPlain = (value: number): string => {
  const text = formatValue(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign, first, rest = '', exponentText] = match;
  const exponent = Number(exponentText);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${first}${rest}`;
  // JavaScript writes an exponent from 1e21 on: more digits than a double has after its first one.
  return `${sign}${first}${rest.padEnd(exponent, '0')}`;
};
