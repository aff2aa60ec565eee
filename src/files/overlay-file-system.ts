/**
 * A file system over another one. It keeps every change in memory: writes, truncations, renames, removals, new files
 * and directories. The file system beneath is only read. A read-only store recovers through an overlay with the same
 * code as any other store, without writing to the directory. Syncs do nothing, because no change is meant to last.
 *
 * Memory grows with the pages that are written. A file that is only read costs nothing once it is closed.
 */
import { basename, dirname, join, resolve } from 'node:path';
import type { Clock } from '../ports/clock.ts';
import type { DirectoryEntry, FileDescriptor, FileStat, FileSystem, OpenMode } from './file-system.ts';
import { OverlayFile } from './overlay-file.ts';

const GONE = 'gone';
/** A directory that was created in the overlay. Nothing beneath it is visible. */
const CREATED = 'created directory';

/** The overlay's change at a path; `undefined` when the file system beneath is visible there. */
type Change = OverlayFile | typeof GONE | typeof CREATED;

/** What exists at a path: a file of the overlay, a directory of the overlay or an entry beneath, or nothing. */
type Found = OverlayFile | FileStat | undefined;

const createdDirectory: FileStat = { size: 0, mtimeNs: 0n, isFile: false, isDirectory: true };

interface Handle {
  readonly file: OverlayFile;
  readonly path: string;
  readonly mode: OpenMode;
  position: number;
}

const FIRST_DESCRIPTOR = 1_000_000;

export class OverlayFileSystem implements FileSystem {
  private readonly beneath: FileSystem;
  private readonly clock: Pick<Clock, 'now'>;
  /** By directory, then name. */
  private readonly changes = new Map<string, Map<string, Change>>();
  private readonly handles = new Map<FileDescriptor, Handle>();
  private nextDescriptor = FIRST_DESCRIPTOR;

  constructor(beneath: FileSystem, clock: Pick<Clock, 'now'>) {
    this.beneath = beneath;
    this.clock = clock;
  }

  open(path: string, mode: OpenMode): FileDescriptor {
    const full = resolve(path);
    const file = this.fileForOpening(full, mode);
    file.openCount++;
    if (mode === 'truncate') this.touch(file, () => file.truncate(0));
    const fd = this.nextDescriptor++;
    this.handles.set(fd, { file, path: full, mode, position: 0 });
    return fd;
  }

  close(fd: FileDescriptor): void {
    const { file, path } = this.handle(fd, 'close');
    this.handles.delete(fd);
    file.openCount--;
    if (file.openCount > 0) return;
    file.release();
    if (!file.isChanged && this.changeAt(path) === file) this.setChange(path, undefined);
  }

  read(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const { file, mode } = this.handle(fd, 'read');
    if (mode !== 'read' && mode !== 'readWrite') throw systemError('EBADF', 'read');
    return file.read(buffer, offset, length, position);
  }

  write(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number | null): number {
    const handle = this.handle(fd, 'write');
    if (handle.mode === 'read') throw systemError('EBADF', 'write');
    const at = handle.mode === 'append' ? handle.file.size : (position ?? handle.position);
    this.touch(handle.file, () => handle.file.write(buffer, offset, length, at));
    if (position === null) handle.position = at + length;
    return length;
  }

  truncate(fd: FileDescriptor, size: number): void {
    const { file, mode } = this.handle(fd, 'ftruncate');
    if (mode === 'read') throw systemError('EINVAL', 'ftruncate');
    this.touch(file, () => file.truncate(size));
  }

  statOpen(fd: FileDescriptor): FileStat {
    return statOf(this.handle(fd, 'fstat').file);
  }

  stat(path: string): FileStat | undefined {
    const found = this.find(resolve(path));
    return found instanceof OverlayFile ? statOf(found) : found;
  }

  readDirectory(path: string): DirectoryEntry[] {
    const full = resolve(path);
    if (!this.isDirectory(full, 'scandir')) throw systemError('ENOTDIR', 'scandir', path);
    const changes = this.changes.get(full);
    const entries = (this.showsBeneath(full) ? this.beneath.readDirectory(full) : []).filter(
      ({ name }) => !changes?.has(name),
    );
    for (const [name, change] of changes ?? []) {
      if (change !== GONE) entries.push({ name, isDirectory: change === CREATED });
    }
    return entries;
  }

  makeDirectory(path: string): void {
    const full = resolve(path);
    const found = this.find(full);
    if (found !== undefined) {
      if (!isDirectory(found)) throw systemError('EEXIST', 'mkdir', path);
      return;
    }
    this.makeDirectory(dirname(full));
    this.setChange(full, CREATED);
  }

  rename(from: string, to: string): void {
    const [source, target] = [resolve(from), resolve(to)];
    const found = this.find(source);
    if (found === undefined) throw systemError('ENOENT', 'rename', from);
    this.assertParent(target, 'rename');
    const replaced = this.find(target);
    if (isDirectory(found)) {
      this.renameDirectory(source, target, replaced);
      return;
    }
    if (isDirectory(replaced)) throw systemError('EISDIR', 'rename', to);
    const file = this.takeUp(source, found);
    file.isChanged = true;
    this.setChange(target, file);
    if (source !== target) this.setChange(source, GONE);
  }

  remove(path: string): void {
    const full = resolve(path);
    const found = this.find(full);
    if (found === undefined) throw systemError('ENOENT', 'unlink', path);
    if (isDirectory(found)) throw systemError('EISDIR', 'unlink', path);
    this.setChange(full, GONE);
  }

  removeDirectory(path: string): void {
    const full = resolve(path);
    if (!this.isDirectory(full, 'rmdir')) throw systemError('ENOTDIR', 'rmdir', path);
    if (this.readDirectory(full).length > 0) throw systemError('ENOTEMPTY', 'rmdir', path);
    this.changes.delete(full);
    this.setChange(full, GONE);
  }

  syncBlocking(fd: FileDescriptor): void {
    this.handle(fd, 'fsync');
  }

  dataSyncBlocking(fd: FileDescriptor): void {
    this.handle(fd, 'fdatasync');
  }

  async sync(fd: FileDescriptor): Promise<void> {
    this.syncBlocking(fd);
  }

  async dataSync(fd: FileDescriptor): Promise<void> {
    this.dataSyncBlocking(fd);
  }

  syncDirectory(path: string): void {
    if (!this.isDirectory(resolve(path), 'open')) throw systemError('ENOTDIR', 'open', path);
  }

  async syncDirectoryAside(path: string): Promise<void> {
    this.syncDirectory(path);
  }

  async erase(path: string): Promise<void> {
    this.remove(path);
  }

  async replace(from: string, to: string): Promise<void> {
    this.rename(from, to);
  }

  space(path: string): { readonly freeBytes: number; readonly totalBytes: number } {
    return this.beneath.space(path);
  }

  private fileForOpening(path: string, mode: OpenMode): OverlayFile {
    const found = this.find(path);
    if (found === undefined) {
      if (mode === 'read' || mode === 'readWrite') throw systemError('ENOENT', 'open', path);
      this.assertParent(path, 'open');
      const file = new OverlayFile(this.beneath, undefined);
      file.mtimeNs = this.nowNs();
      this.setChange(path, file);
      return file;
    }
    if (mode === 'exclusive') throw systemError('EEXIST', 'open', path);
    if (isDirectory(found)) throw systemError('EISDIR', 'open', path);
    return this.takeUp(path, found);
  }

  /** Makes the file at a path one of the overlay's files. */
  private takeUp(path: string, found: OverlayFile | FileStat): OverlayFile {
    if (found instanceof OverlayFile) return found;
    const file = new OverlayFile(this.beneath, { path, size: found.size, mtimeNs: found.mtimeNs });
    this.setChange(path, file);
    return file;
  }

  /** Moves entry by entry, because the entries beneath can't be moved. */
  private renameDirectory(source: string, target: string, replaced: Found): void {
    if (replaced !== undefined && !isDirectory(replaced)) throw systemError('ENOTDIR', 'rename', target);
    if (replaced !== undefined && this.readDirectory(target).length > 0)
      throw systemError('ENOTEMPTY', 'rename', target);
    this.makeDirectory(target);
    for (const { name } of this.readDirectory(source)) this.rename(join(source, name), join(target, name));
    this.removeDirectory(source);
  }

  private find(path: string): Found {
    const change = this.changeAt(path);
    if (change === GONE) return undefined;
    if (change === CREATED) return createdDirectory;
    if (change !== undefined) return change;
    return this.showsBeneath(dirname(path)) ? this.beneath.stat(path) : undefined;
  }

  /**
   * Whether the directory beneath is visible at a path: neither it nor a directory above it was removed or created in
   * the overlay.
   */
  private showsBeneath(path: string): boolean {
    for (let at = path; ; at = dirname(at)) {
      if (this.changeAt(at) !== undefined) return false;
      if (at === dirname(at)) return true;
    }
  }

  private isDirectory(path: string, call: string): boolean {
    const found = this.find(path);
    if (found === undefined) throw systemError('ENOENT', call, path);
    return isDirectory(found);
  }

  private assertParent(path: string, call: string): void {
    if (!this.isDirectory(dirname(path), call)) throw systemError('ENOTDIR', call, path);
  }

  private changeAt(path: string): Change | undefined {
    return this.changes.get(dirname(path))?.get(basename(path));
  }

  private setChange(path: string, change: Change | undefined): void {
    const directory = dirname(path);
    let names = this.changes.get(directory);
    if (names === undefined) {
      names = new Map();
      this.changes.set(directory, names);
    }
    if (change !== undefined) names.set(basename(path), change);
    else names.delete(basename(path));
  }

  private touch(file: OverlayFile, change: () => void): void {
    change();
    file.mtimeNs = this.nowNs();
  }

  private nowNs(): bigint {
    return BigInt(Math.floor(this.clock.now())) * 1_000_000n;
  }

  private handle(fd: FileDescriptor, call: string): Handle {
    const handle = this.handles.get(fd);
    if (handle === undefined) throw systemError('EBADF', call);
    return handle;
  }
}

const isDirectory = (found: Found): boolean => !(found instanceof OverlayFile) && found?.isDirectory === true;

const statOf = ({ size, mtimeNs }: OverlayFile): FileStat => ({ size, mtimeNs, isFile: true, isDirectory: false });

const reasons: Readonly<Record<string, string>> = {
  EBADF: 'bad file descriptor',
  EEXIST: 'file already exists',
  EINVAL: 'invalid argument',
  EISDIR: 'illegal operation on a directory',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
};

/** An error with the text and fields of Node's system errors. */
const systemError = (code: string, call: string, path?: string): Error =>
  Object.assign(new Error(`${code}: ${reasons[code]}, ${call}${path === undefined ? '' : ` '${path}'`}`), {
    code,
    syscall: call,
    ...(path === undefined ? {} : { path }),
  });
