/**
 * Backfill in a store that goes through everything else meanwhile, compared with a model that knows what was appended,
 * backfilled and dropped. In half of the backfills the machine stops at some call of the file system. Then each series
 * has its old or its new samples.
 */
import { expect } from 'chai';
import { checkDirectory, openStore, type SeriesColumns, type Store, type StoreOptions } from '../../src/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import type { MemoryStores } from '../support/memory-stores.ts';
import { seeded } from '../support/seeded.ts';
import { codeOf, FolderStores, START_MS, settle } from './support.ts';

const SERIES = 3;
const options: StoreOptions = {
  retention: 'off',
  futureTolerance: 'off',
  headChunkTimeout: '30s',
  checkpointInterval: '2m',
};

type Samples = Map<number, number>;

class Ports {
  clock = new ManualClock(START_MS);
  fileSystem = new MemoryFileSystem();
  keyValueStores: MemoryStores = new FolderStores(this.fileSystem);

  /** The machine starts again with what was written. */
  kill(): void {
    this.use(this.fileSystem.afterKill(), this.keyValueStores.afterKill());
  }

  use(fileSystem: MemoryFileSystem, keyValueStores: MemoryStores): void {
    this.fileSystem = fileSystem;
    this.keyValueStores = keyValueStores;
    this.clock = new ManualClock(this.clock.now());
  }
}

const read = async (store: Store, from?: number, through?: number): Promise<Map<string, [number, number][]>> => {
  const found = new Map<string, [number, number][]>();
  for await (const { labels, timestamps, values } of store.select('m', { from, through })) {
    found.set(
      labels['id'] ?? '',
      [...timestamps].map((time, i) => [time, values[i]]),
    );
  }
  return found;
};

/** The first differences of two lists of samples. */
const differences = (found: readonly [number, number][], expected: readonly [number, number][]): string[] => {
  const texts = (list: readonly [number, number][]): Set<string> => new Set(list.map(([t, v]) => `${t} ${v}`));
  const [a, b] = [texts(found), texts(expected)];
  const missing = [...b].filter((text) => !a.has(text)).map((text) => `missing ${text}`);
  return [...missing, ...[...a].filter((text) => !b.has(text)).map((text) => `extra ${text}`)].slice(0, 10);
};

const sorted = (samples: Samples): [number, number][] => [...samples].sort(([a], [b]) => a - b);

const work = async (seed: number, steps: number): Promise<void> => {
  const random = seeded(seed);
  const ports = new Ports();
  const model: Samples[] = Array.from({ length: SERIES }, () => new Map());
  let store = await openStore('/store', { ...ports, ...options });

  const newestOf = (id: number): number => Math.max(START_MS - 1, ...model[id].keys());
  const put = (samples: Samples, time: number, value: number): boolean => {
    if (samples.has(time)) return samples.get(time) === value;
    samples.set(time, value);
    return true;
  };
  const appendSome = (id: number, count: number, isLate: boolean): void => {
    for (let i = 0; i < count; i++) {
      const newest = newestOf(id);
      const time = isLate ? newest - 1 - random.int(400_000) : newest + 1 + random.int(2000);
      if (model[id].has(time)) continue;
      const value = random.int(1000);
      store.append({ __name__: 'm', id: String(id) }, time, value);
      model[id].set(time, value);
    }
  };
  const columnsOf = (id: number): SeriesColumns => {
    const begin = newestOf(id) - random.int(600_000);
    const count = 1 + random.int(random.int(3) === 0 ? 3000 : 40);
    const step = 1 + random.int(3000);
    const timestamps: number[] = [];
    const values: number[] = [];
    for (let i = 0; i < count; i++) {
      const time = begin + (random.int(4) === 0 ? random.int(600_000) : i * step);
      const known = model[id].get(time);
      timestamps.push(time);
      values.push(known !== undefined && random.int(2) === 0 ? known : random.int(1000));
    }
    return { labels: { __name__: 'm', id: String(id) }, timestamps, values };
  };
  const look = async (what: string): Promise<void> => {
    const from = START_MS - 300_000 + random.int(1_000_000);
    const through = from + random.int(300_000);
    for (const [a, b] of [
      [-Infinity, Infinity],
      [from, through],
    ]) {
      const found = await read(store, a, b);
      for (let id = 0; id < SERIES; id++) {
        const expected = sorted(model[id]).filter(([time]) => time >= a && time <= b);
        const wrong = differences(found.get(String(id)) ?? [], expected);
        expect(wrong, `seed ${seed}, ${what}, series ${id}`).to.deep.equal([]);
      }
    }
    const last = new Map((await store.lastSamples('m')).map((sample) => [sample.labels['id'], sample.timestamp]));
    for (let id = 0; id < SERIES; id++) {
      const expected = model[id].size === 0 ? undefined : Math.max(...model[id].keys());
      expect(last.get(String(id)), `seed ${seed}, ${what}, newest`).to.equal(expected);
    }
  };
  const reopen = async (): Promise<void> => {
    const former = store;
    const forced = random.int(4) === 0 ? { forceRecovery: true } : {};
    store = await openStore('/store', { ...ports, ...options, ...forced });
    await former.close().catch(() => {});
  };

  const merged = (columns: readonly SeriesColumns[]): { after: Samples[]; accepted: number; given: number } => {
    const after = model.map((samples) => new Map(samples));
    let accepted = 0;
    let given = 0;
    for (const { labels, timestamps, values } of columns) {
      for (let i = 0; i < timestamps.length; i++) {
        if (put(after[Number(labels['id'])], timestamps[i], values[i])) accepted++;
        given++;
      }
    }
    return { after, accepted, given };
  };
  const adopt = (after: readonly Samples[]): void => {
    for (let id = 0; id < SERIES; id++) model[id] = after[id];
  };
  const backfill = async (step: number): Promise<void> => {
    const columns = Array.from({ length: 1 + random.int(4) }, () => columnsOf(random.int(SERIES)));
    const { after, accepted, given } = merged(columns);
    const result = await store.backfill(columns);
    const rejected = result.rejected.reduce((sum, { count }) => sum + count, 0);
    expect({ accepted: result.accepted, rejected }, `seed ${seed}, step ${step}`).to.deep.equal({
      accepted,
      rejected: given - accepted,
    });
    adopt(after);
    // What backfill resolved with survives a kill at once.
    if (random.int(3) === 0) {
      await store.flush();
      ports.kill();
      await reopen();
    }
  };
  /** Samples between those of the series and the columns, which are appended while the columns are written. */
  const between = (after: Samples, id: number): Samples => {
    const samples: Samples = new Map();
    const oldest = newestOf(id) - 1000;
    const span = Math.max(...after.keys()) + 1000 - oldest;
    for (let i = random.int(20); i > 0; i--) {
      const time = oldest + random.int(span);
      if (!after.has(time)) samples.set(time, random.int(1000));
    }
    return samples;
  };
  /** The machine stops at one of the calls, or at none. */
  const stoppedBackfill = async (step: number): Promise<void> => {
    await store.flush();
    const columns = Array.from({ length: SERIES }, (_, id) => columnsOf(id));
    const { after } = merged(columns);
    const appended = after.map(between);
    const { fileSystem, keyValueStores } = ports;
    let left = random.int(60);
    let isFlushed = false;
    let stop: { machine: [MemoryFileSystem, MemoryStores]; isFlushed: boolean } | undefined;
    fileSystem.onCall = () => {
      if (left-- === 0) stop = { machine: [fileSystem.afterKill(), keyValueStores.afterKill()], isFlushed };
    };
    const running = store.backfill(columns);
    for (let turns = random.int(12); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    for (const [id, samples] of appended.entries()) {
      for (const [time, value] of samples) store.append({ __name__: 'm', id: String(id) }, time, value);
    }
    await store.flush();
    isFlushed = true;
    await running;
    fileSystem.onCall = () => {};
    const isStopped = stop !== undefined;
    if (stop !== undefined) {
      ports.use(...stop.machine);
      await reopen();
    }
    const found = await read(store);
    for (let id = 0; id < SERIES; id++) {
      const samples = new Map(found.get(String(id)));
      const about = `seed ${seed}, step ${step}, stopped ${isStopped}, series ${id}`;
      let kept = 0;
      for (const time of appended[id].keys()) if (samples.get(time) === appended[id].get(time)) kept++;
      if (!isStopped || stop?.isFlushed) expect(kept, about).to.equal(appended[id].size);
      const others = sorted(samples).filter(([time]) => !appended[id].has(time));
      const isNew = JSON.stringify(others) === JSON.stringify(sorted(after[id]));
      if (!isNew || !isStopped) {
        expect(differences(others, sorted(isStopped ? model[id] : after[id])), about).to.deep.equal([]);
      }
      model[id] = samples;
    }
  };

  for (let step = 0; step < steps; step++) {
    const id = random.int(SERIES);
    const what = random.int(13);
    if (what < 2) appendSome(id, 1 + random.int(900), false);
    else if (what < 4) appendSome(id, 1 + random.int(60), true);
    else if (what < 6) await backfill(step);
    else if (what < 8) await stoppedBackfill(step);
    else if (what === 8) {
      const from = newestOf(id) - random.int(300_000);
      const through = random.int(3) === 0 ? newestOf(id) + 1000 : from + random.int(100_000);
      await store.drop({ __name__: 'm', id: String(id) }, { from, through });
      for (const time of model[id].keys()) if (time >= from && time <= through) model[id].delete(time);
    } else if (what === 9) await store.checkpoint();
    else if (what === 10) await store.maintain();
    else if (what === 11) {
      for (let passed = 0; passed < 120_000; passed += 5000) {
        ports.clock.step(5000);
        await settle(store);
      }
    } else {
      await store.flush();
      ports.kill();
      await reopen();
    }
    await look(`step ${step} (${what})`);
  }
  await store.close();
  const { problems } = await checkDirectory('/store', { ...ports, pedantic: true });
  expect(problems, `seed ${seed}`).to.deep.equal([]);
  store = await openStore('/store', { ...ports, ...options });
  await look('after the last close');
  await store.close();
};

const labels = { __name__: 'm', id: '0' };

describe('backfill', () => {
  for (let seed = 1; seed <= 10; seed++) {
    it(`adds whole columns, whatever else happens, seed ${seed}`, () => work(seed * 6151, 25)).timeout(60_000);
  }

  it('rejects samples by reason, and takes the others', async () => {
    const store = await openStore('/store', { ...new Ports(), retention: '1d', outOfOrderWindow: 0 });
    store.append(labels, START_MS, 1);
    const timestamps = [START_MS, START_MS, START_MS - 1, 0, START_MS + 3_600_000, 0.5, START_MS - 1, START_MS - 2];
    const values = [1, 2, 3, 4, 5, 6, 7, '8' as unknown as number];
    const given = { index: 0, labels };
    expect(await store.backfill({ labels, timestamps, values })).to.deep.equal({
      accepted: 2,
      rejected: [
        { ...given, code: 'TIDEMARK_TOO_OLD', count: 1 },
        { ...given, code: 'TIDEMARK_TOO_FAR_AHEAD', count: 1 },
        { ...given, code: 'TIDEMARK_INVALID_TIMESTAMP', count: 1 },
        { ...given, code: 'TIDEMARK_INVALID_VALUE', count: 1 },
        { ...given, code: 'TIDEMARK_DUPLICATE_TIMESTAMP', count: 2 },
      ],
    });
    expect(sorted(new Map((await read(store)).get('0')))).to.deep.equal([
      [START_MS - 1, 3],
      [START_MS, 1],
    ]);
    await store.close();
  });

  it('rejects a series with wrong labels, and refuses what is no column', async () => {
    const store = await openStore('/store', { ...new Ports(), ...options });
    const wrong = { '': 'x' };
    const { accepted, rejected } = await store.backfill([
      { labels: wrong, timestamps: [1, 2], values: [1, 2] },
      { labels, timestamps: [1], values: [1] },
    ]);
    expect({ accepted, rejected }).to.deep.equal({
      accepted: 1,
      rejected: [{ index: 0, labels: wrong, code: 'TIDEMARK_INVALID_LABELS', count: 2 }],
    });
    for (const given of [7, { labels, timestamps: [1], values: [] }, [undefined]]) {
      expect(await codeOf(() => store.backfill(given as never))).to.equal('TIDEMARK_INVALID_OPTION');
    }
    await store.close();
  });

  it('keeps the bits of every value', async () => {
    const store = await openStore('/store', { ...new Ports(), ...options });
    const patterns = BigUint64Array.of(0x7ff0000000000002n, 0x8000000000000000n, 0xfff8000000000001n);
    const values = new Float64Array(patterns.buffer);
    await store.backfill({ labels, timestamps: Float64Array.of(3, 1, 2), values });
    for await (const series of store.select('m')) {
      expect([...new BigUint64Array(series.values.slice().buffer)]).to.deep.equal([
        patterns[1],
        patterns[2],
        patterns[0],
      ]);
    }
    await store.close();
  });

  it('cuts a long column into pieces, and tells of its progress', async () => {
    const store = await openStore('/store', { ...new Ports(), ...options });
    const count = (1 << 20) + 5;
    const timestamps = Float64Array.from({ length: count }, (_, i) => (i % 2 === 0 ? i : count * 2 - i));
    const done: number[] = [];
    const { accepted } = await store.backfill([{ labels, timestamps, values: timestamps }], {
      onProgress: (progress) => done.push(progress.done),
    });
    expect({ accepted, done }).to.deep.equal({ accepted: count, done: [1 << 20, count] });
    const [found] = await read(store);
    expect(found[1].map(([time]) => time)).to.deep.equal([...timestamps.slice().sort()]);
    await store.close();
  });

  it('ends when it is aborted; what was begun is done', async () => {
    const store = await openStore('/store', { ...new Ports(), ...options });
    const abort = new AbortController();
    const endless = async function* (): AsyncIterable<SeriesColumns> {
      for (let id = 0; ; id++) {
        if (id === 3) abort.abort();
        yield { labels: { ...labels, id: String(id) }, timestamps: [1], values: [1] };
      }
    };
    expect(await codeOf(() => store.backfill(endless(), { signal: abort.signal }))).to.equal('TIDEMARK_ABORTED');
    expect([...(await read(store)).keys()]).to.deep.equal(['0', '1', '2']);
    await store.close();
  });

  it('rejects when the disk refuses, and leaves the series as it was', async () => {
    const ports = new Ports();
    const store = await openStore('/store', { ...ports, ...options });
    await store.backfill({ labels, timestamps: [10, 20], values: [1, 2] });
    ports.fileSystem.fail('rename', 'EIO');
    const more = { labels, timestamps: [15, 30], values: [3, 4] };
    expect(await codeOf(() => store.backfill(more))).to.be.a('string');
    ports.fileSystem.failNothing();
    expect(store.series(labels).lastTime).to.equal(20);
    const ready = store.ready();
    for (let passed = 0; passed < 120; passed++) {
      ports.clock.step(1000);
      await settle(store);
    }
    await ready;
    expect((await store.backfill(more)).accepted).to.equal(2);
    expect((await read(store)).get('0')).to.deep.equal([
      [10, 1],
      [15, 3],
      [20, 2],
      [30, 4],
    ]);
    await store.close();
  });
});
