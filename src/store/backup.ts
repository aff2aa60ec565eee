/**
 * A consistent copy of the directory, made while writing goes on. It is a copy as after a crash, which recovers when it
 * is opened: the checkpoint, the indexes, the series files, and the journal from the checkpoint's position on.
 *
 * The order makes it consistent. The checkpoint comes first, and no other one follows until the copy is done. Whatever
 * touches a series file after it is announced in the journal before, and the journal is copied last: so the copy's own
 * recovery looks at every file that may have changed while it was copied. All that was appended before the call is in
 * the copy; of what comes meanwhile, what the journal had when it was copied.
 */
import { join } from 'node:path';
import type { BackupResult } from '../api.ts';
import { makeDirectoryDurably } from '../disk/directory.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { writeFully } from '../disk/read-write.ts';
import { RETENTION_FILE } from '../disk/retention-memory.ts';
import { TidemarkError } from '../errors.ts';
import { databaseFolders } from '../index/database-folders.ts';
import type { KeyValueOperation, KeyValueStore } from '../index/key-value-store.ts';
import { storeError } from './disk-trouble.ts';
import type { Session } from './session.ts';

const COPY_BYTES = 256 * 1024;

/** Copies the store into `target`, which must not exist, or be empty. Rejects with `TIDEMARK_INVALID_OPTION` otherwise. */
export const backup = async (session: Session, target: string): Promise<BackupResult> => {
  const { engine, running } = session;
  const { directory, clock, table, outside } = engine;
  try {
    refuseInside(outside, directory, target);
    refuseExisting(outside, target);
    makeDirectoryDurably(outside, target, 0o700);
  } catch (error) {
    throw storeError(error, 'create', target);
  }
  const release = await running.checkpoints.hold();
  try {
    const copier = new Copier(engine.fileSystem, outside, () => clock.breathe());
    const { from } = await running.checkpoints.write(false, { keepJournal: true });
    const { archived, databases, journal } = running.recovered;
    const series = table.live + archived.size;
    copier.write(join(target, 'DIRTY'), new Uint8Array(0));
    await copier.copy(join(directory, 'VERSION'), join(target, 'VERSION'));
    await copier.copy(join(directory, RETENTION_FILE), join(target, RETENTION_FILE));
    await copier.copy(join(directory, 'heads.db'), join(target, 'heads.db'));
    for (const name of ['metric', 'timeRange', 'names', 'pairs'] as const) {
      const into = await engine.stores.open(join(target, databaseFolders[name]));
      try {
        copier.bytes += await copyEntries(databases[name], into);
        await into.flushLog();
      } finally {
        await into.close();
      }
    }
    for (const { name, isDirectory } of engine.fileSystem.readDirectory(directory)) {
      if (isDirectory && (/^[0-9a-f]{2}$/.test(name) || name === 'orphaned')) {
        await copier.copyFolder(join(directory, name), join(target, name));
      }
    }
    await journal.commit();
    await copier.copyJournal(engine.journalDirectory, join(target, 'journal'), from);
    outside.syncDirectory(target);
    return { series, bytes: copier.bytes };
  } catch (error) {
    throw storeError(error, 'write', target);
  } finally {
    release();
  }
};

/** A copy in the store's own directory would be copied itself; a store in the copy's would become part of it. */
const refuseInside = (fileSystem: FileSystem, directory: string, target: string): void => {
  const contains = (outer: string, inner: string): boolean =>
    fileSystem.contains?.(outer, inner) ?? `${inner}/`.startsWith(`${outer}/`);
  const isInside = contains(directory, target);
  if (!isInside && !contains(target, directory)) return;
  throw new TidemarkError(
    'TIDEMARK_INVALID_OPTION',
    `the backup's directory ${target} ${isInside ? 'is in' : 'holds'} the store's own, ${directory}`,
    { details: { option: 'directory', value: target, allowed: "a directory apart from the store's" } },
  );
};

const refuseExisting = (fileSystem: FileSystem, target: string): void => {
  const stat = fileSystem.stat(target);
  if (stat === undefined) return;
  if (stat.isDirectory && fileSystem.readDirectory(target).length === 0) return;
  throw new TidemarkError('TIDEMARK_INVALID_OPTION', `the backup's directory ${target} exists and is not empty`, {
    details: { option: 'directory', value: target, allowed: 'a directory that does not exist yet, or an empty one' },
  });
};

/** A database's entries, from one moment. */
const copyEntries = async (from: KeyValueStore, into: KeyValueStore): Promise<number> => {
  let bytes = 0;
  for await (const page of from.entries()) {
    const operations: KeyValueOperation[] = page.map(([key, value]) => ({ type: 'put', key, value }));
    for (const [key, value] of page) bytes += key.length + value.length;
    await into.batch(operations, { sync: true });
  }
  return bytes;
};

/** Copies files between two file systems, synced, a slice at a time. */
class Copier {
  bytes = 0;
  private readonly from: FileSystem;
  private readonly into: FileSystem;
  private readonly breathe: () => Promise<void>;
  private readonly buffer = new Uint8Array(COPY_BYTES);

  constructor(from: FileSystem, into: FileSystem, breathe: () => Promise<void>) {
    this.from = from;
    this.into = into;
    this.breathe = breathe;
  }

  write(path: string, bytes: Uint8Array): void {
    const fd = this.into.open(path, 'exclusive', 0o640);
    try {
      writeFully(this.into, fd, bytes, 0, bytes.length, 0);
      this.into.syncBlocking(fd);
    } finally {
      this.into.close(fd);
    }
  }

  /** Copies a file as long as it was when it was opened; one that is gone by then is left out. */
  async copy(source: string, target: string): Promise<void> {
    if (this.from.stat(source) === undefined) return;
    const input = this.from.open(source, 'read');
    try {
      const { size } = this.from.statOpen(input);
      const output = this.into.open(target, 'exclusive', 0o640);
      try {
        for (let position = 0; position < size; ) {
          const length = Math.min(COPY_BYTES, size - position);
          const read = this.from.read(input, this.buffer, 0, length, position);
          if (read === 0) break;
          writeFully(this.into, output, this.buffer, 0, read, position);
          position += read;
          this.bytes += read;
          await this.breathe();
        }
        await this.into.sync(output);
      } finally {
        this.into.close(output);
      }
    } finally {
      this.from.close(input);
    }
  }

  async copyFolder(source: string, target: string): Promise<void> {
    this.into.makeDirectory(target, 0o700);
    for (const { name, isDirectory } of this.from.readDirectory(source)) {
      if (isDirectory) await this.copyFolder(join(source, name), join(target, name));
      else if (!name.endsWith('.tmp')) await this.copy(join(source, name), join(target, name));
    }
    this.into.syncDirectory(target);
  }

  /** The segments that hold what comes after `from`. The last one may be written to meanwhile: a torn end is cut. */
  async copyJournal(source: string, target: string, from: number): Promise<void> {
    this.into.makeDirectory(target, 0o700);
    const names = this.from
      .readDirectory(source)
      .filter(({ name, isDirectory }) => !isDirectory && name.endsWith('.journal'));
    const starts = names.map(({ name }) => Number.parseInt(name, 16)).filter((start) => start <= from);
    const first = Math.max(0, ...starts);
    for (const { name } of names) {
      if (Number.parseInt(name, 16) >= first) await this.copy(join(source, name), join(target, name));
    }
    this.into.syncDirectory(target);
  }
}
