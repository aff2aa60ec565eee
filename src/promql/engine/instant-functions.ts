/** Functions that compute each value of an instant vector from that value, in place. */

import { maxOf, minOf } from './go-math.ts';
import { clearBit, hasBit, type Row, type Steps } from './rows.ts';

/** Changes the values of a row, or removes some. `parameters` are the scalar arguments, a number for each step. */
export type RowKernel = (row: Row, parameters: readonly Float64Array[], steps: Steps) => void;

/** Computes the values at steps without one too: they do not count, and asking would take longer. */
const each =
  (compute: (value: number) => number): RowKernel =>
  ({ values }) => {
    for (let step = 0; step < values.length; step++) values[step] = compute(values[step]);
  };

const clamp: RowKernel = ({ values, present }, [min, max]) => {
  for (let step = 0; step < values.length; step++) {
    if (max[step] < min[step]) clearBit(present, step);
    else values[step] = maxOf(min[step], minOf(max[step], values[step]));
  }
};

const clampMin: RowKernel = ({ values }, [min]) => {
  for (let step = 0; step < values.length; step++) values[step] = maxOf(min[step], values[step]);
};

const clampMax: RowKernel = ({ values }, [max]) => {
  for (let step = 0; step < values.length; step++) values[step] = minOf(max[step], values[step]);
};

/** Halves are rounded up, not away from zero. */
const round: RowKernel = ({ values }, parameters) => {
  const to = parameters.length === 0 ? undefined : parameters[0];
  for (let step = 0; step < values.length; step++) {
    const inverse = 1 / (to === undefined ? 1 : to[step]);
    values[step] = Math.floor(values[step] * inverse + 0.5) / inverse;
  }
};

/** The time of the step, not of the sample. */
const timestamp: RowKernel = ({ values }, _parameters, steps) => {
  for (let step = 0; step < values.length; step++) values[step] = steps.timeAt(step) / 1000;
};

/** A field of the date, in UTC. Fractions of seconds are cut off. */
const calendar =
  (field: (date: Date) => number): RowKernel =>
  ({ values, present }) => {
    const date = new Date(0);
    for (let step = 0; step < values.length; step++) {
      if (!hasBit(present, step)) continue;
      date.setTime(Math.trunc(values[step]) * 1000);
      values[step] = field(date);
    }
  };

const DAY_MS = 86_400_000;

const dayOfYear = (date: Date): number => {
  const yearStart = Date.UTC(2000, 0, 1);
  const start = new Date(yearStart);
  start.setUTCFullYear(date.getUTCFullYear());
  return Math.floor((date.getTime() - start.getTime()) / DAY_MS) + 1;
};

const daysInMonth = (date: Date): number => {
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  if (month !== 1) return MONTH_DAYS[month];
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
};

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export const calendarFunctions: ReadonlyMap<string, RowKernel> = new Map([
  ['minute', calendar((date) => date.getUTCMinutes())],
  ['hour', calendar((date) => date.getUTCHours())],
  ['day_of_week', calendar((date) => date.getUTCDay())],
  ['day_of_month', calendar((date) => date.getUTCDate())],
  ['day_of_year', calendar(dayOfYear)],
  ['days_in_month', calendar(daysInMonth)],
  ['month', calendar((date) => date.getUTCMonth() + 1)],
  ['year', calendar((date) => date.getUTCFullYear())],
]);

/** All of them remove the metric name. */
export const rowFunctions: ReadonlyMap<string, RowKernel> = new Map([
  ...calendarFunctions,
  ['abs', each(Math.abs)],
  ['acos', each(Math.acos)],
  ['acosh', each(Math.acosh)],
  ['asin', each(Math.asin)],
  ['asinh', each(Math.asinh)],
  ['atan', each(Math.atan)],
  ['atanh', each(Math.atanh)],
  ['ceil', each(Math.ceil)],
  ['clamp', clamp],
  ['clamp_max', clampMax],
  ['clamp_min', clampMin],
  ['cos', each(Math.cos)],
  ['cosh', each(Math.cosh)],
  ['deg', each((value) => (value * 180) / Math.PI)],
  ['exp', each(Math.exp)],
  ['floor', each(Math.floor)],
  ['ln', each(Math.log)],
  ['log10', each(Math.log10)],
  ['log2', each(Math.log2)],
  ['rad', each((value) => (value * Math.PI) / 180)],
  ['round', round],
  ['sgn', each((value) => (value < 0 ? -1 : value > 0 ? 1 : value))],
  ['sin', each(Math.sin)],
  ['sinh', each(Math.sinh)],
  ['sqrt', each(Math.sqrt)],
  ['tan', each(Math.tan)],
  ['tanh', each(Math.tanh)],
  ['timestamp', timestamp],
]);
