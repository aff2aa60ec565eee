/**
 * Parses JSON of many megabytes without holding the event loop: the work is divided into slices, and depth and number of
 * values are bounded, because a value of two bytes becomes an object of sixty. What is parsed is what `JSON.parse` gives,
 * with two differences. Integers beyond 2^53 stay text, so that they keep their digits. Objects have no prototype, so that
 * a key named `__proto__` is a key.
 */
import { isUtf8 } from 'node:buffer';
import { WireError } from '../wire/wire-error.ts';

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Levels of arrays and objects in each other. */
const DEPTH_MAX = 300;
/** Values of one document. A data point of OTLP has about twenty. */
const VALUE_COUNT_MAX = 2_000_000;
/** Bytes of one text, or of white space between two values: they are read in one piece. */
const TEXT_BYTES_MAX = 1024 * 1024;
/** Values and kilobytes of text per slice. */
const SLICE_UNITS = 5000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** No number of a sender is longer; digits beyond it would not change a double. */
const NUMBER_LENGTH_MAX = 1000;

const words: readonly (readonly [text: Buffer, value: JsonValue])[] = [
  [Buffer.from('true'), true],
  [Buffer.from('false'), false],
  [Buffer.from('null'), null],
];

/** Parses a document. Yields where the event loop may go on; returns the value. Throws `WireError` with the place. */
export const parseSliced = (bytes: Uint8Array): Generator<void, JsonValue> => new JsonParser(bytes).document();

class JsonParser {
  private readonly bytes: Buffer;
  private at = 0;
  private values = 0;
  private units = 0;
  /** Arrays and objects that are open, from the outside in. */
  private readonly open: (JsonValue[] | JsonObject)[] = [];
  /** The key for the next value of each open object. */
  private readonly keys: string[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!isUtf8(this.bytes)) throw new WireError('the JSON is not UTF-8');
  }

  *document(): Generator<void, JsonValue> {
    for (;;) {
      let value = this.startValue();
      // Undefined: an array or object was opened, and its first value is next.
      while (value !== undefined) {
        const around = this.open.at(-1);
        if (around === undefined) return this.ended(value);
        if (Array.isArray(around)) around.push(value);
        else around[this.keys[this.keys.length - 1]] = value;
        value = this.afterValue(around);
      }
      if (this.units >= SLICE_UNITS) {
        this.units = 0;
        yield;
      }
    }
  }

  private ended(value: JsonValue): JsonValue {
    this.skipSpace();
    if (this.at < this.bytes.length) throw this.unexpected();
    return value;
  }

  /** Reads a value, or opens an array or object that is not empty: undefined then. */
  private startValue(): JsonValue | undefined {
    this.skipSpace();
    this.values += 1;
    this.units += 1;
    if (this.values > VALUE_COUNT_MAX)
      throw new WireError(`the JSON has more than ${VALUE_COUNT_MAX} values; send it in parts, or as protobuf`);
    switch (this.bytes[this.at]) {
      case QUOTE:
        return this.readString();
      case OPEN_BRACE:
        return this.openObject();
      case OPEN_BRACKET:
        return this.openArray();
      default:
        return this.readWord();
    }
  }

  private openObject(): JsonValue | undefined {
    const object = Object.create(null) as JsonObject;
    this.at += 1;
    this.skipSpace();
    if (this.bytes[this.at] === CLOSE_BRACE) {
      this.at += 1;
      return object;
    }
    this.push(object);
    this.keys.push(this.readKey());
    return undefined;
  }

  private openArray(): JsonValue | undefined {
    const array: JsonValue[] = [];
    this.at += 1;
    this.skipSpace();
    if (this.bytes[this.at] === CLOSE_BRACKET) {
      this.at += 1;
      return array;
    }
    this.push(array);
    return undefined;
  }

  private push(value: JsonValue[] | JsonObject): void {
    if (this.open.length >= DEPTH_MAX) throw new WireError(`the JSON is nested deeper than ${DEPTH_MAX} levels`);
    this.open.push(value);
  }

  /** After a value of an array or object: undefined if another value follows, the array or object if it ends. */
  private afterValue(around: JsonValue[] | JsonObject): JsonValue | undefined {
    this.skipSpace();
    const byte = this.bytes[this.at];
    const isArray = Array.isArray(around);
    if (byte === COMMA) {
      this.at += 1;
      if (!isArray) {
        this.skipSpace();
        this.keys[this.keys.length - 1] = this.readKey();
      }
      return undefined;
    }
    if (byte !== (isArray ? CLOSE_BRACKET : CLOSE_BRACE)) throw this.unexpected();
    this.at += 1;
    this.open.pop();
    if (!isArray) this.keys.pop();
    return around;
  }

  private readKey(): string {
    if (this.bytes[this.at] !== QUOTE) throw this.unexpected();
    const key = this.readString();
    this.skipSpace();
    if (this.bytes[this.at] !== COLON) throw this.unexpected();
    this.at += 1;
    return key;
  }

  private readString(): string {
    const { bytes } = this;
    const start = this.at + 1;
    let at = start;
    let isPlain = true;
    for (; bytes[at] !== QUOTE; at++) {
      const byte = bytes[at];
      if (byte === undefined || byte < 0x20 || at - start > TEXT_BYTES_MAX) {
        this.at = at;
        this.countBytes(at - start);
        throw this.unexpected();
      }
      if (byte !== BACKSLASH) continue;
      isPlain = false;
      at += 1;
    }
    this.at = at + 1;
    this.countBytes(at - start);
    return isPlain ? bytes.toString('utf8', start, at) : this.unescape(start, at);
  }

  private unescape(start: number, end: number): string {
    try {
      return JSON.parse(this.bytes.toString('utf8', start - 1, end + 1)) as string;
    } catch {
      throw new WireError(`the JSON has a wrong escape in the text at byte ${start}`);
    }
  }

  private readWord(): JsonValue {
    for (const [text, value] of words) {
      if (text.compare(this.bytes, this.at, Math.min(this.at + text.length, this.bytes.length)) !== 0) continue;
      this.at += text.length;
      return value;
    }
    return this.readNumber();
  }

  private readNumber(): JsonValue {
    const { bytes } = this;
    let end = this.at;
    while (end < bytes.length && isNumberByte(bytes[end]) && end - this.at <= NUMBER_LENGTH_MAX) end += 1;
    const text = bytes.toString('latin1', this.at, end);
    if (!numberPattern.test(text)) throw this.unexpected();
    this.at = end;
    const number = Number(text);
    return Number.isInteger(number) && !Number.isSafeInteger(number) && /^-?\d+$/.test(text) ? text : number;
  }

  private skipSpace(): void {
    const { bytes } = this;
    const start = this.at;
    let at = start;
    while (isSpace(bytes[at]) && at - start <= TEXT_BYTES_MAX) at += 1;
    this.at = at;
    this.countBytes(at - start);
  }

  private countBytes(count: number): void {
    this.units += count >> 10;
    if (count > TEXT_BYTES_MAX) throw new WireError(`the JSON has a text longer than ${TEXT_BYTES_MAX} bytes`);
  }

  private unexpected(): WireError {
    if (this.at >= this.bytes.length) return new WireError('the JSON ends before it is complete');
    return new WireError(
      `the JSON has an unexpected ${JSON.stringify(String.fromCharCode(this.bytes[this.at]))} at byte ${this.at}`,
    );
  }
}

/** Digits, signs, the decimal point and the exponent's letter. */
const isNumberByte = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e || (byte | 0x20) === 0x65;

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
