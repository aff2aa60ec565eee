/** Conformance suite of the key-value port. It runs on LevelDB, the stores in memory and the simulator's stores. */
import { expect } from 'chai';
import type { KeyRange, KeyValueOperation, KeyValueStore, KeyValueStores } from '../../src/indexes/key-value-store.ts';

/** An implementation under test, fresh for each case. */
export interface KeyValueSubject {
  readonly stores: KeyValueStores;
  /** A directory that does not exist yet. */
  readonly directory: string;
  /** Runs an operation to completion. A simulated world has to be advanced meanwhile. */
  run<T>(operation: () => Promise<T>): Promise<T>;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1');
const put = (key: string, value: string): KeyValueOperation => ({ type: 'put', key: bytes(key), value: bytes(value) });
const del = (key: string): KeyValueOperation => ({ type: 'del', key: bytes(key) });

const entriesOf = async (store: KeyValueStore, range?: KeyRange): Promise<[string, string][]> => {
  const entries: [string, string][] = [];
  for await (const page of store.entries(range)) {
    for (const [key, value] of page) entries.push([text(key)!, text(value)!]);
  }
  return entries;
};

const codeOf = async (operation: () => Promise<unknown>): Promise<string | undefined> => {
  try {
    await operation();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

/** Declares the cases; `newSubject` may be asynchronous. */
export const keyValueStoreConformance = (newSubject: () => KeyValueSubject | Promise<KeyValueSubject>): void => {
  /** Declares a case on an open database. */
  const onOpenStore = (
    title: string,
    body: (store: KeyValueStore, subject: KeyValueSubject) => Promise<void>,
  ): void => {
    it(title, async () => {
      const subject = await newSubject();
      await subject.run(async () => {
        const store = await subject.stores.open(subject.directory);
        try {
          await body(store, subject);
        } finally {
          await store.close();
        }
      });
    });
  };

  onOpenStore('returns the value of a key, and undefined for a missing or deleted key', async (store) => {
    await store.batch([put('a', '1'), put('b', '2')], { sync: true });
    await store.batch([del('a'), put('c', '')], { sync: false });
    expect(text(await store.get(bytes('a')))).to.equal(undefined);
    expect(text(await store.get(bytes('b')))).to.equal('2');
    expect(text(await store.get(bytes('c')))).to.equal('');
    expect(text(store.getBlocking(bytes('b')))).to.equal('2');
    expect(store.getBlocking(bytes('a'))).to.equal(undefined);
    const many = await store.getMany([bytes('c'), bytes('a'), bytes('b')]);
    expect(many.map(text)).to.deep.equal(['', undefined, '2']);
  });

  onOpenStore('applies the operations of a batch in order, and may delete a missing key', async (store) => {
    await store.batch([put('a', '1'), del('a'), put('a', '2'), del('nothing'), put('b', '1'), del('b')], {
      sync: false,
    });
    expect(await entriesOf(store)).to.deep.equal([['a', '2']]);
  });

  onOpenStore('accepts an empty batch', async (store) => {
    await store.batch([], { sync: true });
    expect(await entriesOf(store)).to.deep.equal([]);
  });

  onOpenStore('orders keys as unsigned bytes, with a prefix before longer keys', async (store) => {
    const keys = ['\xff', 'b', '\x00', 'ab', '\x7f', '\x80', 'a', '\x00\x00'];
    await store.batch(
      keys.map((key) => put(key, key)),
      { sync: false },
    );
    const found = (await entriesOf(store)).map(([key]) => key);
    expect(found).to.deep.equal(['\x00', '\x00\x00', 'a', 'ab', 'b', '\x7f', '\x80', '\xff']);
  });

  onOpenStore('iterates a range that includes its lower bound and excludes its upper bound', async (store) => {
    await store.batch(
      ['a', 'b', 'c', 'd'].map((key) => put(key, '')),
      { sync: false },
    );
    const keys = async (range: KeyRange): Promise<string> =>
      (await entriesOf(store, range)).map(([key]) => key).join('');
    expect(await keys({ gte: bytes('b'), lt: bytes('d') })).to.equal('bc');
    expect(await keys({ gte: bytes('bb') })).to.equal('cd');
    expect(await keys({ lt: bytes('b') })).to.equal('a');
    expect(await keys({ gte: bytes('x') })).to.equal('');
  });

  onOpenStore('iterates a consistent snapshot without later writes', async (store) => {
    const keys = Array.from({ length: 300 }, (_, i) => `k${String(i).padStart(3, '0')}`);
    await store.batch(
      keys.map((key) => put(key, 'old')),
      { sync: false },
    );
    const iterator = store.entries()[Symbol.asyncIterator]();
    const first = await iterator.next();
    await store.batch([...keys.map((key) => put(key, 'new')), del('k299'), put('z', 'new')], { sync: false });
    const values = first.done ? [] : first.value.map(([, value]) => text(value));
    for (let page = await iterator.next(); !page.done; page = await iterator.next()) {
      values.push(...page.value.map(([, value]) => text(value)));
    }
    expect(values).to.have.length(300);
    expect(new Set(values)).to.deep.equal(new Set(['old']));
  });

  onOpenStore('allows an iteration to be left early', async (store) => {
    await store.batch(
      Array.from({ length: 300 }, (_, i) => put(`${i}`, '')),
      { sync: false },
    );
    for await (const _ of store.entries()) break;
    expect(await entriesOf(store)).to.have.length(300);
  });

  onOpenStore('copies the bytes that it is given, and returns copies', async (store) => {
    const key = bytes('a');
    const value = bytes('1');
    const written = store.batch([{ type: 'put', key, value }], { sync: false });
    await written;
    key[0] = 0;
    value[0] = 0;
    const read = await store.get(bytes('a'));
    expect(text(read)).to.equal('1');
    read![0] = 0;
    expect(text(await store.get(bytes('a')))).to.equal('1');
  });

  onOpenStore('keeps large values and binary keys exact', async (store) => {
    const key = Uint8Array.from({ length: 256 }, (_, i) => i);
    const value = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) & 0xff);
    await store.batch([{ type: 'put', key, value }], { sync: false });
    expect(Buffer.from((await store.get(key))!).equals(Buffer.from(value))).to.equal(true);
    expect(await store.approximateSize()).to.be.a('number');
  });

  onOpenStore('is locked while it is open', async (_store, { stores, directory }) => {
    expect(await codeOf(() => stores.open(directory))).to.equal('TIDEMARK_LOCKED');
  });

  it('keeps its content when it is closed and opened again, and may be closed twice', async () => {
    const { run, stores, directory } = await newSubject();
    await run(async () => {
      const store = await stores.open(directory);
      await store.batch([put('a', '1')], { sync: false });
      await store.close();
      await store.close();
      const again = await stores.open(directory);
      expect(await entriesOf(again)).to.deep.equal([['a', '1']]);
      await again.close();
    });
  });

  it('destroys a database, and accepts a missing one', async () => {
    const { run, stores, directory } = await newSubject();
    await run(async () => {
      await stores.destroy(directory);
      const store = await stores.open(directory);
      await store.batch([put('a', '1')], { sync: true });
      await store.close();
      await stores.destroy(directory);
      const again = await stores.open(directory);
      expect(await entriesOf(again)).to.deep.equal([]);
      await again.close();
    });
  });

  it('opens a private copy, whose writes do not reach the directory', async () => {
    const { run, stores, directory } = await newSubject();
    await run(async () => {
      const store = await stores.open(directory);
      await store.batch([put('a', '1')], { sync: true });
      await store.close();
      const copy = await stores.openCopy(directory);
      await copy.batch([put('b', '2')], { sync: false });
      expect(await entriesOf(copy)).to.deep.equal([
        ['a', '1'],
        ['b', '2'],
      ]);
      await copy.close();
      const again = await stores.open(directory);
      expect(await entriesOf(again)).to.deep.equal([['a', '1']]);
      await again.close();
    });
  });

  it('opens the copy of a missing database as an empty database', async () => {
    const { run, stores, directory } = await newSubject();
    await run(async () => {
      const copy = await stores.openCopy(directory);
      expect(await entriesOf(copy)).to.deep.equal([]);
      await copy.close();
    });
  });
};
