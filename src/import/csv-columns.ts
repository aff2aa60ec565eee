/** What the columns of a CSV file mean, from a text such as `time=ts,value=temperature;humidity,labels=room;floor`. */
import type { Labels } from '../index.ts';
import { parseRfc3339 } from '../text/dates.ts';
import { type TimestampUnit, toMilliseconds, unitShownBy } from '../text/exposition.ts';
import type { LineSamples } from '../text/import-lines.ts';
import { LineError, quoteBriefly } from '../text/json-lines.ts';
import { parseValue } from '../text/values.ts';

export interface CsvMapping {
  /** The column with the time. */
  readonly time: string;
  /** The columns with values. Each is a metric. */
  readonly values: readonly string[];
  /** The columns with labels. */
  readonly labels: readonly string[];
  /** The metric's name. Default: the name of the value's column. */
  readonly name: string | undefined;
  /** The unit of times that are numbers. Default: judged by each number. */
  readonly unit: TimestampUnit | undefined;
}

const units: Readonly<Record<string, TimestampUnit>> = { s: 'seconds', ms: 'milliseconds' };
const keys = ['time', 'value', 'labels', 'name', 'unit'] as const;

/** Parses a mapping. Throws an error that names the part that is wrong. */
export const parseCsvMapping = (text: string): CsvMapping => {
  const given = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(0, equals)).trim();
    if (!keys.some((known) => known === key))
      throw new LineError(`${quoteBriefly(part)} is none of ${keys.map((known) => `${known}=…`).join(', ')}`);
    if (given.has(key)) throw new LineError(`${key} is given twice`);
    given.set(key, part.slice(equals + 1));
  }
  const listOf = (key: string): string[] => (given.get(key) ?? '').split(';').filter((name) => name !== '');
  const [time, values, unit] = [given.get('time'), listOf('value'), given.get('unit')];
  if (time === undefined || time === '') throw new LineError('time=COLUMN is missing');
  if (values.length === 0) throw new LineError('value=COLUMN is missing');
  if (unit !== undefined && !Object.hasOwn(units, unit))
    throw new LineError(`unit is s or ms, not ${quoteBriefly(unit)}`);
  return {
    time,
    values,
    labels: listOf('labels'),
    name: given.get('name'),
    unit: unit === undefined ? undefined : units[unit],
  };
};

/** The columns of one file: where its header has them. */
export class CsvColumns {
  private readonly mapping: CsvMapping;
  private readonly count: number;
  private readonly time: number;
  private readonly values: readonly number[];
  private readonly labels: readonly number[];

  /** Throws {@link LineError} if the header lacks a column, or has it twice. */
  constructor(mapping: CsvMapping, header: readonly string[]) {
    const placeOf = (name: string): number => {
      const place = header.indexOf(name);
      if (place < 0) {
        const shown = header.slice(0, 20).map(quoteBriefly).join(', ');
        throw new LineError(`the header has no column ${quoteBriefly(name)}; it has ${shown}`);
      }
      if (header.includes(name, place + 1)) throw new LineError(`the header has ${quoteBriefly(name)} twice`);
      return place;
    };
    this.mapping = mapping;
    this.count = header.length;
    this.time = placeOf(mapping.time);
    this.values = mapping.values.map(placeOf);
    this.labels = mapping.labels.map(placeOf);
  }

  /** The samples of a record. A cell without text gives no sample. Throws {@link LineError}. */
  samplesOf(fields: readonly string[]): readonly LineSamples[] {
    if (fields.length !== this.count)
      throw new LineError(`the record has ${fields.length} fields, but the header has ${this.count}`);
    const timestamps = [this.timeOf(fields[this.time].trim())];
    const samples: LineSamples[] = [];
    for (const [i, place] of this.values.entries()) {
      const text = fields[place].trim();
      if (text === '') continue;
      const value = parseValue(text);
      if (value === undefined)
        throw new LineError(`column ${quoteBriefly(this.mapping.values[i])}: ${quoteBriefly(text)} is not a number`);
      samples.push({
        labels: this.labelsOf(fields, this.mapping.values[i]),
        timestamps,
        values: [value],
        bits: undefined,
      });
    }
    return samples;
  }

  private timeOf(text: string): number {
    const time = parseRfc3339(text);
    if (time !== undefined) return time;
    if (!/^[+-]?\d+(?:\.\d+)?$/.test(text))
      throw new LineError(
        `column ${quoteBriefly(this.mapping.time)}: ${quoteBriefly(text)} is no number of seconds or milliseconds, and no RFC 3339 time`,
      );
    return toMilliseconds(text, this.mapping.unit ?? unitShownBy(text) ?? 'seconds');
  }

  private labelsOf(fields: readonly string[], column: string): Labels {
    const { labels, name } = this.mapping;
    const pairs: [string, string][] = [['__name__', name ?? column]];
    for (const [i, place] of this.labels.entries()) pairs.push([labels[i], fields[place]]);
    return Object.fromEntries(pairs);
  }
}
