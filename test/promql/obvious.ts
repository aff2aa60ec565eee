/**
 * A second PromQL evaluator, the model for property tests: slow, without columns, windows or caches, and written from the
 * description of the language alone. A query over a range is one evaluation a step; a vector is an array of samples.
 *
 * It has the semantics of Prometheus 3.x without native histograms and without delayed removal of names.
 */

import type {
  Aggregation,
  Binary,
  Call,
  Expr,
  MatrixSelector,
  Subquery,
  VectorSelector,
} from '../../src/promql/syntax/ast.ts';
import type { Version2Difference } from './known-differences.ts';

type LabelsOf = Readonly<Record<string, string>>;

export interface Point {
  readonly time: number;
  readonly value: number;
  readonly isStale?: boolean;
}

export interface ObviousSeries {
  readonly labels: LabelsOf;
  readonly points: readonly Point[];
}

export interface Sample {
  readonly labels: LabelsOf;
  readonly value: number;
}

interface Window {
  readonly labels: LabelsOf;
  readonly points: readonly Point[];
  readonly start: number;
  readonly end: number;
}

export interface World {
  readonly series: readonly ObviousSeries[];
  readonly closedRanges: boolean;
  readonly lookbackMs: number;
  readonly defaultStepMs: number;
  /** Differences to imitate. */
  readonly differences: ReadonlySet<Version2Difference>;
}

/** The times at which an expression is evaluated: those of the query, or those of a subquery's inside. */
interface Grid extends World {
  readonly queryStart: number;
  readonly queryEnd: number;
  readonly times: readonly number[];
  /** The results of subqueries over all times of the grid. */
  readonly subqueries: Map<Subquery, readonly ObviousSeries[]>;
  /** Which series each output of a range function was computed from. Two must not have equal labels, at any step. */
  readonly origins: Map<Expr, Map<string, string>>;
}

/** The query fails, as it must. */
export class ObviousError extends Error {}

export const keyOf = (labels: LabelsOf): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

export const obviousInstant = (expr: Expr, time: number, world: World): readonly Sample[] | number => {
  const grid = gridOf(world, time, time, [time]);
  return typeOf(expr) === 'scalar' ? scalarAt(expr, time, grid) : vectorAt(expr, time, grid);
};

export const obviousRange = (
  expr: Expr,
  { start, end, stepMs }: { start: number; end: number; stepMs: number },
  world: World,
): readonly ObviousSeries[] => {
  const times: number[] = [];
  for (let time = start; time <= end; time += stepMs) times.push(time);
  return seriesOver(expr, gridOf(world, start, end, times));
};

const gridOf = (world: World, queryStart: number, queryEnd: number, times: readonly number[]): Grid => ({
  ...world,
  queryStart,
  queryEnd,
  times,
  subqueries: new Map(),
  origins: new Map(),
});

const seriesOver = (expr: Expr, grid: Grid): readonly ObviousSeries[] => {
  const found = new Map<string, { labels: LabelsOf; points: Point[] }>();
  for (const time of grid.times) {
    const samples =
      typeOf(expr) === 'scalar' ? [{ labels: {}, value: scalarAt(expr, time, grid) }] : vectorAt(expr, time, grid);
    for (const { labels, value } of samples) {
      const series = found.get(keyOf(labels)) ?? { labels, points: [] };
      found.set(keyOf(labels), series);
      series.points.push({ time, value });
    }
  }
  return [...found.values()];
};

const typeOf = (expr: Expr): 'scalar' | 'vector' => {
  if (expr.kind === 'number') return 'scalar';
  if (expr.kind === 'parentheses' || expr.kind === 'unary') return typeOf(expr.expr);
  if (expr.kind === 'binary') {
    return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
  }
  return expr.kind === 'call' && ['scalar', 'time', 'pi'].includes(expr.name) ? 'scalar' : 'vector';
};

const scalarAt = (expr: Expr, time: number, grid: Grid): number => {
  switch (expr.kind) {
    case 'number':
      return expr.value;
    case 'parentheses':
      return scalarAt(expr.expr, time, grid);
    case 'unary':
      return expr.operator === '-' ? -scalarAt(expr.expr, time, grid) : scalarAt(expr.expr, time, grid);
    case 'binary': {
      const [left, right] = [scalarAt(expr.left, time, grid), scalarAt(expr.right, time, grid)];
      return isComparison(expr.operator)
        ? Number(compares(expr.operator, left, right))
        : compute(expr.operator, left, right);
    }
    case 'call': {
      if (expr.name === 'time') return time / 1000;
      if (expr.name === 'pi') return Math.PI;
      const vector = vectorAt(expr.args[0], time, grid);
      return vector.length === 1 ? vector[0].value : Number.NaN;
    }
    default:
      throw new Error(`${expr.kind} is no scalar`);
  }
};

const vectorAt = (expr: Expr, time: number, grid: Grid): readonly Sample[] => {
  switch (expr.kind) {
    case 'parentheses':
      return vectorAt(expr.expr, time, grid);
    case 'unary': {
      const samples = vectorAt(expr.expr, time, grid);
      if (expr.operator === '+') return samples;
      const negated = samples.map((one) => ({ ...nameless(one, -one.value), from: one.labels }));
      if (grid.differences.has('minus does not merge')) {
        for (const { labels, from } of negated) noteOrigin(expr, keyOf(labels), keyOf(from), grid);
      }
      return distinct(negated);
    }
    case 'selector':
      return select(expr, time, grid).map(({ labels, point }) => ({ labels, value: point.value }));
    case 'aggregation':
      return aggregate(expr, time, grid);
    case 'binary':
      return binary(expr, time, grid);
    case 'call':
      return distinct(call(expr, time, grid));
    default:
      throw new Error(`${expr.kind} is no vector`);
  }
};

// Selecting.

const select = (selector: VectorSelector, time: number, grid: Grid): readonly { labels: LabelsOf; point: Point }[] => {
  const at = shifted(selector, time, grid);
  const found: { labels: LabelsOf; point: Point }[] = [];
  for (const { labels, points } of grid.series) {
    if (!matches(selector, labels)) continue;
    const point = points.filter((one) => one.time <= at).at(-1);
    if (point === undefined || point.isStale === true) continue;
    const age = at - point.time;
    if (grid.closedRanges ? age <= grid.lookbackMs : age < grid.lookbackMs) found.push({ labels, point });
  }
  return found;
};

const shifted = (
  { offsetMs, at }: Pick<VectorSelector, 'offsetMs' | 'at'>,
  time: number,
  { queryStart, queryEnd }: Grid,
): number => {
  const pinned = at === undefined ? time : at.at === 'start' ? queryStart : at.at === 'end' ? queryEnd : at.at;
  return pinned - offsetMs;
};

const matches = ({ matchers }: VectorSelector, labels: LabelsOf): boolean =>
  matchers.every(({ name, op, value }) => {
    const actual = labels[name] ?? '';
    if (op === '=') return actual === value;
    if (op === '!=') return actual !== value;
    return new RegExp(`^(?:${value})$`, 's').test(actual) === (op === '=~');
  });

const windowsOf = (expr: Expr, time: number, grid: Grid): readonly Window[] => {
  if (expr.kind === 'parentheses') return windowsOf(expr.expr, time, grid);
  if (expr.kind !== 'range' && expr.kind !== 'subquery') throw new Error(`${expr.kind} is no range vector`);
  const end = shifted(expr.kind === 'range' ? expr.selector : expr, time, grid);
  const start = end - expr.rangeMs;
  const isInside = (one: Point): boolean =>
    one.time <= end && (grid.closedRanges ? one.time >= start : one.time > start);
  return sourcesOf(expr, grid)
    .map(({ labels, points }) => ({
      labels,
      start,
      end,
      points: points.filter((one) => isInside(one) && one.isStale !== true),
    }))
    .filter(({ points }) => points.length > 0);
};

const sourcesOf = (expr: MatrixSelector | Subquery, grid: Grid): readonly ObviousSeries[] => {
  if (expr.kind === 'range') return grid.series.filter(({ labels }) => matches(expr.selector, labels));
  const known = grid.subqueries.get(expr);
  if (known !== undefined) return known;
  const series = subquerySeries(expr, grid);
  grid.subqueries.set(expr, series);
  return series;
};

/** The inside of a subquery at multiples of its step, over all times at which the subquery is asked. */
const subquerySeries = (expr: Subquery, grid: Grid): readonly ObviousSeries[] => {
  const step = expr.stepMs ?? grid.defaultStepMs;
  const after = shifted(expr, grid.times[0], grid) - expr.rangeMs;
  const last = shifted(expr, grid.times[grid.times.length - 1], grid);
  let first = step * Math.floor(after / step);
  while (grid.closedRanges ? first < after : first <= after) first += step;
  const times: number[] = [];
  for (let time = first; time <= last; time += step) times.push(time);
  const { queryStart, queryEnd } = grid;
  return times.length === 0 ? [] : seriesOver(expr.expr, gridOf(grid, queryStart, queryEnd, times));
};

// Labels.

const without = (labels: LabelsOf, names: readonly string[]): LabelsOf =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));

const only = (labels: LabelsOf, names: readonly string[]): LabelsOf =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)));

const withLabel = (labels: LabelsOf, name: string, value: string): LabelsOf =>
  value === '' ? without(labels, [name]) : { ...labels, [name]: value };

const nameless = ({ labels }: { labels: LabelsOf }, value: number): Sample => ({
  labels: without(labels, ['__name__']),
  value,
});

const distinct = (samples: readonly Sample[]): readonly Sample[] => {
  if (new Set(samples.map(({ labels }) => keyOf(labels))).size === samples.length) return samples;
  throw new ObviousError('vector cannot contain metrics with the same labelset');
};

const groupedBy = <T>(items: readonly T[], keyOfItem: (item: T) => string): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOfItem(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
};

// Aggregations.

const aggregate = (expr: Aggregation, time: number, grid: Grid): readonly Sample[] => {
  const samples = vectorAt(expr.expr, time, grid);
  const { operator, grouping } = expr;
  const groupLabels = (labels: LabelsOf): LabelsOf =>
    expr.without ? without(labels, [...grouping, '__name__']) : only(labels, grouping);
  const parameter = (): number => scalarAt(expr.parameter as Expr, time, grid);
  const groups = groupedBy(samples, ({ labels }) => keyOf(groupLabels(labels)));
  return [...groups.values()].flatMap((group) => {
    const labels = groupLabels(group[0].labels);
    const values = group.map(({ value }) => value);
    if (operator === 'topk' || operator === 'bottomk') return best(group, parameter(), operator === 'topk');
    if (operator === 'count_values') return countValues(values, labels, textOf(expr.parameter));
    return [
      { labels, value: operator === 'quantile' ? quantile(parameter(), values) : reduce(operator, values, grid) },
    ];
  });
};

const best = (group: readonly Sample[], count: number, isTop: boolean): readonly Sample[] => {
  if (Number.isNaN(count)) throw new ObviousError('Parameter value is NaN');
  const rank = ({ value }: Sample): number => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : isTop ? value : -value);
  const isWorse = (a: Sample, b: Sample): number =>
    Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) || compareNumbers(rank(b), rank(a));
  return group.toSorted(isWorse).slice(0, Math.max(0, Math.trunc(count)));
};

const compareNumbers = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

const countValues = (values: readonly number[], labels: LabelsOf, name: string): readonly Sample[] =>
  [...groupedBy(values, valueText)].map(([text, same]) => ({
    labels: withLabel(labels, name, text),
    value: same.length,
  }));

const valueText = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (match === null) return String(value);
  const [, sign, first, rest = '', exponent] = match;
  const digits = first + rest;
  const shift = Number(exponent);
  return sign + (shift < 0 ? `0.${'0'.repeat(-shift - 1)}${digits}` : digits.padEnd(shift + 1, '0'));
};

const textOf = (expr: Expr | undefined): string => {
  if (expr?.kind === 'parentheses') return textOf(expr.expr);
  if (expr?.kind !== 'string') throw new Error('not a string');
  return expr.value;
};

const reduce = (operator: string, values: readonly number[], { differences }: World): number => {
  const isLenient = differences.has('deviation of one infinity is 0');
  switch (operator) {
    case 'sum':
      return sum(values);
    case 'avg':
      return average(values);
    case 'count':
      return values.length;
    case 'group':
      return 1;
    case 'min':
      return extreme(values, (a, b) => a < b);
    case 'max':
      return extreme(values, (a, b) => a > b);
    case 'stdvar':
      return variance(values, isLenient);
    case 'stddev':
      return Math.sqrt(variance(values, isLenient));
    default:
      throw new Error(`unknown aggregation ${operator}`);
  }
};

const sum = (values: readonly number[]): number => {
  let total = 0;
  let lost = 0;
  for (const value of values) {
    const next = total + value;
    if (!Number.isFinite(next)) lost = 0;
    else if (Math.abs(total) >= Math.abs(value)) lost += total - next + value;
    else lost += value - next + total;
    total = next;
  }
  return Number.isFinite(total) ? total + lost : total;
};

const average = (values: readonly number[]): number => {
  const total = sum(values);
  const hasOverflowed = !Number.isFinite(total) && values.every(Number.isFinite);
  return hasOverflowed ? sum(values.map((value) => value / values.length)) : total / values.length;
};

const extreme = (values: readonly number[], isBetter: (a: number, b: number) => boolean): number =>
  values.reduce((found, value) => (Number.isNaN(found) || isBetter(value, found) ? value : found));

const variance = (values: readonly number[], isLenient: boolean): number => {
  let mean = isLenient ? values[0] : 0;
  let squares = 0;
  for (const [index, value] of values.entries()) {
    if (isLenient && index === 0) continue;
    const delta = value - mean;
    mean += delta / (index + 1);
    squares += delta * (value - mean);
  }
  return squares / values.length;
};

/** The same with compensated sums, as the functions over time have it. */
const exactVariance = (values: readonly number[], { differences }: World): number => {
  const means = [0];
  const squares = [0];
  for (const [index, value] of values.entries()) {
    const delta = value - sum(means);
    means.push(delta / (index + 1));
    squares.push(delta * (value - sum(means)));
  }
  const result = sum(squares) / values.length;
  return Math.abs(result) === Number.POSITIVE_INFINITY && differences.has('squares overflow to NaN')
    ? Number.NaN
    : result;
};

const quantile = (q: number, values: readonly number[]): number => {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const sorted = values.toSorted((a, b) => Number(Number.isNaN(b)) - Number(Number.isNaN(a)) || compareNumbers(a, b));
  const rank = q * (sorted.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return sorted[lower] * (1 - weight) + sorted[upper] * weight;
};

// Binary operators.

const isComparison = (operator: string): boolean => ['==', '!=', '<', '<=', '>', '>='].includes(operator);

const compares = (operator: string, a: number, b: number): boolean => {
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
};

const compute = (operator: string, a: number, b: number): number => {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case 'atan2':
      return Math.atan2(a, b);
    case '^':
      if (a === 1) return 1;
      return a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY ? 1 : a ** b;
    default:
      throw new Error(`unknown operator ${operator}`);
  }
};

const binary = (expr: Binary, time: number, grid: Grid): readonly Sample[] => {
  if (['and', 'or', 'unless'].includes(expr.operator)) return setOperation(expr, time, grid);
  if (typeOf(expr.left) === 'vector' && typeOf(expr.right) === 'vector') return matchVectors(expr, time, grid);
  const isScalarLeft = typeOf(expr.left) === 'scalar';
  const scalar = scalarAt(isScalarLeft ? expr.left : expr.right, time, grid);
  const samples = vectorAt(isScalarLeft ? expr.right : expr.left, time, grid);
  return distinct(
    samples.flatMap((one) => {
      const [a, b] = isScalarLeft ? [scalar, one.value] : [one.value, scalar];
      if (!isComparison(expr.operator)) {
        const value = compute(expr.operator, a, b);
        return [keepsName(expr, grid) ? { ...one, value } : nameless(one, value)];
      }
      if (expr.returnBool) return [nameless(one, Number(compares(expr.operator, a, b)))];
      return compares(expr.operator, a, b) ? [one] : [];
    }),
  );
};

const keepsName = ({ operator, returnBool }: Binary, { differences }: World): boolean =>
  (isComparison(operator) && !returnBool) || (operator === 'atan2' && differences.has('atan2 keeps the name'));

const signatureOf = ({ matching }: Binary, labels: LabelsOf): string => {
  const names = matching?.labels ?? [];
  return keyOf(matching?.on === true ? only(labels, names) : without(labels, [...names, '__name__']));
};

const setOperation = (expr: Binary, time: number, grid: Grid): readonly Sample[] => {
  const [left, right] = [vectorAt(expr.left, time, grid), vectorAt(expr.right, time, grid)];
  const signature = ({ labels }: Sample): string => signatureOf(expr, labels);
  const [leftSignatures, rightSignatures] = [new Set(left.map(signature)), new Set(right.map(signature))];
  if (expr.operator === 'and') return left.filter((one) => rightSignatures.has(signature(one)));
  if (expr.operator === 'unless') return left.filter((one) => !rightSignatures.has(signature(one)));
  return distinct([...left, ...right.filter((one) => !leftSignatures.has(signature(one)))]);
};

const matchVectors = (expr: Binary, time: number, grid: Grid): readonly Sample[] => {
  const { cardinality } = expr.matching as NonNullable<Binary['matching']>;
  const isSwapped = cardinality === 'one-to-many';
  const [left, right] = [vectorAt(expr.left, time, grid), vectorAt(expr.right, time, grid)];
  const [many, one] = isSwapped ? [right, left] : [left, right];
  if (many.length === 0 || one.length === 0) return [];
  const partners = groupedBy(one, ({ labels }) => signatureOf(expr, labels));
  for (const group of partners.values()) {
    if (group.length > 1) throw new ObviousError('found duplicate series for the match group');
  }
  const seen = new Set<string>();
  const checkUnique = (signature: string, labels: LabelsOf): void => {
    const key = cardinality === 'one-to-one' ? signature : `${signature}${keyOf(labels)}`;
    if (seen.has(key)) throw new ObviousError('multiple matches for labels');
    seen.add(key);
  };
  const checksFirst = !grid.differences.has('filtered pairs may repeat');
  return distinct(
    many.flatMap((each) => {
      const signature = signatureOf(expr, each.labels);
      const partner = partners.get(signature)?.[0];
      if (partner === undefined) return [];
      const [a, b] = isSwapped ? [partner.value, each.value] : [each.value, partner.value];
      const isKept = !isComparison(expr.operator) || expr.returnBool || compares(expr.operator, a, b);
      const labels = matchedLabels(expr, each.labels, partner.labels, grid);
      if (isKept || checksFirst) checkUnique(signature, labels);
      return isKept ? [{ labels, value: matchedValue(expr, a, b) }] : [];
    }),
  );
};

const matchedValue = ({ operator, returnBool }: Binary, a: number, b: number): number => {
  if (!isComparison(operator)) return compute(operator, a, b);
  return returnBool ? Number(compares(operator, a, b)) : a;
};

const matchedLabels = (expr: Binary, many: LabelsOf, one: LabelsOf, world: World): LabelsOf => {
  const { cardinality, on, labels: names, include } = expr.matching as NonNullable<Binary['matching']>;
  const named = keepsName(expr, world) ? many : without(many, ['__name__']);
  if (cardinality === 'one-to-one') return on ? only(named, names) : without(named, names);
  return include.reduce((labels, name) => withLabel(labels, name, one[name] ?? ''), named);
};

// Functions.

const call = (expr: Call, time: number, grid: Grid): readonly Sample[] => {
  const { name, args } = expr;
  const number = (index: number): number => scalarAt(args[index], time, grid);
  const vector = (index: number): readonly Sample[] => vectorAt(args[index], time, grid);
  const simple = simpleFunctions[name];
  if (simple !== undefined) return vector(0).map((one) => nameless(one, simple(one.value)));
  if (dateFunctions[name] !== undefined) {
    const samples = args.length === 0 ? [{ labels: {}, value: time / 1000 }] : vector(0);
    return samples.map((one) => nameless(one, dateValue(name, one.value, grid)));
  }
  switch (name) {
    case 'vector':
      return [{ labels: {}, value: number(0) }];
    case 'sort':
    case 'sort_desc':
      return vector(0);
    case 'round':
      return vector(0).map((one) => nameless(one, round(one.value, args.length > 1 ? number(1) : 1)));
    case 'clamp':
      return clamp(vector(0), number(1), number(2));
    case 'clamp_min':
      return clamp(vector(0), number(1), Number.POSITIVE_INFINITY);
    case 'clamp_max':
      return clamp(vector(0), Number.NEGATIVE_INFINITY, number(1));
    case 'timestamp':
      return timestamps(args[0], time, grid);
    case 'absent':
      return vector(0).length > 0 ? [] : [{ labels: absentLabels(args[0]), value: 1 }];
    case 'absent_over_time':
      return windowsOf(args[0], time, grid).length > 0 ? [] : [{ labels: absentLabels(args[0]), value: 1 }];
    case 'histogram_quantile':
      return histogramQuantile(number(0), vector(1));
    case 'label_replace':
      return labelReplace(vector(0), args.slice(1).map(textOf));
    case 'label_join':
      return labelJoin(vector(0), args.slice(1).map(textOf));
    default:
      return rangeFunction(expr, time, grid);
  }
};

const simpleFunctions: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  sgn: Math.sign,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  atan: Math.atan,
  tanh: Math.tanh,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asin: Math.asin,
  acos: Math.acos,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  deg: (value) => (value * 180) / Math.PI,
  rad: (value) => (value * Math.PI) / 180,
};

const DAY_MS = 86_400_000;
const daysBefore = (date: Date, month: number): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), month)) / DAY_MS);

const dateFunctions: Readonly<Record<string, (date: Date) => number>> = {
  minute: (date) => date.getUTCMinutes(),
  hour: (date) => date.getUTCHours(),
  day_of_week: (date) => date.getUTCDay(),
  day_of_month: (date) => date.getUTCDate(),
  day_of_year: (date) => daysBefore(date, 0) + 1,
  days_in_month: (date) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  month: (date) => date.getUTCMonth() + 1,
  year: (date) => date.getUTCFullYear(),
};

/** What the processor makes of the time of a value that is no time, on amd64. */
const dateOfNaN: Readonly<Record<string, number>> = {
  minute: 30,
  hour: 15,
  day_of_week: 0,
  day_of_month: 4,
  day_of_year: 339,
  days_in_month: 31,
  month: 12,
  year: 292277026596,
};

const dateValue = (name: string, value: number, { differences }: World): number =>
  Math.abs(value) < 2 ** 63 || !differences.has('date of NaN')
    ? dateFunctions[name](new Date(Math.trunc(value) * 1000))
    : dateOfNaN[name];

const round = (value: number, to: number): number => Math.floor(value * (1 / to) + 0.5) / (1 / to);

const clamp = (samples: readonly Sample[], min: number, max: number): readonly Sample[] =>
  max < min ? [] : samples.map((one) => nameless(one, Math.max(min, Math.min(max, one.value))));

const timestamps = (expr: Expr, time: number, grid: Grid): readonly Sample[] => {
  if (expr.kind === 'parentheses') return timestamps(expr.expr, time, grid);
  if (expr.kind !== 'selector') return vectorAt(expr, time, grid).map((one) => nameless(one, time / 1000));
  return select(expr, time, grid).map(({ labels, point }) => nameless({ labels }, point.time / 1000));
};

/** The labels that the selector's `=` matchers give, but for those with any other matcher. */
const absentLabels = (expr: Expr): LabelsOf => {
  if (expr.kind === 'parentheses') return absentLabels(expr.expr);
  const selector = expr.kind === 'range' ? expr.selector : expr;
  if (selector.kind !== 'selector') return {};
  let labels: LabelsOf = {};
  const set = new Set<string>();
  for (const { name, op, value } of selector.matchers) {
    if (name === '__name__') continue;
    const isFirst = op === '=' && !set.has(name);
    labels = isFirst ? withLabel(labels, name, value) : without(labels, [name]);
    if (isFirst) set.add(name);
  }
  return labels;
};

const labelReplace = (
  samples: readonly Sample[],
  [target, replacement, source, regex]: readonly string[],
): readonly Sample[] =>
  samples.map(({ labels, value }) => {
    const match = new RegExp(`^(?:${regex})$`, 's').exec(labels[source] ?? '');
    if (match === null) return { labels, value };
    const text = replacement.replace(
      /\$(?:\{(\w+)\}|(\w+))/g,
      (_, braced, plain) => match[Number(braced ?? plain)] ?? '',
    );
    return { labels: withLabel(labels, target, text), value };
  });

const labelJoin = (samples: readonly Sample[], [target, separator, ...sources]: readonly string[]): readonly Sample[] =>
  samples.map(({ labels, value }) => ({
    labels: withLabel(labels, target, sources.map((name) => labels[name] ?? '').join(separator)),
    value,
  }));

const histogramQuantile = (q: number, samples: readonly Sample[]): readonly Sample[] => {
  const parsed = samples
    .map(({ labels, value }) => ({ labels: without(labels, ['le']), bound: boundOf(labels['le'] ?? ''), count: value }))
    .filter(({ bound }) => !Number.isNaN(bound));
  const groups = groupedBy(parsed, ({ labels }) => keyOf(labels));
  return [...groups.values()].map((buckets) => nameless(buckets[0], bucketQuantile(q, buckets)));
};

const boundOf = (text: string): number =>
  text === '+Inf' ? Number.POSITIVE_INFINITY : text === '' ? Number.NaN : Number(text);

const bucketQuantile = (q: number, given: readonly { bound: number; count: number }[]): number => {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const buckets = [...groupedBy(given, ({ bound }) => String(bound)).values()]
    .map((same) => ({ bound: same[0].bound, count: same.reduce((total, { count }) => total + count, 0) }))
    .sort((a, b) => a.bound - b.bound || 0);
  const last = buckets.length - 1;
  if (buckets[last]?.bound !== Number.POSITIVE_INFINITY || buckets.length < 2) return Number.NaN;
  for (let i = 1; i < buckets.length; i++) {
    const [before, here] = [buckets[i - 1].count, buckets[i].count];
    const isClose = Math.abs(here - before) <= 1e-12 * (Math.abs(here) + Math.abs(before));
    if (here < before || isClose) buckets[i].count = before;
  }
  const total = buckets[last].count;
  if (total === 0 || Number.isNaN(total)) return Number.NaN;
  const rank = q * total;
  const found = buckets.findIndex(({ count }, index) => index === last || count >= rank);
  if (found === last) return buckets[last - 1].bound;
  if (found === 0 && buckets[0].bound <= 0) return buckets[0].bound;
  const [start, below] = found === 0 ? [0, 0] : [buckets[found - 1].bound, buckets[found - 1].count];
  const { bound, count } = buckets[found];
  return start + (bound - start) * ((rank - below) / (count - below));
};

const rangeFunction = (expr: Call, time: number, grid: Grid): readonly Sample[] => {
  const isQuantile = expr.name === 'quantile_over_time';
  const parameters = expr.args.map((arg) => (isRangeVector(arg) ? Number.NaN : scalarAt(arg, time, grid)));
  const keepsName = expr.name === 'last_over_time' || expr.name === 'first_over_time';
  return windowsOf(expr.args[isQuantile ? 1 : 0], time, grid).flatMap((window) => {
    const value = overTime(expr.name, window, { parameters, time, world: grid });
    if (value === undefined) return [];
    const labels = keepsName ? window.labels : without(window.labels, ['__name__']);
    noteOrigin(expr, keyOf(labels), keyOf(window.labels), grid);
    return [{ labels, value }];
  });
};

const isRangeVector = (expr: Expr): boolean =>
  expr.kind === 'range' || expr.kind === 'subquery' || (expr.kind === 'parentheses' && isRangeVector(expr.expr));

const noteOrigin = (expr: Expr, output: string, source: string, { origins }: Grid): void => {
  const known = origins.get(expr) ?? new Map<string, string>();
  origins.set(expr, known);
  if ((known.get(output) ?? source) !== source) {
    throw new ObviousError('vector cannot contain metrics with the same labelset');
  }
  known.set(output, source);
};

const overTime = (
  name: string,
  window: Window,
  { parameters, time, world }: { parameters: readonly number[]; time: number; world: World },
): number | undefined => {
  const { points } = window;
  const values = points.map(({ value }) => value);
  const pairs = values.slice(1).map((value, index) => [values[index], value] as const);
  const [first, last] = [points[0], points[points.length - 1]];
  switch (name) {
    case 'rate':
      return extrapolated(window, 'rate', world);
    case 'increase':
      return extrapolated(window, 'increase', world);
    case 'delta':
      return extrapolated(window, 'delta', world);
    case 'irate':
    case 'idelta':
      return lastDifference(points, name === 'irate');
    case 'resets':
      return pairs.filter(([before, after]) => after < before).length;
    case 'changes':
      return pairs.filter(([before, after]) => after !== before && !(Number.isNaN(after) && Number.isNaN(before)))
        .length;
    case 'deriv':
      return points.length < 2 ? undefined : regression(points, first.time).slope;
    case 'predict_linear': {
      if (points.length < 2) return undefined;
      const { slope, intercept } = regression(points, time);
      return slope * parameters[1] + intercept;
    }
    case 'quantile_over_time':
      return quantile(parameters[0], values);
    case 'present_over_time':
      return 1;
    case 'stdvar_over_time':
      return exactVariance(values, world);
    case 'stddev_over_time':
      return Math.sqrt(exactVariance(values, world));
    case 'last_over_time':
      return last.value;
    case 'first_over_time':
      return first.value;
    default:
      return reduce(name.replace('_over_time', ''), values, world);
  }
};

const extrapolated = (
  { points, start, end }: Window,
  name: 'rate' | 'increase' | 'delta',
  { differences }: World,
): number | undefined => {
  if (points.length < 2) return undefined;
  const [first, last] = [points[0], points[points.length - 1]];
  const isCounter = name !== 'delta';
  let difference = last.value - first.value;
  if (isCounter) {
    for (let i = 1; i < points.length; i++) {
      if (points[i].value < points[i - 1].value) difference += points[i - 1].value;
    }
  }
  const sampled = (last.time - first.time) / 1000;
  const interval = sampled / (points.length - 1);
  const bounded = (gap: number): number => (gap >= interval * 1.1 ? interval / 2 : gap);
  const hasZero = isCounter && difference > 0 && first.value >= 0;
  const clamped = (gap: number): number => (hasZero ? Math.min(gap, sampled * (first.value / difference)) : gap);
  const gap = (first.time - start) / 1000;
  const toStart = differences.has('rate clamps first') ? bounded(clamped(gap)) : clamped(bounded(gap));
  const factor = (sampled + toStart + bounded((end - last.time) / 1000)) / sampled;
  return difference * (name === 'rate' ? factor / ((end - start) / 1000) : factor);
};

const lastDifference = (points: readonly Point[], isRate: boolean): number | undefined => {
  const [before, last] = points.slice(-2);
  if (last === undefined) return undefined;
  const difference = isRate && last.value < before.value ? last.value : last.value - before.value;
  return isRate ? difference / ((last.time - before.time) / 1000) : difference;
};

const regression = (points: readonly Point[], origin: number): { slope: number; intercept: number } => {
  const [{ value: constant }] = points;
  if (points.every(({ value }) => value === constant)) {
    return Number.isFinite(constant) ? { slope: 0, intercept: constant } : { slope: Number.NaN, intercept: Number.NaN };
  }
  const xs = points.map(({ time }) => (time - origin) / 1000);
  const ys = points.map(({ value }) => value);
  const count = points.length;
  const [sumX, sumY] = [sum(xs), sum(ys)];
  const covariance = sum(xs.map((x, i) => x * ys[i])) - (sumX * sumY) / count;
  const slope = covariance / (sum(xs.map((x) => x * x)) - (sumX * sumX) / count);
  return { slope, intercept: sumY / count - (slope * sumX) / count };
};
