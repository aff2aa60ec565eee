/** What the tests of the disk layer share: directories that go away, chunks with given times, fixture directories. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { DOUBLE_DELTA, type Encoding } from '../../src/chunk/chunk.ts';
import type { Slab, Slot } from '../../src/chunk/slab.ts';
import type { FileSystem } from '../../src/files/file-system.ts';
import { writeFully } from '../../src/files/read-write.ts';
import { parseFingerprint } from '../../src/model/fingerprint.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

/** Calls `use` with a directory of its own, which is gone afterwards. */
export const withDirectory = <Result>(use: (directory: string) => Result): Result => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-disk-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  let result: Result;
  try {
    result = use(directory);
  } catch (error) {
    remove();
    throw error;
  }
  if (result instanceof Promise) return result.finally(remove) as Result;
  remove();
  return result;
};

/** A file system in memory with an empty directory: for tests that write thousands of files. */
export const inMemory = (): { readonly fileSystem: FileSystem; readonly directory: string } => {
  const fileSystem = new MemoryFileSystem();
  const directory = '/store';
  fileSystem.makeDirectory(directory);
  return { fileSystem, directory };
};

/** Replaces the content of a file. */
export const put = (fileSystem: FileSystem, path: string, bytes: Uint8Array): void => {
  const fd = fileSystem.open(path, 'truncate');
  writeFully(fileSystem, fd, bytes, 0, bytes.length, 0);
  fileSystem.close(fd);
};

/** A chunk with two samples, the value 1 at the first time and at the last. */
export const chunkSpanning = (
  slab: Slab,
  firstTime: number,
  lastTime: number,
  encoding: Encoding = DOUBLE_DELTA,
): Slot => {
  const appender = new ChunkAppender(slab, { defaultEncoding: encoding });
  return appender.append(appender.start(firstTime, 0x3ff00000, 0), lastTime, 0x3ff00000, 0);
};

/** Chunks that cover [0, 10), [10, 20), …: chunk i has the times 10i and 10i + 9. */
export const chunksFrom = (slab: Slab, index: number, count: number): Slot[] =>
  Array.from({ length: count }, (_, i) => chunkSpanning(slab, (index + i) * 10, (index + i) * 10 + 9));

export const encodingsOf = (slab: Slab, slots: readonly Slot[]): Uint8Array =>
  Uint8Array.from(slots, (slot) => slab.encoding[slot]);

/** Halves of a fingerprint that is given as text. */
export const halves = (text: string): { high: number; low: number } => {
  const parsed = parseFingerprint(text);
  if (parsed === undefined) throw new Error(`${text} is no fingerprint`);
  return parsed;
};

/** Fingerprints of all series files in a store's directory, sorted. */
export const seriesIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => /^[0-9a-f]{2}$/.test(name))
    .flatMap((name) =>
      readdirSync(join(directory, name))
        .filter((file) => /^[0-9a-f]{14}\.db$/.test(file))
        .map((file) => name + file.slice(0, 14)),
    )
    .sort();
