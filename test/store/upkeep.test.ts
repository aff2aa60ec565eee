/** What can be asked of a running store: maintain, drop, backup, rebuildIndexes; and when series files are synced. */
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { codeOf, metricOf, openMachine, START_MS, samplesOf } from './support.ts';

const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

describe('store.maintain', () => {
  it('closes idle heads and persists them with its first visit, and archives with the next', async () => {
    const { store, clock } = await openMachine({ retention: 'off' });
    for (let i = 0; i < 10; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, i);
    clock.step(6 * 60_000);
    await store.maintain();
    expect(await metricOf(store, 'prometheus_local_storage_open_head_chunks')).to.equal(0);
    expect(await metricOf(store, 'prometheus_local_storage_chunks_to_persist')).to.equal(0);
    expect(store.stateCounts().inMemory).to.equal(10);
    await store.maintain();
    expect(store.stateCounts()).to.include({ inMemory: 0, archived: 10 });
    expect((await samplesOf(store, 'm')).size).to.equal(10);
    await store.close();
  });

  it('leaves alone what is in use', async () => {
    const { store } = await openMachine({ retention: 'off' });
    store.append({ __name__: 'm', id: '1' }, START_MS, 1);
    await store.maintain();
    expect(await metricOf(store, 'prometheus_local_storage_open_head_chunks')).to.equal(1);
    await store.close();
  });
});

describe('store.drop', () => {
  it('deletes what matches for good, wherever it is, and says how much', async () => {
    const machine = await openMachine({ retention: 'off' });
    const { store, clock } = machine;
    for (let i = 0; i < 20; i++) store.append({ __name__: 'm', id: String(i), half: String(i % 2) }, START_MS, i);
    clock.step(6 * 60_000);
    await store.maintain();
    await store.maintain();
    for (let i = 0; i < 6; i++) store.append({ __name__: 'm', id: String(i), half: String(i % 2) }, clock.now(), i);
    expect(await store.drop('m{half="1"}')).to.equal(10);
    expect(await store.drop('m{half="1"}')).to.equal(0);
    expect(await store.labelValues('half')).to.deep.equal(['0']);
    expect((await samplesOf(store, 'm')).size).to.equal(13);
    expect(await metricOf(store, 'prometheus_local_storage_series_ops_total', { type: 'purge_on_request' })).to.equal(
      10,
    );
    const reopened = await machine.reopen();
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(13);
    reopened.store.append({ __name__: 'm', id: '1', half: '1' }, START_MS, 5);
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(14);
    await reopened.store.close();
  });
});

describe('store.rebuildIndexes', () => {
  it('makes the label indexes anew while samples of old and new series go on', async () => {
    const { store, clock } = await openMachine({ retention: 'off' });
    for (let i = 0; i < 500; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, i);
    clock.step(6 * 60_000);
    await store.maintain();
    await store.maintain();
    for (let i = 500; i < 800; i++) store.append({ __name__: 'm', id: String(i) }, clock.now(), i);
    const before = (await store.labelValues('id')).length;
    const progress: number[] = [];
    const rebuilding = store.rebuildIndexes({ onProgress: ({ done }) => progress.push(done) });
    for (let i = 750; i < 900; i++) store.append({ __name__: 'm', id: String(i) }, clock.now() + 1, i);
    store.append({ __name__: 'm', id: '3' }, clock.now() + 1, 3);
    expect((await store.metrics('m')).length, 'a query waits until they are whole').to.equal(900);
    await rebuilding;
    expect(before).to.equal(800);
    expect(progress.at(-1)).to.be.at.least(800);
    expect((await store.labelValues('id')).length).to.equal(900);
    expect((await samplesOf(store, 'm{id="3"}')).size).to.equal(2);
    await store.close();
  });
});

describe('store.backup', () => {
  afterEach(removeTemporaryDirectories);

  it('holds everything appended before the call, and opens by replaying its journal', async () => {
    const source = `${temporaryDirectory()}/source`;
    const target = `${temporaryDirectory()}/target`;
    const store = await openStore(source, { retention: 'off', headChunkTimeout: 1 });
    const append = (from: number, to: number): void => {
      for (let k = from; k < to; k++) {
        for (let i = 0; i < 40; i++) store.append({ __name__: 'm', id: String(i) }, START_MS + k, noise(k * 40 + i));
      }
    };
    append(0, 400);
    await store.maintain();
    append(400, 600);
    let isDone = false;
    let next = 600;
    const writing = (async () => {
      while (!isDone) {
        append(next, ++next);
        if (next % 50 === 0) await store.maintain();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const { series, bytes } = await store.backup(target);
    isDone = true;
    await writing;
    expect(series).to.equal(40);
    expect(bytes).to.be.greaterThan(100_000);
    const original = await samplesOf(store, 'm');
    expect(await codeOf(() => store.backup(target)), 'a second one to the same place').to.equal(
      'TIDEMARK_INVALID_OPTION',
    );
    await store.close();

    const restored = await openStore(target, { retention: 'off' });
    expect((await restored.info()).opened).to.equal('journal');
    const copy = await samplesOf(restored, 'm');
    for (let k = 0; k < 600; k++) {
      for (let i = 0; i < 40; i++) if (!copy.has(`${i}@${START_MS + k}`)) expect.fail(`series ${i} lacks sample ${k}`);
    }
    for (const [key, value] of copy) if (original.get(key) !== value) expect.fail(`${key} is ${value}`);
    await restored.close();
  });

  it('is on the disk with its name, and the names of the directories above that it made', async () => {
    const { store, fileSystem } = await openMachine({ retention: 'off' });
    store.append({ __name__: 'm' }, START_MS, 1);
    fileSystem.makeDirectory('/mnt');
    const before = fileSystem.calls.length;
    await store.backup('/mnt/backups/one');
    await store.backup('/mnt/backups/two');
    const synced = fileSystem.calls
      .slice(before)
      .flatMap(({ operation, path }) =>
        operation === 'syncDirectory' && path.startsWith('/mnt') && !path.includes('/two/') && !path.includes('/one/')
          ? [path]
          : [],
      );
    expect(synced).to.deep.equal(['/mnt/backups', '/mnt', '/mnt/backups/one', '/mnt/backups', '/mnt/backups/two']);
    await store.close();
  });

  it('may go where the directory above can not be read', async () => {
    const { store, fileSystem } = await openMachine({ retention: 'off' });
    store.append({ __name__: 'm' }, START_MS, 1);
    fileSystem.onCall = (operation, path) => {
      if (operation !== 'syncDirectory' || path !== '/mnt') return;
      throw Object.assign(new Error(`EACCES: permission denied, open '/mnt'`), { code: 'EACCES' });
    };
    expect(await codeOf(() => store.backup('/mnt/one'))).to.equal(undefined);
    await store.close();
  });
});

describe('syncSeriesFiles', () => {
  const syncsOf = async (syncSeriesFiles: 'adaptive' | 'always' | 'never', memoryTarget?: number): Promise<number> => {
    const machine = await openMachine({
      retention: 'off',
      headChunkTimeout: 1,
      syncSeriesFiles,
      checkpointInterval: '1h',
      ...(memoryTarget === undefined ? {} : { memoryTarget }),
    });
    const { store, fileSystem, pass } = machine;
    for (let i = 0; i < 950; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, noise(i));
    if (memoryTarget !== undefined) {
      // So much waits that the store is rushed.
      for (let k = 1; k < 140; k++)
        for (let i = 0; i < 950; i++) store.append({ __name__: 'm', id: String(i) }, START_MS + k, noise(k * 950 + i));
      await pass(250);
    } else {
      await pass(1000);
    }
    const isSeriesFile = (path: string): boolean => /\/[0-9a-f]{14}\.db$/.test(path);
    await store.maintain();
    const count = fileSystem.calls.filter(({ operation, path }) => operation === 'sync' && isSeriesFile(path)).length;
    await store.checkpoint();
    const withCheckpoint = fileSystem.calls.filter(
      ({ operation, path }) => operation === 'sync' && isSeriesFile(path),
    ).length;
    expect(withCheckpoint, 'after a checkpoint everything is synced').to.be.at.least(950);
    await store.close();
    return count;
  };

  it('always: each file right after it was written', async () => {
    expect(await syncsOf('always')).to.be.at.least(950);
  });

  it('never: none before the next checkpoint', async () => {
    expect(await syncsOf('never')).to.equal(0);
  });

  it('adaptive: as always while little waits, as never while the store is rushed', async () => {
    expect(await syncsOf('adaptive')).to.be.at.least(950);
    expect(await syncsOf('adaptive', 1024 * 1024)).to.be.lessThan(950);
  });
});
