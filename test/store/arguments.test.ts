/** What callers give that is not as it must be: each gets its typed error, and the store goes on. */
import { expect } from 'chai';
import { type ErrorCode, type Labels, type Sample, type Selector, type Store, TidemarkError } from '../../src/index.ts';
import { withDirectory } from '../disk/support.ts';
import { openMachine, START_MS } from './support.ts';

const codeOf = async (call: () => unknown): Promise<ErrorCode | 'no error'> => {
  try {
    await call();
    return 'no error';
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    // What goes into a log must not fail there.
    expect(() => JSON.stringify(error.details)).not.to.throw();
    expect(error.message.length).to.be.at.most(2001);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(error.message).not.to.match(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    return error.code;
  }
};

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
};

const labels: Labels = { __name__: 'm' };
const withStore = async (use: (store: Store) => Promise<void>): Promise<void> => {
  const { store } = await openMachine({ retention: 'off' });
  await use(store);
  // It still works.
  store.append({ __name__: 'after' }, START_MS, 1);
  expect(await store.metrics({ __name__: 'after' })).to.have.length(1);
  await store.close();
};

const throwing = (): never => {
  throw new Error('from the caller');
};

describe('appending', () => {
  it('refuses times that are no whole numbers of milliseconds', () =>
    withStore(async (store) => {
      const times = [1n, 10n ** 30n, Symbol('t'), '1000', {}, [1], null, undefined, new Date(1000), 0.5];
      for (const time of [...times, Number.NaN, Infinity, -Infinity, 2 ** 60, Object.create(null)]) {
        const timestamp = time as number;
        expect(await codeOf(() => store.append(labels, timestamp, 1))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
        expect(await codeOf(() => store.series(labels).append(timestamp, 1))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
        expect(store.appendBatch([{ labels, timestamp, value: 1 }]).rejected).to.deep.equal([
          { index: 0, code: 'TIDEMARK_INVALID_TIMESTAMP' },
        ]);
      }
      expect(store.stateCounts().inMemory).to.equal(0);
    }));

  it('refuses values that are no numbers', () =>
    withStore(async (store) => {
      for (const value of [1n, Symbol('v'), '1', null, undefined, {}, true]) {
        expect(await codeOf(() => store.append(labels, 1000, value as number))).to.equal('TIDEMARK_INVALID_VALUE');
        const handle = store.series(labels);
        expect(await codeOf(() => handle.append(1000, value as number))).to.equal('TIDEMARK_INVALID_VALUE');
        expect(await codeOf(() => handle.appendBits(1000, value as number, 0))).to.equal('TIDEMARK_INVALID_VALUE');
        expect(await codeOf(() => handle.appendBits(1000, 0, value as number))).to.equal('TIDEMARK_INVALID_VALUE');
      }
    }));

  it('refuses labels that are no plain texts, also of a series that is there', () =>
    withStore(async (store) => {
      store.append({ __name__: 'm', a: 'x' }, 1000, 1);
      const bad: unknown[] = [
        null,
        undefined,
        'm',
        5,
        1n,
        Symbol('l'),
        ['m'],
        () => {},
        {},
        new Map([['__name__', 'm']]),
        { __name__: 5 },
        { __name__: 'm', a: new String('x') },
        { __name__: 'm', a: ['x'] },
        { __name__: 'm', a: 1n },
        { __name__: 'm', a: Symbol('x') },
        { __name__: 'm', a: 'x', b: null },
        { __name__: 'm', a: 'x', b: undefined },
        { '': 'm' },
        { __name__: 'm', a: '\ud800' },
        { __name__: 'm', '\udc00': 'x' },
        { __name__: 'm'.repeat(70_000) },
        Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`l${i}`, 'x'])),
        { __name__: 'm', ['x'.repeat(1e6)]: 5 },
        { __name__: 'm', 'line\nfeed\u001b[31m\u202e': 5 },
      ];
      for (const [index, given] of bad.entries()) {
        const what = `labels ${index}`;
        expect(await codeOf(() => store.append(given as Labels, 2000, 1)), what).to.equal('TIDEMARK_INVALID_LABELS');
        expect(await codeOf(() => store.series(given as Labels)), what).to.equal('TIDEMARK_INVALID_LABELS');
        expect(await codeOf(() => store.chunks(given as Labels)), what).to.equal('TIDEMARK_INVALID_LABELS');
        expect(await codeOf(() => store.history(given as Labels)), what).to.equal('TIDEMARK_INVALID_LABELS');
        expect(
          store.appendBatch([{ labels: given as Labels, timestamp: 2000, value: 1 }]).rejected,
          what,
        ).to.deep.equal([{ index: 0, code: 'TIDEMARK_INVALID_LABELS' }]);
      }
      expect(store.stateCounts().inMemory).to.equal(1);
    }));

  it('takes labels whose reading fails for invalid ones, and keeps the cause', () =>
    withStore(async (store) => {
      const getter = Object.defineProperty({ __name__: 'm' }, 'a', { get: throwing, enumerable: true }) as Labels;
      const proxies = [
        new Proxy({ __name__: 'm' }, { get: throwing }),
        new Proxy({ __name__: 'm' }, { ownKeys: throwing }),
      ];
      for (const given of [getter, ...proxies]) {
        expect(await codeOf(() => store.append(given, 1000, 1))).to.equal('TIDEMARK_INVALID_LABELS');
        expect(await codeOf(() => store.series(given))).to.equal('TIDEMARK_INVALID_LABELS');
        expect(await codeOf(() => all(store.select(given)))).to.equal('TIDEMARK_INVALID_SELECTOR');
      }
      try {
        store.append(getter, 1000, 1);
      } catch (error) {
        expect((error as Error).cause)
          .to.be.an('error')
          .with.property('message', 'from the caller');
      }
      expect(store.stateCounts().inMemory).to.equal(0);
    }));

  it('keeps one series for labels that answer differently each time', () =>
    withStore(async (store) => {
      let read = 0;
      const fickle = (): Labels =>
        Object.defineProperty({ __name__: 'm' }, 'a', {
          get: () => `value ${read++}`,
          enumerable: true,
        }) as Labels;
      for (let i = 0; i < 10; i++) store.append(fickle(), 1000 + i, i);
      const series = await store.metrics({ __name__: 'm' });
      expect(new Set(series.map((found) => found['a'])).size).to.equal(series.length);
      for (const found of series) store.append(found, 9000, 9);
      expect(await store.metrics({ __name__: 'm' })).to.have.length(series.length);
      const found = await all(store.select({ __name__: 'm' }));
      expect(found.map(({ timestamps }) => timestamps.at(-1))).to.deep.equal(series.map(() => 9000));
    }));

  it('takes Proxy labels that read well', () =>
    withStore(async (store) => {
      store.append(new Proxy({ __name__: 'm', a: 'x' }, {}), 1000, 1);
      expect(await store.metrics({ __name__: 'm', a: 'x' })).to.deep.equal([{ __name__: 'm', a: 'x' }]);
    }));

  it('batch refuses what is no synchronous function, and wrong options', () =>
    withStore(async (store) => {
      for (const given of [null, undefined, 'work', 5, {}, [], async () => 1])
        expect(await codeOf(() => store.batch(given as () => void))).to.equal('TIDEMARK_INVALID_OPTION');
      for (const given of [null, 5, { sync: 1 }, { sync: 'yes' }])
        expect(await codeOf(() => store.batch(() => {}, given as object))).to.equal('TIDEMARK_INVALID_OPTION');
      expect(store.batch(() => 5)).to.equal(5);
    }));

  it('takes a list of samples only, and of any list each sample by itself', () =>
    withStore(async (store) => {
      for (const given of [null, undefined, 'samples', 5, 1n, Symbol('s'), {}, { length: 1e9 }, new Set(), () => {}]) {
        expect(await codeOf(() => store.appendBatch(given as Sample[]))).to.equal('TIDEMARK_INVALID_OPTION');
      }
      const good = { labels, timestamp: 1000, value: 1 };
      const bad = [null, undefined, 5, 'x', {}, [], new Proxy(good, { get: throwing }), Object.create(null)];
      const { accepted, rejected } = store.appendBatch([...bad, good] as Sample[]);
      expect(accepted).to.equal(1);
      expect(rejected.map(({ index }) => index)).to.deep.equal(bad.map((_, index) => index));
      // eslint-disable-next-line no-sparse-arrays
      expect(store.appendBatch(new Array(3) as Sample[]).rejected).to.have.length(3);
    }));
});

describe('label names of Object.prototype', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
  const odd: Labels = Object.fromEntries([['__name__', 'm'], ...names.map((name) => [name, `value of ${name}`])]);

  it('are names like any other, in every answer and in selectors', () =>
    withStore(async (store) => {
      store.append(odd, 1000, 1);
      store.append({ __name__: 'm' }, 1000, 2);
      const entries = Object.entries(odd).sort();
      const sorted = (found: Labels | undefined): unknown => Object.entries(found ?? {}).sort();
      expect((await store.labelNames()).filter((name) => names.includes(name))).to.have.length(names.length);
      for (const name of names) {
        const value = `value of ${name}`;
        const selectors: Selector[] = [
          Object.fromEntries([[name, value]]),
          [{ name, op: '=', value }],
          [{ name, op: '=~', value: 'value of.*' }],
          `{${name}="${value}"}`,
        ];
        expect(await store.labelValues(name)).to.deep.equal([value]);
        for (const selector of selectors) {
          const [series, ...others] = await all(store.select(selector));
          expect(sorted(series?.labels)).to.deep.equal(entries);
          expect(others).to.deep.equal([]);
          expect((await store.metrics(selector)).map(sorted)).to.deep.equal([entries]);
          expect((await store.lastSamples(selector)).map((sample) => sorted(sample.labels))).to.deep.equal([entries]);
        }
      }
      expect(sorted(store.series(odd).labels)).to.deep.equal(entries);
      // What reads a line of JSON is what a program does with it.
      expect(sorted(JSON.parse(JSON.stringify(store.series(odd).labels)) as Labels)).to.deep.equal(entries);
      expect(Object.getPrototypeOf(store.series(odd).labels)).to.equal(Object.prototype);
    }));
});

describe('asking', () => {
  it('refuses times that are none, and ranges that end before they begin', () =>
    withStore(async (store) => {
      store.append(labels, 1000, 1);
      const none = [Number.NaN, '1000', 1n, Symbol('t'), null, {}, new Date(1000), [1000]] as unknown as number[];
      for (const time of none) {
        expect(await codeOf(() => all(store.select('m', { from: time })))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
        expect(await codeOf(() => all(store.select('m', { through: time })))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
        expect(await codeOf(() => store.metrics('m', { from: time }))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
        if (time !== null)
          expect(await codeOf(() => store.instant('m', { at: time }))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
      }
      const reversed = [
        { from: 2, through: 1 },
        { from: 1000.5, through: 1000.25 },
        { from: Infinity },
        { through: -Infinity },
        { from: 1, through: -Infinity },
      ];
      for (const range of reversed) {
        expect(await codeOf(() => all(store.select('m', range)))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
        expect(await codeOf(() => store.metrics('m', range))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
      }
      for (const at of [Infinity, -Infinity]) {
        expect(await codeOf(() => store.instant('m', { at }))).to.equal('TIDEMARK_INVALID_TIMESTAMP');
      }
      for (const range of [{}, { from: 1000, through: 1000 }, { from: -Infinity, through: Infinity }]) {
        expect(await all(store.select('m', range))).to.have.length(1);
      }
    }));

  it('refuses durations that are none', () =>
    withStore(async (store) => {
      for (const lookback of [
        -1,
        Number.NaN,
        Infinity,
        '-5m',
        '5 minutes',
        '',
        1n,
        {},
        Symbol('d'),
        Object.create(null),
      ]) {
        expect(await codeOf(() => store.instant('m', { lookback: lookback as number }))).to.equal(
          'TIDEMARK_INVALID_OPTION',
        );
      }
    }));

  it('refuses what is no selector, no options and no name', () =>
    withStore(async (store) => {
      const selectors: unknown[] = [
        5,
        1n,
        null,
        undefined,
        Symbol('s'),
        () => {},
        Object.create(null),
        [null],
        [5],
        [[]],
        [{ name: 'a', op: Symbol('='), value: 'x' }],
        [{ name: 'a', op: 1n, value: 'x' }],
        [{ name: 'a', op: 'x'.repeat(1e6), value: 'x' }],
        [{ name: 'x'.repeat(1e6), op: '=', value: 1n }],
        [{ name: 'a\nb', op: '=~', value: '(\u001b' }],
        { a: 1n },
        { a: Symbol('x') },
        `m{a="${'x'.repeat(1000)}\u0007`,
        '\n\n}\u001b[2J',
      ];
      for (const [index, selector] of selectors.entries()) {
        for (const call of [
          () => all(store.select(selector as Selector)),
          () => store.instant(selector as Selector),
          () => store.lastSamples(selector as Selector),
          () => store.metrics(selector as Selector),
          () => store.drop(selector as Selector),
          () => store.watch(selector as Selector),
        ])
          expect(await codeOf(call), `selector ${index}`).to.equal('TIDEMARK_INVALID_SELECTOR');
      }
      for (const options of [null, 5, 'x', 1n, () => {}]) {
        expect(await codeOf(() => all(store.select('m', options as object)))).to.equal('TIDEMARK_INVALID_OPTION');
        expect(await codeOf(() => store.instant('m', options as object))).to.equal('TIDEMARK_INVALID_OPTION');
        expect(await codeOf(() => store.metrics('m', options as object))).to.equal('TIDEMARK_INVALID_OPTION');
      }
      for (const name of [5, null, undefined, {}, Symbol('n')]) {
        expect(await codeOf(() => store.labelValues(name as string))).to.equal('TIDEMARK_INVALID_LABELS');
      }
      for (const directory of [undefined, null, 5, {}, '']) {
        expect(await codeOf(() => store.backup(directory as string))).to.equal('TIDEMARK_INVALID_OPTION');
      }
      expect(await codeOf(() => store.readQuarantined('\n'.repeat(10_000)))).to.equal('TIDEMARK_INVALID_OPTION');
    }));

  it('refuses options that are none', () =>
    withDirectory(async (directory) => {
      const { openStore } = await import('../../src/index.ts');
      const bad: Record<string, unknown>[] = [
        { retention: 1n },
        { retention: Symbol('r') },
        { retention: 'x'.repeat(1e6) },
        { retention: { time: 1n } },
        { applyRetention: 'no' },
        { memoryTarget: 1n },
        { commitInterval: {} },
        { ['x'.repeat(1e6)]: 1 },
        { 'line\nfeed': 1 },
        { durability: Object.create(null) },
        Object.defineProperty({}, 'retention', { get: throwing, enumerable: true }),
        new Proxy({}, { ownKeys: throwing }),
      ];
      for (const options of bad)
        expect(await codeOf(() => openStore(directory, options))).to.equal('TIDEMARK_INVALID_OPTION');
      for (const path of [undefined, null, 5, {}, '', Symbol('d')])
        expect(await codeOf(() => openStore(path as string))).to.equal('TIDEMARK_INVALID_OPTION');
    }));
});
