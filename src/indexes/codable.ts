/**
 * Keys and values of the four indexes as bytes (docs/formats/indexes.md). The sets have files of their own:
 * fingerprint-set.ts, value-set.ts. Decoders accept any bytes. Malformed bytes throw `TIDEMARK_CORRUPT_INDEX`.
 */

import { ByteReader } from '../model/byte-reader.ts';
import { ByteWriter } from '../model/byte-writer.ts';
import { TidemarkError } from '../model/errors.ts';
import { readInt32BE, writeInt32BE } from '../model/int64.ts';
import type { LabelPairs } from '../model/labels.ts';
import { MalformedBytes, OutOfBytes } from '../model/malformed-bytes.ts';
import type { TextTable } from '../model/text-table.ts';
import { decodeFingerprintSet, type FingerprintSet } from './fingerprint-set.ts';
import { ValueSet } from './value-set.ts';

const FINGERPRINT_BYTES = 8;

export interface TimeRange {
  /** Milliseconds since the epoch; -2^63 when unknown. */
  readonly firstTime: number;
  readonly lastTime: number;
}

const scratch = new ByteWriter();

/** A fingerprint: 8 bytes, big endian. */
export const encodeFingerprint = (high: number, low: number): Buffer => {
  const bytes = Buffer.allocUnsafe(FINGERPRINT_BYTES);
  writeInt32BE(bytes, 0, high);
  writeInt32BE(bytes, 4, low);
  return bytes;
};

/** Writes the halves of a fingerprint to `out`, the high half first. */
export const decodeFingerprint = (bytes: Uint8Array, out: Int32Array): void => {
  if (bytes.length !== FINGERPRINT_BYTES) throw corrupt(`a fingerprint has 8 bytes, but there are ${bytes.length}`);
  out[0] = readInt32BE(bytes, 0);
  out[1] = readInt32BE(bytes, 4);
};

/** A label name: string. */
export const encodeLabelName = (name: string): Buffer => {
  scratch.clear();
  scratch.string(name);
  return scratch.copy();
};

/**
 * A label pair: name and value, both strings. The keys of all pairs of one name begin with {@link encodeLabelName} of
 * it.
 */
export const encodeLabelPair = (name: string, value: string): Buffer => {
  scratch.clear();
  scratch.string(name);
  scratch.string(value);
  return scratch.copy();
};

/** Many label pairs, as views of one buffer. */
export const encodeLabelPairs = (names: readonly string[], values: readonly string[]): Buffer[] => {
  scratch.clear();
  const ends: number[] = [];
  for (let i = 0; i < names.length; i++) {
    scratch.string(names[i]);
    scratch.string(values[i]);
    ends.push(scratch.length);
  }
  const bytes = scratch.copy();
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
};

/** A time range: first and last time. */
export const encodeTimeRange = (firstTime: number, lastTime: number): Buffer => {
  scratch.clear();
  scratch.svarint(firstTime);
  scratch.svarint(lastTime);
  return scratch.copy();
};

/** A metric: count, then names and values. Tidemark sorts them by name. */
export const encodeMetric = (pairs: LabelPairs): Buffer => {
  scratch.clear();
  scratch.metric(pairs);
  return scratch.copy();
};

/** Decoders that share label text through one table. */
export class IndexDecoder {
  readonly texts: TextTable;
  private readonly reader: ByteReader;

  constructor(texts: TextTable) {
    this.texts = texts;
    this.reader = new ByteReader(texts);
  }

  labelName(bytes: Uint8Array): string {
    return this.attempt('label name', bytes, (reader) => reader.string());
  }

  labelPair(bytes: Uint8Array): readonly [name: string, value: string] {
    return this.attempt('label pair', bytes, (reader) => [reader.string(), reader.string()] as const);
  }

  /** Labels in the store's form: sorted by name, without empty values. */
  metric(bytes: Uint8Array): LabelPairs {
    return this.attempt('metric', bytes, (reader) => reader.metric());
  }

  timeRange(bytes: Uint8Array): TimeRange {
    return this.attempt('time range', bytes, (reader) => ({ firstTime: reader.svarint(), lastTime: reader.svarint() }));
  }

  fingerprintSet(bytes: Uint8Array): FingerprintSet {
    return this.attempt('fingerprint set', bytes, () => decodeFingerprintSet(bytes));
  }

  valueSet(bytes: Uint8Array): ValueSet {
    return this.attempt('set of label values', bytes, () => ValueSet.decode(bytes));
  }

  values(set: ValueSet): string[] {
    return this.attempt('set of label values', new Uint8Array(0), () => set.values(this.texts));
  }

  valuesThat(set: ValueSet, passes: (value: string) => boolean): string[] {
    return this.attempt('set of label values', new Uint8Array(0), () => set.valuesThat(passes, this.texts));
  }

  private attempt<T>(what: string, bytes: Uint8Array, decode: (reader: ByteReader) => T): T {
    try {
      this.reader.reset(bytes);
      return decode(this.reader);
    } catch (error) {
      if (!(error instanceof OutOfBytes || error instanceof MalformedBytes)) throw error;
      throw corrupt(`${what} in an index: ${error.message}`, error);
    }
  }
}

const corrupt = (message: string, cause?: unknown): TidemarkError =>
  new TidemarkError('TIDEMARK_CORRUPT_INDEX', message, { cause });
