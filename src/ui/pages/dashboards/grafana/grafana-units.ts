/** Grafana's units, and ours. */
import type { PanelUnit } from '../../../../dashboards/dashboard.ts';

const units: Readonly<Record<string, PanelUnit>> = {
  none: 'none',
  short: 'none',
  locale: 'none',
  s: 'seconds',
  dtdurations: 'seconds',
  clocks: 'seconds',
  ms: 'milliseconds',
  dtdurationms: 'milliseconds',
  clockms: 'milliseconds',
  bytes: 'bytes',
  decbytes: 'bytes',
  Bps: 'bytes per second',
  binBps: 'bytes per second',
  bps: 'bits per second',
  binbps: 'bits per second',
  percent: 'percent',
  percentunit: 'ratio',
  celsius: 'celsius',
  cps: 'per second',
  eps: 'per second',
  pps: 'per second',
  rps: 'per second',
  wps: 'per second',
  iops: 'per second',
  ops: 'operations per second',
  reqps: 'requests per second',
  dateTimeAsIso: 'date',
  dateTimeAsUS: 'date',
  dateTimeAsLocal: 'date',
};

/** The unit of a panel; `undefined` for one that does not exist here. */
export const unitOfGrafana = (name: string): PanelUnit | undefined => {
  if (name === '') return 'auto';
  return Object.hasOwn(units, name) ? units[name] : undefined;
};
