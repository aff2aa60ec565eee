/**
 * How far a forwarding that began with the store's history has come: `forwarding/NAME.json` in the store's directory. The
 * file is replaced in one step, and is on the disk before the next request is sent.
 *
 *   { "version": 1, "name": "central", "phase": "history", "position": 4096, "through": 1767225600000,
 *     "window": 1767222000000, "after": { "labels": { "__name__": "up" }, "time": 1767223000000 } }
 *
 * - `position`: where the subscription begins. Samples before it are history.
 * - `through`: the time of the newest sample when the history began.
 * - `window`: where the span of time begins that is being sent. Everything before it was sent.
 * - `after`: the last series of the window that was sent, and the time of its last sample that was sent.
 *
 * With `"phase": "journal"` the history was sent, and the subscription's own position says the rest.
 */
import { dirname, join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import { discard, readFile, writeFully } from '../files/read-write.ts';
import type { Labels, Position } from '../index.ts';

export interface HistoryPlace {
  readonly phase: 'history';
  readonly position?: Position;
  readonly through?: number;
  readonly window?: number;
  readonly after?: { readonly labels: Labels; readonly time: number };
}

export type ForwardPlace = HistoryPlace | { readonly phase: 'journal' };

/** Labels of a series are at most 64 KiB; JSON may write six bytes for one. */
const FILE_BYTES_MAX = 1024 * 1024;

export class ForwardCursor {
  private readonly fileSystem: FileSystem;
  private readonly name: string;
  private readonly path: string;
  private isDirectoryDurable = false;

  constructor(fileSystem: FileSystem, directory: string, name: string) {
    this.fileSystem = fileSystem;
    this.name = name;
    this.path = pathOf(directory, name);
  }

  /**
   * The saved place; `undefined` if there is none. A damaged file is the beginning of the history: sending again keeps the
   * promise of at least once.
   */
  read(): ForwardPlace | undefined {
    let bytes: Uint8Array | undefined;
    try {
      bytes = readFile(this.fileSystem, this.path, FILE_BYTES_MAX);
    } catch (error) {
      throw ioError(error, 'read', this.path);
    }
    return bytes === undefined ? undefined : (placeOf(bytes) ?? { phase: 'history' });
  }

  /** Resolves when the place is on the disk. */
  async save(place: ForwardPlace): Promise<void> {
    const { fileSystem, path, name } = this;
    const temporary = `${path}.tmp`;
    const bytes = Buffer.from(`${JSON.stringify({ version: 1, name, ...place })}\n`);
    try {
      this.makeDirectoryDurable();
      const descriptor = fileSystem.open(temporary, 'truncate');
      try {
        writeFully(fileSystem, descriptor, bytes, 0, bytes.length, 0);
        await fileSystem.sync(descriptor);
      } finally {
        fileSystem.close(descriptor);
      }
      await fileSystem.replace(temporary, path);
    } catch (error) {
      discard(fileSystem, temporary);
      throw ioError(error, 'save the place of a forwarding in', path);
    }
  }

  private makeDirectoryDurable(): void {
    if (this.isDirectoryDurable) return;
    const directory = dirname(this.path);
    if (this.fileSystem.stat(directory) === undefined) this.fileSystem.makeDirectory(directory);
    this.fileSystem.syncDirectory(dirname(directory));
    this.isDirectoryDurable = true;
  }
}

/** Forgets the place of a forwarding whose subscription was removed. Without a file, this does nothing. */
export const forgetPlace = (directory: string, name: string): void => {
  discard(nodeFileSystem, pathOf(directory, name));
};

const pathOf = (directory: string, name: string): string => join(directory, 'forwarding', `${name}.json`);

const placeOf = (bytes: Uint8Array): ForwardPlace | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return isPlace(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isPlace = (value: unknown): value is ForwardPlace => {
  if (typeof value !== 'object' || value === null || !('phase' in value)) return false;
  if (value.phase === 'journal') return true;
  if (value.phase !== 'history') return false;
  const { position, through, window, after } = value as Partial<Record<string, unknown>>;
  return (
    [position, through, window].every((each) => each === undefined || Number.isSafeInteger(each)) && isAfter(after)
  );
};

const isAfter = (after: unknown): boolean =>
  after === undefined ||
  (typeof after === 'object' &&
    after !== null &&
    'labels' in after &&
    typeof after.labels === 'object' &&
    after.labels !== null &&
    Object.values(after.labels).every((each) => typeof each === 'string') &&
    'time' in after &&
    Number.isSafeInteger(after.time));
