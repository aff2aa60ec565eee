/**
 * Damage at every position: heads.db, mappings.db and a series file, cut at every length and with every byte changed, one
 * at a time. Whatever the bytes are, reading them ends, throws nothing but a named problem, and allocates no more than
 * the file is worth; and what the byte does not belong to is read as if nothing had happened.
 *
 * The original's files have no checksums: a changed value in a chunk can't be told from a right one. heads.db as Tidemark
 * writes it while it runs has one, so there every change is named.
 *
 * By default a sample of the positions is tried; `TIDEMARK_DAMAGE=all` tries every one (docs/testing.md).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { SampleColumns } from '../../src/chunk/chunk.ts';
import { decodeChunk } from '../../src/chunk/decode.ts';
import { Slab } from '../../src/chunk/slab.ts';
import { encodeTrailer, type HeadsRead, type HeadsRecord } from '../../src/disk/heads/heads.ts';
import { HeadsDecoder } from '../../src/disk/heads/heads-decoder.ts';
import { readMappings } from '../../src/disk/mappings.ts';
import { readQuarantined } from '../../src/disk/series-files/quarantined-file.ts';
import { CrcWindow } from '../../src/files/crc-window.ts';
import type { FileSystem } from '../../src/files/file-system.ts';
import { openStore, TidemarkError } from '../../src/index.ts';
import { fastFingerprint, fingerprintText } from '../../src/model/fingerprint.ts';
import { TextTable } from '../../src/model/text-table.ts';
import { parseUniqueMetric } from '../../src/model/unique-metric.ts';
import { finishSteps } from '../support/finish-steps.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { extractFixture } from '../support/tar.ts';
import { FIXTURE_NOW, originalSeries, type SeriesByText, textOf, textsOf } from './support/fixture-runs.ts';

const everything = process.env['TIDEMARK_DAMAGE'] === 'all';
/** Tried are positions that are this far apart, beginning with each of the first ones in turn for the changes. */
const step = everything ? 1 : 23;
const RECORD_BYTES = 1041;
/** More samples than a chunk can hold. */
const SAMPLES_MAX = 126_212;

const changes: readonly ((byte: number, position: number) => number)[] = [
  (byte) => byte ^ 0xff,
  (byte, position) => byte ^ (1 << (position % 8)),
  () => 0,
];

interface Damage {
  readonly bytes: Buffer;
  /** Where; a cut is at the first byte that is missing. */
  readonly position: number;
  readonly isCut: boolean;
}

describe('a damaged file', () => {
  const fixtures: Record<string, { directory: string; remove: () => void }> = {};
  const fileOf = (fixture: string, path: string): Buffer => readFileSync(join(fixtures[fixture].directory, path));

  before(() => {
    for (const name of ['base', 'collisions']) fixtures[name] = extractFixture(name);
  });
  after(() => {
    for (const { remove } of Object.values(fixtures)) remove();
  });

  it('heads.db of the original: the other series are as they were, the problem is named or within one series', () => {
    const whole = fileOf('base', 'heads.db');
    const sound = readRecords(whole);
    for (const { bytes, position, isCut } of damages(whole)) {
      const { records, heads } = readRecords(bytes);
      const changed = [...sound.records].filter(([key, summary]) => records.get(key) !== summary).length;
      const where = `position ${position}`;
      if (isCut) {
        expect(heads.status, where).to.equal('damaged');
        continue;
      }
      // A record that is cut short takes with it what follows only if that can't be recognised as a record.
      expect(changed, where).to.be.at.most(2);
      if (changed > 0 && heads.status === 'ok') expect(changed, where).to.equal(1);
    }
  });

  it('heads.db of a running store: every change and every cut is named', () => {
    const original = fileOf('base', 'heads.db');
    const whole = Buffer.concat([original, encodeTrailer({ position: 4711 }, crc32(original))]);
    expect(readRecords(whole).heads).to.include({ status: 'ok' });
    for (const { bytes, position, isCut } of damages(whole)) {
      const { heads } = readRecords(bytes);
      // Cut within the trailer it is the original's file, which the journal then says it is not (tier.ts).
      if (isCut && position >= original.length && heads.trailer === undefined) continue;
      expect(heads.status, `position ${position}`).to.equal('damaged');
    }
  });

  it('mappings.db: it is named, or a mapping is not below its own fingerprint, or one number is another', () => {
    const whole = fileOf('collisions', 'mappings.db');
    const sound = mappingsOf(whole);
    for (const { bytes, position, isCut } of damages(whole)) {
      const found = mappingsOf(bytes);
      const where = `position ${position}`;
      if (isCut) {
        expect(found.isDamaged, where).to.equal(true);
        continue;
      }
      const differing = found.lines.filter((line) => !sound.lines.includes(line));
      if (!found.isDamaged) expect(differing.length, where).to.be.at.most(sound.lines.length);
      if (!found.isDamaged && !found.hasStranger) expect(differing.length, where).to.be.at.most(1);
    }
  });

  it('a series file: the other chunks are as they were', () => {
    const whole = fileOf('base', join('fc', '638509e80294a8.db'));
    const soundChunks = chunksOf(whole);
    for (const { bytes, position } of damages(whole)) {
      const columns = new SampleColumns();
      const problems = finishSteps(readQuarantined(fileSystemOf(bytes), '', 'file', columns));
      expect(columns.count).to.be.below((bytes.length / RECORD_BYTES + 1) * SAMPLES_MAX);
      const affected = Math.floor(position / RECORD_BYTES);
      const found = new Set(columns.timestamps.subarray(0, columns.count));
      for (const [index, chunk] of soundChunks.entries()) {
        if (index >= affected) break;
        expect(
          chunk.every((time) => found.has(time)),
          `position ${position}, chunk ${index}`,
        ).to.equal(true);
      }
      if (bytes.length % RECORD_BYTES !== 0) expect(problems, `position ${position}`).to.not.have.length(0);
    }
  });

  const stride = everything ? 97 : 1999;
  for (const path of ['heads.db', 'mappings.db', 'fc/638509e80294a8.db']) {
    it(`opens with everything else in its place: ${path}`, async () => {
      const whole = fileOf('base', path);
      const sound = originalSeries('base', 'as-is');
      const positions = [...some(whole.length, Math.max(7, Math.ceil(stride / (20_000 / whole.length))))];
      for (const position of positions) {
        for (const isCut of [true, false]) await openDamaged(path, whole, position, isCut, sound);
      }
    });
  }
});

/** Opens a copy of `base` with one file damaged, with and without recovery. */
const openDamaged = async (
  path: string,
  whole: Buffer,
  position: number,
  isCut: boolean,
  sound: SeriesByText,
): Promise<void> => {
  const { directory, remove } = extractFixture('base');
  try {
    const bytes = isCut ? whole.subarray(0, position) : changed(whole, position, (byte) => byte ^ 0xff);
    writeFileSync(join(directory, path), bytes);
    const found = await openAndRead(directory);
    const where = `${path}, ${isCut ? 'cut' : 'changed'} at ${position}`;
    const differing = [...sound].filter(([text, { samples }]) => found.get(text)?.join() !== samples.join());
    // A cut checkpoint loses the series that are only there; everything else is one series at most.
    const limit = path === 'heads.db' ? (isCut ? 12 : 2) : path === 'mappings.db' ? 0 : 1;
    expect(differing.length, `${where}: ${differing.map(([text]) => text).join(' ')}`).to.be.at.most(limit);
  } finally {
    remove();
  }
};

const openAndRead = async (directory: string): Promise<Map<string, readonly string[]>> => {
  const store = await openStore(directory, { retention: 'off', clock: new ManualClock(FIXTURE_NOW) });
  try {
    const found = new Map<string, readonly string[]>();
    for await (const { labels, timestamps, values } of store.select([]))
      found.set(textOf(labels), textsOf(timestamps, values));
    return found;
  } finally {
    await store.close();
  }
};

function* damages(whole: Buffer, every = step): Generator<Damage> {
  for (const position of some(whole.length, every)) yield { bytes: whole.subarray(0, position), position, isCut: true };
  for (const [offset, change] of changes.entries()) {
    for (let position = every === 1 ? 0 : offset; position < whole.length; position += every) {
      const bytes = changed(whole, position, change);
      if (bytes[position] !== whole[position]) yield { bytes, position, isCut: false };
    }
  }
}

function* some(length: number, every: number): Generator<number> {
  for (let position = 0; position < length; position += every) yield position;
}

const changed = (whole: Buffer, position: number, change: (byte: number, position: number) => number): Buffer => {
  const bytes = Buffer.from(whole);
  bytes[position] = change(bytes[position], position);
  return bytes;
};

const slab = new Slab();

/** The records by fingerprint and labels, each as a summary of everything in it. */
const readRecords = (bytes: Buffer): { records: Map<string, string>; heads: HeadsRead } => {
  const records = new Map<string, string>();
  const take = ({ high, low, pairs, slots, mtimeNs, ...rest }: HeadsRecord): void => {
    const chunks = slots.map((slot) => {
      const sum = crc32(slab.bytesOf(slot));
      readChunk(slab.bytesOf(slot), slab.encoding[slot]);
      slab.release(slot);
      return sum;
    });
    const key = `${fingerprintText(high, low)} ${pairs.join(' ')}`;
    records.set(key, JSON.stringify([String(mtimeNs), rest, chunks]));
  };
  const window = new CrcWindow(fileSystemOf(bytes), 0);
  const decoder = new HeadsDecoder('heads.db', window, slab, new TextTable(4), { onRecord: take });
  while (decoder.readSlice());
  expect(slab.used).to.equal(0);
  return { records, heads: decoder.result() };
};

/** Any chunk that was taken can be read: to its end, or to a named problem. */
const readChunk = (bytes: Uint8Array, encoding: number): void => {
  const columns = new SampleColumns();
  try {
    decodeChunk(bytes, 0, encoding, columns);
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
  }
  expect(columns.count).to.be.below(SAMPLES_MAX);
};

const mappingsOf = (bytes: Buffer): { lines: string[]; isDamaged: boolean; hasStranger: boolean } => {
  const { mappings, status } = readMappings(fileSystemOf(bytes), '');
  const raw = new Int32Array(2);
  let hasStranger = false;
  const lines = mappings.map(({ rawHigh, rawLow, metric, high, low }) => {
    fastFingerprint(parseUniqueMetric(metric), raw);
    if (raw[0] !== rawHigh || raw[1] !== rawLow) hasStranger = true;
    return [fingerprintText(rawHigh, rawLow), Buffer.from(metric).toString('hex'), fingerprintText(high, low)].join();
  });
  return { lines, isDamaged: status === 'damaged', hasStranger };
};

/** The times of each chunk of a series file. */
const chunksOf = (file: Buffer): number[][] =>
  Array.from({ length: file.length / RECORD_BYTES }, (_, i) => {
    const columns = new SampleColumns();
    decodeChunk(file, i * RECORD_BYTES + 17, file[i * RECORD_BYTES], columns);
    return [...columns.timestamps.subarray(0, columns.count)];
  });

/** A file system with one file. */
const fileSystemOf = (bytes: Buffer): FileSystem =>
  ({
    open: () => 0,
    close: () => {},
    statOpen: () => ({ size: bytes.length, mtimeNs: 0n, isFile: true, isDirectory: false }),
    read: (_fd: number, buffer: Uint8Array, offset: number, length: number, position: number) =>
      bytes.copy(buffer, offset, position, position + length),
  }) as unknown as FileSystem;
