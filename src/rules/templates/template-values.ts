/**
 * The values of a template. Go tells whole numbers from floats: here a `bigint` is an int, and a `number` a float64.
 */
import type { Labels } from '../../model/labels.ts';
import { formatG } from '../../promql/engine/go-text.ts';
import { TemplateError } from './template-error.ts';

export type TemplateValue =
  | undefined
  | string
  | number
  | bigint
  | boolean
  | readonly TemplateValue[]
  | TemplateStruct
  | TemplateMap
  | TemplateTime;

/** One series of the result of `query`. */
export interface TemplateStruct {
  readonly kind: 'struct';
  readonly fields: Readonly<Record<string, TemplateValue>>;
}

export interface TemplateMap {
  readonly kind: 'map';
  readonly entries: Readonly<Record<string, TemplateValue>>;
  /** What a missing key gives: labels give an empty text. */
  readonly missing: TemplateValue;
}

export interface TemplateTime {
  readonly kind: 'time';
  /** Milliseconds since the epoch. */
  readonly milliseconds: number;
}

export const labelsValue = (labels: Labels): TemplateMap => ({ kind: 'map', entries: labels, missing: '' });

export const isList = (value: TemplateValue): value is readonly TemplateValue[] => Array.isArray(value);

export const isMap = (value: TemplateValue): value is TemplateMap =>
  typeof value === 'object' && !isList(value) && value.kind === 'map';

export const isTime = (value: TemplateValue): value is TemplateTime =>
  typeof value === 'object' && !isList(value) && value.kind === 'time';

export const isStruct = (value: TemplateValue): value is TemplateStruct =>
  typeof value === 'object' && !isList(value) && value.kind === 'struct';

/** Go's name for the value's type. */
export const typeNameOf = (value: TemplateValue): string => {
  switch (typeof value) {
    case 'undefined':
      return 'nil';
    case 'string':
      return 'string';
    case 'number':
      return 'float64';
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
  }
  if (isList(value)) return 'slice';
  return isMap(value) ? 'map' : isTime(value) ? 'time' : 'struct';
};

export const isTrue = (value: TemplateValue): boolean => {
  if (typeof value === 'number') return value !== 0;
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value.entries).length > 0;
  if (typeof value === 'bigint') return value !== 0n;
  return value !== undefined && value !== '' && value !== false;
};

/** The value as Go's `%v` writes it. */
export const textOfValue = (value: TemplateValue): string => {
  if (value === undefined) return '<no value>';
  if (typeof value === 'number') return formatG(value);
  if (isList(value)) return `[${value.map(textOfValue).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  if (isTime(value)) return formatGoTime(value.milliseconds);
  if (isMap(value)) {
    const keys = Object.keys(value.entries).sort();
    return `map[${keys.map((key) => `${key}:${textOfValue(value.entries[key])}`).join(' ')}]`;
  }
  return `{${Object.values(value.fields).map(textOfValue).join(' ')}}`;
};

/** A time as Go prints it: `2026-01-31 12:00:00.5 +0000 UTC`. */
export const formatGoTime = (milliseconds: number): string => {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) throw new TemplateError('a time beyond the year 275760');
  const [day, time] = date.toISOString().split('T');
  return `${day} ${time.slice(0, 8)}${time.slice(8, 12).replace(/\.?0+$/, '')} +0000 UTC`;
};

/** A field of a struct, or an entry of a map. */
export const fieldOf = (value: TemplateValue, name: string): TemplateValue => {
  if (isMap(value)) return Object.hasOwn(value.entries, name) ? value.entries[name] : value.missing;
  if (isStruct(value) && Object.hasOwn(value.fields, name)) return value.fields[name];
  if (value === undefined) throw new TemplateError(`nil data; no entry for key ${JSON.stringify(name)}`);
  throw new TemplateError(`can't evaluate field ${name} in type ${typeNameOf(value)}`);
};
