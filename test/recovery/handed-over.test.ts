/**
 * Directories that the original and Tidemark have had in turn: nothing of what either wrote is lost, cut or told twice,
 * and what is sound is not called damaged. docs/recovery.md, "A directory that goes to and fro".
 */
import { cpSync, existsSync } from 'node:fs';
import { expect } from 'chai';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { openStore, type Store, type StoreOptions } from '../../src/index.ts';
import { levelStores } from '../../src/indexes/level-stores.ts';
import { checkDirectory } from '../../src/recovery/check.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { extractFixture } from '../support/tar.ts';

interface Expected {
  readonly series: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly samples: readonly (readonly [number, string])[];
  }[];
}

/** Samples that are there, by name: those of the original, and what else files and journal hold. */
const counts: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'check-earliest': { a: 3000 },
  'label-not-utf8': { bad: 400, good: 400 },
  'overlapping-chunks': { x: 4887, y: 4292 },
  'replay-cuts-originals-chunk': { arch: 1000, other: 410 },
  'original-crash-before-checkpoint': { arch: 2400, both: 2500, new: 2000 },
  'both-crash': { arch: 2400, both: 2500, new: 2000, tail: 50 },
};

const withStore = async <T>(
  directory: string,
  options: StoreOptions,
  use: (store: Store) => Promise<T>,
): Promise<T> => {
  const store = await openStore(directory, { retention: 'off', ...options });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
};

/** Bits of the values by time, by the metric's name. Fails where samples are not in order. */
const readAll = async (store: Store): Promise<Map<string, Map<number, string>>> => {
  const all = new Map<string, Map<number, string>>();
  for await (const { labels, timestamps, values } of store.select([])) {
    const samples = new Map<number, string>();
    const bits = new DataView(values.buffer, values.byteOffset);
    for (let i = 0; i < timestamps.length; i++) {
      if (i > 0) expect(timestamps[i]).to.be.greaterThan(timestamps[i - 1]);
      samples.set(
        timestamps[i],
        bits
          .getBigUint64(8 * i, true)
          .toString(16)
          .padStart(16, '0'),
      );
    }
    all.set(labels['__name__'], samples);
  }
  return all;
};

const inFixture = async (name: string, use: (directory: string) => Promise<void>): Promise<void> => {
  const { directory, remove } = extractFixture(name, 'handed-over');
  try {
    await use(directory);
  } finally {
    remove();
  }
};

const expectWhole = async (name: string, store: Store): Promise<void> => {
  const found = await readAll(store);
  expect(Object.fromEntries([...found].map(([metric, samples]) => [metric, samples.size]))).to.deep.equal(counts[name]);
  for (const { metric, samples } of fixtureJson<Expected>(`handed-over/${name}/expected.json`).series) {
    for (const [time, bits] of samples) expect(found.get(metric['__name__'])?.get(time)).to.equal(bits);
  }
  expect(await store.quarantined()).to.deep.equal([]);
};

const problemsOf = async (directory: string): Promise<string[]> =>
  (await checkDirectory(directory, { pedantic: true })).problems.map(({ message }) => message);

describe('a directory that went to and fro', () => {
  for (const name of Object.keys(counts)) {
    it(`has every sample once, in order, however often it is opened: ${name}`, () =>
      inFixture(name, async (directory) => {
        expect(await problemsOf(directory), 'before').to.deep.equal([]);
        await withStore(directory, { readOnly: true }, (store) => expectWhole(name, store));
        await withStore(directory, {}, (store) => expectWhole(name, store));
        await withStore(directory, {}, (store) => expectWhole(name, store));
        expect(await problemsOf(directory), 'after').to.deep.equal([]);
        await withStore(directory, { forceRecovery: true }, (store) => expectWhole(name, store));
      }));
  }

  it('gives what lies between overlapping chunks to queries of a short time, and takes newer samples', () =>
    inFixture('overlapping-chunks', async (directory) => {
      const { series } = fixtureJson<Expected>('handed-over/overlapping-chunks/expected.json');
      for (const readOnly of [true, false]) {
        await withStore(directory, { readOnly }, async (store) => {
          for (const { metric, samples } of series) {
            const sorted = samples.map(([time]) => time).sort((a, b) => a - b);
            const [from, through] = [sorted[1000], sorted[1020]];
            for await (const { timestamps } of store.select(metric['__name__'], { from, through })) {
              expect([...timestamps]).to.deep.equal(sorted.slice(1000, 1021));
            }
            const [last] = await store.lastSamples(metric['__name__']);
            expect(last.timestamp).to.equal(sorted[sorted.length - 1]);
            if (readOnly) continue;
            store.append(metric, last.timestamp + 1, 1);
          }
        });
      }
    }));
});

describe('opening a directory that went to and fro', () => {
  /** Opens the directory and gives a copy of it as it was after so many calls of the file system; `undefined` when there are fewer. */
  const killedAfter = async (directory: string, callCount: number): Promise<string | undefined> => {
    const copy = `${directory}-killed`;
    let calls = 0;
    let isOpen = false;
    const fileSystem = new Proxy(nodeFileSystem, {
      get: (target, name, receiver) => {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== 'function') return member;
        return (...inputs: unknown[]): unknown => {
          const result: unknown = Reflect.apply(member, target, inputs);
          if (++calls === callCount && !isOpen) cpSync(directory, copy, { recursive: true, preserveTimestamps: true });
          return result;
        };
      },
    });
    const store = await openStore(directory, { retention: 'off', fileSystem });
    isOpen = true;
    await store.close();
    return existsSync(copy) ? copy : undefined;
  };

  for (const name of ['overlapping-chunks', 'replay-cuts-originals-chunk', 'both-crash']) {
    it(`leads to the same when it is killed on the way: ${name}`, async () => {
      let copies = 0;
      for (let calls = 3; ; calls = Math.ceil(calls * 1.9)) {
        let isOver = false;
        await inFixture(name, async (directory) => {
          const copy = await killedAfter(directory, calls);
          if (copy === undefined) {
            isOver = true;
            return;
          }
          copies++;
          await withStore(copy, {}, (store) => expectWhole(name, store));
          await withStore(copy, {}, (store) => expectWhole(name, store));
        });
        if (isOver) break;
      }
      expect(copies).to.be.greaterThan(4);
    });
  }
});

describe('a label value that is not UTF-8', () => {
  const escaped = 'B\udcfcro';

  it('is told without loss, found by itself and by a dump of it, and stays as it is on the disk', () =>
    inFixture('label-not-utf8', async (directory) => {
      await withStore(directory, {}, async (store) => {
        expect(await store.labelValues('ort')).to.deep.equal([escaped]);
        for (const selector of [`{ort="${escaped}"}`, '{ort="B\\xfcro"}', '{ort=~"B.ro"}', '{ort="B\\udcfcro"}']) {
          const [labels] = await store.metrics(selector);
          expect(labels, selector).to.deep.equal({ __name__: 'bad', ort: escaped });
        }
        const { fingerprint } = store.series({ __name__: 'bad', ort: JSON.parse('"B\\udcfcro"') as string });
        expect(nodeFileSystem.stat(`${directory}/${fingerprint.slice(0, 2)}`)).to.equal(undefined);
        const [found] = await store.lastSamples('bad');
        store.append(found.labels, found.timestamp + 1, 7);
        expect(store.series(found.labels).fingerprint).to.equal(fingerprint);
        await store.flush();
      });
      const pairs = await levelStores.openCopy(`${directory}/labelpair_to_fingerprints`);
      const key = Buffer.concat([
        Buffer.from([6]),
        Buffer.from('ort'),
        Buffer.from([8]),
        Buffer.from('B\xfcro', 'latin1'),
      ]);
      expect(await pairs.get(key)).to.not.equal(undefined);
      await pairs.close();
      const heads = nodeFileSystem.open(`${directory}/heads.db`, 'read');
      const bytes = Buffer.alloc(64 * 1024);
      nodeFileSystem.read(heads, bytes, 0, bytes.length, 0);
      nodeFileSystem.close(heads);
      expect(bytes.includes(Buffer.from('B\xfcro', 'latin1'))).to.equal(true);
    }));

  it('survives a crash, because the journal keeps its bytes', () =>
    inFixture('label-not-utf8', async (directory) => {
      const store = await openStore(directory, { retention: 'off', futureTolerance: 'off' });
      store.append({ __name__: 'new', ort: 'x\udcff' }, 1_800_000_000_000, 1);
      await store.flush();
      const copy = `${directory}-copy`;
      await store.backup(copy);
      await store.close();
      await withStore(copy, {}, async (opened) => {
        expect(await opened.labelValues('ort')).to.deep.equal([escaped, 'x\udcff']);
      });
    }));
});
