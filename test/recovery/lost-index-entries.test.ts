/**
 * Index entries that are gone without LevelDB saying so: a log cut, deleted or damaged after a crash, a manifest cut after
 * a clean close. What the index lacks is noticed at opening and found elsewhere; a sound index is left as it is.
 */
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { openStore, type Store } from '../../src/index.ts';
import { databaseFolders } from '../../src/indexes/database-folders.ts';
import type { Logger } from '../../src/ports/logger.ts';

const SERIES = 12;
const TIME = 1_700_000_000_000;

describe('A directory whose index has lost entries', () => {
  let parent: string;
  let closed: string;
  let crashed: string;

  before(async function () {
    this.timeout(60_000);
    parent = mkdtempSync(join(tmpdir(), 'tidemark-lost-'));
    closed = join(parent, 'closed');
    crashed = join(parent, 'crashed');
    const live = join(parent, 'live');
    const store = await openStore(live, { retention: 'off', headChunkTimeout: 1 });
    for (let i = 0; i < SERIES; i++) {
      for (let k = 0; k < 20; k++) store.append({ __name__: 'archived', i: String(i) }, TIME + k * 1000, k);
    }
    for (let i = 0; i < 3; i++) await store.maintain();
    expect(store.stateCounts().archived).to.equal(SERIES);
    for (let i = 0; i < SERIES; i++) store.append({ __name__: 'resident', i: String(i) }, TIME, i);
    await store.checkpoint();
    // As a kill leaves it: every file as far as it was written.
    copy(live, crashed);
    await store.close();
    copy(live, closed);
  });

  after(() => rmSync(parent, { recursive: true, force: true }));

  /** Without LOCK: closing any descriptor of it would free the lock. */
  const copy = (from: string, to: string): void =>
    cpSync(from, to, { recursive: true, filter: (path) => basename(path) !== 'LOCK' });

  const filesOf = (directory: string, pattern: RegExp): string[] =>
    readdirSync(directory)
      .filter((name) => pattern.test(name))
      .map((name) => join(directory, name));

  const countsOf = async (store: Store): Promise<unknown> => {
    const counts: Record<string, number> = {};
    for await (const { labels, timestamps } of store.select('{i=~".+"}')) {
      counts[labels['__name__']] = (counts[labels['__name__']] ?? 0) + timestamps.length;
    }
    return { counts, names: await store.labelNames(), values: (await store.labelValues('i')).length };
  };

  const whole = { counts: { archived: SERIES * 20, resident: SERIES }, names: ['__name__', 'i'], values: SERIES };

  /** Opens twice; answers what was said in each opening. */
  const openTwice = async (directory: string): Promise<string[][]> => {
    const said: string[][] = [];
    for (let opening = 0; opening < 2; opening++) {
      const texts: string[] = [];
      const note = (_: unknown, text: string): number => texts.push(text);
      const logger = { debug() {}, info() {}, warn: note, error: note } as unknown as Logger;
      const store = await openStore(directory, { retention: 'off', logger });
      expect(await countsOf(store)).to.deep.equal(whole);
      await store.close();
      said.push(texts.filter((text) => /index/.test(text)));
    }
    return said;
  };

  const damages: Readonly<Record<string, (log: string) => void>> = {
    'was deleted': unlinkSync,
    'was emptied': (log) => truncateSync(log, 0),
    'was cut': (log) => truncateSync(log, readFileSync(log).length >> 1),
    'has a flipped bit': (log) => {
      const bytes = readFileSync(log);
      bytes[9] ^= 4;
      writeFileSync(log, bytes);
    },
  };

  for (const folder of Object.values(databaseFolders)) {
    for (const [what, damage] of Object.entries(damages)) {
      it(`is whole again: the log of ${folder} ${what} after a crash`, async () => {
        const directory = mkdtempSync(join(parent, 'd-'));
        copy(crashed, directory);
        for (const log of filesOf(join(directory, folder), /\.log$/)) damage(log);
        const [first, second] = await openTwice(directory);
        expect(first.join()).to.match(/lost entries/);
        expect(second).to.deep.equal([]);
      });
    }

    it(`is whole again: the manifest of ${folder} was cut after a clean close`, async () => {
      const directory = mkdtempSync(join(parent, 'd-'));
      copy(closed, directory);
      const [manifest] = filesOf(join(directory, folder), /^MANIFEST/);
      // The last edit is the one that the close made.
      truncateSync(manifest, readFileSync(manifest).length - 20);
      const [first, second] = await openTwice(directory);
      expect(first.join()).to.match(/index/);
      expect(second).to.deep.equal([]);
    });

    it(`is left as it is: the empty log of ${folder} was deleted after a clean close`, async () => {
      const directory = mkdtempSync(join(parent, 'd-'));
      copy(closed, directory);
      for (const log of filesOf(join(directory, folder), /\.log$/)) unlinkSync(log);
      expect(await openTwice(directory)).to.deep.equal([[], []]);
    });
  }

  it('has no index made anew that is sound, after a crash or a clean close', async () => {
    for (const from of [closed, crashed]) {
      const directory = mkdtempSync(join(parent, 'd-'));
      copy(from, directory);
      expect(await openTwice(directory)).to.deep.equal([[], []]);
    }
  });
});
