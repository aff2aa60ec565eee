/** That an opening knows whether the original has had the directory open since Tidemark, also after openings that fail. */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { LAST_CLOSE_FILE, type LastClose, type Predecessor, readLastClose } from '../../src/disk/last-close.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { openStore } from '../../src/index.ts';
import { closeDatabases } from '../../src/store/databases.ts';
import { Engine } from '../../src/store/engine.ts';
import { openDirectory } from '../../src/store/opening.ts';
import { resolveOptions } from '../../src/store/options.ts';
import { withDirectory } from '../disk/support.ts';
import { extractFixture } from '../support/tar.ts';

/** Opens the directory and dies before anything is recovered. */
const openAndDie = async (
  directory: string,
): Promise<{ readonly predecessor: Predecessor; readonly lastClose: LastClose | undefined }> => {
  const engine = new Engine(directory, resolveOptions({}));
  try {
    const { databases, claim, predecessor, lastClose } = await openDirectory(engine);
    await closeDatabases(databases);
    await claim?.release();
    return { predecessor, lastClose };
  } finally {
    await engine.files.close();
  }
};

const append = async (directory: string, timestamp: number): Promise<void> => {
  const store = await openStore(directory, { retention: 'off', futureTolerance: 'off' });
  store.append({ __name__: 'up' }, timestamp, 1);
  await store.close();
};

const inFixture = async (name: string, use: (directory: string) => Promise<void>): Promise<void> => {
  const { directory, remove } = extractFixture(name);
  try {
    await use(directory);
  } finally {
    remove();
  }
};

describe('who had the directory last', () => {
  it('is the original in all that it wrote, closed or crashed', async () => {
    for (const name of ['clean-archived', 'clean-small-delta', 'dirty', 'written-by-1.5.2', 'heads-v1']) {
      await inFixture(name, async (directory) => {
        expect((await openAndDie(directory)).predecessor, name).to.equal('other');
      });
    }
  });

  it('is still the original after openings that died on the way', () =>
    inFixture('dirty', async (directory) => {
      await openAndDie(directory);
      expect((await openAndDie(directory)).predecessor).to.equal('other');
    }));

  it('is still the original when the process died before it could note so', () =>
    inFixture('base', async (directory) => {
      const options = resolveOptions({});
      const engine = new Engine(directory, {
        ...options,
        fileSystem: {
          ...nodeFileSystem,
          rename: (from, to) => {
            if (to.endsWith('DIRTY')) throw Object.assign(new Error('EIO: no'), { code: 'EIO' });
            nodeFileSystem.rename(from, to);
          },
        },
      });
      let refused: unknown;
      await openDirectory(engine).catch((error: unknown) => {
        refused = error;
      });
      expect(refused).to.have.property('code', 'TIDEMARK_IO');
      expect(existsSync(join(directory, 'DIRTY'))).to.equal(false);
      expect((await openAndDie(directory)).predecessor).to.equal('other');
    }));

  it('is Tidemark once it has recovered what the original left', () =>
    inFixture('dirty', async (directory) => {
      await append(directory, 1_800_000_000_000);
      expect((await openAndDie(directory)).predecessor).to.equal('tidemark');
      expect((await openAndDie(directory)).predecessor).to.equal('tidemark');
    }));

  it('is nobody in a new directory, and Tidemark after a crash, in a copy, and without LAST_CLOSE', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      expect((await openAndDie(directory)).predecessor).to.equal('created');
      expect((await openAndDie(directory)).predecessor).to.equal('tidemark');
      await append(directory, 1000);
      cpSync(directory, join(root, 'copy'), { recursive: true });
      expect((await openAndDie(join(root, 'copy'))).predecessor).to.equal('tidemark');
      rmSync(join(directory, LAST_CLOSE_FILE));
      expect(await openAndDie(directory)).to.deep.equal({ predecessor: 'tidemark', lastClose: undefined });
    }));
});

describe('LAST_CLOSE', () => {
  it('says what the close left, and goes with the next opening for writing', () =>
    withDirectory(async (directory) => {
      await append(directory, 1000);
      const left = readLastClose(nodeFileSystem, directory);
      if (left === 'damaged') throw new Error('LAST_CLOSE is damaged');
      const heads = nodeFileSystem.stat(join(directory, 'heads.db'));
      expect(left?.heads.bytes).to.equal(heads?.size);
      const { files } = left?.indexes['labelpair_to_fingerprints'] ?? { files: {} };
      expect(Object.keys(files)).to.include('CURRENT');
      for (const [name, size] of Object.entries(files)) {
        expect(nodeFileSystem.stat(join(directory, 'labelpair_to_fingerprints', name))?.size, name).to.equal(size);
      }
      const store = await openStore(directory, { readOnly: true });
      await store.close();
      expect(existsSync(join(directory, LAST_CLOSE_FILE))).to.equal(true);
      expect((await openAndDie(directory)).lastClose).to.deep.equal(left);
      expect(existsSync(join(directory, LAST_CLOSE_FILE))).to.equal(false);
    }));
});
