/** A disk that fills up, fails, or runs out of descriptors: refused with a typed error, served on, resumed by itself. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { RESERVE_BYTES } from '../../src/files/reserve-file.ts';
import { openStore, type SeriesHandle } from '../../src/index.ts';
import { levelStores } from '../../src/indexes/level-stores.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { codeOf, DAY_MS, HOUR_MS, type Machine, metricOf, openMachine, START_MS, samplesOf } from './support.ts';

const MIB = 1024 * 1024;
const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

const usedBytes = ({ fileSystem }: Machine): number =>
  fileSystem.paths().reduce((sum, path) => sum + fileSystem.content(path).length, 0);

/** Appends until the store refuses; returns how many were taken and with what the next was refused. */
const appendUntilRefused = async (machine: Machine, from: number, max = 400_000) => {
  for (let n = 0; n < max; n++) {
    const append = () =>
      machine.store.append({ __name__: 'm', id: String(n % 32) }, from + Math.floor(n / 32), noise(n));
    const code = await codeOf(append);
    if (code !== undefined) return { taken: n, code };
    if (n % 2000 === 1999) await machine.pass(250);
  }
  throw new Error(`${max} samples were taken`);
};

/** Appends without a pause until the store refuses; returns how many samples it has then, one of each handle before. */
const appendAllThatIsTaken = (handles: readonly SeriesHandle[]): number => {
  let taken = handles.length;
  try {
    for (; taken < 10_000_000; taken++) {
      handles[taken % handles.length].append(START_MS + Math.floor(taken / handles.length), noise(taken));
    }
  } catch {
    return taken;
  }
  throw new Error(`${taken} samples were taken`);
};

describe('a disk that fills up and is freed again', () => {
  it('is read-only, then runs again by itself; every acknowledged sample is there', async () => {
    const machine = await openMachine({ retention: 'off', futureTolerance: 'off', checkpointInterval: '1h' });
    const { store, pass, fileSystem, events } = machine;
    await pass(20_000);
    fileSystem.capacityBytes = usedBytes(machine) + MIB / 2;
    const { taken, code } = await appendUntilRefused(machine, START_MS);
    expect(code).to.equal('TIDEMARK_DISK_FULL');
    expect(await metricOf(store, 'tidemark_health_read_only')).to.equal(1);
    expect((await samplesOf(store, 'm')).size, 'served while it is read-only').to.equal(taken);
    // The reserve makes room for what was taken already.
    await pass(2000);
    await store.flush();

    await pass(2 * 60_000, 5000);
    expect(await codeOf(() => store.append({ __name__: 'm', id: '0' }, START_MS + DAY_MS, 1))).to.equal(
      'TIDEMARK_DISK_FULL',
    );
    let isReady = false;
    void store.ready().then(() => {
      isReady = true;
    });
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await pass(61_000);
    expect(isReady).to.equal(true);
    store.append({ __name__: 'm', id: '0' }, START_MS + DAY_MS, 1);
    await store.flush();
    const changes = events.flatMap((event) => (event.type === 'healthChanged' ? [event.to] : []));
    expect(changes).to.deep.equal(['readOnly', 'healthy']);
    expect(fileSystem.content('/store/journal/reserve').length).to.equal(RESERVE_BYTES);
    const reopened = await machine.reopen();
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(taken + 1);
    await reopened.store.close();
  }).timeout(60_000);

  it('answers queries also for series that the indexes can not be told of', async () => {
    const machine = await openMachine({ retention: 'off' });
    const { store, pass, fileSystem } = machine;
    store.append({ __name__: 'm', id: 'old' }, START_MS, 1);
    await pass(20_000);
    fileSystem.capacityBytes = 0;
    store.append({ __name__: 'm', id: 'new' }, START_MS, 2);
    expect(await codeOf(() => store.flush())).to.equal('TIDEMARK_DISK_FULL');
    expect(await codeOf(() => store.waitForIndexing())).to.equal('TIDEMARK_DISK_FULL');
    const ids = async (selector: string) => (await store.metrics(selector)).map(({ id }) => id).sort();
    expect(await ids('m')).to.deep.equal(['new', 'old']);
    expect(await ids('{id="new"}')).to.deep.equal(['new']);
    expect(await ids('{id=~"o.*"}')).to.deep.equal(['old']);
    expect((await samplesOf(store, 'm')).size).to.equal(2);
    expect(await store.labelNames()).to.deep.equal(['__name__', 'id']);
    expect(await store.labelValues('id')).to.deep.equal(['new', 'old']);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await pass(61_000);
    await store.close();
  });

  it('rejects what waits to be flushed while nothing fits, and keeps it', async () => {
    const machine = await openMachine({ retention: 'off' });
    const { store, pass, fileSystem } = machine;
    await pass(1000);
    for (let i = 0; i < 100; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, i);
    fileSystem.capacityBytes = 0;
    expect(await codeOf(() => store.flush())).to.equal('TIDEMARK_DISK_FULL');
    await pass(3000);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await pass(61_000);
    await store.flush();
    const survivor = fileSystem.afterPowerLoss();
    expect(survivor.paths().some((path) => path.endsWith('.journal'))).to.equal(true);
    expect((await samplesOf(store, 'm')).size).to.equal(100);
    await store.close();
  });

  it('keeps what was taken when it is freed right before the store is closed', async () => {
    const machine = await openMachine({ retention: 'off' });
    const { store, pass, fileSystem } = machine;
    await pass(1000);
    for (let i = 0; i < 100; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, i);
    fileSystem.capacityBytes = 0;
    expect(await codeOf(() => store.flush())).to.equal('TIDEMARK_DISK_FULL');
    await pass(3000);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    const reopened = await machine.reopen();
    expect((await reopened.store.info()).opened).to.equal('clean');
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(100);
    await reopened.store.close();
  });

  it('keeps what was taken when the journal alone can be written at the close', async () => {
    const { store, pass, fileSystem } = await openMachine({ retention: 'off' });
    await pass(1000);
    for (let i = 0; i < 100; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, i);
    fileSystem.capacityBytes = 0;
    expect(await codeOf(() => store.flush())).to.equal('TIDEMARK_DISK_FULL');
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    fileSystem.onCall = (operation, path) => {
      if (operation === 'write' && path.endsWith('heads.db.tmp'))
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    };
    expect(await codeOf(() => store.close())).to.equal('TIDEMARK_DISK_FULL');
    const reopened = await openMachine({ retention: 'off' }, fileSystem.afterPowerLoss());
    expect((await reopened.store.info()).opened).to.equal('journal');
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(100);
    await reopened.store.close();
  });

  it('goes on with retention, which frees it without anybody else', async () => {
    const machine = await openMachine({
      retention: '2h',
      headChunkTimeout: '5m',
      minShrinkRatio: 0,
      checkpointInterval: '1h',
    });
    const { store, clock, pass, fileSystem, events } = machine;
    for (let n = 0; n < 60_000; n++) {
      store.append({ __name__: 'old', id: String(n % 32) }, START_MS + Math.floor(n / 32), noise(n));
      if (n % 20_000 === 0) await pass(250);
    }
    clock.step(10 * 60_000);
    await store.maintain();
    await store.checkpoint();
    await pass(20_000);
    fileSystem.capacityBytes = usedBytes(machine) + MIB / 2;
    const { taken } = await appendUntilRefused(machine, START_MS + 10 * 60_000);
    expect(events.some(({ type }) => type === 'chunksDropped' || type === 'seriesPurged')).to.equal(false);
    const isReadOnly = async (): Promise<boolean> => (await metricOf(store, 'tidemark_health_read_only')) === 1;
    for (let quarter = 0; quarter < 24 && (await isReadOnly()); quarter++) await pass(HOUR_MS / 4, 15_000);
    expect(await metricOf(store, 'tidemark_health_read_only')).to.equal(0);
    expect(taken).to.be.greaterThan(0);
    store.append({ __name__: 'new' }, clock.now(), 1);
    await store.flush();
    await store.close();
  }).timeout(60_000);

  it('quarantines no series whose file could not be written', async () => {
    const machine = await openMachine({ retention: 'off', headChunkTimeout: 1 });
    const { store, pass, fileSystem, events } = machine;
    for (let i = 0; i < 10; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, i);
    await pass(1000);
    const { onCall } = fileSystem;
    fileSystem.onCall = (operation, path) => {
      if (operation === 'write' && /\/[0-9a-f]{14}\.db$/.test(path))
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    };
    await store.maintain();
    expect(await store.quarantined()).to.deep.equal([]);
    expect(events.map(({ type }) => type))
      .to.include('healthChanged')
      .and.not.include('seriesQuarantined');
    fileSystem.onCall = onCall;
    await pass(5000);
    await store.maintain();
    expect((await store.info()).bytes.seriesFiles).to.be.greaterThan(0);
    expect((await samplesOf(store, 'm')).size).to.equal(10);
    await store.close();
  });

  it('leaves the old checkpoint in place when a new one can not be written', async () => {
    const { store, pass, fileSystem } = await openMachine({ retention: 'off' });
    store.append({ __name__: 'm', id: '1' }, START_MS, 1);
    await store.checkpoint();
    const before = fileSystem.content('/store/heads.db');
    for (let i = 0; i < 100; i++) store.append({ __name__: 'm', id: String(i) }, START_MS + 1, i);
    fileSystem.onCall = (operation, path) => {
      if (operation === 'write' && path.endsWith('heads.db.tmp'))
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    };
    expect(await codeOf(() => store.checkpoint())).to.equal('TIDEMARK_DISK_FULL');
    expect(fileSystem.content('/store/heads.db').equals(before)).to.equal(true);
    expect(fileSystem.paths()).not.to.include('/store/heads.db.tmp');
    fileSystem.onCall = () => {};
    await pass(5000);
    await store.checkpoint();
    expect(fileSystem.content('/store/heads.db').equals(before)).to.equal(false);
    await store.close();
  });
});

describe('a disk that fails', () => {
  for (const [code, operation] of [
    ['EIO', 'sync'],
    ['EIO', 'write'],
    ['EMFILE', 'open'],
  ] as const) {
    it(`is waited for after ${code} of ${operation}; nothing acknowledged is lost, nothing is quarantined`, async () => {
      const machine = await openMachine({ retention: 'off', headChunkTimeout: 1, checkpointInterval: '10s' });
      const { store, pass, fileSystem } = machine;
      let taken = 0;
      for (let round = 0; round < 60; round++) {
        if (round % 10 === 5) fileSystem.fail(operation, code);
        for (let i = 0; i < 20; i++) {
          const append = () => store.append({ __name__: 'm', id: String(i) }, START_MS + round * 1000, round);
          if ((await codeOf(append)) === undefined) taken++;
        }
        if (round % 7 === 0) await codeOf(() => store.maintain());
        await pass(1000);
      }
      await pass(61_000);
      await store.flush();
      expect(await store.quarantined()).to.deep.equal([]);
      expect((await samplesOf(store, 'm')).size).to.equal(taken);
      const reopened = await machine.reopen();
      expect((await samplesOf(reopened.store, 'm')).size).to.equal(taken);
      await reopened.store.close();
    });
  }

  it('does not stop the store when the journal takes nothing any more and something is to be said', async () => {
    const machine = await openMachine({ retention: 'off', memoryTarget: 2 ** 31 });
    const { store, pass, fileSystem, clock } = machine;
    const handles = Array.from({ length: 64 }, (_, i) => store.series({ __name__: 'm', id: String(i) }));
    for (const handle of handles) handle.append(START_MS, 1);
    await store.flush();
    // Syncs hang; when the memory for what they have not confirmed is used up, the disk says that it is gone.
    const held: (() => void)[] = [];
    fileSystem.holdSync = () => new Promise((resolve) => held.push(resolve));
    fileSystem.onCall = (operation) => {
      if (operation === 'sync') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    const taken = appendAllThatIsTaken(handles);
    clock.wallOffsetMs += 3 * HOUR_MS;
    await pass(5000);
    expect(await codeOf(() => handles[0].append(START_MS + DAY_MS, 1))).to.equal('TIDEMARK_IO');

    fileSystem.holdSync = () => Promise.resolve();
    fileSystem.onCall = () => {};
    for (const release of held) release();
    await pass(61_000);
    await store.flush();
    expect(await metricOf(store, 'tidemark_health_read_only')).to.equal(0);
    const reopened = await machine.reopen();
    let found = 0;
    for await (const { timestamps } of reopened.store.select('m')) found += timestamps.length;
    expect(found).to.equal(taken);
    await reopened.store.close();
  }).timeout(60_000);

  it('is not taken for well while the journal is refused for want of the space that the reserve took', async () => {
    const machine = await openMachine({ retention: 'off', futureTolerance: 'off', checkpointInterval: '1h' });
    const { store, pass, fileSystem } = machine;
    store.append({ __name__: 'm', id: '0' }, START_MS, 0);
    store.append({ __name__: 'gone' }, START_MS, 0);
    await pass(20_000);
    let refused: 'all' | 'journal' | 'nothing' = 'all';
    let dropped: Promise<string | undefined> | undefined;
    fileSystem.onCall = (operation, path) => {
      if (operation !== 'write') return;
      const isReserve = path.endsWith('/reserve');
      if (refused === 'journal' && isReserve) dropped ??= codeOf(() => store.drop({ __name__: 'gone' }));
      // There is space for the reserve alone, and in the midst of it something else is written.
      const isOut = refused === 'journal' && dropped !== undefined && path.endsWith('.journal');
      if (refused === 'all' || isOut) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    };
    store.append({ __name__: 'm', id: '0' }, START_MS + 1000, 1);
    expect(await codeOf(() => store.flush())).to.equal('TIDEMARK_DISK_FULL');
    refused = 'journal';
    await pass(5000);
    expect(await dropped).to.equal('TIDEMARK_DISK_FULL');
    expect(await metricOf(store, 'tidemark_health_read_only')).to.equal(1);

    refused = 'nothing';
    await pass(61_000);
    expect(await metricOf(store, 'tidemark_health_read_only')).to.equal(0);
    store.append({ __name__: 'm', id: '0' }, START_MS + DAY_MS, 2);
    await pass(1000);
    const left = await openMachine({ retention: 'off' }, fileSystem.afterPowerLoss());
    expect((await samplesOf(left.store, 'm')).size, 'within the interval, without a flush').to.equal(3);
    await left.store.close();
    await store.close();
  });

  it('makes a query reject that needs a file which can not be read now; an answer without it would be wrong', async () => {
    const machine = await openMachine({ retention: 'off', headChunkTimeout: 1 });
    const { store, pass, fileSystem } = machine;
    for (let k = 0; k < 2000; k++) store.append({ __name__: 'm', id: '1' }, START_MS + k, noise(k));
    await pass(5000);
    await store.maintain();
    const reopened = await machine.reopen();
    const open = fileSystem.open.bind(fileSystem);
    fileSystem.open = (path, mode) => {
      if (/\/[0-9a-f]{14}\.db$/.test(path)) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
      return open(path, mode);
    };
    expect(await codeOf(() => samplesOf(reopened.store, 'm'))).to.equal('TIDEMARK_IO');
    fileSystem.open = open;
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(2000);
    expect(await reopened.store.quarantined()).to.deep.equal([]);
    await reopened.store.close();
  });
});

describe('a small file system that is really full', () => {
  let mounted: string | undefined;

  /** A tmpfs of this size, or `undefined` where this process may not mount one. */
  const mount = (bytes: number): string | undefined => {
    const directory = join(temporaryDirectory(), 'small');
    mkdirSync(directory);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    mounted = directory;
    return directory;
  };
  const freeBytes = (directory: string): number => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  };

  afterEach(() => {
    if (mounted !== undefined) execFileSync('umount', ['-l', mounted]);
    mounted = undefined;
    removeTemporaryDirectories();
  });

  it('is survived with real files and databases', async function () {
    const directory = mount(32 * MIB);
    if (directory === undefined) {
      console.warn('      skipped: this process may not mount a file system');
      this.skip();
    }
    const store = await openStore(join(directory, 'store'), { retention: 'off' });
    let taken = 0;
    const fill = async (until: () => boolean): Promise<void> => {
      for (let round = 0; !until() && round < 3000; round++) {
        for (let i = 0; i < 200; i++, taken++) {
          const labels = { __name__: 'm', id: String(i), group: String(round >> 5) };
          if ((await codeOf(() => store.append(labels, START_MS + round, noise(taken)))) !== undefined) return;
        }
        if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    await fill(() => taken >= 20_000);
    await store.flush();
    writeFileSync(join(directory, 'other'), Buffer.alloc(freeBytes(directory) - 256 * 1024));
    const before = taken;
    let round = 4000;
    while (
      (await codeOf(() => store.append({ __name__: 'n', id: '1' }, START_MS + round, noise(round)))) === undefined
    ) {
      if (++round % 2000 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    rmSync(join(directory, 'other'));
    await store.ready();
    expect((await samplesOf(store, 'm')).size).to.equal(new Set(Array.from({ length: before }, (_, n) => n)).size);
    expect((await samplesOf(store, 'n')).size).to.equal(round - 4000);
    await store.waitForIndexing();
    await store.close();
    const again = await openStore(join(directory, 'store'), { retention: 'off' });
    expect((await again.info()).opened).to.equal('clean');
    await again.close();
  });

  it('leaves a LevelDB that takes writes again when there is space', async function () {
    const directory = mount(32 * MIB);
    if (directory === undefined) {
      console.warn('      skipped: this process may not mount a file system');
      this.skip();
    }
    const database = await levelStores.open(join(directory, 'index'));
    let count = 0;
    const put = async (): Promise<void> => {
      const operations = Array.from({ length: 200 }, (_, i) => {
        const value = Uint8Array.from({ length: 500 }, (_, k) => Math.imul((count + i) * 500 + k, 2654435761) >>> 21);
        return { type: 'put', key: Buffer.from(`${Math.imul(count + i + 1, 2654435761)}`), value: value } as const;
      });
      await database.batch(operations, { sync: true });
      count += operations.length;
    };
    for (let i = 0; i < 60; i++) await put();
    // What is left is too little for a compaction: LevelDB refuses everything from there on.
    writeFileSync(join(directory, 'other'), Buffer.alloc(freeBytes(directory) - 4_500_000));
    let failures = 0;
    for (let i = 0; i < 80; i++) if ((await codeOf(put)) !== undefined) failures++;
    expect(failures).to.be.greaterThan(0);
    rmSync(join(directory, 'other'));
    for (let i = 0; i < 10; i++) await put();
    let found = 0;
    for await (const page of database.entries()) found += page.length;
    expect(found).to.equal(count);
    await database.close();
  });
});
