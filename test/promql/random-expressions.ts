/**
 * Random PromQL expressions over the metrics of random-series.ts. An expression is a tree of pieces of text, so that a
 * failing one can be made smaller: a piece is replaced by a piece of the same type inside it.
 */
import type { seeded } from '../support/seeded.ts';

export type Random = ReturnType<typeof seeded>;

export interface Piece {
  readonly type: 'scalar' | 'vector' | 'matrix';
  readonly parts: readonly Piece[];
  readonly write: (parts: readonly string[]) => string;
}

export interface Flavour {
  /** Seconds since the epoch: `@` pins selectors to times near this. */
  readonly around: number;
  /** Functions that the other side has too. */
  readonly rangeFunctions: readonly string[];
  /** Functions whose range is never pinned by `@`. */
  readonly unpinned?: readonly string[];
}

export const commonRangeFunctions: readonly string[] = [
  ...['rate', 'increase', 'delta', 'irate', 'idelta', 'resets', 'changes', 'deriv', 'predict_linear'],
  ...['sum', 'avg', 'min', 'max', 'count', 'stddev', 'stdvar', 'last', 'present', 'quantile', 'absent'].map(
    (name) => `${name}_over_time`,
  ),
];

export const textOf = (piece: Piece): string => piece.write(piece.parts.map(textOf));

export const randomExpression = (random: Random, flavour: Flavour): Piece => {
  const depth = 1 + random.int(4);
  return random.int(12) === 0 ? scalar(random, flavour, depth) : vector(random, flavour, depth);
};

/** Pieces with one part less: each is one step smaller, and of the same type. */
export const smaller = (piece: Piece): readonly Piece[] => [
  ...descendants(piece).filter(({ type }) => type === piece.type),
  ...piece.parts.flatMap((part, index) =>
    smaller(part).map((one) => ({ ...piece, parts: piece.parts.with(index, one) })),
  ),
];

const descendants = (piece: Piece): readonly Piece[] => piece.parts.flatMap((part) => [part, ...descendants(part)]);

const leaf = (type: Piece['type'], text: string): Piece => ({ type, parts: [], write: () => text });

const node = (type: Piece['type'], parts: readonly Piece[], write: Piece['write']): Piece => ({ type, parts, write });

const pick = <T>(random: Random, items: readonly T[]): T => items[random.int(items.length)];

const scalar = (random: Random, flavour: Flavour, depth: number): Piece => {
  const kind = depth <= 0 ? 0 : random.int(6);
  if (kind <= 2) return leaf('scalar', pick(random, ['0', '1', '2', '0.5', '100', '-1', '3e3', 'Inf', 'NaN', '0x10']));
  if (kind === 3) return leaf('scalar', pick(random, ['time()', 'pi()']));
  if (kind === 4) return node('scalar', [vector(random, flavour, depth - 1)], ([inner]) => `scalar(${inner})`);
  const operator = pick(random, ['+', '-', '*', '/', '%', '^', '> bool', '== bool', 'atan2']);
  const parts = [scalar(random, flavour, depth - 1), scalar(random, flavour, depth - 1)];
  return node('scalar', parts, ([left, right]) => `(${left} ${operator} ${right})`);
};

const vector = (random: Random, flavour: Flavour, depth: number): Piece => {
  if (depth <= 0) return leaf('vector', selector(random) + modifiers(random, flavour));
  const inner = (): Piece => vector(random, flavour, depth - 1);
  switch (random.int(14)) {
    case 0:
      return leaf('vector', selector(random) + modifiers(random, flavour));
    case 1:
    case 2:
    case 3:
      return overRange(random, flavour, depth);
    case 4:
    case 5:
    case 6:
      return aggregation(random, flavour, depth);
    case 7:
    case 8:
      return withScalar(random, flavour, depth);
    case 9:
    case 10:
      return ofVectors(random, flavour, depth);
    case 11:
      return node('vector', [inner()], ([text]) => `-(${text})`);
    default:
      return instantFunction(random, flavour, depth);
  }
};

const metrics = ['a', 'a', 'b', 'b', 'c_total', 'c_total', 's', 'h_bucket', 'gone'];
const filters = ['x="1"', 'x!="1"', 'x=~"1|2"', 'x!~"2.*"', 'y="p"', 'y=~".+"', 'y=""', 'y!="q"', 'x="none"'];

const selector = (random: Random): string => {
  const chosen = Array.from({ length: random.int(3) }, () => pick(random, filters));
  if (random.int(8) === 0)
    return `{__name__=~"${pick(random, ['a|b', 'b|c_total', 'a|gone', '[ab]'])}"${chosen.map((one) => `,${one}`).join('')}}`;
  const name = pick(random, metrics);
  return chosen.length === 0 ? name : `${name}{${chosen.join(',')}}`;
};

const modifiers = (random: Random, { around }: Flavour, canPin = true): string => {
  const offset = random.int(4) === 0 ? ` offset ${pick(random, ['30s', '1m', '7m', '-1m', '-200s', '1s'])}` : '';
  const time = pick(random, [
    'start()',
    'end()',
    `${around}`,
    `${around + 61.5}`,
    `${around - 400}`,
    `${around + 3600}`,
  ]);
  const at = random.int(6) === 0 && canPin ? ` @ ${time}` : '';
  return random.int(2) === 0 ? offset + at : at + offset;
};

const matrix = (random: Random, flavour: Flavour, depth: number, canPin: boolean): Piece => {
  const range = pick(random, ['15s', '30s', '1m', '90s', '5m', '5m', '11m', '20m']);
  if (depth <= 1 || random.int(3) > 0) {
    return leaf('matrix', `${selector(random)}[${range}]${modifiers(random, flavour, canPin)}`);
  }
  const step = pick(random, ['', '15s', '30s', '1m', '47s', '2m']);
  const suffix = `[${range}:${step}]${modifiers(random, flavour, canPin)}`;
  return node('matrix', [vector(random, flavour, depth - 2)], ([inner]) => `(${inner})${suffix}`);
};

const overRange = (random: Random, flavour: Flavour, depth: number): Piece => {
  const name = pick(random, flavour.rangeFunctions);
  const part = matrix(random, flavour, depth, flavour.unpinned?.includes(name) !== true);
  if (name === 'quantile_over_time') {
    return node('vector', [part], ([inner]) => `${name}(${pick(random, ['0', '0.3', '0.5', '0.99', '1'])}, ${inner})`);
  }
  const seconds = pick(random, ['60', '3600', '-30']);
  return node('vector', [part], ([inner]) =>
    name === 'predict_linear' ? `${name}(${inner}, ${seconds})` : `${name}(${inner})`,
  );
};

const grouping = (random: Random): string => {
  const names = Array.from({ length: random.int(3) }, () => pick(random, ['x', 'y', 'le', 'none']));
  return random.int(4) === 0 ? '' : `${pick(random, ['by', 'by', 'without'])} (${[...new Set(names)].join(', ')})`;
};

const aggregation = (random: Random, flavour: Flavour, depth: number): Piece => {
  const clause = grouping(random);
  const name = pick(random, [
    'sum',
    'sum',
    'avg',
    'min',
    'max',
    'count',
    'group',
    'stddev',
    'stdvar',
    'quantile',
    'topk',
    'bottomk',
    'count_values',
  ]);
  const inner = vector(random, flavour, depth - 1);
  if (name === 'quantile') {
    const q = pick(random, ['0.5', '0.9', '0', '1', '-1', '2', '0.25']);
    return node('vector', [inner], ([text]) => `${name} ${clause} (${q}, ${text})`);
  }
  if (name === 'count_values') {
    // Its labels are values with all digits, so they must not depend on rounding.
    return leaf('vector', `${name} ${clause} ("v", ${selector(random)}${modifiers(random, flavour)})`);
  }
  if (name === 'topk' || name === 'bottomk') {
    // Which of equal values is chosen is not defined, so only values that differ are chosen from.
    const from = `a${pick(random, ['', '{x!="1"}', ' offset 1m'])}`;
    return leaf('vector', `${name} ${clause} (${pick(random, ['1', '2', '3', '0', '100'])}, ${from})`);
  }
  return node('vector', [inner], ([text]) => `${name} ${clause} (${text})`);
};

const withScalar = (random: Random, flavour: Flavour, depth: number): Piece => {
  const operator = pick(random, [
    '+',
    '-',
    '*',
    '/',
    '%',
    '^',
    '>',
    '<',
    '>=',
    '<=',
    '==',
    '!=',
    '> bool',
    '== bool',
    'atan2',
  ]);
  const [one, other] = [vector(random, flavour, depth - 1), scalar(random, flavour, depth - 2)];
  const isSwapped = random.int(3) === 0;
  return node('vector', [one, other], ([left, right]) =>
    isSwapped ? `(${right} ${operator} ${left})` : `(${left} ${operator} ${right})`,
  );
};

const ofVectors = (random: Random, flavour: Flavour, depth: number): Piece => {
  const [one, other] = [vector(random, flavour, depth - 1), vector(random, flavour, depth - 1)];
  const labels = pick(random, ['x', 'y', 'x, y', '', 'x, y, le']);
  const matching = pick(random, ['', '', `on (${labels})`, `ignoring (${labels})`]);
  if (random.int(3) === 0) {
    const set = pick(random, ['and', 'or', 'unless']);
    return node('vector', [one, other], ([left, right]) => `(${left} ${set} ${matching} ${right})`);
  }
  const operator = pick(random, ['+', '-', '*', '/', '%', '>', '<', '==', '!=', '>= bool', '!= bool', '^']);
  const full = `${operator} ${matching}${random.int(3) === 0 ? groupModifier(random, matching) : ''}`;
  return node('vector', [one, other], ([left, right]) => `(${left} ${full} ${right})`);
};

/** A label of `on` may not be included from the other side. */
const groupModifier = (random: Random, matching: string): string => {
  if (matching === '') return '';
  const include = matching.startsWith('on') && matching.includes('x') ? '' : pick(random, ['', 'x']);
  return ` ${pick(random, ['group_left', 'group_right'])} (${include})`;
};

const instantFunctions = [
  ...['abs', 'ceil', 'floor', 'sqrt', 'sgn', 'ln', 'log2', 'exp', 'atan', 'deg', 'timestamp', 'absent'],
  ...['hour', 'minute', 'day_of_week', 'day_of_month', 'day_of_year', 'days_in_month', 'month', 'year'],
].map((name) => ({ name, rest: '' }));
const functionsWithMore = [
  { name: 'round', rest: ', 0.5' },
  { name: 'round', rest: ', 10' },
  { name: 'clamp', rest: ', 1, 5' },
  { name: 'clamp', rest: ', 5, 1' },
  { name: 'clamp_min', rest: ', 3' },
  { name: 'clamp_max', rest: ', 3' },
  { name: 'label_replace', rest: ', "z", "<$1>", "x", "(.*)"' },
  { name: 'label_replace', rest: ', "y", "$1", "x", "([12])"' },
  { name: 'label_replace', rest: ', "x", "", "y", "p"' },
  { name: 'label_join', rest: ', "z", "-", "x", "y", "none"' },
];

const instantFunction = (random: Random, flavour: Flavour, depth: number): Piece => {
  if (random.int(8) === 0) return node('vector', [scalar(random, flavour, depth - 1)], ([inner]) => `vector(${inner})`);
  if (random.int(8) === 0) return histogram(random, flavour);
  const { name, rest } = pick(random, random.int(2) === 0 ? instantFunctions : functionsWithMore);
  return node('vector', [vector(random, flavour, depth - 1)], ([inner]) => `${name}(${inner}${rest})`);
};

const histogram = (random: Random, flavour: Flavour): Piece => {
  const q = pick(random, ['0', '0.5', '0.9', '1', '-1', '2', 'NaN']);
  const buckets = pick(random, [
    `h_bucket${modifiers(random, flavour)}`,
    'rate(h_bucket[5m])',
    'sum by (le) (rate(h_bucket[5m]))',
    'sum by (le, x) (h_bucket)',
  ]);
  return leaf('vector', `histogram_quantile(${q}, ${buckets})`);
};
