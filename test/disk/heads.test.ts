import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { Slab } from '../../src/chunk/slab.ts';
import type { HeadsRead, HeadsRecord, HeadsTrailer } from '../../src/disk/heads/heads.ts';
import { readHeads } from '../../src/disk/heads/heads-reader.ts';
import { HeadsWriter } from '../../src/disk/heads/heads-writer.ts';
import { combineCrc32 } from '../../src/files/crc32.ts';
import type { FileSystem } from '../../src/files/file-system.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { ByteReader } from '../../src/model/byte-reader.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import { EARLIEST } from '../../src/model/int64.ts';
import { TextTable } from '../../src/model/text-table.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { extractFixture } from '../support/tar.ts';
import { chunksFrom, halves, inMemory, put, withDirectory } from './support.ts';

interface Expected {
  readonly afterStart: {
    readonly chunksToPersist: number;
    readonly memorySeries: readonly {
      readonly fp: string;
      readonly metric: Readonly<Record<string, string>>;
      readonly chunkDescsOffset: number;
      readonly persistWatermark: number;
      readonly numChunkDescs: number;
      readonly savedFirstTime: string;
      readonly modTimeNs: string | null;
    }[];
  };
}

interface Reading {
  readonly read: HeadsRead;
  readonly records: HeadsRecord[];
  readonly slab: Slab;
}

/** Shared by all readings, which are many. */
const texts = new TextTable(14);

const readFrom = async (directory: string, slab = new Slab(), fileSystem = nodeFileSystem): Promise<Reading> => {
  const records: HeadsRecord[] = [];
  const read = await readHeads(fileSystem, directory, slab, (record) => records.push(record), { texts });
  return { read, records, slab };
};

const withFixture = async (name: string, use: (directory: string) => Promise<void>): Promise<void> => {
  const { directory, remove } = extractFixture(name);
  try {
    await use(directory);
  } finally {
    remove();
  }
};

const write = async (
  directory: string,
  slab: Slab,
  records: readonly HeadsRecord[],
  announced = records.length,
  trailer?: HeadsTrailer,
) => {
  const writer = new HeadsWriter(nodeFileSystem, directory, slab, systemClock);
  writer.begin(announced);
  for (const record of records) writer.add(record);
  return writer.finish(trailer);
};

const name = ({ high, low }: HeadsRecord): string => fingerprintText(high, low);

const record = (slab: Slab, id: number, chunks: number, extra: Partial<HeadsRecord> = {}): HeadsRecord => ({
  ...halves(id.toString(16).padStart(16, '1')),
  pairs: ['__name__', 'up', 'id', String(id)],
  watermark: 0,
  mtimeNs: -1n,
  chunkDescsOffset: 0,
  savedFirstTime: EARLIEST,
  descriptorTimes: [],
  slots: chunksFrom(slab, 0, chunks),
  ...extra,
});

const placeholder = (slab: Slab, id: number): HeadsRecord =>
  record(slab, id, 0, {
    watermark: 1,
    mtimeNs: 1735700070000000001n,
    chunkDescsOffset: 2,
    savedFirstTime: 5,
    descriptorTimes: [1735694594742, 1735695899464],
  });

/** The label order of each record, by walking the file: the order that the original's maps happened to have. */
const labelOrders = (bytes: Buffer, records: readonly HeadsRecord[]): string[][] => {
  const orders: string[][] = [];
  for (const { high, low } of records) {
    const key = Buffer.alloc(8);
    key.writeInt32BE(high, 0);
    key.writeInt32BE(low, 4);
    const reader = new ByteReader(new TextTable(), bytes);
    reader.skip(bytes.indexOf(key) + 8);
    orders.push(reader.unsortedMetric());
  }
  return orders;
};

describe('heads.db of the original', () => {
  const clean = [
    'base',
    'clean-archived',
    'clean-small-delta',
    'clean-small-doubledelta',
    'clean-small-varbit',
    'collisions',
    'dirty',
    'written-by-1.5.2',
    'heads-trailing-garbage',
    'heads-v1',
  ];
  for (const fixture of clean) {
    it(`of ${fixture} is read as the original reads it`, () =>
      withFixture(fixture, async (directory) => {
        const { read, records } = await readFrom(directory);
        expect(read.status).to.equal('ok');
        expect(read.problems).to.deep.equal([]);
        expect(read.version).to.equal(fixture === 'heads-v1' ? 1 : 2);
        expect(read.seriesCount).to.equal(records.length).and.to.equal(read.seriesExpected);
        expect(read.trailer).to.equal(undefined);
        const bytes = readFileSync(join(directory, 'heads.db'));
        expect(read).to.include({ bytes: bytes.length, crc32: crc32(bytes) });
        if (fixture === 'dirty') return;
        const { afterStart } = fixtureJson<Expected>(`dirs/${fixture}/expected.json`);
        expect(read.chunksWaiting).to.equal(afterStart.chunksToPersist);
        const expected = new Map(afterStart.memorySeries.map((series) => [series.fp, series]));
        expect(records.length).to.equal(expected.size);
        for (const found of records) {
          const series = expected.get(name(found));
          if (series === undefined) throw new Error(`${name(found)} is not expected`);
          const labels = Object.entries(series.metric).filter(([, value]) => value !== '');
          expect(found.pairs).to.deep.equal(labels.sort(([a], [b]) => (a < b ? -1 : 1)).flat());
          expect(found.watermark).to.equal(series.persistWatermark);
          expect(found.chunkDescsOffset).to.equal(series.chunkDescsOffset);
          expect(BigInt(found.savedFirstTime)).to.equal(BigInt(series.savedFirstTime));
          expect(found.descriptorTimes.length / 2 + found.slots.length).to.equal(series.numChunkDescs);
        }
      }));
  }

  for (const fixture of clean.filter((other) => other !== 'heads-v1')) {
    it(`of ${fixture} is written again byte for byte`, () =>
      withFixture(fixture, async (directory) => {
        const { records, slab } = await readFrom(directory);
        const bytes = readFileSync(join(directory, 'heads.db'));
        const orders = labelOrders(bytes, records);
        const written = await withDirectory(async (copy) => {
          await write(
            copy,
            slab,
            records.map((found, i) => ({ ...found, pairs: orders[i] })),
          );
          return readFileSync(join(copy, 'heads.db'));
        });
        const trailing = fixture === 'heads-trailing-garbage' ? 16 : 0;
        expect(written.equals(bytes.subarray(0, bytes.length - trailing))).to.equal(true);
      }));
  }

  it('is missing where there is none', () =>
    withFixture('heads-missing', async (directory) => {
      expect((await readFrom(directory)).read).to.include({ status: 'missing', seriesCount: 0, bytes: 0 });
    }));
});

describe('a damaged heads.db', () => {
  /** Series read and problems found; the original stops at the first, and dies of the last. */
  const damages: [string, number, number, RegExp][] = [
    ['heads-bad-magic', 18, 1, /byte 0: the file does not begin with PrometheusHeads/],
    ['heads-version-3', 18, 1, /byte 15: unknown version 3, must be 1 or 2/],
    ['heads-count-high', 18, 1, /byte 19962: the file ends after 18 of \d+ series/],
    ['heads-empty', 0, 1, /byte 0: the file ends within its header/],
    ['heads-truncated', 8, 1, /byte 8916: the file ends within the record of a series/],
    ['heads-truncated-header', 0, 1, /byte 20: the file ends within its header/],
    ['heads-zero-descs', 18, 2, /byte 24: a series without chunks/],
  ];
  for (const [fixture, series, problems, message] of damages) {
    it(`such as ${fixture} gives what can be read, and says where it is damaged`, () =>
      withFixture(fixture, async (directory) => {
        const { read, records } = await readFrom(directory);
        expect(read.status).to.equal('damaged');
        expect(read.damage).to.be.instanceOf(TidemarkError);
        expect(read.damage?.code).to.equal('TIDEMARK_CORRUPT_HEADS');
        expect(read.damage?.message).to.match(message);
        expect(read.problemCount).to.equal(read.problems.length).and.to.equal(problems);
        expect(records.length).to.equal(series);
      }));
  }

  it('with a flipped bit in a label continues with the next series', () =>
    withFixture('base', async (directory) => {
      const path = join(directory, 'heads.db');
      const whole = await readFrom(directory);
      const bytes = readFileSync(path);
      bytes[33] = 0x07;
      writeFileSync(path, bytes);
      const { read, records } = await readFrom(directory);
      expect(read.damage?.details['offset']).to.equal(24);
      expect(records.map(name)).to.deep.equal(whole.records.slice(1).map(name));
    }));

  it('leaves out one damaged chunk of a series and keeps the others', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      const pairs = ['__name__', 'up', 'job', 'node'];
      const first = record(slab, 1, 4);
      const second = { ...record(slab, 2, 1), ...halves('2594aa1de82dbd87'), pairs };
      await write(directory, slab, [first, second]);
      const path = join(directory, 'heads.db');
      const bytes = readFileSync(path);
      // The second chunk of the first series: an encoding that there is none of.
      const start = bytes.indexOf(Buffer.from(slab.bytesOf(first.slots[1]))) - 1;
      expect(start).to.be.greaterThan(0);
      bytes[start] = 7;
      writeFileSync(path, bytes);
      const { read, records } = await readFrom(directory);
      expect(read.damage?.message).to.match(/unknown chunk encoding: 7/);
      expect(read.damage?.details).to.include({ offset: start, fingerprint: name(first) });
      expect(records.map(({ slots }) => slots.length)).to.deep.equal([3, 1]);
      expect(read.chunksWaiting).to.equal(2);
    }));

  it('finds series beyond a count that is too low', () =>
    withFixture('base', async (directory) => {
      const path = join(directory, 'heads.db');
      const bytes = readFileSync(path);
      bytes[23] = 5;
      writeFileSync(path, bytes);
      const { read, records } = await readFrom(directory);
      expect(read.damage?.message).to.match(/more series follow than the 5 that the header announces/);
      expect(records.length).to.equal(18);
    }));

  it('is read to an answer wherever it is cut', () =>
    withFixture('base', async (directory) => {
      const bytes = readFileSync(join(directory, 'heads.db'));
      const slab = new Slab();
      const memory = inMemory();
      let series = 0;
      for (let size = 0; size < bytes.length; size += size < 1500 ? 1 : 29) {
        put(memory.fileSystem, join(memory.directory, 'heads.db'), bytes.subarray(0, size));
        const { read, records } = await readFrom(memory.directory, slab, memory.fileSystem);
        for (const { slots } of records) for (const slot of slots) slab.release(slot);
        expect(read.status, `cut to ${size} bytes`).to.equal('damaged');
        expect(read.seriesCount, `cut to ${size} bytes`).to.be.at.least(series);
        series = read.seriesCount;
      }
      expect(series).to.equal(18);
    }));

  it('is read to an answer whichever byte is flipped, with at most two series affected', () =>
    withFixture('base', async (directory) => {
      const bytes = readFileSync(join(directory, 'heads.db'));
      const slab = new Slab();
      const memory = inMemory();
      const { records: sound } = await readFrom(directory);
      const names = new Set(sound.map(name));
      for (let offset = 24; offset < bytes.length; offset += offset < 1500 ? 1 : 37) {
        for (const flip of [0x01, 0xff]) {
          bytes[offset] ^= flip;
          put(memory.fileSystem, join(memory.directory, 'heads.db'), bytes);
          bytes[offset] ^= flip;
          const { records } = await readFrom(memory.directory, slab, memory.fileSystem);
          for (const { slots } of records) for (const slot of slots) slab.release(slot);
          const kept = new Set(records.map(name).filter((text) => names.has(text)));
          expect(kept.size, `byte ${offset} ^ ${flip}`).to.be.at.least(16);
        }
      }
    }));

  it('does not allocate for counts that the file cannot hold', () =>
    withDirectory(async (directory) => {
      const header = Buffer.concat([Buffer.from('PrometheusHeads\x04'), Buffer.alloc(8, 0x7f)]);
      const huge = Buffer.from('feffffffffffffffff01', 'hex');
      const metric = Buffer.from('02026102620000', 'hex');
      for (const tail of [
        huge,
        Buffer.concat([metric, Buffer.from('010000', 'hex'), huge]),
        Buffer.concat([metric.subarray(0, 5), huge, Buffer.from('010000', 'hex'), huge]),
        Buffer.concat([Buffer.from('02', 'hex'), huge, Buffer.alloc(300_000, 0x61)]),
      ]) {
        writeFileSync(join(directory, 'heads.db'), Buffer.concat([header, Buffer.alloc(9, 1), tail]));
        const { read, slab } = await readFrom(directory);
        expect(read.status).to.equal('damaged');
        expect(slab.used).to.equal(0);
      }
    }));
});

describe('HeadsWriter', () => {
  it('writes a placeholder and a series with chunks as documented', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      const base = ['__name__', 'base_metric', 'group', 'placeholder', 'idx', '0', 'job', 'base'];
      const fully = { ...placeholder(slab, 1), ...halves('35553c6efe7638a2'), pairs: base };
      await write(directory, slab, [
        { ...fully, mtimeNs: 1735700070000000000n, savedFirstTime: EARLIEST },
        record(slab, 3, 2),
      ]);
      const bytes = readFileSync(join(directory, 'heads.db'));
      expect(bytes.toString('latin1', 0, 15)).to.equal('PrometheusHeads');
      expect(bytes.subarray(15, 42).toString('hex')).to.equal('0400000000000000020035553c6efe7638a208105f5f6e616d655f');
      expect(bytes.toString('hex')).to.include('0280f0c3cf8f81b9963004ffffffffffffffffff0102eccaadf7836590edccf88365');
      expect(bytes.length).to.equal(24 + 101 + 38 + 2 * 1025);
    }));

  it('corrects the count when series have vanished meanwhile', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      const { series, bytes, crc32: checksum } = await write(directory, slab, [record(slab, 1, 1)], 7);
      const content = readFileSync(join(directory, 'heads.db'));
      expect({ series, bytes, checksum }).to.deep.equal({
        series: 1,
        bytes: content.length,
        checksum: crc32(content),
      });
      expect((await readFrom(directory)).read).to.include({ status: 'ok', seriesExpected: 1, crc32: checksum });
    }));

  it('leaves out a series without chunk descriptors', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      await write(directory, slab, [record(slab, 1, 0), placeholder(slab, 2)]);
      expect((await readFrom(directory)).records.map(({ pairs }) => pairs[3])).to.deep.equal(['2']);
    }));

  it('ends a checkpoint of a running store with its journal position and a checksum', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      const records = [record(slab, 1, 3), placeholder(slab, 2)];
      const written = await write(directory, slab, records, 9, { position: 2 ** 40 + 5 });
      const { read, records: found } = await readFrom(directory);
      expect(read).to.include({ status: 'ok', bytes: written.bytes, crc32: written.crc32, chunksWaiting: 2 });
      expect(read.trailer).to.deep.equal({ position: 2 ** 40 + 5 });
      expect(found.length).to.equal(2);
      const bytes = readFileSync(join(directory, 'heads.db'));
      expect(bytes.subarray(-31, -13).toString()).to.equal('TidemarkCheckpoint');
      expect(bytes.readUInt32BE(bytes.length - 4)).to.equal(crc32(bytes.subarray(0, -4)));
    }));

  it('makes every flipped bit of a checkpoint with trailer known', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      await write(directory, slab, [record(slab, 1, 1), placeholder(slab, 2)], 2, { position: 77 });
      const path = join(directory, 'heads.db');
      const bytes = readFileSync(path);
      for (let offset = 0; offset < bytes.length; offset += offset > 80 && offset < 1000 ? 53 : 1) {
        bytes[offset] ^= 0x10;
        writeFileSync(path, bytes);
        bytes[offset] ^= 0x10;
        const { read } = await readFrom(directory);
        expect(read.status, `byte ${offset}`).to.equal('damaged');
      }
    }));

  it('replaces the old checkpoint only when the new one is whole', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      await write(directory, slab, [record(slab, 1, 1)]);
      const before = readFileSync(join(directory, 'heads.db'));
      for (const failing of ['sync', 'replace', 'write'] as const) {
        let calls = 0;
        const fileSystem = {
          ...nodeFileSystem,
          [failing]: () => {
            calls++;
            throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
          },
        } as FileSystem;
        const writer = new HeadsWriter(fileSystem, directory, slab, systemClock);
        let failure: unknown;
        try {
          writer.begin(1);
          writer.add(record(slab, 2, 1));
          await writer.finish();
        } catch (error) {
          failure = error;
        }
        expect(calls).to.equal(1);
        expect(failure).to.be.instanceOf(TidemarkError).with.property('code', 'TIDEMARK_DISK_FULL');
        expect(readdirSync(directory)).to.deep.equal(['checksums', 'heads.db']);
        expect(readdirSync(join(directory, 'checksums'))).to.deep.equal(['heads']);
        expect(readFileSync(join(directory, 'heads.db')).equals(before)).to.equal(true);
      }
    }));

  it('can be given up', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      const writer = new HeadsWriter(nodeFileSystem, directory, slab, systemClock);
      writer.begin(1);
      writer.add(record(slab, 2, 1));
      writer.writeBuffered();
      writer.abort();
      expect(existsSync(join(directory, 'heads.db.tmp'))).to.equal(false);
      expect(() => writer.writeBuffered()).to.throw(TidemarkError);
    }));

  it('keeps many series in slices, and lets others have the thread between them', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      const records = Array.from({ length: 20_000 }, (_, i) => placeholder(slab, i));
      await write(directory, slab, [...records, record(slab, 1, 600)]);
      let breaths = 0;
      let progress = 0;
      let series = 0;
      const read = await readHeads(nodeFileSystem, directory, new Slab(), () => series++, {
        breathe: async () => {
          breaths++;
        },
        onProgress: (done, total) => {
          expect(done).to.be.within(progress, total);
          progress = done;
        },
      });
      expect(read).to.include({ status: 'ok', seriesCount: 20_001, chunksWaiting: 599 });
      expect(series).to.equal(20_001);
      expect(breaths).to.be.within(12, 60);
    }));

  it('survives that the file becomes shorter while it is read', () =>
    withDirectory(async (directory) => {
      const slab = new Slab();
      await write(
        directory,
        slab,
        Array.from({ length: 2000 }, (_, i) => record(slab, i, 1)),
      );
      const path = join(directory, 'heads.db');
      const read = await readHeads(nodeFileSystem, directory, new Slab(), () => {}, {
        breathe: async () => truncateSync(path, 500_000),
      });
      expect(read.status).to.equal('damaged');
    }));
});

describe('combineCrc32', () => {
  it('is the CRC of both parts in a row', () => {
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) >> 3));
    for (const at of [0, 1, 24, 1000, 4999, 5000]) {
      const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
      expect(combineCrc32(crc32(head), crc32(tail), tail.length)).to.equal(crc32(bytes));
    }
  });
});
