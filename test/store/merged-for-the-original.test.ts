/**
 * A directory that merged late samples and dropped time ranges is Prometheus 1.x's after a clean close: proven on the
 * bytes of its files, by the rules of docs/formats/series-files.md and docs/formats/heads.md, and by the double of the
 * original, which opens it and finds every sample.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { SampleColumns } from '../../src/chunk/chunk.ts';
import { decodeChunk } from '../../src/chunk/decode.ts';
import { Slab } from '../../src/chunk/slab.ts';
import type { HeadsRecord } from '../../src/disk/heads/heads.ts';
import { readHeads } from '../../src/disk/heads/heads-reader.ts';
import { seriesPath } from '../../src/disk/series-path.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { openStore, type Store, type StoreOptions } from '../../src/index.ts';
import { EARLIEST } from '../../src/model/int64.ts';
import { withDirectory } from '../disk/support.ts';
import { Original } from '../recovery/support/original.ts';
import { seeded } from '../support/seeded.ts';

const SERIES = 6;
const START = 1_700_000_000_000;
const RECORD_BYTES = 1041;
const CHUNK_BYTES = 1024;

interface ChunkOnDisk {
  readonly firstTime: number;
  readonly lastTime: number;
  readonly times: readonly number[];
}

/** The chunks of a series file, by the layout of a record: encoding, first and last time, chunk. */
const chunksOf = (path: string): ChunkOnDisk[] => {
  if (!existsSync(path)) return [];
  const bytes = readFileSync(path);
  expect(bytes.length % RECORD_BYTES, path).to.equal(0);
  const chunks: ChunkOnDisk[] = [];
  for (let at = 0; at < bytes.length; at += RECORD_BYTES) {
    const encoding = bytes[at] as 0 | 1 | 2;
    expect(encoding, `encoding at ${at} of ${path}`).to.be.within(0, 2);
    const columns = new SampleColumns();
    const body = new Uint8Array(bytes.subarray(at + RECORD_BYTES - CHUNK_BYTES, at + RECORD_BYTES));
    decodeChunk(body, 0, encoding, columns);
    const times = Array.from(columns.timestamps.subarray(0, columns.count));
    const firstTime = Number(bytes.readBigInt64LE(at + 1));
    chunks.push({ firstTime, lastTime: Number(bytes.readBigInt64LE(at + 9)), times });
  }
  return chunks;
};

const headsOf = async (directory: string, slab: Slab): Promise<HeadsRecord[]> => {
  const records: HeadsRecord[] = [];
  await readHeads(nodeFileSystem, directory, slab, (record) => records.push(record));
  return records;
};

const timesOfHeads = (slab: Slab, record: HeadsRecord): number[][] =>
  record.slots.map((slot) => {
    const columns = new SampleColumns();
    decodeChunk(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot] as 0 | 1 | 2, columns);
    return Array.from(columns.timestamps.subarray(0, columns.count));
  });

/** Checks the files against each other; returns the times of each series, by fingerprint. */
const checkBytes = async (directory: string): Promise<Map<string, number[]>> => {
  const slab = new Slab();
  const found = new Map<string, number[]>();
  for (const record of await headsOf(directory, slab)) {
    const path = join(directory, seriesPath(record.high, record.low));
    const chunks = chunksOf(path);
    const inMemory = timesOfHeads(slab, record);
    const times = [...chunks.map((chunk) => chunk.times), ...inMemory];
    for (const [index, chunk] of chunks.entries()) {
      expect(chunk.firstTime, `first time of chunk ${index} of ${path}`).to.equal(chunk.times[0]);
      expect(chunk.lastTime, `last time of chunk ${index} of ${path}`).to.equal(chunk.times.at(-1));
    }
    for (let index = 1; index < times.length; index++)
      expect(times[index][0], `chunk ${index} of ${path}`).to.be.above(times[index - 1].at(-1) as number);
    const all = times.flat();
    for (let i = 1; i < all.length; i++) expect(all[i]).to.be.above(all[i - 1]);
    expect(record.chunkDescsOffset + record.watermark, `chunks in ${path}`).to.equal(chunks.length);
    if (record.slots.length === 0) {
      expect(record.watermark).to.equal(1);
      expect(record.descriptorTimes).to.deep.equal([chunks.at(-1)?.firstTime, chunks.at(-1)?.lastTime]);
    } else expect(record.watermark).to.equal(0);
    if (chunks.length > 0) {
      // A series that was woken from the archive and not persisted since does not know the two, as in the original.
      expect(record.mtimeNs).to.be.oneOf([-1n, statSync(path, { bigint: true }).mtimeNs]);
      expect(record.savedFirstTime, `first time of ${path}`).to.be.oneOf([EARLIEST, chunks[0].firstTime]);
    }
    found.set(path, all);
  }
  return found;
};

const timesOf = async (store: Store): Promise<Map<string, number[]>> => {
  const times = new Map<string, number[]>();
  for await (const { labels, timestamps } of store.select('m')) times.set(String(labels['id']), [...timestamps]);
  return times;
};

const work = async (directory: string, seed: number, encoding: NonNullable<StoreOptions['chunkEncoding']>) => {
  const random = seeded(seed);
  const options: StoreOptions = {
    retention: 'off',
    futureTolerance: 'off',
    chunkEncoding: encoding,
    headChunkTimeout: 1,
  };
  let store = await openStore(directory, options);
  const newest = new Array<number>(SERIES).fill(START);
  const append = (id: number, time: number): void => {
    try {
      store.append({ __name__: 'm', id: String(id) }, time, random.int(3) === 0 ? random.next() : random.int(100));
    } catch (error) {
      expect(error).to.have.property('code', 'TIDEMARK_DUPLICATE_TIMESTAMP');
    }
  };
  for (let step = 0; step < 40; step++) {
    const id = random.int(SERIES);
    const what = random.int(8);
    if (what < 2) {
      for (let i = 0; i < 600; i++) {
        newest[id] += 1 + random.int(2000);
        append(id, newest[id]);
      }
    } else if (what < 5) for (let i = 0; i < 50; i++) append(id, newest[id] - random.int(2_000_000));
    else if (what === 5) {
      const from = newest[id] - random.int(1_000_000);
      await store.drop({ __name__: 'm', id: String(id) }, { from, through: from + random.int(300_000) });
    } else if (what === 6) await store.maintain();
    else {
      await store.close();
      await checkBytes(directory);
      store = await openStore(directory, options);
    }
  }
  // Series at rest are in their files as a whole; those with fresh samples are in heads.db.
  await store.maintain();
  for (let id = 0; id < SERIES; id += 2) append(id, newest[id] + 1000);
  const expected = await timesOf(store);
  await store.close();
  return expected;
};

describe('a directory with merges, after a clean close', () => {
  for (const encoding of ['varbit', 'double-delta', 'delta'] as const) {
    for (const seed of [11, 12]) {
      it(`has chunks in order that say the right times, ${encoding}, seed ${seed}`, () =>
        withDirectory(async (root) => {
          const directory = join(root, 'store');
          const expected = await work(directory, seed, encoding);
          await checkBytes(directory);
          const original = await Original.start(directory);
          const read = original.read();
          for (const [text, times] of read) {
            const id = /id="(\d+)"/.exec(text)?.[1] ?? '';
            expect(
              [...times].sort((a, b) => a - b),
              text,
            ).to.deep.equal(expected.get(id) ?? []);
          }
          expect(read.size).to.equal(expected.size);
          await original.close();
        })).timeout(60_000);
    }
  }
});
