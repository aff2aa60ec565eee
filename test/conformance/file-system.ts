/** Conformance suite of the file-system port. It runs on the real file system, the overlay, the
 * simulated disk and the files in memory. */
import { join } from 'node:path';
import { expect } from 'chai';
import type { FileSystem, OpenMode } from '../../src/files/file-system.ts';
import { readFile, readFully, writeFully } from '../../src/files/read-write.ts';
import { codeOf as codeOfError } from '../../src/model/errors.ts';

/** An implementation under test, fresh for each case. */
export interface FileSystemSubject {
  readonly fileSystem: FileSystem;
  /** An empty directory that exists. */
  readonly directory: string;
  readonly dispose: () => void;
  /** Runs an operation to completion. A simulated world has to be advanced meanwhile. Default: awaits the operation. */
  readonly run?: <T>(operation: () => Promise<T>) => Promise<T>;
}

export const fileSystemConformance = (implementation: string, make: () => FileSystemSubject): void => {
  describe(`FileSystem: ${implementation}`, () => {
    let subject: FileSystemSubject;
    let fileSystem: FileSystem;
    let path: (name: string) => string;

    beforeEach(() => {
      subject = make();
      fileSystem = subject.fileSystem;
      path = (name) => join(subject.directory, name);
    });

    afterEach(() => subject.dispose());

    const write = (
      name: string,
      content: string,
      mode: OpenMode = 'truncate',
      position: number | null = null,
    ): void => {
      const fd = fileSystem.open(path(name), mode);
      try {
        writeFully(fileSystem, fd, Buffer.from(content), 0, content.length, position);
      } finally {
        fileSystem.close(fd);
      }
    };

    const content = (name: string): string | undefined => {
      const bytes = readFile(fileSystem, path(name));
      return bytes === undefined ? undefined : Buffer.from(bytes).toString();
    };

    const codeOf = (call: () => unknown): string | undefined => {
      try {
        call();
        return undefined;
      } catch (error) {
        return codeOfError(error) ?? String(error);
      }
    };

    const names = (name = '.'): string[] =>
      fileSystem
        .readDirectory(path(name))
        .map((entry) => (entry.isDirectory ? `${entry.name}/` : entry.name))
        .sort();

    describe('open', () => {
      it('does not create a file for reading', () => {
        expect(codeOf(() => fileSystem.open(path('a'), 'read'))).to.equal('ENOENT');
        expect(codeOf(() => fileSystem.open(path('a'), 'readWrite'))).to.equal('ENOENT');
        expect(names()).to.deep.equal([]);
      });

      for (const mode of ['create', 'truncate', 'append', 'exclusive'] as const) {
        it(`creates a missing file in mode ${mode}, but no directory`, () => {
          fileSystem.close(fileSystem.open(path('a'), mode));
          expect(content('a')).to.equal('');
          expect(codeOf(() => fileSystem.open(path('missing/a'), mode))).to.equal('ENOENT');
        });
      }

      it('keeps an existing file in mode create, empties it in truncate, and refuses it in exclusive', () => {
        write('a', 'old');
        fileSystem.close(fileSystem.open(path('a'), 'create'));
        expect(content('a')).to.equal('old');
        expect(codeOf(() => fileSystem.open(path('a'), 'exclusive'))).to.equal('EEXIST');
        expect(content('a')).to.equal('old');
        fileSystem.close(fileSystem.open(path('a'), 'truncate'));
        expect(content('a')).to.equal('');
      });

      it('refuses to open a directory for writing', () => {
        fileSystem.makeDirectory(path('d'));
        expect(codeOf(() => fileSystem.open(path('d'), 'truncate'))).to.equal('EISDIR');
      });

      it('makes a descriptor invalid when it is closed', () => {
        const fd = fileSystem.open(path('a'), 'create');
        fileSystem.close(fd);
        expect(codeOf(() => fileSystem.statOpen(fd))).to.equal('EBADF');
      });
    });

    describe('read and write', () => {
      it('reads at any position, and nothing beyond the end', () => {
        write('a', '0123456789');
        const fd = fileSystem.open(path('a'), 'read');
        const buffer = Buffer.alloc(8, '.');
        expect(readFully(fileSystem, fd, buffer, 2, 4, 5)).to.equal(4);
        expect(buffer.toString()).to.equal('..5678..');
        expect(readFully(fileSystem, fd, buffer, 0, 8, 8)).to.equal(2);
        expect(fileSystem.read(fd, buffer, 0, 8, 10)).to.equal(0);
        expect(fileSystem.read(fd, buffer, 0, 8, 99)).to.equal(0);
        expect(codeOf(() => fileSystem.write(fd, buffer, 0, 1, 0))).to.equal('EBADF');
        fileSystem.close(fd);
      });

      it('writes in the middle', () => {
        write('a', '0123456789');
        write('a', 'abc', 'readWrite', 4);
        expect(content('a')).to.equal('0123abc789');
        write('a', 'xyz', 'create', 9);
        expect(content('a')).to.equal('0123abc78xyz');
      });

      it('continues at the descriptor’s own offset if no position is given', () => {
        const fd = fileSystem.open(path('a'), 'truncate');
        writeFully(fileSystem, fd, Buffer.from('--abc--'), 2, 3, null);
        writeFully(fileSystem, fd, Buffer.from('def'), 0, 3, null);
        fileSystem.close(fd);
        expect(content('a')).to.equal('abcdef');
      });

      it('appends at the end, also after another descriptor has appended', () => {
        write('a', 'one ');
        const fd = fileSystem.open(path('a'), 'append');
        write('a', 'two ', 'append');
        writeFully(fileSystem, fd, Buffer.from('three'), 0, 5, null);
        expect(fileSystem.statOpen(fd).size).to.equal(13);
        fileSystem.close(fd);
        expect(content('a')).to.equal('one two three');
      });

      it('fills ranges that were never written with zeros', () => {
        write('a', 'x', 'create', 10_000);
        const bytes = readFile(fileSystem, path('a'));
        expect(bytes?.length).to.equal(10_001);
        expect(bytes?.subarray(0, 10_000).every((byte) => byte === 0)).to.equal(true);
      });

      it('shows a write to every descriptor of the file', () => {
        write('a', 'old');
        const reader = fileSystem.open(path('a'), 'read');
        write('a', 'new', 'readWrite', 0);
        const buffer = Buffer.alloc(3);
        readFully(fileSystem, reader, buffer, 0, 3, 0);
        fileSystem.close(reader);
        expect(buffer.toString()).to.equal('new');
      });

      it('keeps a large content that is written in many pieces', () => {
        const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) >> 5));
        const fd = fileSystem.open(path('a'), 'truncate');
        for (let start = 0; start < bytes.length; start += 7777) {
          writeFully(fileSystem, fd, bytes, start, Math.min(7777, bytes.length - start), null);
        }
        fileSystem.close(fd);
        expect(Buffer.compare(bytes, readFile(fileSystem, path('a'))!)).to.equal(0);
      });
    });

    describe('truncate', () => {
      it('cuts the file, and fills a later extension with zeros', () => {
        write('a', '0123456789');
        const fd = fileSystem.open(path('a'), 'readWrite');
        fileSystem.truncate(fd, 4);
        expect(content('a')).to.equal('0123');
        fileSystem.truncate(fd, 6);
        fileSystem.close(fd);
        expect(content('a')).to.equal('0123\0\0');
      });

      it('is followed by appends at the new end', () => {
        write('a', '0123456789');
        const fd = fileSystem.open(path('a'), 'append');
        fileSystem.truncate(fd, 2);
        writeFully(fileSystem, fd, Buffer.from('x'), 0, 1, null);
        fileSystem.close(fd);
        expect(content('a')).to.equal('01x');
      });
    });

    describe('stat', () => {
      it('tells files, directories and missing paths apart', () => {
        write('a', 'abc');
        fileSystem.makeDirectory(path('d'));
        expect(fileSystem.stat(path('a'))).to.include({ size: 3, isFile: true, isDirectory: false });
        expect(fileSystem.stat(path('d'))).to.include({ isFile: false, isDirectory: true });
        expect(fileSystem.stat(path('b'))).to.equal(undefined);
        expect(fileSystem.stat(path('d/b/c'))).to.equal(undefined);
      });

      it('keeps the modification time of a file that is renamed', () => {
        write('a', 'abc');
        const before = fileSystem.stat(path('a'))?.mtimeNs;
        expect(before).to.be.a('bigint');
        fileSystem.rename(path('a'), path('b'));
        expect(fileSystem.stat(path('b'))?.mtimeNs).to.equal(before);
      });
    });

    describe('directories', () => {
      it('are created with their parents, and may exist already', () => {
        fileSystem.makeDirectory(path('a/b/c'));
        fileSystem.makeDirectory(path('a/b'));
        write('a/b/file', 'x');
        expect(names()).to.deep.equal(['a/']);
        expect(names('a/b')).to.deep.equal(['c/', 'file']);
      });

      it('are not created in place of a file', () => {
        write('a', 'x');
        expect(codeOf(() => fileSystem.makeDirectory(path('a')))).to.equal('EEXIST');
      });

      it('are removed when empty', () => {
        fileSystem.makeDirectory(path('d'));
        write('d/a', 'x');
        expect(codeOf(() => fileSystem.removeDirectory(path('d')))).to.equal('ENOTEMPTY');
        fileSystem.remove(path('d/a'));
        fileSystem.removeDirectory(path('d'));
        expect(names()).to.deep.equal([]);
        expect(codeOf(() => fileSystem.removeDirectory(path('d')))).to.equal('ENOENT');
        fileSystem.makeDirectory(path('d'));
        expect(names('d')).to.deep.equal([]);
      });

      it('that are missing cannot be listed or synced', () => {
        expect(codeOf(() => fileSystem.readDirectory(path('d')))).to.equal('ENOENT');
        expect(codeOf(() => fileSystem.syncDirectory(path('d')))).to.equal('ENOENT');
      });
    });

    describe('rename and remove', () => {
      it('move a file, also over an existing file', () => {
        write('a', 'new');
        write('b', 'old');
        fileSystem.rename(path('a'), path('b'));
        expect(names()).to.deep.equal(['b']);
        expect(content('b')).to.equal('new');
      });

      it('move a file off the thread, also over an existing file', async () => {
        const run = subject.run ?? ((operation) => operation());
        write('a', 'new');
        write('b', 'old');
        await run(() => fileSystem.replace(path('a'), path('b')));
        expect(names()).to.deep.equal(['b']);
        expect(content('b')).to.equal('new');
        const refused = await run(() => fileSystem.replace(path('a'), path('b'))).catch((error: unknown) => error);
        expect(codeOfError(refused)).to.equal('ENOENT');
      });

      it('remove a file off the thread', async () => {
        const run = subject.run ?? ((operation) => operation());
        write('a', 'x');
        await run(() => fileSystem.erase(path('a')));
        expect(names()).to.deep.equal([]);
        const refused = await run(() => fileSystem.erase(path('a'))).catch((error: unknown) => error);
        expect(codeOfError(refused)).to.equal('ENOENT');
      });

      it('move a file between directories', () => {
        fileSystem.makeDirectory(path('d'));
        write('a', 'x');
        fileSystem.rename(path('a'), path('d/b'));
        expect(content('d/b')).to.equal('x');
        expect(codeOf(() => fileSystem.rename(path('d/b'), path('e/b')))).to.equal('ENOENT');
        expect(content('d/b')).to.equal('x');
      });

      it('refuse a missing file', () => {
        expect(codeOf(() => fileSystem.rename(path('a'), path('b')))).to.equal('ENOENT');
        expect(codeOf(() => fileSystem.remove(path('a')))).to.equal('ENOENT');
      });

      it('leave an open file readable after it was removed or replaced', () => {
        write('a', 'old');
        write('b', 'new');
        const fd = fileSystem.open(path('a'), 'read');
        fileSystem.rename(path('b'), path('a'));
        const buffer = Buffer.alloc(3);
        readFully(fileSystem, fd, buffer, 0, 3, 0);
        expect(buffer.toString()).to.equal('old');
        fileSystem.remove(path('a'));
        readFully(fileSystem, fd, buffer, 0, 3, 0);
        expect(buffer.toString()).to.equal('old');
        fileSystem.close(fd);
        expect(names()).to.deep.equal([]);
      });

      it('let the name of a removed file be used again', () => {
        write('a', 'first content');
        fileSystem.remove(path('a'));
        write('a', 'x', 'create');
        expect(content('a')).to.equal('x');
      });
    });

    describe('sync', () => {
      it('works for files, blocking and asynchronous, and for directories', async () => {
        const run = subject.run ?? ((operation) => operation());
        const fd = fileSystem.open(path('a'), 'truncate');
        writeFully(fileSystem, fd, Buffer.from('x'), 0, 1, null);
        fileSystem.syncBlocking(fd);
        fileSystem.dataSyncBlocking(fd);
        await run(() => fileSystem.sync(fd));
        await run(() => fileSystem.dataSync(fd));
        fileSystem.close(fd);
        fileSystem.syncDirectory(path('.'));
        await run(() => fileSystem.syncDirectoryAside(path('.')));
        expect(content('a')).to.equal('x');
      });

      it('off the thread says that a directory does not exist', async () => {
        const run = subject.run ?? ((operation) => operation());
        const failure = await run(async () => fileSystem.syncDirectoryAside(path('d'))).catch(
          (error: unknown) => error,
        );
        expect(codeOfError(failure)).to.equal('ENOENT');
      });

      it('rejects a closed descriptor', async () => {
        const run = subject.run ?? ((operation) => operation());
        const fd = fileSystem.open(path('a'), 'truncate');
        fileSystem.close(fd);
        let failure: unknown;
        try {
          await run(() => fileSystem.sync(fd));
        } catch (error) {
          failure = error;
        }
        expect(codeOfError(failure)).to.equal('EBADF');
      });
    });

    it('reports the free and the total space of the volume', () => {
      const { freeBytes, totalBytes } = fileSystem.space(path('.'));
      expect(totalBytes).to.be.greaterThan(0);
      expect(freeBytes).to.be.within(0, totalBytes);
    });
  });
};
