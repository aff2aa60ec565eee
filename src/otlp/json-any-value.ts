/** Turns an AnyValue of OTLP's JSON, such as `{"arrayValue":{"values":[{"intValue":"1"}]}}`, into a plain value. */
import { quoted } from '../model/shown-value.ts';
import { WireError } from '../wire/wire-error.ts';
import { type AnyValue, VALUE_COUNT_MAX, VALUE_DEPTH_MAX, wellFormed } from './attribute-text.ts';
import type { JsonObject, JsonValue } from './sliced-json.ts';

const tooLarge = Symbol('too large');

export class JsonAnyValue {
  private left = VALUE_COUNT_MAX;

  /** The value; a symbol if it has more parts or levels than a label could hold. */
  of(json: JsonObject): AnyValue | typeof tooLarge {
    try {
      return this.read(json, 0);
    } catch (error) {
      if (error === tooLarge) return tooLarge;
      throw error;
    }
  }

  private read(json: JsonObject, depth: number): AnyValue {
    if (--this.left < 0 || depth > VALUE_DEPTH_MAX) throw tooLarge;
    const text = json['stringValue'];
    if (typeof text === 'string') return wellFormed(text);
    for (const name of Object.keys(json)) {
      const value = json[name];
      const read = value === null ? undefined : readers.get(name);
      if (read !== undefined) return read(value, (nested) => this.read(nested, depth + 1));
    }
    return undefined;
  }
}

type Nested = (json: JsonObject) => AnyValue;

const wrong = (name: string): WireError => new WireError(`the JSON has an attribute with a wrong ${quoted(name)}`);

const integerOf = (value: JsonValue): AnyValue => {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) throw wrong('intValue');
  return Number.isSafeInteger(Number(value)) ? Number(value) : BigInt(value);
};

const doubleOf = (value: JsonValue): AnyValue => {
  if (typeof value === 'number') return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  if (Number.isNaN(number) && value !== 'NaN') throw wrong('doubleValue');
  return number;
};

const elementsOf = (value: JsonValue, name: string): readonly JsonObject[] => {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const values = isObject ? (value['values'] ?? []) : undefined;
  if (!Array.isArray(values)) throw wrong(name);
  if (values.length > VALUE_COUNT_MAX) throw tooLarge;
  return values.map((each) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) throw wrong(name);
    return each;
  });
};

const mapOf = (value: JsonValue, nested: Nested): AnyValue => {
  const map = Object.create(null) as Record<string, AnyValue>;
  for (const entry of elementsOf(value, 'kvlistValue')) {
    const key = entry['key'] ?? '';
    const inner = entry['value'] ?? Object.create(null);
    if (typeof key !== 'string' || typeof inner !== 'object' || Array.isArray(inner)) throw wrong('kvlistValue');
    map[wellFormed(key)] = nested(inner as JsonObject);
  }
  return map;
};

const readers: ReadonlyMap<string, (value: JsonValue, nested: Nested) => AnyValue> = new Map<
  string,
  (value: JsonValue, nested: Nested) => AnyValue
>([
  [
    'stringValue',
    () => {
      throw wrong('stringValue');
    },
  ],
  [
    'boolValue',
    (value) => {
      if (typeof value !== 'boolean') throw wrong('boolValue');
      return value;
    },
  ],
  ['intValue', integerOf],
  ['doubleValue', doubleOf],
  ['arrayValue', (value, nested) => elementsOf(value, 'arrayValue').map(nested)],
  ['kvlistValue', mapOf],
  [
    'bytesValue',
    (value) => {
      if (typeof value !== 'string') throw wrong('bytesValue');
      return Buffer.from(value, 'base64');
    },
  ],
]);
