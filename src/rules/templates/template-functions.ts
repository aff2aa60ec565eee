/** The functions of Prometheus' templates, and those of Go's `text/template` that work on such values. */
import { durationMs } from '../../model/duration.ts';
import type { Labels } from '../../model/labels.ts';
import { type CapturingRegex, compileCapturing, expandGroups } from '../../model/regex-captures.ts';
import { RegexSyntaxError } from '../../model/regex-syntax.ts';
import { compareUtf8 } from '../../model/utf8.ts';
import { parseGoFloat } from '../../promql/engine/go-text.ts';
import { goPrintf } from './go-printf.ts';
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  millisecondsOf,
} from './humanize.ts';
import { TemplateError } from './template-error.ts';
import {
  fieldOf,
  isList,
  isMap,
  isStruct,
  labelsValue,
  type TemplateMap,
  type TemplateStruct,
  type TemplateValue,
  textOfValue,
  typeNameOf,
} from './template-values.ts';

/** One series of the result of a template's query. */
export interface TemplateSample {
  readonly labels: Labels;
  readonly value: number;
}

/** What the functions use from outside. */
export interface TemplateSurroundings {
  readonly query: (expr: string) => Promise<readonly TemplateSample[]>;
  /** The address of the pages; `externalURL` and `pathPrefix` give it and its path. */
  readonly externalUrl: string;
  /** The time of the evaluation, milliseconds since the epoch. */
  readonly now: number;
}

type Call = (
  args: readonly TemplateValue[],
  surroundings: TemplateSurroundings,
) => TemplateValue | Promise<TemplateValue>;

/** A function with its number of arguments; `rest` allows more. */
interface TemplateFunction {
  readonly count: number;
  readonly rest?: true;
  readonly call: Call;
}

const text = (value: TemplateValue): string => {
  if (typeof value === 'string') return value;
  throw new TemplateError(`wrong type for value; expected string; got ${typeNameOf(value)}`);
};

const toNumber = (value: TemplateValue): number => {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') throw new TemplateError(`can't convert ${typeNameOf(value)} to float`);
  const parsed = parseGoFloat(value);
  if (parsed === undefined)
    throw new TemplateError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  return parsed;
};

const list = (value: TemplateValue): readonly TemplateValue[] => {
  if (isList(value)) return value;
  throw new TemplateError(`wrong type for value; expected a result of query; got ${typeNameOf(value)}`);
};

const sample = (value: TemplateValue): TemplateStruct => {
  if (isStruct(value)) return value;
  throw new TemplateError(`wrong type for value; expected a series; got ${typeNameOf(value)}`);
};

const sampleValue = ({ labels, value }: TemplateSample): TemplateStruct => ({
  kind: 'struct',
  fields: { Labels: labelsValue(labels), Value: value },
});

const labelOf = (name: string, value: TemplateValue): string =>
  textOfValue(fieldOf(fieldOf(sample(value), 'Labels'), name));

/** One-argument functions on numbers. */
const onNumber = (write: (value: number) => string): TemplateFunction => ({
  count: 1,
  call: ([value]) => write(toNumber(value)),
});

const onText = (change: (value: string) => string): TemplateFunction => ({
  count: 1,
  call: ([value]) => change(text(value)),
});

const regexes = new WeakMap<TemplateSurroundings, Map<string, CapturingRegex>>();

/** A regular expression, compiled once for each execution. */
const regexOf = (pattern: string, surroundings: TemplateSurroundings): CapturingRegex => {
  const known = regexes.get(surroundings) ?? new Map<string, CapturingRegex>();
  regexes.set(surroundings, known);
  try {
    const regex = known.get(pattern) ?? compileCapturing(pattern);
    known.set(pattern, regex);
    return regex;
  } catch (error) {
    if (error instanceof RegexSyntaxError)
      throw new TemplateError(`invalid regular expression ${pattern}: ${error.message}`);
    throw error;
  }
};

/** As Go's ReplaceAllString: an empty match right after another match is not replaced. */
const replaceAll = (value: string, replacement: string, regex: CapturingRegex): string => {
  const characters = [...value];
  let done = '';
  let copied = 0;
  let from = 0;
  let lastEnd = -1;
  while (from <= characters.length) {
    const found = regex.search(value, from);
    if (found === undefined) break;
    const { start, end, texts } = found;
    if (end > start || start !== lastEnd) {
      done += characters.slice(copied, start).join('') + expandGroups(replacement, regex.names, texts);
      copied = end;
    }
    lastEnd = end;
    from = end > start ? end : end + 1;
  }
  return done + characters.slice(copied).join('');
};

const title = (value: string): string =>
  value.replace(/(^|[^\p{L}\p{N}_'])(\p{Ll})/gu, (_, before: string, letter: string) => before + letter.toUpperCase());

const stripPort = (hostPort: string): string => {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):[^:[\]]*$/.exec(hostPort);
  return match === null ? hostPort : (match[1] ?? match[2]);
};

const stripDomain = (hostPort: string): string => {
  const host = stripPort(hostPort);
  const port = hostPort.slice(hostPort.lastIndexOf(':') + 1);
  if (/^[\d.]+$/.test(host) || host.includes(':')) return hostPort;
  const short = host.split('.')[0];
  return host === hostPort ? short : `${short}:${port}`;
};

const pathOf = (address: string): string => {
  const match = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^?#]*)/i.exec(address);
  return (match?.[1] ?? address).replace(/\/+$/, '');
};

const queryEscape = (value: string): string =>
  encodeURIComponent(value)
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

const htmlEscape = (value: string): string =>
  value.replace(
    /[&<>"'\0]/g,
    (mark) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' })[mark] ?? '\ufffd',
  );

const durationSeconds = (value: string): number => {
  const milliseconds = durationMs(value.replace(/^-/, ''));
  if (milliseconds === undefined) throw new TemplateError(`not a valid duration string: ${JSON.stringify(value)}`);
  return ((value.startsWith('-') ? -1 : 1) * milliseconds) / 1000;
};

const comparable = (a: TemplateValue, b: TemplateValue): void => {
  if (typeNameOf(a) !== typeNameOf(b)) throw new TemplateError('incompatible types for comparison');
  if (typeof a === 'object') throw new TemplateError('non-comparable type');
};

const isEqual = (a: TemplateValue, b: TemplateValue): boolean => {
  if (a === undefined || b === undefined) return a === b;
  comparable(a, b);
  return a === b;
};

const isLess = (a: TemplateValue, b: TemplateValue): boolean => {
  comparable(a, b);
  if (typeof a === 'boolean' || a === undefined) throw new TemplateError('invalid type for comparison');
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b) < 0;
  return (a as number) < (b as number);
};

const lengthOf = (value: TemplateValue): bigint => {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(Object.keys(value.entries).length);
  throw new TemplateError(`len of type ${typeNameOf(value)}`);
};

const indexed = (value: TemplateValue, key: TemplateValue): TemplateValue => {
  if (isMap(value)) return fieldOf(value, text(key));
  if (typeof key !== 'bigint') throw new TemplateError(`cannot index slice/array with type ${typeNameOf(key)}`);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    if (key >= 0n && key < BigInt(bytes.length)) return BigInt(bytes[Number(key)]);
  } else if (isList(value)) {
    if (key >= 0n && key < BigInt(value.length)) return value[Number(key)];
  } else throw new TemplateError(`can't index item of type ${typeNameOf(value)}`);
  throw new TemplateError(`index out of range: ${key}`);
};

const sliced = (value: TemplateValue, from: TemplateValue, to: TemplateValue): TemplateValue => {
  const length = Number(lengthOf(value));
  const start = from === undefined ? 0 : Number(from);
  const end = to === undefined ? length : Number(to);
  if (!(start >= 0 && start <= end && end <= length)) throw new TemplateError(`index out of range: ${start}:${end}`);
  if (isList(value)) return value.slice(start, end);
  return Buffer.from(text(value)).subarray(start, end).toString();
};

/** Go's `print`: a space between two values of which none is a text. */
const printed = (args: readonly TemplateValue[]): string =>
  args.reduce<string>((done, value, i) => {
    const isSpaced = i > 0 && typeof value !== 'string' && typeof args[i - 1] !== 'string';
    return done + (isSpaced ? ' ' : '') + textOfValue(value);
  }, '');

const byName: Readonly<Record<string, TemplateFunction>> = {
  query: {
    count: 1,
    call: async ([expr], { query }) => (await query(text(expr))).map(sampleValue),
  },
  first: {
    count: 1,
    call: ([series]) => {
      const [first] = list(series);
      if (first === undefined) throw new TemplateError('first() called on vector with no elements');
      return first;
    },
  },
  label: { count: 2, call: ([name, series]) => labelOf(text(name), series) },
  value: { count: 1, call: ([series]) => fieldOf(sample(series), 'Value') },
  strvalue: { count: 1, call: ([series]) => labelOf('__value__', series) },
  sortByLabel: {
    count: 2,
    call: ([name, series]) =>
      list(series).toSorted((a, b) => compareUtf8(labelOf(text(name), a), labelOf(text(name), b))),
  },
  args: {
    count: 0,
    rest: true,
    call: (args): TemplateMap => ({
      kind: 'map',
      entries: Object.fromEntries(args.map((value, i) => [`arg${i}`, value])),
      missing: undefined,
    }),
  },
  reReplaceAll: {
    count: 3,
    call: ([pattern, replacement, value], surroundings) =>
      replaceAll(text(value), text(replacement), regexOf(text(pattern), surroundings)),
  },
  match: {
    count: 2,
    call: ([pattern, value], surroundings) => regexOf(text(pattern), surroundings).search(text(value), 0) !== undefined,
  },
  title: onText(title),
  toUpper: onText((value) => value.toUpperCase()),
  toLower: onText((value) => value.toLowerCase()),
  safeHtml: onText((value) => value),
  stripPort: onText(stripPort),
  stripDomain: onText(stripDomain),
  graphLink: onText((expr) => `/graph?g0.expr=${queryEscape(expr)}&g0.tab=0`),
  tableLink: onText((expr) => `/graph?g0.expr=${queryEscape(expr)}&g0.tab=1`),
  humanize: onNumber(humanize),
  humanize1024: onNumber(humanize1024),
  humanizeDuration: onNumber(humanizeDuration),
  humanizePercentage: onNumber(humanizePercentage),
  humanizeTimestamp: onNumber(humanizeTimestamp),
  toTime: {
    count: 1,
    call: ([value]) => ({ kind: 'time', milliseconds: millisecondsOf(toNumber(value)) }),
  },
  parseDuration: { count: 1, call: ([value]) => durationSeconds(text(value)) },
  externalURL: { count: 0, call: (_, { externalUrl }) => externalUrl },
  pathPrefix: { count: 0, call: (_, { externalUrl }) => pathOf(externalUrl) },
  now: { count: 0, call: (_, { now }) => now / 1000 },
  urlQueryEscape: onText(queryEscape),
  // Of Go's text/template.
  print: { count: 0, rest: true, call: printed },
  println: { count: 0, rest: true, call: (args) => `${args.map(textOfValue).join(' ')}\n` },
  printf: { count: 1, rest: true, call: ([format, ...values]) => goPrintf(text(format), values) },
  len: { count: 1, call: ([value]) => lengthOf(value) },
  index: { count: 1, rest: true, call: ([value, ...keys]) => keys.reduce(indexed, value) },
  slice: { count: 1, rest: true, call: ([value, from, to]) => sliced(value, from, to) },
  eq: {
    count: 2,
    rest: true,
    call: ([first, ...others]) => others.some((other) => isEqual(first, other)),
  },
  ne: { count: 2, call: ([a, b]) => !isEqual(a, b) },
  lt: { count: 2, call: ([a, b]) => isLess(a, b) },
  le: { count: 2, call: ([a, b]) => isLess(a, b) || isEqual(a, b) },
  gt: { count: 2, call: ([a, b]) => isLess(b, a) },
  ge: { count: 2, call: ([a, b]) => isLess(b, a) || isEqual(a, b) },
  html: { count: 0, rest: true, call: (args) => htmlEscape(printed(args)) },
  urlquery: { count: 0, rest: true, call: (args) => queryEscape(printed(args)) },
};

/** `and`, `or` and `not` are of the language: the executor evaluates only the arguments that it needs. */
const ofLanguage = ['and', 'or', 'not'] as const;

export const templateFunctionNames: ReadonlySet<string> = new Set([...Object.keys(byName), ...ofLanguage]);

export const callTemplateFunction = (
  name: string,
  args: readonly TemplateValue[],
  surroundings: TemplateSurroundings,
): TemplateValue | Promise<TemplateValue> => {
  const { count, rest, call } = byName[name];
  if (args.length < count || (rest === undefined && args.length > count)) {
    throw new TemplateError(
      `wrong number of args for ${name}: want ${rest ? 'at least ' : ''}${count} got ${args.length}`,
    );
  }
  try {
    return call(args, surroundings);
  } catch (error) {
    if (error instanceof TemplateError) throw new TemplateError(`error calling ${name}: ${error.message}`);
    throw error;
  }
};
