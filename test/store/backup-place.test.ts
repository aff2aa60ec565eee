/** Where a backup may not go, and of which directories a store that only reads makes one. */
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore, type Store, TidemarkError } from '../../src/index.ts';
import { withDirectory } from '../disk/support.ts';
import { crashImage } from '../events/crash-image.ts';

describe('the directory of a backup', () => {
  it("may not be in the store's own, nor hold it, whatever links lead there", () =>
    withDirectory(async (root) => {
      const directory = join(root, 'outer', 'store');
      mkdirSync(join(root, 'outer'));
      const store = await openStore(directory, { retention: 'off' });
      store.append({ __name__: 'm' }, 1000, 1);
      mkdirSync(join(directory, 'ab'));
      symlinkSync(directory, join(root, 'link'));
      symlinkSync(join(directory, 'ab'), join(root, 'series'));
      symlinkSync(join(root, 'outer'), join(root, 'around'));
      const before = readdirSync(directory).sort();
      const refused = ['outer/store', 'outer/store/backup', 'outer/store/ba', 'outer/store/ab/x/y', 'outer'];
      for (const path of [...refused, 'link/backup', 'series', 'series/x', 'around', 'link/../outer/store/z', '.']) {
        const error = await store.backup(join(root, path)).catch((reason: unknown) => reason);
        expect(error, path).to.be.instanceOf(TidemarkError);
        expect((error as TidemarkError).code, path).to.equal('TIDEMARK_INVALID_OPTION');
      }
      expect(readdirSync(directory).sort()).to.deep.equal(before);
      expect(readdirSync(join(directory, 'ab'))).to.deep.equal([]);
      await store.close();
    }));

  it('may lie beside it, under a name that begins the same', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      const store = await openStore(directory, { retention: 'off' });
      store.append({ __name__: 'm' }, 1000, 1);
      await store.backup(join(root, 'store-copy'));
      symlinkSync(root, join(root, 'self'));
      await store.backup(join(root, 'self', 'another'));
      await store.close();
      expect(existsSync(join(root, 'store-copy', 'VERSION'))).to.equal(true);
      expect(existsSync(join(root, 'another', 'VERSION'))).to.equal(true);
    }));
});

describe('a backup by a store that only reads', () => {
  const options = { retention: 'off' } as const;
  const codeOf = (reason: unknown): unknown => (reason instanceof TidemarkError ? reason.code : reason);

  it('is refused while the directory is open for writing, and when it was since the store has read it', () =>
    withDirectory(async (root) => {
      const directory = join(root, 'store');
      const writer = await openStore(directory, options);
      writer.append({ __name__: 'm' }, 1000, 1);
      const reader = await openStore(directory, { ...options, readOnly: true });
      expect(await reader.backup(join(root, 'copy')).catch(codeOf)).to.equal('TIDEMARK_LOCKED');
      await writer.close();
      expect(await reader.backup(join(root, 'copy')).catch(codeOf)).to.equal('TIDEMARK_LOCKED');
      await reader.close();
      expect(existsSync(join(root, 'copy'))).to.equal(false);
    }));

  it('is refused when the directory was opened and closed, or a writer went on and died, since it was read', () =>
    withDirectory(async (root) => {
      const closed = join(root, 'closed');
      const append = async (directory: string, time: number): Promise<Store> => {
        const store = await openStore(directory, options);
        store.append({ __name__: 'm' }, time, 1);
        await store.flush();
        return store;
      };
      await append(closed, 1000).then((store) => store.close());
      const ofClosed = await openStore(closed, { ...options, readOnly: true });
      await append(closed, 2000).then((store) => store.close());
      expect(await ofClosed.backup(join(root, 'copy')).catch(codeOf)).to.equal('TIDEMARK_LOCKED');
      await ofClosed.close();

      const crashed = join(root, 'crashed');
      const writer = await append(crashed, 1000);
      const before = crashImage(crashed);
      const ofCrashed = await openStore(before, { ...options, readOnly: true });
      writer.append({ __name__: 'm' }, 2000, 1);
      await writer.flush();
      cpSync(join(crashed, 'journal'), join(before, 'journal'), { recursive: true });
      await writer.close();
      expect(await ofCrashed.backup(join(root, 'copy')).catch(codeOf)).to.equal('TIDEMARK_LOCKED');
      await ofCrashed.close();
    }));

  it('keeps writers out until it is done, also of a directory that a crash left', () =>
    withDirectory(async (root) => {
      const source = join(root, 'source');
      const writer = await openStore(source, options);
      writer.append({ __name__: 'm' }, 1000, 1);
      await writer.flush();
      const crashed = crashImage(source);
      await writer.close();
      for (const directory of [source, crashed]) {
        const reader = await openStore(directory, { ...options, readOnly: true });
        const target = join(root, `copy-${directory === source}`);
        const copying = reader.backup(target);
        expect(await openStore(directory, options).catch(codeOf)).to.equal('TIDEMARK_LOCKED');
        await copying;
        await reader.close();
        const copy = await openStore(target, options);
        expect((await copy.lastSamples('m')).map(({ value }) => value)).to.deep.equal([1]);
        await copy.close();
        await openStore(directory, options).then((store) => store.close());
      }
    }));
});
