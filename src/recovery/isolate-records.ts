/**
 * Isolates damaged records of heads.db. If the file has changed since it was written, and its checksums tell which
 * records have changed, the store loads only the sound records. The chunks of a damaged record go to quarantine. The
 * series file of such a record stays, and recovery finds its labels elsewhere.
 */

import { DELTA, VARBIT } from '../chunk/chunk.ts';
import { firstTimeOf, lastTimeOf, validateChunk } from '../chunk/decode.ts';
import { CHUNK_BYTES, type Slab } from '../chunk/slab.ts';
import { readRecordHead } from '../disk/heads/heads-record.ts';
import { type DamagedRecord, type HeadsWitness, verifyRecords } from '../disk/heads/heads-sums.ts';
import { DAMAGED_CHUNKS } from '../disk/quarantine/hint.ts';
import { putIntoQuarantine } from '../disk/quarantine/quarantine-file.ts';
import { HEADER_BYTES, RECORD_BYTES, writeHeader } from '../disk/series-files/series-record.ts';
import { seriesPath } from '../disk/series-path.ts';
import type { FileSystem } from '../files/file-system.ts';
import { ByteReader } from '../model/byte-reader.ts';
import { isReserved } from '../model/collisions.ts';
import { TidemarkError } from '../model/errors.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';
import { MalformedBytes, OutOfBytes } from '../model/malformed-bytes.ts';
import type { TextTable } from '../model/text-table.ts';
import type { Logger } from '../ports/logger.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import type { SeriesTable } from '../series/table.ts';
import { isOwnFingerprint, type NamingParts, nameSeries } from './naming.ts';
import { adoptRecord } from './snapshot.ts';

const ENCODED_CHUNK_BYTES = 1 + CHUNK_BYTES;
/** Offset after a record's flags and fingerprint. */
const FINGERPRINT_END = 9;
/** Most damaged records that are reported and quarantined one by one. */
const DESCRIBED_MAX = 1000;

export interface IsolationParts extends NamingParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly slab: Slab;
  readonly texts: TextTable;
  readonly logger: Logger;
  /** Called after each record. If it returns a promise, the promise is awaited. */
  readonly pause: () => Promise<void> | undefined;
}

/** A series whose record is damaged. */
export interface NamedSeries {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
}

/** The series of a damaged record, as far as it is known. */
export interface RecordName {
  readonly high: number;
  readonly low: number;
  /** `undefined` when the labels do not have this fingerprint. */
  readonly pairs: LabelPairs | undefined;
}

/**
 * Fills the table again with the sound records only, if checksums tell which records are sound. Resolves to the series
 * of the damaged records whose labels could be found.
 */
export const isolateDamagedRecords = async (parts: IsolationParts, witness: HeadsWitness): Promise<NamedSeries[]> => {
  const { fileSystem, directory, logger } = parts;
  const verified = await verifyRecords(fileSystem, directory, witness, parts.pause);
  if (verified === undefined) return [];
  clear(parts);
  await verified.eachSound((record) => takeRecord(parts, record), parts.pause);
  const damaged: DamagedRecord[] = [];
  verified.eachDamaged((record) => {
    if (damaged.length < DESCRIBED_MAX) damaged.push(record);
  });
  const { sound, damaged: count } = verified;
  logger.warn({ sound, damaged: count }, 'Records of the checkpoint were compared with their checksums.');
  const named = damaged.map(({ bytes }) => nameOf(bytes, parts.texts));
  const unsure = named.flatMap((name) => (name === undefined || name.pairs !== undefined ? [] : [name]));
  const names = await nameSeries(parts, unsure);
  const isolated: NamedSeries[] = [];
  for (const [i, record] of damaged.entries()) {
    const name = named[i];
    const pairs = name?.pairs ?? (name && names.get(name.high, name.low));
    isolate(parts, record, name && { ...name, pairs });
    if (name !== undefined && pairs !== undefined) isolated.push({ ...name, pairs });
  }
  return isolated;
};

/** The series of a damaged record, as far as the record itself names it. */
export const nameOf = (record: Uint8Array, texts: TextTable): RecordName | undefined => {
  if (record.length < FINGERPRINT_END) return undefined;
  const reader = new ByteReader(texts, record);
  reader.skip(1);
  const name = { high: reader.int32BE(), low: reader.int32BE(), pairs: undefined };
  try {
    const pairs = reader.metric();
    return isOwnFingerprint(name.high, name.low, pairs) ? { ...name, pairs } : name;
  } catch (error) {
    if (error instanceof OutOfBytes || error instanceof MalformedBytes) return name;
    throw error;
  }
};

const clear = ({ table, chunks }: IsolationParts): void => {
  for (const row of [...table.rows()]) {
    chunks.releaseAll(row);
    chunks.clean(row);
    table.remove(row);
  }
};

const takeRecord = ({ table, chunks, slab, texts }: IsolationParts, record: Uint8Array): void => {
  const reader = new ByteReader(texts, record);
  const head = readRecordHead(reader, 2);
  for (let i = 0; i < head.chunkCount; i++) {
    const slot = slab.allocate(reader.byte());
    slab.fill(slot, reader.raw(CHUNK_BYTES), 0);
    head.slots.push(slot);
  }
  adoptRecord(table, chunks, head);
};

const isolate = (
  { fileSystem, directory, logger }: IsolationParts,
  { index, offset, bytes }: DamagedRecord,
  name: RecordName | undefined,
): void => {
  const place = `record ${index} of heads.db, byte ${offset},`;
  const message = `${place} is not as it was written, by its checksum`;
  // A mapped fingerprint without known labels may itself be a result of the damage.
  if (name === undefined || (name.pairs === undefined && isReserved(name.high, name.low))) {
    logger.warn({ finding: 'recordDamaged' }, `${message}; its series is unknown.`);
    return;
  }
  const { high, low, pairs } = name;
  const chunks = chunksOf(bytes);
  const list = Array.from({ length: chunks.length / RECORD_BYTES }, (_, i) => i).join(', ');
  const reason = `${message}${list === '' ? '' : `${DAMAGED_CHUNKS}${list}`}`;
  const file = putIntoQuarantine(fileSystem, directory, seriesPath(high, low), { bytes: chunks, reason, pairs });
  logger.warn(
    { finding: 'recordDamaged', fingerprint: fingerprintText(high, low), ...(pairs && { labels: toLabels(pairs) }) },
    `${message}; its samples are in ${file}, and those of the series file stay.`,
  );
};

/** The record's chunks in the format of a series file. They are counted from its end: its head may be damaged. */
const chunksOf = (record: Uint8Array): Uint8Array => {
  const count = Math.floor(record.length / ENCODED_CHUNK_BYTES);
  const out = new Uint8Array(count * RECORD_BYTES);
  for (let i = 0; i < count; i++) {
    const start = record.length - (count - i) * ENCODED_CHUNK_BYTES;
    const at = i * RECORD_BYTES;
    out.set(record.subarray(start + 1, start + ENCODED_CHUNK_BYTES), at + HEADER_BYTES);
    writeHeader(out, at, headerOf(record, start));
  }
  return out;
};

const headerOf = (bytes: Uint8Array, start: number): Parameters<typeof writeHeader>[2] => {
  const encoding = bytes[start];
  const unknown = { encoding: encoding > VARBIT ? DELTA : encoding, firstTime: 0, lastTime: 0 };
  try {
    if (encoding > VARBIT) return unknown;
    validateChunk(bytes, start + 1, encoding);
    const firstTime = firstTimeOf(bytes, start + 1, encoding);
    return { encoding, firstTime, lastTime: lastTimeOf(bytes, start + 1, encoding) };
  } catch (error) {
    if (error instanceof TidemarkError) return unknown;
    throw error;
  }
};
