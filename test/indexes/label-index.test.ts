import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { FingerprintSet } from '../../src/indexes/fingerprint-set.ts';
import type { KeyValueStore } from '../../src/indexes/key-value-store.ts';
import type { LabelOperation } from '../../src/indexes/label-batch.ts';
import { LabelIndex, type LabelIndexOptions } from '../../src/indexes/label-index.ts';
import { levelStores } from '../../src/indexes/level-stores.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { fixtureJson } from '../support/fixtures.ts';
import { MemoryStore } from '../support/memory-stores.ts';
import { extractFixture } from '../support/tar.ts';

interface Expected {
  readonly afterStart: {
    readonly labelPairs: readonly { readonly name: string; readonly value: string; readonly fps: readonly string[] }[];
    readonly labelValues: Readonly<Record<string, readonly string[]>>;
  };
}

const textsOf = (set: FingerprintSet): string[] =>
  Array.from({ length: set.size }, (_, i) => fingerprintText(set.high(i), set.low(i)));

/** Everything an index holds, as text. */
const contentOf = async (
  index: LabelIndex,
): Promise<{ pairs: Record<string, string[]>; values: Record<string, string[]> }> => {
  const pairs: Record<string, string[]> = {};
  for await (const page of index.scanPairs()) {
    for (const { name, value, fingerprints } of page) pairs[`${name}=${value}`] = textsOf(fingerprints);
  }
  const values: Record<string, string[]> = {};
  for (const name of await index.names()) values[name] = (await index.valuesOf(name)).sort();
  return { pairs, values };
};

/** What an index should hold: the same computed the simplest way. */
class Model {
  readonly series = new Map<string, readonly string[]>();

  apply(operations: readonly LabelOperation[]): void {
    for (const { type, high, low, pairs } of operations) {
      const key = fingerprintText(high, low);
      if (type === 'index') this.series.set(key, pairs);
      else this.series.delete(key);
    }
  }

  content(): { pairs: Record<string, string[]>; values: Record<string, string[]> } {
    const pairs: Record<string, string[]> = {};
    const values: Record<string, string[]> = {};
    for (const [fingerprint, labels] of [...this.series].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (let i = 0; i < labels.length; i += 2) {
        const pair = `${labels[i]}=${labels[i + 1]}`;
        pairs[pair] = [...(pairs[pair] ?? []), fingerprint];
        values[labels[i]] = [...new Set([...(values[labels[i]] ?? []), labels[i + 1]])];
      }
    }
    for (const name of Object.keys(values)) values[name].sort();
    return { pairs, values };
  }
}

/** Labels follow from the fingerprint, as a series never changes its labels. */
const labelsOf = (number: number): string[] => [
  'a',
  String(number % 3),
  'b',
  String(number),
  'c',
  number % 2 === 0 ? 'even' : 'odd',
];
const operation = fc
  .tuple(fc.constantFrom('index', 'unindex'), fc.integer({ min: 0, max: 40 }))
  .map(
    ([type, number]) =>
      ({ type, high: number % 2 === 0 ? -1 : 5, low: number, pairs: labelsOf(number) }) as LabelOperation,
  );
const batches = fc.array(fc.array(operation, { maxLength: 30 }), { maxLength: 8 });

const open = (options: LabelIndexOptions = {}) => {
  const names = new MemoryStore();
  const pairs = new MemoryStore();
  return { names, pairs, index: new LabelIndex(names, pairs, options) };
};

describe('LabelIndex', () => {
  it('holds what was added and not removed, whatever the batches', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.constantFrom(0, 1000, 1 << 20), async (list, bytes) => {
        const { index } = open({ postingBytes: bytes, valueBytes: bytes });
        const model = new Model();
        for (const batch of list) {
          await index.apply(batch);
          model.apply(batch);
        }
        expect(await contentOf(index)).to.deep.equal(model.content());
        expect(textsOf(await index.allFingerprints({ isOver: true, breathe: async () => {} }))).to.deep.equal(
          [...model.series.keys()].sort(),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('writes a large set by itself, and the position after it', async () => {
    const { index, names } = open();
    const operations = Array.from({ length: 20_000 }, (_, number) => ({
      type: 'index' as const,
      high: 0,
      low: number,
      pairs: ['id', String(number).padStart(60, '0'), 'job', 'one'],
    }));
    await index.apply(operations, 77);
    const described = names.batches.map(({ operations, sync }) => ({
      bytes: operations.map((each) => (each.type === 'put' ? each.value.byteLength : 0)),
      sync,
    }));
    expect(described).to.have.length(2);
    expect(described[0]).to.deep.equal({ bytes: [3 + 20_000 * 61], sync: false });
    expect(described[1].bytes, 'the set of one job and the position').to.have.length(2);
    expect(described[1].sync).to.equal(true);
    expect(await index.position()).to.equal(77);
    expect(await index.valuesOf('id')).to.have.length(20_000);
  });

  it('applies a batch again if the position could not be written after a large set', async () => {
    const { names, pairs } = open();
    let calls = 0;
    const failing: KeyValueStore = new Proxy(names, {
      get: (target, key) => {
        if (key !== 'batch') return Reflect.get(target, key, target).bind(target);
        return async (...call: Parameters<MemoryStore['batch']>) => {
          if (++calls === 2) throw new Error('full');
          await target.batch(...call);
        };
      },
    });
    const operations = Array.from({ length: 20_000 }, (_, number) => ({
      type: 'index' as const,
      high: 0,
      low: number,
      pairs: ['id', String(number).padStart(60, '0')],
    }));
    const index = new LabelIndex(failing, pairs);
    const failure: unknown = await index.apply(operations, 77).catch((error: unknown) => error);
    expect(failure).to.have.property('message', 'full');
    expect(await new LabelIndex(names, pairs).position()).to.equal(undefined);
    await index.apply(operations, 77);
    const opened = new LabelIndex(names, pairs);
    expect(await opened.position()).to.equal(77);
    expect(await opened.valuesOf('id')).to.have.length(20_000);
  });

  it('does the same on LevelDB, closed and opened again', async () => {
    const root = mkdtempSync(join(tmpdir(), 'tidemark-label-index-'));
    try {
      const openAll = async (): Promise<LabelIndex> =>
        new LabelIndex(await levelStores.open(join(root, 'n')), await levelStores.open(join(root, 'p')));
      const model = new Model();
      let index = await openAll();
      for (const batch of fc.sample(batches, { numRuns: 4, seed: 5 }).flat()) {
        await index.apply(batch, 7);
        model.apply(batch);
        await index.close();
        index = await openAll();
      }
      expect(await contentOf(index)).to.deep.equal(model.content());
      expect(await index.position()).to.equal(7);
      await index.close();
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  it('is right after batches with pauses in which it is queried, also after one that failed', async () => {
    const matching = { name: 'a', op: '=~', value: '[01]', matches: (value: string) => value !== '2' };
    const ask = async (index: LabelIndex): Promise<Record<string, readonly string[]>> => {
      const answers: Record<string, readonly string[]> = {};
      for (const name of ['a', 'b', 'c']) {
        const values = (await index.valuesOf(name)).sort();
        answers[name] = values;
        for (const value of values) answers[`${name}=${value}`] = textsOf(await index.fingerprintsOf(name, value));
      }
      answers['a=~[01]'] = textsOf(
        await index.fingerprintsMatching(matching, { isOver: false, breathe: async () => {} }),
      );
      return answers;
    };
    const bytes = fc.constantFrom(0, 300, 1000, 1 << 20);
    await fc.assert(
      fc.asyncProperty(batches, bytes, fc.nat({ max: 20 }), async (list, cacheBytes, failing) => {
        const { index, names, pairs } = open({ postingBytes: cacheBytes, valueBytes: cacheBytes });
        const model = new Model();
        const recover = (): void => {
          names.failure = undefined;
          pairs.failure = undefined;
        };
        let pauses = 0;
        const slices = {
          isOver: true,
          breathe: async () => {
            if (++pauses === failing) (pauses % 2 === 0 ? names : pairs).failure = new Error('disk');
            // What is found in the middle of a batch is a part of it. It must not be found after it.
            await ask(index).catch(() => undefined);
          },
        };
        for (const batch of list) {
          await index.apply(batch, undefined, { slices }).catch(async (error: Error) => {
            expect(error.message).to.equal('disk');
            recover();
            await index.apply(batch, undefined, { slices });
          });
          recover();
          model.apply(batch);
          const expected = new LabelIndex(new MemoryStore(), new MemoryStore());
          await expected.apply(
            [...model.series].map(([fingerprint, labels]) => ({
              type: 'index',
              high: Number.parseInt(fingerprint.slice(0, 8), 16) | 0,
              low: Number.parseInt(fingerprint.slice(8), 16) | 0,
              pairs: labels,
            })),
          );
          expect(await ask(index)).to.deep.equal(await ask(expected));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('writes many pairs in parts by the bytes of their sets, and with pauses in between', async () => {
    const { index, pairs } = open();
    const many = (from: number, to: number): LabelOperation[] =>
      Array.from({ length: to - from }, (_, i) => ({
        type: 'index',
        high: 0,
        low: from + i,
        pairs: ['id', String(from + i), 'job', 'x'],
      }));
    await index.apply(many(0, 40_000));
    expect((await index.fingerprintsOf('job', 'x')).size).to.equal(40_000);
    const before = pairs.batches.length;
    let pauses = 0;
    const slices = {
      isOver: true,
      breathe: async () => {
        pauses++;
      },
    };
    await index.apply(many(40_000, 43_000), 1, { slices });
    expect((await index.fingerprintsOf('job', 'x')).size).to.equal(43_000);
    const counts = pairs.batches.slice(before).map(({ operations }) => operations.length);
    expect(counts[0], 'the first part is small').to.be.at.most(8);
    expect(counts[1], 'a set of a third of a megabyte lets the next part grow threefold').to.be.within(9, 32);
    expect(Math.max(...counts), 'small sets follow').to.be.greaterThan(500);
    expect(pauses).to.be.greaterThan(counts.length);
  });

  it('comes to the same end when a batch is applied again after a crash at any write', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 0, max: 12 }), async (list, writesBefore) => {
        const { names, pairs, index } = open();
        let left = writesBefore;
        const failing = (store: MemoryStore): KeyValueStore =>
          new Proxy(store, {
            get: (target, key) => {
              if (key !== 'batch') return Reflect.get(target, key, target).bind(target);
              return async (...call: Parameters<MemoryStore['batch']>) => {
                if (left-- <= 0) throw new Error('crash');
                await target.batch(...call);
              };
            },
          });
        const crashing = new LabelIndex(failing(names), failing(pairs));
        let done = 0;
        try {
          for (const batch of list) {
            await crashing.apply(batch, done + 1);
            done++;
          }
        } catch (error) {
          expect((error as Error).message).to.equal('crash');
        }
        const position = (await index.position()) ?? 0;
        expect(position).to.equal(done);
        for (let i = position; i < list.length; i++) await index.apply(list[i], i + 1);
        const model = new Model();
        for (const batch of list) model.apply(batch);
        expect(await contentOf(index)).to.deep.equal(model.content());
      }),
      { numRuns: 100 },
    );
  });

  it('builds on what is on the disk after a write failed', async () => {
    const { names, pairs, index } = open();
    await index.apply([{ type: 'index', high: 0, low: 1, pairs: labelsOf(1) }]);
    for (const store of [pairs, names]) {
      store.failure = new Error('disk');
      const failed = index.apply([{ type: 'unindex', high: 0, low: 1, pairs: labelsOf(1) }]);
      await failed.then(
        () => expect.fail('should fail'),
        (error) => expect(error.message).to.equal('disk'),
      );
      store.failure = undefined;
    }
    await index.apply([{ type: 'unindex', high: 0, low: 1, pairs: labelsOf(1) }]);
    expect([names.size, pairs.size]).to.deep.equal([0, 0]);
  });

  it('writes the position with the last part, synced, and takes it out on request', async () => {
    const { names, pairs, index } = open();
    const many = Array.from(
      { length: 5000 },
      (_, i) => ({ type: 'index', high: 0, low: i, pairs: ['i', String(i)] }) as const,
    );
    expect(await index.position()).to.equal(undefined);
    await index.apply(many, 2 ** 40);
    const syncs = pairs.batches.map(({ sync }) => sync);
    expect(syncs).to.have.length.greaterThan(2);
    expect(syncs.indexOf(true), 'only the last part').to.equal(syncs.length - 1);
    expect(names.batches.map(({ sync }) => sync)).to.deep.equal([true]);
    expect(await index.position()).to.equal(2 ** 40);
    expect(await index.names()).to.deep.equal(['i']);
    await index.clearPosition();
    expect(await index.position()).to.equal(undefined);
    expect([names.size, pairs.size]).to.deep.equal([1, 5000]);
  });

  it('writes nothing when nothing changes', async () => {
    const { names, pairs, index } = open();
    const batch = [{ type: 'index', high: 0, low: 1, pairs: labelsOf(1) }] as const;
    await index.apply(batch);
    const before = [names.batches.length, pairs.batches.length];
    await index.apply(batch);
    await index.apply([{ type: 'unindex', high: 0, low: 2, pairs: labelsOf(4) }]);
    const operations = [...names.batches.slice(before[0]), ...pairs.batches.slice(before[1])].flatMap(
      (b) => b.operations,
    );
    expect(operations).to.deep.equal([]);
  });

  it('never lets a query that read before a batch spoil what the batch wrote', async () => {
    const { index, pairs } = open();
    const many = (from: number, to: number): LabelOperation[] =>
      Array.from({ length: to - from }, (_, i) => ({ type: 'index', high: 0, low: from + i, pairs: ['job', 'x'] }));
    await index.apply(many(0, 20));
    const cold = new LabelIndex(new MemoryStore(), pairs);
    const getMany = pairs.getMany.bind(pairs);
    let release = (): void => {};
    pairs.getMany = async (keys) => {
      const found = await getMany(keys);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return found;
    };
    const query = cold.fingerprintsOf('job', 'x');
    await systemClock.breathe();
    pairs.getMany = getMany;
    const releaseQuery = release;
    await cold.apply(many(20, 40));
    releaseQuery();
    expect((await query).size).to.equal(20);
    expect((await cold.fingerprintsOf('job', 'x')).size).to.equal(40);
    await cold.apply(many(40, 60));
    expect((await cold.fingerprintsOf('job', 'x')).size).to.equal(60);
  });

  it('is rebuilt from the series that there are, forgetting all others', async () => {
    const { index } = open();
    await index.apply([{ type: 'index', high: 0, low: 99, pairs: ['stale', 'entry'] }], 5);
    const model = new Model();
    const progress: number[] = [];
    async function* source() {
      for (let page = 0; page < 4; page++) {
        const entries = Array.from({ length: 10 }, (_, i) => ({ high: 0, low: page * 10 + i, pairs: labelsOf(i) }));
        model.apply(entries.map((entry) => ({ type: 'index', ...entry })));
        yield entries;
      }
    }
    await index.rebuild(source(), { position: 17, onProgress: (count) => progress.push(count) });
    expect(await contentOf(index)).to.deep.equal(model.content());
    expect(await index.position()).to.equal(17);
    expect(progress).to.deep.equal([40]);
  });

  it('tells sets that are damaged', async () => {
    const { index, names } = open();
    await index.apply([{ type: 'index', high: 0, low: 1, pairs: ['a', 'b'] }]);
    await names.batch([{ type: 'put', key: Buffer.from('0262', 'hex'), value: Uint8Array.of(1) }], { sync: false });
    await index.valuesOf('b').then(
      () => expect.fail('should fail'),
      (error) => expect(error.code).to.equal('TIDEMARK_CORRUPT_INDEX'),
    );
  });

  for (const fixture of ['base', 'clean-archived', 'collisions', 'written-by-1.5.2', 'heads-v1', 'clean-small-delta']) {
    it(`reads what the original wrote: ${fixture}`, async () => {
      const { labelPairs, labelValues } = fixtureJson<Expected>(`dirs/${fixture}/expected.json`).afterStart;
      const { directory, remove } = extractFixture(fixture);
      try {
        const index = new LabelIndex(
          await levelStores.open(join(directory, 'labelname_to_labelvalues')),
          await levelStores.open(join(directory, 'labelpair_to_fingerprints')),
        );
        const expectedPairs = Object.fromEntries(
          labelPairs.map(({ name, value, fps }) => [`${name}=${value}`, [...fps].sort()]),
        );
        const expectedValues = Object.fromEntries(
          Object.entries(labelValues).map(([name, values]) => [name, [...values].sort()]),
        );
        expect(await contentOf(index)).to.deep.equal({ pairs: expectedPairs, values: expectedValues });
        for (const { name, value, fps } of labelPairs) {
          expect(textsOf(await index.fingerprintsOf(name, value))).to.deep.equal([...fps].sort());
        }
        expect((await index.fingerprintsOf('no such', 'label')).size).to.equal(0);
        expect(await index.valuesOf('no such')).to.deep.equal([]);
        await index.close();
      } finally {
        remove();
      }
    });
  }
});
