/**
 * mappings.db: the series that are stored under another fingerprint than their own, because another series has theirs
 * (docs/formats/mappings.md). The file is written as a whole, atomically.
 *
 *   "PrometheusMappings"  uvarint version 1  uvarint count of raw fingerprints
 *   per raw fingerprint: 8 bytes BE, uvarint count of mappings
 *   per mapping: uvarint byte length, unique metric string, mapped fingerprint (8 bytes BE)
 *
 * The integers are plain base-128, not zigzag as in all other files.
 */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { readFile, writeFileAtomically } from '../files/read-write.ts';
import { ByteReader } from '../model/byte-reader.ts';
import { ByteWriter } from '../model/byte-writer.ts';
import type { Mapping } from '../model/collisions.ts';
import { TidemarkError } from '../model/errors.ts';
import { MalformedBytes, OutOfBytes } from '../model/malformed-bytes.ts';
import { TextTable } from '../model/text-table.ts';
import { parseUniqueMetric } from '../model/unique-metric.ts';

export const MAPPINGS_FILE = 'mappings.db';

const MAGIC = Buffer.from('PrometheusMappings');
const VERSION = 1;
/** Enough for 2^20 mappings, the maximum, with label sets of ordinary size. Bytes beyond it are not read. */
const FILE_BYTES_MAX = 1 << 28;

export interface MappingsRead {
  readonly status: 'missing' | 'ok' | 'damaged';
  /** All mappings; for a damaged file, those before the damage. */
  readonly mappings: readonly Mapping[];
  /** `TIDEMARK_CORRUPT_MAPPINGS` with the byte offset. */
  readonly damage: TidemarkError | undefined;
}

/** Reads the table. Damage does not throw. A system error throws `TIDEMARK_IO`. */
export const readMappings = (fileSystem: FileSystem, directory: string): MappingsRead => {
  const path = join(directory, MAPPINGS_FILE);
  const bytes = read(fileSystem, path);
  if (bytes === undefined) return { status: 'missing', mappings: [], damage: undefined };
  const mappings: Mapping[] = [];
  const reader = new ByteReader(new TextTable(0), bytes);
  try {
    decode(reader, mappings);
    return { status: 'ok', mappings, damage: undefined };
  } catch (error) {
    if (!(error instanceof OutOfBytes || error instanceof MalformedBytes)) throw error;
    return { status: 'damaged', mappings, damage: corrupt(path, reader.position, error.message) };
  }
};

/** Writes the table, sorted, so that equal tables have equal bytes. */
export const writeMappings = (fileSystem: FileSystem, directory: string, mappings: Iterable<Mapping>): void => {
  try {
    writeFileAtomically(fileSystem, directory, MAPPINGS_FILE, encodeMappings(mappings));
  } catch (error) {
    throw ioError(error, 'write', join(directory, MAPPINGS_FILE));
  }
};

export const encodeMappings = (mappings: Iterable<Mapping>): Uint8Array => {
  const sorted = [...mappings].sort(byRawThenMapped);
  const groups: Mapping[][] = [];
  for (const mapping of sorted) {
    const group = groups.at(-1);
    if (group !== undefined && isSameRaw(group[0], mapping)) group.push(mapping);
    else groups.push([mapping]);
  }
  const writer = new ByteWriter();
  writer.raw(MAGIC);
  writer.uvarint(VERSION);
  writer.uvarint(groups.length);
  for (const group of groups) {
    writer.halvesBE(group[0].rawHigh, group[0].rawLow);
    writer.uvarint(group.length);
    for (const { metric, high, low } of group) {
      writer.uvarint(metric.length);
      writer.raw(metric);
      writer.halvesBE(high, low);
    }
  }
  return writer.view();
};

const decode = (reader: ByteReader, mappings: Mapping[]): void => {
  if (Buffer.compare(reader.raw(MAGIC.length), MAGIC) !== 0) {
    reader.position = 0;
    throw new MalformedBytes(`the file does not begin with ${MAGIC}`);
  }
  const version = reader.uvarint();
  if (version !== VERSION) throw new MalformedBytes(`unknown version ${version}, must be ${VERSION}`);
  // Every iteration reads bytes, so a count that is too large for the file stops at the end of the file.
  for (let raw = reader.uvarint(); raw > 0; raw--) {
    const rawHigh = reader.int32BE();
    const rawLow = reader.int32BE();
    for (let left = reader.uvarint(); left > 0; left--) {
      const metric = reader.raw(reader.uvarint()).slice();
      parseUniqueMetric(metric);
      mappings.push({ rawHigh, rawLow, metric, high: reader.int32BE(), low: reader.int32BE() });
    }
  }
};

const read = (fileSystem: FileSystem, path: string): Uint8Array | undefined => {
  try {
    return readFile(fileSystem, path, FILE_BYTES_MAX);
  } catch (error) {
    throw ioError(error, 'read', path);
  }
};

const corrupt = (file: string, offset: number, problem: string): TidemarkError =>
  new TidemarkError('TIDEMARK_CORRUPT_MAPPINGS', `${file}, byte ${offset}: ${problem}`, {
    details: { file, offset, problem },
  });

const isSameRaw = (a: Mapping, b: Mapping): boolean => a.rawHigh === b.rawHigh && a.rawLow === b.rawLow;

const byRawThenMapped = (a: Mapping, b: Mapping): number =>
  (a.rawHigh >>> 0) - (b.rawHigh >>> 0) ||
  (a.rawLow >>> 0) - (b.rawLow >>> 0) ||
  (a.high >>> 0) - (b.high >>> 0) ||
  (a.low >>> 0) - (b.low >>> 0);
