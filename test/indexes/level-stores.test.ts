import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { KeyValueStore } from '../../src/indexes/key-value-store.ts';
import { levelStores } from '../../src/indexes/level-stores.ts';
import type { TidemarkError } from '../../src/model/errors.ts';
import { extractFixture } from '../support/tar.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const put = (key: string, value: string) => ({ type: 'put', key: bytes(key), value: bytes(value) }) as const;
const del = (key: string) => ({ type: 'del', key: bytes(key) }) as const;

const contentOf = async (store: KeyValueStore): Promise<string[]> => {
  const content: string[] = [];
  for await (const page of store.entries()) {
    for (const [key, value] of page) content.push(`${Buffer.from(key)}=${Buffer.from(value)}`);
  }
  return content;
};

const errorOf = async (act: Promise<unknown>): Promise<TidemarkError> => {
  try {
    await act;
  } catch (error) {
    return error as TidemarkError;
  }
  throw new Error('expected an error');
};

/** Another process that opens the database and holds it. */
const holdElsewhere = async (directory: string): Promise<ChildProcess> => {
  const program = `
    import { Level } from 'level';
    const database = new Level(${JSON.stringify(directory)});
    await database.open();
    process.send('open');
    process.on('message', () => {});
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
};

describe('levelStores', () => {
  let root: string;
  let directory: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tidemark-level-'));
    directory = join(root, 'index');
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('writes batches and reads them back, one by one, many at once, blocking', async () => {
    const store = await levelStores.open(directory);
    await store.batch([put('a', '1'), put('b', '2'), put('c', '3'), del('b')], { sync: true });
    await store.batch([], { sync: true });
    expect(await store.get(bytes('a'))).to.deep.equal(Buffer.from('1'));
    expect(await store.get(bytes('b'))).to.equal(undefined);
    expect(await store.getMany([bytes('c'), bytes('x')])).to.deep.equal([Buffer.from('3'), undefined]);
    expect(await store.getMany([])).to.deep.equal([]);
    expect(store.getBlocking(bytes('c'))).to.deep.equal(Buffer.from('3'));
    expect(store.getBlocking(bytes('b'))).to.equal(undefined);
    expect(await store.approximateSize()).to.be.greaterThan(0);
    await store.close();
    const again = await levelStores.open(directory);
    expect(await contentOf(again)).to.deep.equal(['a=1', 'c=3']);
    await again.close();
  });

  it('lists a range in pages, from one moment', async () => {
    const store = await levelStores.open(directory);
    const keys = Array.from({ length: 2500 }, (_, i) => `k${String(i).padStart(4, '0')}`);
    await store.batch(
      keys.map((key) => put(key, 'x')),
      { sync: false },
    );
    const found: string[] = [];
    let pages = 0;
    for await (const page of store.entries({ gte: bytes('k0010'), lt: bytes('k2400') })) {
      if (pages++ === 0) await store.batch([del('k2000')], { sync: false });
      found.push(...page.map(([key]) => Buffer.from(key).toString()));
    }
    expect(found).to.deep.equal(keys.slice(10, 2400));
    expect(pages).to.equal(3);
    await store.close();
  });

  it('refuses a second opener in this process', async () => {
    const store = await levelStores.open(directory);
    const error = await errorOf(levelStores.open(directory));
    expect(error.code).to.equal('TIDEMARK_LOCKED');
    expect(error.message).to.include(directory);
    expect(error.cause).to.be.instanceOf(Error);
    expect((await errorOf(levelStores.destroy(directory))).code).to.equal('TIDEMARK_LOCKED');
    await store.batch([put('a', '1')], { sync: true });
    await store.close();
  });

  it('refuses a database that another process has open, and copies it', async () => {
    const store = await levelStores.open(directory);
    await store.batch([put('a', '1')], { sync: true });
    await store.close();
    const child = await holdElsewhere(directory);
    try {
      expect((await errorOf(levelStores.open(directory))).code).to.equal('TIDEMARK_LOCKED');
      const copy = await levelStores.openCopy(directory);
      expect(await contentOf(copy)).to.deep.equal(['a=1']);
      await copy.close();
      expect((await errorOf(levelStores.destroy(directory))).code).to.equal('TIDEMARK_LOCKED');
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  });

  it('leaves the lock alone when it copies a database that this process has open', async () => {
    const store = await levelStores.open(directory);
    await store.batch([put('a', '1')], { sync: true });
    const copy = await levelStores.openCopy(directory);
    expect(await contentOf(copy)).to.deep.equal(['a=1']);
    await copy.close();
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { Level } from 'level'; await new Level(${JSON.stringify(directory)}).open();`,
      ],
      { stdio: 'ignore' },
    );
    expect((await once(child, 'exit'))[0]).to.equal(1);
    await store.close();
  });

  it('never writes to what it copies, and removes the copy on close', async () => {
    const store = await levelStores.open(directory);
    await store.batch([put('a', '1')], { sync: true });
    await store.close();
    const before = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name)).toString('hex')]);
    // A folder of its own: other processes make copies in the system's one at the same time.
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-copies-'));
    const usual = process.env['TMPDIR'];
    process.env['TMPDIR'] = folder;
    try {
      const copy = await levelStores.openCopy(directory);
      await copy.batch([put('b', '2')], { sync: true });
      expect(readdirSync(folder)).to.have.length(1);
      await copy.close();
      expect(readdirSync(folder)).to.deep.equal([]);
    } finally {
      if (usual === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = usual;
      rmSync(folder, { recursive: true, force: true });
    }
    expect(
      readdirSync(directory).map((name) => [name, readFileSync(join(directory, name)).toString('hex')]),
    ).to.deep.equal(before);
  });

  it('copies a missing directory as an empty database', async () => {
    const copy = await levelStores.openCopy(directory);
    expect(await contentOf(copy)).to.deep.equal([]);
    await copy.close();
    expect(existsSync(directory)).to.equal(false);
  });

  it('refuses a file in the place of its directory, and leaves it alone', async () => {
    writeFileSync(directory, 'file');
    for (const act of [levelStores.open, levelStores.openCopy, levelStores.describe]) {
      const error = await errorOf(Promise.resolve(act?.(directory)));
      expect(error).to.include({ code: 'TIDEMARK_IO' });
      expect(error.message).to.contain(directory).and.to.contain('not a directory');
    }
    expect(readFileSync(directory, 'utf8')).to.equal('file');
  });

  it('destroys a database with its directory, also a damaged or missing one', async () => {
    await levelStores.destroy(directory);
    mkdirSync(directory);
    writeFileSync(join(directory, 'CURRENT'), 'garbage');
    writeFileSync(join(directory, 'other'), 'file');
    await levelStores.destroy(directory);
    expect(existsSync(directory)).to.equal(false);
    const store = await levelStores.open(directory);
    expect(await contentOf(store)).to.deep.equal([]);
    await store.close();
  });

  it('says that a damaged database is damaged', async () => {
    for (const [fixture, index] of [
      ['label-index-corrupt', 'labelpair_to_fingerprints'],
      ['timerange-index-corrupt', 'archived_fingerprint_to_timerange'],
    ]) {
      const { directory: data, remove } = extractFixture(fixture);
      try {
        const error = await errorOf(levelStores.open(join(data, index)));
        expect(error.code, fixture).to.equal('TIDEMARK_CORRUPT_INDEX');
        expect((await errorOf(levelStores.openCopy(join(data, index)))).code).to.equal('TIDEMARK_CORRUPT_INDEX');
      } finally {
        remove();
      }
    }
  });

  it('says that a database is damaged when its manifest is missing', async () => {
    await (await levelStores.open(directory)).close();
    for (const name of readdirSync(directory)) {
      if (name.startsWith('MANIFEST')) rmSync(join(directory, name));
    }
    expect((await errorOf(levelStores.open(directory))).code).to.equal('TIDEMARK_CORRUPT_INDEX');
  });

  it('refuses everything after close, which may be called twice', async () => {
    const store = await levelStores.open(directory);
    await store.close();
    await store.close();
    expect((await errorOf(store.get(bytes('a')))).code).to.equal('TIDEMARK_CLOSED');
    expect((await errorOf(store.batch([put('a', '1')], { sync: false }))).code).to.equal('TIDEMARK_CLOSED');
    expect((await errorOf(contentOf(store))).code).to.equal('TIDEMARK_CLOSED');
    expect(() => store.getBlocking(bytes('a')))
      .to.throw()
      .with.property('code', 'TIDEMARK_CLOSED');
  });
});
