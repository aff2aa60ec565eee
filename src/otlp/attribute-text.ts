/**
 * Values of attributes as text, as Prometheus' OTLP receiver writes them into labels: strings as they are, numbers and
 * booleans as in JSON, bytes in Base64, arrays and maps as JSON with sorted keys.
 */
import { LABEL_BYTES_MAX } from '../model/labels.ts';
import { formatValue } from '../text/values.ts';

/** Integers that a double can't hold are bigints. A map is an object, best without a prototype. */
export type AnyValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly AnyValue[]
  | { readonly [key: string]: AnyValue };

/** Values that may be inside each other. */
export const VALUE_DEPTH_MAX = 64;
/** Values that one attribute may consist of. Each takes two characters or more, and a label set takes 64 KiB. */
export const VALUE_COUNT_MAX = 32_768;

/** The text; `undefined` if the value is nested too deeply, or has too many parts, for a label. */
export const attributeText = (value: AnyValue): string | undefined => {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return scalarText(value);
  return new JsonText().of(value);
};

const scalarText = (value: number | bigint | boolean | null | undefined | Uint8Array): string => {
  if (typeof value === 'number') return formatValue(value);
  if (value === null || value === undefined) return '';
  return value instanceof Uint8Array ? base64(value) : String(value);
};

const base64 = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/** Characters that Go's JSON writes as escapes, beyond those that JavaScript's does. */
const escapedByGo = /[<>&\u2028\u2029]/g;

const jsonString = (text: string): string =>
  JSON.stringify(text).replace(
    escapedByGo,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

class JsonText {
  private text = '';
  private left = VALUE_COUNT_MAX;

  of(value: AnyValue): string | undefined {
    return this.write(value, 0) ? this.text : undefined;
  }

  /** Returns false if a bound is exceeded. */
  private write(value: AnyValue, depth: number): boolean {
    if (--this.left < 0 || depth > VALUE_DEPTH_MAX || this.text.length > LABEL_BYTES_MAX) return false;
    switch (typeof value) {
      case 'string':
        this.text += jsonString(value);
        return true;
      case 'number':
        // JSON has no NaN and no infinities.
        this.text += Number.isFinite(value) ? formatValue(value) : `"${formatValue(value)}"`;
        return true;
      case 'bigint':
      case 'boolean':
        this.text += String(value);
        return true;
      default:
        return this.writeObject(value, depth);
    }
  }

  private writeObject(
    value: null | undefined | Uint8Array | readonly AnyValue[] | { readonly [key: string]: AnyValue },
    depth: number,
  ): boolean {
    if (value === null || value === undefined) this.text += 'null';
    else if (value instanceof Uint8Array) this.text += `"${base64(value)}"`;
    else return isArray(value) ? this.writeArray(value, depth) : this.writeMap(value, depth);
    return true;
  }

  private writeArray(values: readonly AnyValue[], depth: number): boolean {
    this.text += '[';
    for (let i = 0; i < values.length; i++) {
      if (i > 0) this.text += ',';
      if (!this.write(values[i], depth + 1)) return false;
    }
    this.text += ']';
    return true;
  }

  private writeMap(map: { readonly [key: string]: AnyValue }, depth: number): boolean {
    this.text += '{';
    let separator = '';
    for (const key of Object.keys(map).sort()) {
      this.text += `${separator}${jsonString(key)}:`;
      separator = ',';
      if (!this.write(map[key], depth + 1)) return false;
    }
    this.text += '}';
    return true;
  }
}

/** `Array.isArray` does not narrow to readonly arrays. */
const isArray = (value: readonly AnyValue[] | { readonly [key: string]: AnyValue }): value is readonly AnyValue[] =>
  Array.isArray(value);

/** Half of a surrogate pair is no character: the text with U+FFFD instead, as decoders of UTF-8 write it. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');
