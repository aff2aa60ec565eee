/** A read-only store recovers in memory and changes nothing, also while another process writes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import type { KeyValueStore } from '../../src/indexes/key-value-store.ts';
import { levelStores } from '../../src/indexes/level-stores.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { extractFixture } from '../support/tar.ts';
import { FIXTURE_NOW } from './support/fixture-runs.ts';

describe('a read-only store', () => {
  it('recovers a crashed directory without changing it', async () => {
    const { directory, remove } = extractFixture('dirty');
    try {
      const before = treeOf(directory);
      const store = await openStore(directory, {
        readOnly: true,
        retention: 'off',
        chunkEncoding: 'double-delta',
        clock: new ManualClock(FIXTURE_NOW),
      });
      const series = await store.metrics([]);
      await store.close();
      expect(series).to.have.length(67);
      expect(treeOf(directory)).to.deep.equal(before);
    } finally {
      remove();
    }
  });

  it('opens while another process has the directory open and writes to it', async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'tidemark-shared-')), 'data');
    const writer = await startWriter(directory);
    try {
      for (let attempt = 0; attempt < 5; attempt++) {
        const store = await openStore(directory, { readOnly: true, retention: 'off' });
        let newest = 0;
        for await (const { timestamps } of store.select('written')) {
          // Whatever moment is seen, it is one: the samples up to then, without a gap.
          expect([...timestamps]).to.deep.equal(Array.from(timestamps, (_, i) => 1000 * (i + 1)));
          newest = timestamps.length;
        }
        await store.close();
        expect(newest).to.be.at.least(100);
      }
      expect(writer.process.exitCode).to.equal(null);
    } finally {
      writer.process.kill('SIGKILL');
      await writer.ended;
      rmSync(join(directory, '..'), { recursive: true, force: true });
    }
  });

  it('finds a series that was created, and is in a checkpoint, after the indexes were copied', async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'tidemark-shared-')), 'data');
    const writer = await openStore(directory, { retention: 'off' });
    try {
      writer.append({ __name__: 'written', when: 'before' }, 1000, 1);
      await writer.flush();
      let copies = 0;
      const openCopy = async (folder: string): Promise<KeyValueStore> => {
        const copy = await levelStores.openCopy(folder);
        copies += 1;
        if (copies === 4) {
          writer.append({ __name__: 'written', when: 'after' }, 2000, 2);
          await writer.waitForIndexing();
          await writer.checkpoint();
        }
        return copy;
      };
      const keyValueStores = { ...levelStores, openCopy };
      const store = await openStore(directory, { readOnly: true, retention: 'off', keyValueStores });
      const found = (await store.metrics(['written'])).map(({ when }) => when);
      await store.close();
      expect(found.sort()).to.deep.equal(['after', 'before']);
    } finally {
      await writer.close();
      rmSync(join(directory, '..'), { recursive: true, force: true });
    }
  });
});

/** A process that appends for ever; resolves when its first hundred samples are durable. */
const startWriter = (directory: string): Promise<{ process: ChildProcess; ended: Promise<void> }> => {
  const library = new URL('../../src/index.js', import.meta.url).href;
  const program = `
    const { openStore } = await import(${JSON.stringify(library)});
    const store = await openStore(${JSON.stringify(directory)}, { retention: 'off', checkpointInterval: 50 });
    for (let i = 1; ; i++) {
      store.append({ __name__: 'written' }, 1000 * i, i);
      if (i % 100 === 0) { await store.flush(); console.log(i); }
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve({ process: child, ended }));
    child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)));
  });
};

const treeOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    (readdirSync(directory, { recursive: true }) as string[]).sort().map((name) => {
      const stat = statSync(join(directory, name));
      return [name, stat.isFile() ? `${stat.mtimeMs} ${readFileSync(join(directory, name)).toString('base64')}` : 'd'];
    }),
  );
