/**
 * Late samples and dropped time ranges, in a store that goes through everything else meanwhile: each answer is compared
 * with a model that knows only what was appended and what was dropped.
 */
import { expect } from 'chai';
import { checkDirectory, openStore, type Store, type StoreOptions } from '../../src/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import type { MemoryStores } from '../support/memory-stores.ts';
import { seeded } from '../support/seeded.ts';
import { codeOf, FolderStores, START_MS, settle } from './support.ts';

const SERIES = 4;
const SECOND = 1000;

class Model {
  readonly series = Array.from({ length: SERIES }, () => new Map<number, number>());

  append(id: number, time: number, value: number): void {
    if (!this.series[id].has(time)) this.series[id].set(time, value);
  }

  drop(id: number, from: number, through: number): void {
    for (const time of this.series[id].keys()) if (time >= from && time <= through) this.series[id].delete(time);
  }

  newest(id: number): number {
    return Math.max(START_MS - 1, ...this.series[id].keys());
  }

  answer(id: number, from: number, through: number): [number, number][] {
    return [...this.series[id]].filter(([time]) => time >= from && time <= through).sort(([a], [b]) => a - b);
  }
}

class Ports {
  clock = new ManualClock(START_MS);
  fileSystem = new MemoryFileSystem();
  keyValueStores: MemoryStores = new FolderStores(this.fileSystem);

  kill(): void {
    this.fileSystem = this.fileSystem.afterKill();
    this.keyValueStores = this.keyValueStores.afterKill();
    this.clock = new ManualClock(this.clock.now());
  }
}

const answers = async (store: Store, from?: number, through?: number): Promise<Map<string, [number, number][]>> => {
  const range = { ...(from === undefined ? {} : { from }), ...(through === undefined ? {} : { through }) };
  const found = new Map<string, [number, number][]>();
  for await (const { labels, timestamps, values } of store.select('m', range)) {
    found.set(
      labels['id'] ?? '',
      [...timestamps].map((time, i) => [time, values[i]]),
    );
  }
  return found;
};

const options: StoreOptions = {
  retention: 'off',
  futureTolerance: 'off',
  headChunkTimeout: '30s',
  checkpointInterval: '2m',
};

/** Random work on a store, compared with the model at every look. */
const work = async (seed: number, steps: number): Promise<void> => {
  const random = seeded(seed);
  const model = new Model();
  const ports = new Ports();
  let store = await openStore('/store', { ...ports, ...options });
  const append = (id: number, time: number): void => {
    const value = random.int(1000);
    store.append({ __name__: 'm', id: String(id) }, time, value);
    model.append(id, time, value);
  };
  const appendSome = (id: number, count: number, late: boolean): void => {
    for (let i = 0; i < count; i++) {
      const newest = model.newest(id);
      const time = late ? newest - 1 - random.int(400_000) : newest + 1 + random.int(2 * SECOND);
      if (!model.series[id].has(time)) append(id, time);
    }
  };
  const look = async (what: string): Promise<void> => {
    const from = START_MS - 300_000 + random.int(1_000_000);
    const through = from + random.int(300_000);
    for (const [a, b] of [
      [-Infinity, Infinity],
      [from, through],
    ]) {
      const found = await answers(store, a, b);
      for (let id = 0; id < SERIES; id++) {
        const expected = model.answer(id, a, b);
        expect(
          found.get(String(id)) ?? [],
          `seed ${seed}, ${what}, series ${id}, from ${a} through ${b}`,
        ).to.deep.equal(expected);
      }
    }
  };
  for (let step = 0; step < steps; step++) {
    const id = random.int(SERIES);
    const what = random.int(12);
    if (what < 3) appendSome(id, 1 + random.int(900), false);
    else if (what < 6) appendSome(id, 1 + random.int(60), true);
    else if (what === 6) {
      const newest = model.newest(id);
      const from = newest - random.int(300_000);
      const through = random.int(3) === 0 ? newest + 1000 : from + random.int(100_000);
      await store.drop({ __name__: 'm', id: String(id) }, { from, through });
      model.drop(id, from, through);
    } else if (what === 7) await store.checkpoint();
    else if (what === 8) await store.maintain();
    else if (what === 9) {
      for (let passed = 0; passed < 120_000; passed += 5000) {
        ports.clock.step(5000);
        await settle(store);
      }
    } else if (what === 10) {
      await store.close();
      store = await openStore('/store', { ...ports, ...options });
    } else {
      await store.flush();
      ports.kill();
      const former = store;
      store = await openStore('/store', {
        ...ports,
        ...options,
        ...(random.int(4) === 0 ? { forceRecovery: true } : {}),
      });
      await former.close();
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

describe('late samples and dropped ranges', () => {
  for (let seed = 1; seed <= 24; seed++) {
    it(`are what was appended and not dropped, seed ${seed}`, () => work(seed * 7919, 40)).timeout(60_000);
  }

  it('are refused outside the window, and of equal times the first one stays', async () => {
    const store = await openStore('/store', { ...new Ports(), retention: 'off', outOfOrderWindow: '1m' });
    const handle = store.series({ __name__: 'm', id: '0' });
    handle.append(START_MS, 1);
    handle.append(START_MS - 60_000, 2);
    expect(await codeOf(() => handle.append(START_MS - 60_001, 2))).to.equal('TIDEMARK_OUT_OF_ORDER');
    handle.append(START_MS - 60_000, 2);
    expect(await codeOf(() => handle.append(START_MS - 60_000, 3))).to.equal('TIDEMARK_DUPLICATE_TIMESTAMP');
    expect((await answers(store)).get('0')).to.deep.equal([
      [START_MS - 60_000, 2],
      [START_MS, 1],
    ]);
    await store.close();
  });

  it('that repeat a sample in memory change nothing, however small the window is', async () => {
    const store = await openStore('/store', { ...new Ports(), retention: 'off', outOfOrderWindow: 0 });
    const handle = store.series({ __name__: 'm', id: '0' });
    for (let i = 0; i < 1000; i++) handle.append(START_MS + i, i);
    for (const i of [0, 1, 500, 998, 999]) handle.append(START_MS + i, i);
    expect(await codeOf(() => handle.append(START_MS + 500, 501))).to.equal('TIDEMARK_OUT_OF_ORDER');
    expect(await codeOf(() => handle.append(START_MS - 1, 0))).to.equal('TIDEMARK_OUT_OF_ORDER');
    expect((await answers(store)).get('0')).to.have.length(1000);
    await store.close();
  });

  it('may be in a batch in any order', async () => {
    const store = await openStore('/store', { ...new Ports(), ...options });
    const times = [5, 1, 4, 2, 3, 5, 1];
    const samples = times.map((time, i) => ({
      labels: { __name__: 'm', id: '0' },
      timestamp: START_MS + time,
      value: i === 6 ? 9 : time,
    }));
    expect(store.appendBatch(samples)).to.deep.equal({
      accepted: 6,
      rejected: [{ index: 6, code: 'TIDEMARK_DUPLICATE_TIMESTAMP' }],
    });
    expect((await answers(store)).get('0')).to.deep.equal([1, 2, 3, 4, 5].map((time) => [START_MS + time, time]));
    await store.close();
  });
});
