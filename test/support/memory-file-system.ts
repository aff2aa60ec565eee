/**
 * Files in memory. Each file has two contents: *live*, which reads return, and *durable*, which remains after a loss of
 * power. The test sets faults call by call:
 *
 * - a write takes at most `writeBytesMax` bytes, and none beyond `capacityBytes` (ENOSPC)
 * - `fail` makes the next calls of an operation fail
 * - a sync that fails marks the bytes clean: later syncs succeed without making them durable. Linux does the same with
 *   whole pages; there, a later write to a page makes all of that page due again
 * - `onCall` is called with every call that changes something or waits for the disk, and may throw `Crash`
 *
 * After a crash, `afterKill` returns a machine with everything that was written, `afterPowerLoss` one with everything
 * that was synced: file content by a sync of the file, names by a sync of the directory.
 */
import type { DirectoryEntry, FileDescriptor, FileStat, FileSystem, OpenMode } from '../../src/files/file-system.ts';

/** The process ends at this call. */
export class Crash extends Error {}

export type FaultyOperation = 'open' | 'write' | 'truncate' | 'sync' | 'rename' | 'remove' | 'syncDirectory';

class MemoryFile {
  live = Buffer.alloc(0);
  durable = Buffer.alloc(0);
  /** The range of bytes, and whether the size, that the next sync makes durable. A failed sync forgets both. */
  private dirtyFrom = Number.POSITIVE_INFINITY;
  private dirtyTo = 0;
  private sizeIsDirty = false;

  write(bytes: Uint8Array, position: number): void {
    this.dirtyFrom = Math.min(this.dirtyFrom, position, this.live.length);
    const size = Math.max(this.live.length, position + bytes.length);
    if (size > this.live.length) this.live = resized(this.live, size);
    this.live.set(bytes, position);
    this.dirtyTo = Math.max(this.dirtyTo, position + bytes.length);
    this.sizeIsDirty = true;
  }

  truncate(size: number): void {
    this.live = resized(this.live, size);
    this.dirtyTo = Math.min(this.dirtyTo, size);
    this.sizeIsDirty = true;
  }

  sync(): void {
    if (this.sizeIsDirty) this.durable = resized(this.durable, this.live.length);
    if (this.dirtyFrom < this.dirtyTo) this.live.copy(this.durable, this.dirtyFrom, this.dirtyFrom, this.dirtyTo);
    this.forget();
  }

  forget(): void {
    this.dirtyFrom = Number.POSITIVE_INFINITY;
    this.dirtyTo = 0;
    this.sizeIsDirty = false;
  }
}

/** An open file. */
interface Descriptor {
  readonly path: string;
  readonly file: MemoryFile;
  readonly mode: OpenMode;
}

const resized = (bytes: Uint8Array, size: number): Buffer<ArrayBuffer> =>
  Buffer.concat([bytes.subarray(0, size), Buffer.alloc(Math.max(0, size - bytes.length))]);

export class MemoryFileSystem implements FileSystem {
  writeBytesMax = Number.POSITIVE_INFINITY;
  capacityBytes = Number.POSITIVE_INFINITY;
  onCall: (operation: FaultyOperation, path: string) => void = () => {};
  /** Calls so far, in order. */
  readonly calls: { readonly operation: FaultyOperation | 'read'; readonly path: string }[] = [];
  /** Asynchronous syncs wait for it; by default it resolves at once. A test replaces it to delay a sync. */
  holdSync: () => Promise<void> = () => Promise.resolve();
  /** The same for syncs of directories off the thread. */
  holdDirectorySync: () => Promise<void> = () => Promise.resolve();
  private readonly faults: { readonly operation: FaultyOperation; readonly code: string }[] = [];
  private readonly files = new Map<string, MemoryFile>();
  private readonly durableNames = new Map<string, MemoryFile>();
  private readonly directories = new Set<string>(['/']);
  private readonly open_ = new Map<FileDescriptor, Descriptor>();
  private nextDescriptor = 3;

  /** Makes the next call of an operation fail. Further faults make further calls fail. */
  fail(operation: FaultyOperation, code: 'EIO' | 'ENOSPC' | 'EMFILE'): void {
    this.faults.push({ operation, code });
  }

  /** Removes the faults that no call has met yet. */
  failNothing(): void {
    this.faults.length = 0;
  }

  /** A new machine with everything that was written. */
  afterKill(): MemoryFileSystem {
    return this.copy(this.files, ({ live }) => live);
  }

  /** A new machine with everything that was synced. */
  afterPowerLoss(): MemoryFileSystem {
    return this.copy(this.durableNames, ({ durable }) => durable);
  }

  get openCount(): number {
    return this.open_.size;
  }

  paths(): string[] {
    return [...this.files.keys()].sort();
  }

  content(path: string): Buffer {
    return Buffer.from(this.file(path).live);
  }

  /** Creates a durable file, with its directory. */
  put(path: string, bytes: Uint8Array): void {
    const file = new MemoryFile();
    file.live = Buffer.from(bytes);
    file.durable = Buffer.from(bytes);
    this.files.set(path, file);
    this.durableNames.set(path, file);
    this.makeDirectory(parentOf(path));
  }

  open(path: string, mode: OpenMode): FileDescriptor {
    const existing = this.files.get(path);
    if (mode !== 'read' && this.directories.has(path)) throw systemError('EISDIR', path);
    if (mode === 'read' || mode === 'readWrite') {
      if (existing === undefined) throw systemError('ENOENT', path);
    } else {
      this.call('open', path);
      if (mode === 'exclusive' && existing !== undefined) throw systemError('EEXIST', path);
      if (!this.directories.has(parentOf(path))) throw systemError('ENOENT', path);
    }
    const file = existing ?? new MemoryFile();
    this.files.set(path, file);
    if (mode === 'truncate') file.truncate(0);
    const descriptor = this.nextDescriptor++;
    this.open_.set(descriptor, { path, file, mode });
    return descriptor;
  }

  close(fd: FileDescriptor): void {
    this.descriptor(fd);
    this.open_.delete(fd);
  }

  read(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const { file, path, mode } = this.descriptor(fd);
    if (mode !== 'read' && mode !== 'readWrite') throw systemError('EBADF', path);
    this.calls.push({ operation: 'read', path });
    const bytes = file.live.subarray(position, position + length);
    buffer.set(bytes, offset);
    return bytes.length;
  }

  write(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number | null): number {
    const { file, path, mode } = this.descriptor(fd);
    if (mode === 'read') throw systemError('EBADF', path);
    this.call('write', path);
    const start = position ?? file.live.length;
    const others = [...this.files.values()].reduce((sum, { live }) => sum + live.length, 0) - file.live.length;
    const count = Math.min(length, this.writeBytesMax, Math.max(0, this.capacityBytes - others - start));
    if (count === 0 && length > 0) throw systemError('ENOSPC', path);
    file.write(buffer.slice(offset, offset + count), start);
    return count;
  }

  truncate(fd: FileDescriptor, size: number): void {
    const { file, path } = this.descriptor(fd);
    this.call('truncate', path);
    file.truncate(size);
  }

  statOpen(fd: FileDescriptor): FileStat {
    return statOf(this.descriptor(fd).file);
  }

  stat(path: string): FileStat | undefined {
    const file = this.files.get(path);
    if (file !== undefined) return statOf(file);
    return this.directories.has(path) ? { size: 0, mtimeNs: 0n, isFile: false, isDirectory: true } : undefined;
  }

  readDirectory(path: string): DirectoryEntry[] {
    if (!this.directories.has(path)) throw systemError('ENOENT', path);
    const inside = (full: string): boolean => full !== '/' && parentOf(full) === path;
    const name = (full: string): string => full.slice(full.lastIndexOf('/') + 1);
    return [
      ...[...this.files.keys()].filter(inside).map((full) => ({ name: name(full), isDirectory: false })),
      ...[...this.directories].filter(inside).map((full) => ({ name: name(full), isDirectory: true })),
    ];
  }

  makeDirectory(path: string): void {
    if (this.files.has(path)) throw systemError('EEXIST', path);
    for (let current = path; !this.directories.has(current); current = parentOf(current)) this.directories.add(current);
  }

  rename(from: string, to: string): void {
    this.call('rename', from);
    if (!this.directories.has(parentOf(to))) throw systemError('ENOENT', to);
    this.files.set(to, this.file(from));
    this.files.delete(from);
  }

  remove(path: string): void {
    this.call('remove', path);
    this.file(path);
    this.files.delete(path);
  }

  removeDirectory(path: string): void {
    if (this.readDirectory(path).length > 0) throw systemError('ENOTEMPTY', path);
    this.directories.delete(path);
  }

  syncBlocking(fd: FileDescriptor): void {
    const { file, path } = this.descriptor(fd);
    this.syncFile(file, path);
  }

  dataSyncBlocking(fd: FileDescriptor): void {
    this.syncBlocking(fd);
  }

  async sync(fd: FileDescriptor): Promise<void> {
    const { file, path } = this.descriptor(fd);
    await this.holdSync();
    this.syncFile(file, path);
  }

  dataSync(fd: FileDescriptor): Promise<void> {
    return this.sync(fd);
  }

  syncDirectory(path: string): void {
    this.settleNames(path, this.files, this.durableNames);
  }

  async syncDirectoryAside(path: string): Promise<void> {
    // Names that come while it runs are not promised by it.
    const [files, durable] = [new Map(this.files), new Map(this.durableNames)];
    await this.holdDirectorySync();
    this.settleNames(path, files, durable);
  }

  async erase(path: string): Promise<void> {
    this.remove(path);
    this.syncDirectory(parentOf(path));
  }

  async replace(from: string, to: string): Promise<void> {
    this.rename(from, to);
    this.syncDirectory(parentOf(to));
  }

  space(): { freeBytes: number; totalBytes: number } {
    const usedBytes = [...this.files.values()].reduce((sum, { live }) => sum + live.length, 0);
    return { freeBytes: Math.max(0, this.capacityBytes - usedBytes), totalBytes: this.capacityBytes };
  }

  /** Ends a sync of a directory that began with these files, of which these were durable. */
  private settleNames(
    path: string,
    files: ReadonlyMap<string, MemoryFile>,
    durable: ReadonlyMap<string, MemoryFile>,
  ): void {
    this.call('syncDirectory', path);
    if (!this.directories.has(path)) throw systemError('ENOENT', path);
    for (const name of new Set([...durable.keys(), ...files.keys()])) {
      // What another sync has settled in the meantime is newer.
      if (parentOf(name) !== path || this.durableNames.get(name) !== durable.get(name)) continue;
      const file = files.get(name);
      if (file === undefined) this.durableNames.delete(name);
      else this.durableNames.set(name, file);
    }
  }

  private syncFile(file: MemoryFile, path: string): void {
    try {
      this.call('sync', path);
    } catch (error) {
      if (!(error instanceof Crash)) file.forget();
      throw error;
    }
    file.sync();
  }

  private call(operation: FaultyOperation, path: string): void {
    this.onCall(operation, path);
    this.calls.push({ operation, path });
    const index = this.faults.findIndex((fault) => fault.operation === operation);
    if (index === -1) return;
    const [{ code }] = this.faults.splice(index, 1);
    throw systemError(code, path);
  }

  private copy(names: ReadonlyMap<string, MemoryFile>, bytesOf: (file: MemoryFile) => Buffer): MemoryFileSystem {
    const machine = new MemoryFileSystem();
    for (const directory of this.directories) machine.directories.add(directory);
    for (const [path, file] of names) machine.put(path, bytesOf(file));
    return machine;
  }

  private file(path: string): MemoryFile {
    const file = this.files.get(path);
    if (file === undefined) throw systemError('ENOENT', path);
    return file;
  }

  private descriptor(fd: FileDescriptor): Descriptor {
    const found = this.open_.get(fd);
    if (found === undefined) throw systemError('EBADF', String(fd));
    return found;
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/'))) || '/';

const statOf = (file: MemoryFile): FileStat => ({
  size: file.live.length,
  mtimeNs: 0n,
  isFile: true,
  isDirectory: false,
});

const systemError = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
