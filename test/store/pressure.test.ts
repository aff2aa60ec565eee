/** Bursts: the store pushes back, loses nothing, and recovers by itself. */
import { expect } from 'chai';
import { SMALL_SLOT_BYTES } from '../../src/chunk/slab.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { type MemoryStore, MemoryStores } from '../support/memory-stores.ts';
import type { Machine } from './support.ts';
import { codeOf, metricOf, openMachine, START_MS, samplesOf } from './support.ts';

const SERIES = 512;
const MIB = 1024 * 1024;

/** Values that take eight bytes each: about 120 samples fill a chunk. */
const valueAt = (series: number, sample: number): number =>
  ((Math.imul(series + 1, 2654435761) ^ Math.imul(sample + 1, 40503)) >>> 0) / 7;

/** Appends samples round-robin at a rate; whoever is refused waits until the store is ready, and goes on there. */
class Writer {
  appended = 0;
  readonly refusals = new Map<string, number>();
  private readonly machine: Machine;
  private readonly handles;
  private waiting = false;

  constructor(machine: Machine) {
    this.machine = machine;
    this.handles = Array.from({ length: SERIES }, (_, i) => machine.store.series({ __name__: 'm', id: String(i) }));
  }

  async write(samplesPerSecond: number, seconds: number): Promise<void> {
    const stepMs = 100;
    for (let step = 0; step < (seconds * 1000) / stepMs; step++) {
      if (!this.waiting) this.writeSome((samplesPerSecond * stepMs) / 1000);
      await this.machine.pass(stepMs, stepMs);
    }
  }

  private writeSome(count: number): void {
    try {
      for (let i = 0; i < count; i++) {
        const series = this.appended % SERIES;
        const sample = Math.floor(this.appended / SERIES);
        this.handles[series].append(START_MS + sample, valueAt(series, sample));
        this.appended++;
      }
    } catch (error) {
      const { code } = error as { code: string };
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
      this.waiting = true;
      void this.machine.store.ready().then(() => {
        this.waiting = false;
      });
    }
  }

  async compare(): Promise<void> {
    const samples = await samplesOf(this.machine.store, 'm');
    expect(samples.size).to.equal(this.appended);
    for (let n = 0; n < this.appended; n++) {
      const series = n % SERIES;
      const sample = Math.floor(n / SERIES);
      const found = samples.get(`${series}@${START_MS + sample}`);
      if (found !== valueAt(series, sample)) expect.fail(`series ${series}, sample ${sample}: ${found}`);
    }
  }
}

describe('a burst of ten times the sustainable rate', () => {
  it('is throttled with the typed error, loses nothing, and the store recovers by itself', async () => {
    const machine = await openMachine({ memoryTarget: 2 * MIB, retention: 'off', checkpointInterval: '1h' });
    const { clock, fileSystem, store, events } = machine;
    // A disk that takes two seconds to sync: a batch of files at a time, at most 256 in two seconds.
    fileSystem.holdSync = () =>
      new Promise((resolve) => {
        clock.setTimeout(resolve, 2000);
      });
    const writer = new Writer(machine);
    const sustainable = 6_000;
    await writer.write(sustainable, 5);
    expect(events.filter(({ type }) => type === 'pressureChanged')).to.deep.equal([]);

    await writer.write(10 * sustainable, 30);
    expect([...writer.refusals.keys()]).to.deep.equal(['TIDEMARK_THROTTLED']);

    await writer.write(0, 60);
    const changes = events.flatMap((event) => (event.type === 'pressureChanged' ? [[event.from, event.to]] : []));
    const path = ['normal', ...changes.map(([, to]) => to)];
    expect(path.slice(0, 3)).to.deep.equal(['normal', 'rushed', 'throttled']);
    expect(path.slice(-3)).to.deep.equal(['throttled', 'rushed', 'normal']);
    for (let i = 0; i < changes.length; i++)
      expect(changes[i][0], `change ${i} begins where the last ended`).to.equal(path[i]);

    fileSystem.holdSync = () => Promise.resolve();
    await writer.compare();
    const reopened = await machine.reopen();
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(writer.appended);
    expect(store.stateCounts().quarantined).to.equal(0);
    await reopened.store.close();
  });

  it('is noticed by a loop of appends that never lets a timer run', async () => {
    const { store, pass } = await openMachine({ memoryTarget: 2 * MIB, retention: 'off' });
    const handles = Array.from({ length: 64 }, (_, i) => store.series({ __name__: 'm', id: String(i) }));
    let appended = 0;
    const fill = (): void => {
      for (;;) handles[appended % 64].append(START_MS + Math.floor(appended / 64), valueAt(appended++ % 64, appended));
    };
    expect(await codeOf(fill)).to.equal('TIDEMARK_THROTTLED');
    const taken = appended - 1;
    expect(await metricOf(store, 'prometheus_local_storage_chunks_to_persist')).to.be.within(1024, 3072);
    let isReady = false;
    void store.ready().then(() => {
      isReady = true;
    });
    for (let i = 0; i < 100 && !isReady; i++) await pass(100);
    expect(isReady).to.equal(true);
    handles[taken % 64].append(START_MS + Math.floor(taken / 64), 1);
    expect((await samplesOf(store, 'm')).size).to.equal(taken + 1);
    await store.close();
  });

  it('does not stop a store whose open heads alone are more than the target', async () => {
    const { store, pass } = await openMachine({ memoryTarget: MIB, retention: 'off' });
    const count = 3000;
    let refused = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < count; i++) {
        const append = (): void => store.append({ __name__: 'm', id: String(i) }, START_MS + round, i + round);
        if ((await codeOf(append)) === undefined) continue;
        refused++;
        await pass(500);
        append();
      }
      await pass(500);
    }
    expect(await metricOf(store, 'prometheus_local_storage_open_head_chunks')).to.equal(count);
    expect((await samplesOf(store, 'm')).size).to.equal(3 * count);
    expect(refused).to.equal(0);
    await store.close();
  });
});

describe('the memory target', () => {
  it('is held by evicting chunks that are in files, those used longest ago first', async () => {
    const { store, pass } = await openMachine({ memoryTarget: 2 * MIB, retention: 'off', headChunkTimeout: 1 });
    const fill = async (name: string): Promise<void> => {
      for (let sample = 0; sample < 1200; sample++) {
        for (let i = 0; i < 64; i++)
          store.append({ __name__: name, id: String(i) }, START_MS + sample, valueAt(i, sample));
      }
      await pass(200);
      await store.maintain();
    };
    for (const name of ['a', 'b', 'c', 'd']) await fill(name);
    await pass(500);
    expect(await metricOf(store, 'tidemark_memory_used_bytes')).to.be.at.most(2 * MIB);
    const isLoaded = async (name: string): Promise<boolean> =>
      (await store.chunks({ __name__: name, id: '5' })).some(({ where, loaded }) => where === 'file' && loaded);
    expect(await isLoaded('a')).to.equal(false);
    expect(await isLoaded('d')).to.equal(true);
    await store.close();
  });

  it('is not what a burst leaves in memory: waiting chunks are persisted, and leave, when few samples come', async () => {
    const { store, pass } = await openMachine({ memoryTarget: 64 * MIB, retention: 'off' });
    for (let sample = 0; sample < 2400; sample++) {
      for (let i = 0; i < 64; i++)
        store.append({ __name__: 'm', id: String(i) }, START_MS + sample, valueAt(i, sample));
    }
    await pass(250);
    const chunkBytes = (): Promise<number> => metricOf(store, 'tidemark_memory_bytes', { part: 'chunks' });
    const cachedBytes = (): Promise<number> => metricOf(store, 'tidemark_memory_bytes', { part: 'chunk_cache' });
    expect(await chunkBytes()).to.be.greaterThan(64 * 10 * 1024);
    for (let n = 0; n < 20; n++) await pass(250);
    expect(await metricOf(store, 'prometheus_local_storage_chunks_to_persist')).to.be.lessThan(64 * 4);
    expect(await chunkBytes()).to.be.at.most(64 * 4 * 1024);
    for (let n = 0; n < 80; n++) await pass(250);
    expect(await cachedBytes()).to.equal(0);
    expect((await samplesOf(store, 'm')).size).to.equal(64 * 2400);
    await store.close();
  });

  it('is not kept at any price: a file that can not be written is tried more and more seldom', async () => {
    const fileSystem = new MemoryFileSystem();
    let attempts = 0;
    const open = fileSystem.open.bind(fileSystem);
    Object.assign(fileSystem, {
      open: (path: string, mode: Parameters<typeof open>[1]) => {
        if (!/\/[0-9a-f]{2}\/[0-9a-f]{14}\.db$/.test(path)) return open(path, mode);
        attempts++;
        throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
      },
    });
    const { store, pass } = await openMachine({ memoryTarget: 64 * MIB, retention: 'off' }, fileSystem);
    for (let sample = 0; sample < 2400; sample++)
      store.append({ __name__: 'm', id: '1' }, START_MS + sample, valueAt(1, sample));
    let refusing = 0;
    for (let n = 0; n < 240; n++) {
      await pass(250);
      if ((await codeOf(() => store.append({ __name__: 'n' }, START_MS + n, n))) !== undefined) refusing++;
    }
    expect(attempts).to.be.within(1, 10);
    expect(refusing).to.be.lessThan(60);
    await store.close().catch(() => {});
  });

  it('lets a reader keep what it reads, however much is evicted meanwhile', async () => {
    const { store, pass } = await openMachine({ memoryTarget: MIB, retention: 'off', headChunkTimeout: 1 });
    for (let sample = 0; sample < 2400; sample++) {
      for (let i = 0; i < 64; i++)
        store.append({ __name__: 'm', id: String(i) }, START_MS + sample, valueAt(i, sample));
      if (sample % 200 === 199) await pass(200);
    }
    await pass(1000);
    await store.maintain();
    let compared = 0;
    for await (const { labels, timestamps, values } of store.select('m')) {
      const id = Number(labels['id']);
      await pass(250);
      for (let k = 0; k < timestamps.length; k++) {
        if (values[k] !== valueAt(id, timestamps[k] - START_MS)) expect.fail(`series ${id}, sample ${k}`);
        compared++;
      }
    }
    expect(compared).to.equal(64 * 2400);
    expect(await metricOf(store, 'prometheus_local_storage_chunk_ops_total', { type: 'evict' })).to.be.greaterThan(0);
    await store.close();
  });

  it('counts every part, and tells them apart on the metrics', async () => {
    const { store } = await openMachine();
    for (let i = 0; i < 100; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, i);
    const metric = await store.registry.getSingleMetric('tidemark_memory_bytes')?.get();
    const parts = Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [labels['part'], value]));
    expect(parts).to.have.all.keys(
      'chunks',
      'chunk_cache',
      'decoded_chunks',
      'label_objects',
      'late_samples',
      'series_table',
      'archive_directory',
      'index_caches',
      'indexing_queue',
      'journal',
    );
    expect(parts['chunks']).to.equal(100 * SMALL_SLOT_BYTES);
    const sum = Object.values(parts).reduce((total, bytes) => Number(total) + Number(bytes), 0);
    expect(await metricOf(store, 'tidemark_memory_used_bytes')).to.equal(sum);
    await store.close();
  });
});

describe('a length of the index queue that a user sends to the actor', () => {
  it('is corrected by the next measurement, so that new series are taken again', async () => {
    const { store, pass } = await openMachine({ retention: 'off' });
    store.append({ __name__: 'm', id: '1' }, START_MS, 1);
    await store.waitForIndexing();
    await pass(1000);
    store.actor.send({ type: 'indexingMeasured', queued: 10, capacity: 10 });
    expect(() => store.append({ __name__: 'm', id: '2' }, START_MS, 1))
      .to.throw()
      .with.property('code', 'TIDEMARK_THROTTLED');
    await pass(1000);
    store.append({ __name__: 'm', id: '2' }, START_MS, 1);
    await store.close();
  });
});

/** Databases that call `onBatch` before each batch. The batch fails with what `onBatch` throws. */
class WatchedStores extends MemoryStores {
  onBatch: () => void = () => {};

  override async open(directory: string): Promise<MemoryStore> {
    const database = await super.open(directory);
    const write = database.batch.bind(database);
    database.batch = async (operations, options) => {
      this.onBatch();
      return write(operations, options);
    };
    return database;
  }
}

describe('ready(), while new series wait for indexes that can not be written', () => {
  const refuse = (): never => {
    throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });
  };

  /** A store with an operation that waits for the indexes, and a chart that says that the queue was full. */
  const openBehind = async () => {
    const keyValueStores = new WatchedStores();
    const { store } = await openMachine({ retention: 'off', keyValueStores });
    store.append({ __name__: 'm', id: '1' }, START_MS, 1);
    const measure = (queued: number): void => store.actor.send({ type: 'indexingMeasured', queued, capacity: 10 });
    measure(10);
    return { store, keyValueStores, measure };
  };

  it('rejects with the error of the disk as TIDEMARK_IO, and resolves once the indexes are written', async () => {
    const { store, keyValueStores } = await openBehind();
    keyValueStores.onBatch = refuse;
    const error: unknown = await store.ready().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(TidemarkError);
    expect(error).to.include({ code: 'TIDEMARK_IO' }).and.to.have.property('cause').with.property('code', 'EIO');
    keyValueStores.onBatch = () => {};
    await store.ready();
    store.append({ __name__: 'm', id: '2' }, START_MS, 1);
    await store.close();
  });

  it('resolves if the store takes new series again when a write fails', async () => {
    const { store, keyValueStores, measure } = await openBehind();
    keyValueStores.onBatch = () => {
      measure(0);
      refuse();
    };
    await store.ready();
    store.append({ __name__: 'm', id: '2' }, START_MS, 1);
    keyValueStores.onBatch = () => {};
    await store.close();
  });

  it('rejects with TIDEMARK_CLOSED if the store is closed when a write fails', async () => {
    const { store, keyValueStores } = await openBehind();
    let closing: Promise<void> | undefined;
    keyValueStores.onBatch = () => {
      closing ??= store.close();
      keyValueStores.onBatch = () => {};
      refuse();
    };
    expect(await codeOf(() => store.ready())).to.equal('TIDEMARK_CLOSED');
    await closing;
  });
});
