/** Indexes that are found damaged while the store runs: made anew meanwhile, and never a reason why a close fails. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore, type Store } from '../../src/index.ts';
import { databaseFolders } from '../../src/indexes/database-folders.ts';
import type { Logger } from '../../src/ports/logger.ts';
import { DamageableStores } from '../support/damageable-stores.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const SERIES = 10;
const TIME = 1_700_000_000_000;
const folders = Object.values(databaseFolders);

describe('An index found damaged while the store runs', () => {
  let directory: string;
  let stores: DamageableStores;
  let said: string[];

  beforeEach(() => {
    directory = join(temporaryDirectory(), 'store');
    stores = new DamageableStores();
    said = [];
  });
  afterEach(removeTemporaryDirectories);

  const open = (options = {}): Promise<Store> => {
    const note = (_: unknown, text: string): number => said.push(text);
    const logger = { debug() {}, info() {}, warn: note, error: note } as unknown as Logger;
    return openStore(directory, { retention: 'off', keyValueStores: stores, logger, ...options });
  };

  /** Half of the series archived, half in memory. */
  const fill = async (): Promise<void> => {
    const store = await open({ headChunkTimeout: 1 });
    for (let i = 0; i < SERIES; i++) store.append({ __name__: 'archived', i: String(i) }, TIME, i);
    for (let i = 0; i < 3; i++) await store.maintain();
    expect(store.stateCounts().archived).to.equal(SERIES);
    for (let i = 0; i < SERIES; i++) store.append({ __name__: 'resident', i: String(i) }, TIME, i);
    await store.close();
  };

  const countsOf = async (store: Store): Promise<unknown> => {
    const counts: Record<string, number> = {};
    for await (const { labels, timestamps } of store.select('{i=~".+"}')) {
      counts[labels['__name__']] = (counts[labels['__name__']] ?? 0) + timestamps.length;
    }
    return { ...counts, names: await store.labelNames(), values: (await store.labelValues('i')).length };
  };

  const whole = { archived: SERIES, resident: SERIES, names: ['__name__', 'i'], values: SERIES };

  for (const folder of folders) {
    it(`is made anew, and the answers are whole: ${folder}`, async () => {
      await fill();
      const store = await open();
      const opened = stores.openCounts.get(folder) ?? 0;
      stores.damage(folder);
      expect(await countsOf(store)).to.deep.equal(whole);
      store.append({ __name__: 'new', i: '0' }, TIME, 1);
      // Wakes a series: it leaves the archive, which is written.
      store.append({ __name__: 'archived', i: '3' }, TIME + 1, 1);
      await store.waitForIndexing().catch(() => {});
      await store.waitForIndexing();
      expect(stores.openCounts.get(folder)).to.equal(opened + 1);
      expect(await store.metrics('{__name__="new"}')).to.have.length(1);
      await store.close();
      expect(existsSync(join(directory, 'LOST_INDEXES'))).to.equal(false);
      said = [];
      const again = await open();
      expect(await countsOf(again)).to.deep.equal({ ...whole, archived: SERIES + 1, new: 1 });
      expect((await again.info()).opened).to.equal('clean');
      expect(said).to.deep.equal([]);
      await again.close();
    });

    it(`holds up no close when it can't be made anew, and the next opening does it: ${folder}`, async () => {
      await fill();
      const store = await open();
      store.append({ __name__: 'new', i: '0' }, TIME, 1);
      store.append({ __name__: 'archived', i: '3' }, TIME + 1, 1);
      stores.hopeless.add(folder);
      await store.close();
      expect(said.join()).to.match(/index is damaged/);
      stores.hopeless.clear();
      const again = await open();
      expect(await countsOf(again)).to.deep.equal({ ...whole, archived: SERIES + 1, new: 1 });
      await again.close();
      expect(
        (await open().then(async (third) => [await third.info(), await third.close()] as const))[0].opened,
      ).to.equal('clean');
    });
  }

  it('answers whole in a read-only store, and writes nothing', async () => {
    await fill();
    for (const folder of folders) {
      const store = await open({ readOnly: true });
      stores.damage(folder);
      expect(await countsOf(store), folder).to.deep.equal(whole);
      await store.close();
    }
    expect(existsSync(join(directory, 'LOST_INDEXES'))).to.equal(false);
    expect(said.length).to.be.greaterThan(0);
    const store = await open();
    expect(await countsOf(store)).to.deep.equal(whole);
    expect((await store.info()).opened).to.equal('clean');
    await store.close();
  });

  it('answers whole when the archive and the label indexes are damaged at once', async () => {
    await fill();
    const store = await open();
    for (const folder of folders) stores.damage(folder);
    // Nothing but the journal names archived series now.
    expect(await countsOf(store)).to.deep.equal(whole);
    await store.close();
  });

  it('serves all lookups that wait at the same time', async () => {
    await fill();
    const store = await open();
    stores.damage(databaseFolders.pairs);
    stores.damage(databaseFolders.metric);
    const answers = await Promise.all(Array.from({ length: 8 }, () => countsOf(store)));
    for (const answer of answers) expect(answer).to.deep.equal(whole);
    // Opened twice; made anew at most once before the archive is found damaged, too, and once after.
    expect(stores.openCounts.get(databaseFolders.pairs)).to.be.within(3, 4);
    await store.close();
  });
});
