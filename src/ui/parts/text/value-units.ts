/** Units of values: found in the names of metrics, and written after the numbers. */
import { formatBytes, formatNumber, formatSeconds } from './number-text.ts';

export type Unit = 'seconds' | 'bytes' | 'ratio' | 'celsius' | 'percent' | 'other';

/** Words of metric names, and the units that they stand for. */
const words: Readonly<Record<string, Unit>> = {
  seconds: 'seconds',
  bytes: 'bytes',
  ratio: 'ratio',
  celsius: 'celsius',
  percent: 'percent',
};

/** The unit in a metric's name: its last word, or the one before `total`, `sum`, `bucket`. */
export const unitOfName = (name: string): Unit => {
  const parts = name.toLowerCase().split(/[_.:/-]/);
  while (parts.length > 1 && ['total', 'sum', 'bucket'].includes(parts[parts.length - 1])) parts.pop();
  const last = parts[parts.length - 1];
  return Object.hasOwn(words, last) ? words[last] : 'other';
};

export interface Measure {
  readonly unit: Unit;
  readonly perSecond: boolean;
}

const withSign =
  (format: (value: number) => string) =>
  (value: number): string =>
    value < 0 ? `-${format(-value)}` : format(value);

const formats: Readonly<Record<Unit, (value: number) => string>> = {
  seconds: withSign((value) => (value === 0 ? '0 s' : formatSeconds(value))),
  bytes: withSign((value) => formatBytes(value)),
  ratio: (value) => `${formatNumber(value * 100)} %`,
  celsius: (value) => `${formatNumber(value)} °C`,
  percent: (value) => `${formatNumber(value)} %`,
  other: formatNumber,
};

/** How to write the values of a measure. Seconds per second are a share of the time. */
export const formatOf = ({ unit, perSecond }: Measure): ((value: number) => string) => {
  if (!perSecond) return formats[unit];
  if (unit === 'seconds') return formatNumber;
  return (value) => `${formats[unit](value)}/s`;
};
