/**
 * sum, avg, count, group, min, max, stddev, stdvar: what they keep for each group, and how a series is added. The memory
 * of such an aggregation is that of its groups.
 */
import type { AggregationOperator } from '../syntax/ast.ts';
import { compensated } from './kahan.ts';
import { hasBit, type Row, type Steps, unite } from './rows.ts';

/** The columns of one group. Those that the operator does not need are empty. */
export class Accumulator {
  readonly present: Uint32Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly third: Float64Array;

  constructor(steps: Steps, columns: number) {
    this.present = steps.bitmap();
    this.first = steps.column();
    this.second = columns > 1 ? steps.column() : NO_COLUMN;
    this.third = columns > 2 ? steps.column() : NO_COLUMN;
  }
}

const NO_COLUMN = new Float64Array(0);

export interface Accumulation {
  readonly columns: number;
  readonly add: (group: Accumulator, row: Row) => void;
  /** Writes the results to the row's values, at all steps. */
  readonly finish: (group: Accumulator, values: Float64Array) => void;
}

/** first: the sum, second: its compensation. */
const addSum = (group: Accumulator, row: Row): void => {
  const { values, present } = row;
  const { first: sums, second: compensations } = group;
  for (let step = 0; step < values.length; step++) {
    if (!hasBit(present, step)) continue;
    const sum = sums[step];
    const total = sum + values[step];
    compensations[step] = compensated(sum, values[step], total, compensations[step]);
    sums[step] = total;
  }
  unite(group.present, present);
};

const finishSum = ({ first, second }: Accumulator, values: Float64Array): void => {
  for (let step = 0; step < values.length; step++) {
    values[step] = Number.isFinite(first[step]) ? first[step] + second[step] : first[step];
  }
};

/**
 * first: the sum, second: its compensation, third: the count. When the sum overflows, the count becomes negative, and
 * from there on first and second are the mean.
 */
const addAverage = (group: Accumulator, { values, present }: Row): void => {
  unite(group.present, present);
  const { first, second, third } = group;
  for (let step = 0; step < values.length; step++) {
    if (!hasBit(present, step)) continue;
    const x = values[step];
    if (third[step] === 0) {
      first[step] = x;
      third[step] = 1;
      continue;
    }
    if (third[step] > 0) {
      const total = first[step] + x;
      if (total !== Number.POSITIVE_INFINITY && total !== Number.NEGATIVE_INFINITY) {
        second[step] = compensated(first[step], x, total, second[step]);
        first[step] = total;
        third[step]++;
        continue;
      }
      first[step] /= third[step];
      second[step] /= third[step];
      third[step] = -third[step];
    }
    const count = -third[step] + 1;
    const weight = (count - 1) / count;
    const mean = first[step] * weight;
    const total = mean + x / count;
    second[step] = compensated(mean, x / count, total, second[step] * weight);
    first[step] = total;
    third[step] = -count;
  }
};

const finishAverage = ({ first, second, third }: Accumulator, values: Float64Array): void => {
  for (let step = 0; step < values.length; step++) {
    const count = third[step];
    values[step] = count > 0 ? first[step] / count + second[step] / count : first[step] + second[step];
  }
};

const addCount = (group: Accumulator, { values, present }: Row): void => {
  const { first } = group;
  for (let step = 0; step < values.length; step++) if (hasBit(present, step)) first[step]++;
  unite(group.present, present);
};

const addGroup = (group: Accumulator, { present }: Row): void => unite(group.present, present);

/** NaN is replaced by any number. */
const addExtreme =
  (sign: 1 | -1) =>
  (group: Accumulator, { values, present }: Row): void => {
    const { first } = group;
    for (let step = 0; step < values.length; step++) {
      if (!hasBit(present, step)) continue;
      const isFirst = !hasBit(group.present, step);
      if (isFirst || values[step] * sign < first[step] * sign || Number.isNaN(first[step])) {
        first[step] = values[step];
      }
    }
    unite(group.present, present);
  };

/** first: the sum of squared differences, second: the mean, third: the count (Welford). */
const addVariance = (group: Accumulator, { values, present }: Row): void => {
  const { first, second, third } = group;
  unite(group.present, present);
  for (let step = 0; step < values.length; step++) {
    if (!hasBit(present, step)) continue;
    const x = values[step];
    if (third[step] === 0) {
      third[step] = 1;
      second[step] = x;
      first[step] = Number.isFinite(x) ? 0 : Number.NaN;
      continue;
    }
    third[step]++;
    const difference = x - second[step];
    second[step] += difference / third[step];
    first[step] += difference * (x - second[step]);
  }
};

const copyFirst = ({ first }: Accumulator, values: Float64Array): void => values.set(first);

export const accumulations: ReadonlyMap<AggregationOperator, Accumulation> = new Map<AggregationOperator, Accumulation>(
  [
    ['sum', { columns: 2, add: addSum, finish: finishSum }],
    ['avg', { columns: 3, add: addAverage, finish: finishAverage }],
    ['count', { columns: 1, add: addCount, finish: copyFirst }],
    ['group', { columns: 1, add: addGroup, finish: (_group, values) => void values.fill(1) }],
    ['min', { columns: 1, add: addExtreme(1), finish: copyFirst }],
    ['max', { columns: 1, add: addExtreme(-1), finish: copyFirst }],
    [
      'stdvar',
      {
        columns: 3,
        add: addVariance,
        finish: ({ first, third }, values) => {
          for (let step = 0; step < values.length; step++) values[step] = first[step] / third[step];
        },
      },
    ],
    [
      'stddev',
      {
        columns: 3,
        add: addVariance,
        finish: ({ first, third }, values) => {
          for (let step = 0; step < values.length; step++) values[step] = Math.sqrt(first[step] / third[step]);
        },
      },
    ],
  ],
);
