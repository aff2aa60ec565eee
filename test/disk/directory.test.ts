import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { lockedError, markClean, markDirty, prepareDirectory, readOwner } from '../../src/disk/store-directory.ts';
import type { FileSystem } from '../../src/files/file-system.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { withTypedErrors } from '../../src/files/typed-errors.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { extractFixture } from '../support/tar.ts';
import { withDirectory } from './support.ts';

const prepare = (directory: string, readOnly = false) => prepareDirectory(nodeFileSystem, directory, { readOnly });

const errorOf = (call: () => unknown): TidemarkError => {
  try {
    call();
  } catch (error) {
    expect(error).to.be.instanceOf(TidemarkError);
    return error as TidemarkError;
  }
  throw new Error('expected an error');
};

const inFixture = (name: string, use: (directory: string) => void): void => {
  const { directory, remove } = extractFixture(name);
  try {
    use(directory);
  } finally {
    remove();
  }
};

describe('prepareDirectory', () => {
  it('creates a store where nothing is, with its parents', () =>
    withDirectory((root) => {
      const directory = join(root, 'a', 'b');
      expect(prepare(directory)).to.deep.equal({ created: true, dirty: false });
      expect(readFileSync(join(directory, 'VERSION'), 'utf8')).to.equal('1\n');
      expect(readdirSync(directory)).to.deep.equal(['VERSION']);
      expect(statSync(directory).mode & 0o777).to.equal(0o700);
      expect(prepare(directory)).to.deep.equal({ created: false, dirty: false });
    }));

  it('makes every new directory durable in its parent before anything is stored', () =>
    withDirectory((root) => {
      const synced: string[] = [];
      const fileSystem: FileSystem = {
        ...nodeFileSystem,
        syncDirectory: (path) => synced.push(path.slice(root.length)),
      };
      prepareDirectory(fileSystem, join(root, 'a', 'b'), { readOnly: false });
      expect(synced).to.deep.equal(['/a', '', '/a/b']);
    }));

  it('creates a store where the directory above can not be read', () =>
    withDirectory((root) => {
      const refused: FileSystem = {
        ...nodeFileSystem,
        syncDirectory: (path) => {
          if (path === root)
            throw Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { code: 'EACCES' });
          nodeFileSystem.syncDirectory(path);
        },
      };
      for (const [name, fileSystem] of Object.entries({ bare: refused, typed: withTypedErrors(refused) })) {
        expect(prepareDirectory(fileSystem, join(root, name), { readOnly: false }).created, name).to.equal(true);
      }
    }));

  it('takes a directory that holds only hidden files and lost+found', () =>
    withDirectory((directory) => {
      writeFileSync(join(directory, '.hidden'), '');
      writeFileSync(join(directory, '.VERSION.tmp'), 'left by a crash');
      mkdirSync(join(directory, 'lost+found'));
      expect(prepare(directory).created).to.equal(true);
    }));

  it('names the files of a directory that is not a store', () =>
    withDirectory((directory) => {
      for (let i = 10; i < 25; i++) writeFileSync(join(directory, `photo-${i}.jpg`), '');
      const error = errorOf(() => prepare(directory));
      expect(error.code).to.equal('TIDEMARK_NOT_A_STORE');
      expect(error.message).to.match(/has no VERSION file but other files: photo-10\.jpg, .*photo-19\.jpg and 5 more$/);
      expect(readdirSync(directory).length).to.equal(15);
    }));

  it('refuses what the original refuses', () => {
    inFixture('version-missing', (directory) =>
      expect(errorOf(() => prepare(directory)).code).to.equal('TIDEMARK_NOT_A_STORE'),
    );
    inFixture('version-2', (directory) => {
      const error = errorOf(() => prepare(directory));
      expect(error.code).to.equal('TIDEMARK_UNSUPPORTED_VERSION');
      expect(error.message).to.match(/VERSION says "2", must be 1/);
    });
    inFixture('version-garbage', (directory) => {
      const error = errorOf(() => prepare(directory));
      expect(error.code).to.equal('TIDEMARK_UNSUPPORTED_VERSION');
      expect(error.message).to.match(/VERSION says "one", must be 1/);
    });
  });

  it('takes the version as the original does, spaces and all', () =>
    withDirectory((directory) => {
      for (const text of ['1', '  1', '1\n\n', '+1', '01']) {
        writeFileSync(join(directory, 'VERSION'), text);
        expect(prepare(directory).created, JSON.stringify(text)).to.equal(false);
      }
      for (const text of ['', '1.0', '1x', '-1', '11']) {
        writeFileSync(join(directory, 'VERSION'), text);
        expect(errorOf(() => prepare(directory)).code, JSON.stringify(text)).to.equal('TIDEMARK_UNSUPPORTED_VERSION');
      }
    }));

  it('says that a file is no directory', () =>
    withDirectory((directory) => {
      writeFileSync(join(directory, 'file'), '');
      expect(errorOf(() => prepare(join(directory, 'file'))).code).to.equal('TIDEMARK_NOT_A_STORE');
    }));

  it('creates nothing for reading', () =>
    withDirectory((directory) => {
      expect(errorOf(() => prepare(directory, true)).message).to.match(/has no VERSION file$/);
      expect(errorOf(() => prepare(join(directory, 'missing'), true)).code).to.equal('TIDEMARK_NOT_A_STORE');
      expect(readdirSync(directory)).to.deep.equal([]);
    }));

  it('finds the directory of a crash dirty', () =>
    inFixture('dirty', (directory) => expect(prepare(directory)).to.deep.equal({ created: false, dirty: true })));

  describe('beside a running Prometheus', () => {
    let holder: ChildProcess;

    /** Holds the lock as Prometheus does, with the tool that Linux brings along. */
    const hold = async (path: string): Promise<void> => {
      holder = spawn('flock', ['--exclusive', '--no-fork', path, 'sh', '-c', 'echo held; exec cat'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      await once(holder.stdout!, 'data');
    };

    before(function () {
      const isThere = process.platform === 'linux' && spawnSync('flock', ['--version']).status === 0;
      if (!isThere) this.skip();
    });

    it('refuses, and names the process', () =>
      withDirectory(async (directory) => {
        prepare(directory);
        const dirty = join(directory, 'DIRTY');
        writeFileSync(dirty, '');
        await hold(dirty);
        try {
          const error = errorOf(() => prepare(directory));
          expect(error.code).to.equal('TIDEMARK_LOCKED');
          expect(error.details).to.deep.equal({ directory, pid: holder.pid });
          expect(prepare(directory, true)).to.deep.equal({ created: false, dirty: true });
        } finally {
          holder.stdin!.end();
          await once(holder, 'exit');
        }
        expect(prepare(directory).dirty).to.equal(true);
      }));
  });
});

describe('DIRTY', () => {
  it('says who has the directory open, and is gone after a clean close', () =>
    withDirectory((directory) => {
      prepare(directory);
      markDirty(nodeFileSystem, directory, 1735689600000);
      expect(prepare(directory)).to.deep.equal({ created: false, dirty: true });
      expect(readOwner(nodeFileSystem, directory)).to.deep.equal({
        pid: process.pid,
        host: hostname(),
        since: 1735689600000,
      });
      const error = lockedError(nodeFileSystem, directory, new Error('locked'));
      expect(error.code).to.equal('TIDEMARK_LOCKED');
      expect(error.message).to.equal(
        `${directory} is open: process ${process.pid} on ${hostname()} since 2025-01-01T00:00:00.000Z`,
      );
      markClean(nodeFileSystem, directory);
      expect(readdirSync(directory)).to.deep.equal(['VERSION']);
      markClean(nodeFileSystem, directory);
    }));

  it('of the original says nothing', () =>
    inFixture('dirty', (directory) => {
      expect(readOwner(nodeFileSystem, directory)).to.equal(undefined);
      expect(lockedError(nodeFileSystem, directory, undefined).message).to.match(
        /is open: another process, or another/,
      );
    }));

  it('is on the disk before anything else is written', () =>
    withDirectory((directory) => {
      const calls: string[] = [];
      const fileSystem: FileSystem = {
        ...nodeFileSystem,
        syncBlocking: () => calls.push('file'),
        syncDirectory: () => calls.push('directory'),
      };
      markDirty(fileSystem, directory, 0);
      expect(calls).to.deep.equal(['file', 'directory']);
    }));
});
