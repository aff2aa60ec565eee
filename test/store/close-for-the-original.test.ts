/**
 * The original's LevelDB passes over every batch of a log that is older than the last compaction. So what a clean close
 * leaves must be in tables, also when compactions came during the session: proven on the bytes of LevelDB's files.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { databaseFolders } from '../../src/indexes/database-folders.ts';
import { readBatches } from '../../src/indexes/level/batches.ts';
import { readManifest } from '../../src/indexes/level/manifest.ts';

describe('A cleanly closed directory', () => {
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'tidemark-close-'));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  /** Tables of each index, and batches that only a log holds, as LevelDB's files say. */
  const layoutOf = (directory: string) =>
    Object.values(databaseFolders).map((folder) => {
      const path = join(directory, folder);
      const names = readdirSync(path);
      const manifest = readManifest(readFileSync(join(path, readFileSync(join(path, 'CURRENT'), 'latin1').trim())));
      const logs = names.filter((name) => /^\d+\.log$/.test(name));
      const batches = logs.map((name) => readBatches(readFileSync(join(path, name))).count);
      expect(logs.map((name) => Number.parseInt(name, 10))).to.include(manifest.logNumber);
      return { tables: manifest.tables.size, batches: batches.reduce((sum, count) => sum + count, 0) };
    });

  /** Labels that LevelDB can not compress. */
  const longText = (seed: number): string => {
    let state = seed + 1;
    return Array.from({ length: 1000 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return String.fromCharCode(33 + ((state >>> 8) % 90));
    }).join('');
  };

  it('has every entry of its indexes in tables and none in a log, also after compactions in the same session', async () => {
    const directory = join(parent, 'store');
    const store = await openStore(directory, { retention: 'off' });
    for (let batch = 0; batch < 5; batch++) {
      for (let i = 0; i < 600; i++) {
        store.append({ __name__: 'long', text: longText(batch * 1000 + i) }, 1_700_000_000_000, i);
      }
      await store.waitForIndexing();
    }
    const compacted = readdirSync(join(directory, databaseFolders.names)).filter((name) => name.endsWith('.ldb'));
    expect(compacted, 'tables before the close').to.have.length.greaterThan(0);
    await store.close();
    const layout = layoutOf(directory);
    expect(layout.map(({ batches }) => batches)).to.deep.equal([0, 0, 0, 0]);
    const [, , names, pairs] = layout;
    expect(Math.min(names.tables, pairs.tables)).to.be.greaterThan(0);
  });

  it('has its archive in tables, and no batch in a log after a session without changes; nor has a backup', async () => {
    const directory = join(parent, 'store');
    const first = await openStore(directory, { retention: 'off', headChunkTimeout: 1 });
    first.append({ __name__: 'up' }, 1, 1);
    for (let i = 0; i < 3; i++) await first.maintain();
    expect(first.stateCounts().archived).to.equal(1);
    await first.close();
    expect(layoutOf(directory)).to.deep.equal(Array.from({ length: 4 }, () => ({ tables: 1, batches: 0 })));
    const second = await openStore(directory, { retention: 'off' });
    await second.backup(join(parent, 'backup'));
    await second.close();
    for (const folder of ['store', 'backup']) {
      expect(layoutOf(join(parent, folder)).map(({ batches }) => batches)).to.deep.equal([0, 0, 0, 0]);
    }
  });
});
