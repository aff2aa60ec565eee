import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readBatches } from '../../../src/indexes/level/batches.ts';
import { readManifest } from '../../../src/indexes/level/manifest.ts';
import { inspectLevel, inspectTable, type TableFile } from '../../../src/indexes/level-inspection.ts';
import { levelStores } from '../../../src/indexes/level-stores.ts';
import { crc32c } from '../../../src/wire/crc32c.ts';
import { seeded } from '../../support/seeded.ts';

const BLOCK_BYTES = 32 * 1024;

describe('inspectLevel', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-level-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const fileOf = (pattern: RegExp): string =>
    join(directory, readdirSync(directory).find((name) => pattern.test(name))!);
  const logFile = (): string => fileOf(/\.log$/);

  /** Batches of ten entries each; the directory is left as a kill would leave it: with a log that holds them. */
  const writeAndKill = async (batchCount: number, valueBytes = 100): Promise<void> => {
    const store = await levelStores.open(directory);
    for (let batch = 0; batch < batchCount; batch++) {
      const operations = Array.from({ length: 10 }, (_, i) => ({
        type: 'put' as const,
        key: Buffer.from(`key ${batch}.${i}`),
        value: Buffer.alloc(valueBytes, batch * 7 + i),
      }));
      await store.batch(operations, { sync: false });
    }
    const copy = mkdtempSync(join(tmpdir(), 'tidemark-level-'));
    for (const name of readdirSync(directory))
      if (name !== 'LOCK') copyFileSync(join(directory, name), join(copy, name));
    await store.close();
    rmSync(directory, { recursive: true, force: true });
    directory = copy;
  };

  const flip = (path: string, at: number): void => {
    const bytes = readFileSync(path);
    bytes[at] ^= 0x10;
    writeFileSync(path, bytes);
  };

  it('knows the checksum of the standard', () => {
    expect(crc32c(Buffer.from('123456789'))).to.equal(0xe3069283);
    expect(crc32c(new Uint8Array(32))).to.equal(0x8a9136aa);
  });

  it('knows nothing of a directory without a database', async () => {
    expect(await inspectLevel(join(directory, 'nothing'))).to.deep.equal({ sequence: undefined, tables: [] });
    expect(await inspectLevel(directory)).to.deep.equal({ sequence: undefined, tables: [] });
  });

  it('counts the operations that the tables and the log hold', async () => {
    await writeAndKill(20);
    expect(await inspectLevel(directory)).to.deep.equal({ sequence: 200, tables: [] });
    const store = await levelStores.open(directory);
    expect(store.sequence).to.equal(200);
    await store.batch([{ type: 'del', key: Buffer.from('nothing') }], { sync: false });
    expect(store.sequence, 'a loss of power may take it').to.equal(200);
    await store.flushLog();
    expect(store.sequence).to.equal(201);
    await store.batch([{ type: 'del', key: Buffer.from('nothing') }], { sync: true });
    expect(store.sequence).to.equal(202);
    await store.flushLog();
    await store.close();
    const { sequence, lostBatches, tables } = await inspectLevel(directory);
    expect(sequence).to.equal(202);
    expect(lostBatches).to.equal(undefined);
    expect(tables).to.have.length(3);
  });

  it('takes a torn end for what a crash leaves, and counts less', async () => {
    await writeAndKill(20);
    const path = logFile();
    truncateSync(path, readFileSync(path).length - 5);
    expect(await inspectLevel(directory)).to.deep.equal({ sequence: 190, tables: [] });
  });

  it('finds a batch missing in the middle, in one block of the log or in several', async () => {
    for (const [count, at] of [
      [20, 5000],
      [100, BLOCK_BYTES + 100],
    ] as const) {
      await writeAndKill(count);
      flip(logFile(), at);
      expect((await inspectLevel(directory)).lostBatches).to.match(/lacks batches/);
    }
  });

  it('finds a batch that was cut out at its very ends', async () => {
    await writeAndKill(20);
    const bytes = readFileSync(logFile());
    const recordBytes = bytes.length / 20;
    expect(recordBytes % 1).to.be.lessThan(1);
    const lengths: number[] = [];
    for (let at = 0; at < bytes.length; at += 7 + lengths[lengths.length - 1]) lengths.push(bytes.readUInt16LE(at + 4));
    const before = lengths.slice(0, 3).reduce((sum, length) => sum + length + 7, 0);
    writeFileSync(logFile(), Buffer.concat([bytes.subarray(0, before), bytes.subarray(before + lengths[3] + 7)]));
    expect((await inspectLevel(directory)).lostBatches).to.match(/lacks batches/);
  });

  it('finds a missing log', async () => {
    await writeAndKill(20);
    unlinkSync(logFile());
    expect((await inspectLevel(directory)).lostBatches).to.match(/the log \d+ is missing/);
  });

  it('refuses to have LevelDB make a new database over the tables of one that lost CURRENT', async () => {
    await writeAndKill(20);
    unlinkSync(join(directory, 'CURRENT'));
    const log = readFileSync(logFile());
    const error = await levelStores.open(directory).then(
      () => undefined,
      (reason: { code?: string }) => reason.code,
    );
    expect(error).to.equal('TIDEMARK_CORRUPT_INDEX');
    expect(readFileSync(logFile()).equals(log)).to.equal(true);
  });

  it('finds every flipped bit of a table, and one that was cut off', async () => {
    await writeAndKill(300);
    const store = await levelStores.open(directory);
    await store.close();
    const { tables } = await inspectLevel(directory);
    const [table] = tables as [TableFile];
    const path = join(directory, table.name);
    expect(await inspectTable(directory, table)).to.equal(undefined);
    // The end of the file has a few bytes of padding between the handles and the magic number.
    const padding = { from: table.bytes - 44, to: table.bytes - 8 };
    for (let at = 0; at < table.bytes; at += at > table.bytes - 100 ? 1 : 97) {
      flip(path, at);
      const problem = await inspectTable(directory, table);
      if (at < padding.from || at >= padding.to) expect(problem, `${at} of ${table.bytes}`).to.be.a('string');
      flip(path, at);
    }
    truncateSync(path, table.bytes - 1);
    expect(await inspectTable(directory, table)).to.match(/has \d+ bytes of/);
  });

  it('checks a block of one long value in pieces, and finds a flipped bit in each', async () => {
    // LevelDB compresses what can be compressed.
    const { int } = seeded(7);
    const value = Buffer.from(Array.from({ length: 300_000 }, () => int(256)));
    const writer = await levelStores.open(directory);
    await writer.batch([{ type: 'put', key: Buffer.from('key'), value }], { sync: true });
    await writer.close();
    await (await levelStores.open(directory)).close();
    const [table] = (await inspectLevel(directory)).tables as [TableFile];
    const pieces: number[] = [];
    const inspect = (): Promise<string | undefined> =>
      inspectTable(directory, table, (bytes) => {
        pieces.push(bytes);
        return undefined;
      });
    expect(await inspect()).to.equal(undefined);
    expect(pieces.length).to.be.above(3);
    expect(Math.max(...pieces)).to.be.at.most(128 * 1024);
    for (const at of [1000, 140_000, 290_000]) {
      flip(join(directory, table.name), at);
      expect(await inspect(), `${at}`).to.match(/wrong checksum/);
      flip(join(directory, table.name), at);
    }
  });

  it('leaves no batch in the log when it is flushed, although a compaction came before', async () => {
    const store = await levelStores.open(directory);
    const value = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >>> 5);
    for (let i = 0; i < 60; i++) {
      await store.batch([{ type: 'put', key: Buffer.from(`${i}`), value }], { sync: false });
    }
    await store.flushLog();
    await store.close();
    const manifest = readManifest(readFileSync(fileOf(/^MANIFEST/)));
    expect(manifest.lastSequence).to.equal(60);
    expect(manifest.tables.size).to.be.greaterThan(1);
    expect(
      readBatches(readFileSync(join(directory, `${String(manifest.logNumber).padStart(6, '0')}.log`))).count,
    ).to.equal(0);
  });
});
