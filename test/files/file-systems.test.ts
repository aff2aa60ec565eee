import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { FileSystem, OpenMode } from '../../src/files/file-system.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { OverlayFileSystem } from '../../src/files/overlay-file-system.ts';
import { readFile, writeFileAtomically, writeFully } from '../../src/files/read-write.ts';
import { fileSystemConformance } from '../conformance/file-system.ts';
import { withDirectory } from '../disk/support.ts';
import { extractFixture } from '../support/tar.ts';

const temporary = (): { directory: string; dispose: () => void } => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-fs-'));
  return { directory, dispose: () => rmSync(directory, { recursive: true, force: true }) };
};

const clock = { now: () => 1735689600123 };

fileSystemConformance('node', () => ({ fileSystem: nodeFileSystem, ...temporary() }));

fileSystemConformance('overlay over an empty directory', () => ({
  fileSystem: new OverlayFileSystem(nodeFileSystem, clock),
  ...temporary(),
}));

fileSystemConformance('overlay over a directory that lies beneath', () => {
  const { directory, dispose } = temporary();
  // The names that the cases use are files and directories beneath, all removed again in the overlay.
  for (const name of ['a', 'b']) writeFileSync(join(directory, name), 'content beneath that must not show');
  const fileSystem = new OverlayFileSystem(nodeFileSystem, clock);
  for (const name of ['a', 'b']) fileSystem.remove(join(directory, name));
  return { fileSystem, directory, dispose };
});

const write = (
  fileSystem: FileSystem,
  path: string,
  content: string,
  mode: OpenMode,
  position: number | null,
): void => {
  const fd = fileSystem.open(path, mode);
  writeFully(fileSystem, fd, Buffer.from(content), 0, content.length, position);
  fileSystem.close(fd);
};

/** A file system whose writing calls all fail the test. */
const guarded = (): FileSystem => {
  const forbidden = (): never => {
    throw new Error('the overlay wrote beneath');
  };
  return {
    ...nodeFileSystem,
    open: (path, mode, permissions) => (mode === 'read' ? nodeFileSystem.open(path, mode, permissions) : forbidden()),
    write: forbidden,
    truncate: forbidden,
    makeDirectory: forbidden,
    rename: forbidden,
    remove: forbidden,
    removeDirectory: forbidden,
  };
};

describe('OverlayFileSystem', () => {
  it('shows what lies beneath and never writes there', () => {
    const { directory, remove } = extractFixture('base');
    try {
      const before = readdirSync(directory, { recursive: true }).sort();
      const overlay = new OverlayFileSystem(guarded(), clock);
      const series = join(directory, '35', '553c6efe7638a2.db');
      const size = statSync(series).size;
      expect(overlay.stat(series)).to.deep.equal(nodeFileSystem.stat(series));
      write(overlay, series, 'appended', 'append', null);
      write(overlay, series, 'XX', 'readWrite', 5);
      overlay.makeDirectory(join(directory, 'orphaned', '35'));
      const moved = join(directory, 'orphaned', '35', '553c6efe7638a2.db');
      overlay.rename(series, moved);
      overlay.remove(join(directory, 'VERSION'));
      writeFileAtomically(overlay, directory, 'mappings.db', Buffer.from('new'));
      const expected = Buffer.concat([readFileSync(series), Buffer.from('appended')]);
      expected.write('XX', 5);
      expect(Buffer.compare(expected, readFile(overlay, moved)!)).to.equal(0);
      expect(overlay.stat(moved)).to.include({ size: size + 8, mtimeNs: 1735689600123000000n });
      expect(overlay.stat(series)).to.equal(undefined);
      const names = overlay.readDirectory(directory).map(({ name }) => name);
      expect(names).to.include('orphaned').and.to.not.include('VERSION');
      expect(names.filter((name) => name === 'mappings.db').length).to.equal(1);
      expect(readdirSync(directory, { recursive: true }).sort()).to.deep.equal(before);
      expect(statSync(series).size).to.equal(size);
    } finally {
      remove();
    }
  });

  it('moves a directory with all that is in it, beneath or not', () =>
    withDirectory((directory) => {
      nodeFileSystem.makeDirectory(join(directory, 'd/e'));
      writeFileSync(join(directory, 'd/e/file'), 'beneath');
      const overlay = new OverlayFileSystem(guarded(), clock);
      write(overlay, join(directory, 'd/new'), 'new', 'create', null);
      overlay.rename(join(directory, 'd'), join(directory, 'moved'));
      expect(overlay.stat(join(directory, 'd'))).to.equal(undefined);
      expect(overlay.stat(join(directory, 'd/e/file'))).to.equal(undefined);
      expect(Buffer.from(readFile(overlay, join(directory, 'moved/e/file'))!).toString()).to.equal('beneath');
      expect(Buffer.from(readFile(overlay, join(directory, 'moved/new'))!).toString()).to.equal('new');
      overlay.makeDirectory(join(directory, 'd'));
      expect(overlay.readDirectory(join(directory, 'd'))).to.deep.equal([]);
    }));

  it('reads no more of a large file than it has to', () =>
    withDirectory((directory) => {
      const path = join(directory, 'large');
      const fd = nodeFileSystem.open(path, 'truncate');
      nodeFileSystem.truncate(fd, 1 << 30);
      nodeFileSystem.close(fd);
      let bytesRead = 0;
      const counting: FileSystem = {
        ...guarded(),
        read: (descriptor, buffer, offset, length, position) => {
          bytesRead += length;
          return nodeFileSystem.read(descriptor, buffer, offset, length, position);
        },
      };
      const overlay = new OverlayFileSystem(counting, clock);
      write(overlay, path, 'at the end', 'append', null);
      const cut = overlay.open(path, 'readWrite');
      overlay.truncate(cut, 12345);
      overlay.close(cut);
      expect(overlay.stat(path)?.size).to.equal(12345);
      expect(bytesRead).to.be.at.most(2 * 4096);
    }));

  it('behaves as the real one over any content beneath', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), at: fc.nat(20_000), length: fc.integer({ min: 1, max: 9000 }) }),
      fc.record({
        kind: fc.constant('append' as const),
        at: fc.constant(0),
        length: fc.integer({ min: 1, max: 5000 }),
      }),
      fc.record({ kind: fc.constant('truncate' as const), at: fc.nat(20_000), length: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.nat(15_000), fc.array(change, { maxLength: 12 }), (size, changes) => {
        withDirectory((directory) => {
          const path = join(directory, 'a');
          const beneath = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31) & 0xff));
          const real = join(directory, 'real');
          writeFileSync(path, beneath);
          writeFileSync(real, beneath);
          const overlay = new OverlayFileSystem(guarded(), clock);
          for (const [step, { kind, at, length }] of changes.entries()) {
            for (const [fileSystem, target] of [
              [overlay, path],
              [nodeFileSystem, real],
            ] as const) {
              const fd = fileSystem.open(target, kind === 'append' ? 'append' : 'readWrite');
              const bytes = Buffer.alloc(length, step + 1);
              if (kind === 'truncate') fileSystem.truncate(fd, at);
              else writeFully(fileSystem, fd, bytes, 0, length, kind === 'append' ? null : at);
              fileSystem.close(fd);
            }
          }
          expect(Buffer.compare(readFileSync(real), readFile(overlay, path)!)).to.equal(0);
        });
      }),
      { numRuns: 50 },
    );
  });
});
