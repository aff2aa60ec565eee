/** How a panel writes its values. */
import type { PanelUnit } from '../../../dashboards/dashboard.ts';
import { measureOf } from '../../parts/queries/measure-of.ts';
import { formatBytes, formatNumber, formatSeconds } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { formatOf, type Measure } from '../../parts/text/value-units.ts';

type Format = (value: number) => string;

const signed =
  (format: Format): Format =>
  (value) =>
    value < 0 ? `-${format(-value)}` : format(value);

/** Seconds, from two days on in days. */
const seconds: Format = signed((value) => {
  if (value === 0) return '0 s';
  return value < 172_800 ? formatSeconds(value) : `${formatNumber(Math.round(value / 8640) / 10)} d`;
});

const formats: Readonly<Record<Exclude<PanelUnit, 'auto'>, Format>> = {
  none: formatNumber,
  seconds,
  milliseconds: (value) => seconds(value / 1000),
  bytes: signed(formatBytes),
  'bytes per second': signed((value) => `${formatBytes(value)}/s`),
  'bits per second': signed((value) => `${formatBytes(value).replace('B', 'bit')}/s`),
  percent: (value) => `${formatNumber(value)} %`,
  ratio: (value) => `${formatNumber(value * 100)} %`,
  celsius: (value) => `${formatNumber(value)} °C`,
  'per second': (value) => `${formatNumber(value)}/s`,
  'requests per second': (value) => `${formatNumber(value)} req/s`,
  'operations per second': (value) => `${formatNumber(value)} ops/s`,
  // Grafana's dates are milliseconds, and so are ours.
  date: (value) => formatTime(value),
};

const unknown: Measure = { unit: 'other', perSecond: false };

/** What all queries measure; nothing known if they differ. */
const commonMeasure = (queries: readonly string[], unitOf: (metric: string) => string | undefined): Measure => {
  const measures = queries.map((query) => measureOf(query, unitOf));
  const [first = unknown] = measures;
  return measures.every(({ unit, perSecond }) => unit === first.unit && perSecond === first.perSecond)
    ? first
    : unknown;
};

/** `unitOf`: the unit that is declared for a metric. */
export const panelFormat = (
  unit: PanelUnit,
  queries: readonly string[],
  unitOf: (metric: string) => string | undefined,
): Format => {
  if (unit !== 'auto') return formats[unit];
  const measure = commonMeasure(queries, unitOf);
  return measure.unit === 'seconds' && !measure.perSecond ? seconds : formatOf(measure);
};
