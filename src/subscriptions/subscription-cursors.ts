/**
 * The saved positions of durable subscriptions: one small JSON file each, which is replaced atomically. Saves that are
 * requested while others are being written are combined into one write.
 */

import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { SingleRun } from '../async/single-run.ts';
import type { FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { discard, readFile, removeIfPresent, writeFully } from '../files/read-write.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Position } from '../model/events.ts';

export interface LostRange {
  readonly from: Position;
  readonly to: Position;
}

export interface Cursor {
  /** Everything before this position is acknowledged, or lost for the subscription. */
  readonly position: Position;
  /** The lost range that no acknowledged batch has reported yet. */
  readonly lost?: LostRange;
}

const FILE_BYTES_MAX = 4096;
/** A journal of a petabyte. A later position is damage of the file. */
const POSITION_MAX = 2 ** 50;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

const cursorDirectory = (journalDirectory: string): string => `${journalDirectory}/subscriptions`;

/** Throws `TIDEMARK_INVALID_OPTION` unless the name is a valid file name on every system. */
export const checkSubscriptionName = (name: string): void => {
  if (typeof name === 'string' && NAME.test(name)) return;
  throw new TidemarkError(
    'TIDEMARK_INVALID_OPTION',
    `subscription name is ${JSON.stringify(name)}; allowed: 1 to 100 letters, digits, dots, underscores and hyphens, a letter or digit first`,
    { details: { option: 'name', value: name } },
  );
};

export class SubscriptionCursors {
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  /** The cursors as they are on the disk; for a new subscription, its start. */
  private readonly known: Map<string, Cursor>;
  private isDirectoryDurable = false;
  /** Cursors to be written next. */
  private wanted = new Map<string, Cursor>();
  /** Cursors that are being written. */
  private writing: ReadonlyMap<string, Cursor> = new Map();
  private readonly saves = new SingleRun();
  private ended = false;

  constructor(fileSystem: FileSystem, journalDirectory: string) {
    this.fileSystem = fileSystem;
    this.directory = cursorDirectory(journalDirectory);
    this.known = readCursors(fileSystem, this.directory);
  }

  get(name: string): Cursor | undefined {
    return this.known.get(name);
  }

  /** The cursor that the name will have when all requested saves are on the disk. */
  latest(name: string): Cursor | undefined {
    return this.wanted.get(name) ?? this.writing.get(name) ?? this.known.get(name);
  }

  entries(): [string, Cursor][] {
    return [...this.known];
  }

  /** Adds a new subscription. {@link saveBegun} writes its cursor. */
  begin(name: string, cursor: Cursor): void {
    this.known.set(name, cursor);
  }

  /** Writes the cursor of a new subscription. If it cannot be written now, the next save writes it. */
  saveBegun(name: string): void {
    const cursor = this.latest(name);
    if (cursor !== undefined) this.save(name, cursor).catch(() => undefined);
  }

  /** Resolves when this cursor, or a later one of the same name, is on the disk. `get` returns it only from then on. */
  save(name: string, cursor: Cursor): Promise<void> {
    if (this.ended) return Promise.reject(new TidemarkError('TIDEMARK_CLOSED', 'the store is closed'));
    this.wanted.set(name, cursor);
    return this.saves.follow(() => this.write());
  }

  /** Resolves when no save is running. An error rejects the promise of the `save` that failed, not this one. */
  async settled(): Promise<void> {
    await this.saves.idle();
  }

  /** Resolves when no save is running. From now on, every `save` is rejected. */
  async end(): Promise<void> {
    this.ended = true;
    await this.settled();
  }

  /** Removes a cursor, from the disk too. */
  async remove(name: string): Promise<void> {
    this.known.delete(name);
    this.wanted.delete(name);
    await this.saves.ended();
    if (this.ended) throw new TidemarkError('TIDEMARK_CLOSED', 'the store is closed');
    removeIfPresent(this.fileSystem, this.path(name));
    if (this.fileSystem.stat(this.directory) !== undefined) this.fileSystem.syncDirectory(this.directory);
  }

  private async write(): Promise<void> {
    const cursors = this.wanted;
    this.wanted = new Map();
    this.writing = cursors;
    try {
      this.makeDirectoryDurable();
      for (const [name, cursor] of cursors) await this.writeOne(name, cursor);
      this.fileSystem.syncDirectory(this.directory);
      for (const [name, cursor] of cursors) if (this.known.has(name)) this.known.set(name, cursor);
    } catch (error) {
      this.writeKnownNext(cursors.keys());
      throw ioError(error, 'save the positions of subscriptions in', this.directory);
    } finally {
      this.writing = new Map();
    }
  }

  /** After an error it is unknown which cursors are on the disk, so the next save writes the last known ones again. */
  private writeKnownNext(names: Iterable<string>): void {
    for (const name of names) {
      const cursor = this.known.get(name);
      if (cursor !== undefined && !this.wanted.has(name)) this.wanted.set(name, cursor);
    }
  }

  /** Creates the directory and syncs its parent, even if it exists: the process that made it may not have done so. */
  private makeDirectoryDurable(): void {
    if (this.isDirectoryDurable) return;
    if (this.fileSystem.stat(this.directory) === undefined) this.fileSystem.makeDirectory(this.directory);
    this.fileSystem.syncDirectory(dirname(this.directory));
    this.isDirectoryDurable = true;
  }

  private async writeOne(name: string, cursor: Cursor): Promise<void> {
    if (!this.known.has(name)) return;
    const path = this.path(name);
    const temporary = `${path}.tmp`;
    const content = { version: 1, name, ...cursor };
    const bytes = Buffer.from(`${JSON.stringify({ ...content, crc32: crc32(JSON.stringify(content)) })}\n`);
    try {
      const descriptor = this.fileSystem.open(temporary, 'truncate');
      try {
        writeFully(this.fileSystem, descriptor, bytes, 0, bytes.length, 0);
        await this.fileSystem.sync(descriptor);
      } finally {
        this.fileSystem.close(descriptor);
      }
      if (this.known.has(name)) this.fileSystem.rename(temporary, path);
    } catch (error) {
      discard(this.fileSystem, temporary);
      throw error;
    }
  }

  private path(name: string): string {
    return `${this.directory}/${name}.json`;
  }
}

/** The latest of the saved positions; 0 without a subscription. */
export const latestSaved = (fileSystem: FileSystem, journalDirectory: string): Position => {
  let latest = 0;
  for (const { position } of readCursors(fileSystem, cursorDirectory(journalDirectory)).values())
    latest = Math.max(latest, position);
  return latest;
};

const readCursors = (fileSystem: FileSystem, directory: string): Map<string, Cursor> => {
  const cursors = new Map<string, Cursor>();
  if (fileSystem.stat(directory) === undefined) return cursors;
  for (const { name: file } of fileSystem.readDirectory(directory)) {
    if (!file.endsWith('.json')) continue;
    const name = file.slice(0, -'.json'.length);
    if (!NAME.test(name)) continue;
    cursors.set(name, readCursor(fileSystem, `${directory}/${file}`));
  }
  return cursors;
};

/**
 * A cursor that can't be read becomes position 0: delivering events again keeps the promise of at least once. Files of
 * earlier versions have no checksum.
 */
const readCursor = (fileSystem: FileSystem, path: string): Cursor => {
  const bytes = readFile(fileSystem, path, FILE_BYTES_MAX);
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'));
    if (isCursor(value) && hasItsSum(value))
      return { position: value.position, ...(value.lost && { lost: value.lost }) };
  } catch {
    // The file is not JSON, so its position is unknown.
  }
  return { position: 0 };
};

const isCursor = (value: unknown): value is Cursor =>
  typeof value === 'object' &&
  value !== null &&
  'position' in value &&
  isPosition(value.position) &&
  (!('lost' in value) || isRange(value.lost));

const hasItsSum = ({ crc32: sum, ...content }: Cursor & { readonly crc32?: unknown }): boolean =>
  sum === undefined || sum === crc32(JSON.stringify(content));

const isRange = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'from' in value &&
  'to' in value &&
  isPosition(value.from) &&
  isPosition(value.to);

const isPosition = (value: unknown): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= POSITION_MAX;
