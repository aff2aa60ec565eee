/** The file-system port of one simulated process, on the simulated disk. Its faults are listed in simulated-disk.ts. */
import { dirname } from 'node:path';
import type {
  ClaimOutcome,
  DirectoryEntry,
  FileDescriptor,
  FileStat,
  FileSystem,
  OpenMode,
} from '../../src/files/file-system.ts';
import type { FaultKind, Operation } from './faults.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedFile } from './simulated-file.ts';
import { namesOf, type Place, SimulatedDirectory } from './simulated-namespace.ts';
import { never, type SimulatedProcess } from './simulated-process.ts';
import { systemError } from './system-error.ts';

/** An open file of a process. */
interface Descriptor {
  readonly file: SimulatedFile;
  readonly path: string;
  readonly mode: OpenMode;
  /** Where the next write without a position goes. */
  offset: number;
}

/** A new file needs a block for its inode. */
const INODE_BYTES = 4096;

/** The size that a disk without a quota reports. */
const VOLUME_BYTES_MAX = 2 ** 40;

/** Longest duration of a normal sync, and of a slow one. */
const SYNC_MS_MAX = 12;
const SLOW_SYNC_MS_MAX = 8_000;

/** Longest time until a thread for files begins its next piece of work, and until a slow thread does. */
const ASIDE_MS_MAX = 4;
const SLOW_ASIDE_MS_MAX = 500;

export class SimulatedFileSystem implements FileSystem {
  private readonly disk: SimulatedDisk;
  private readonly process: SimulatedProcess;
  private readonly descriptors = new Map<FileDescriptor, Descriptor>();
  private nextDescriptor = 3;

  constructor(disk: SimulatedDisk, process: SimulatedProcess) {
    this.disk = disk;
    this.process = process;
  }

  /** Paths that are open, for the check that nothing leaks. */
  get openPaths(): string[] {
    return [...this.descriptors.values()].map(({ path }) => path);
  }

  open(path: string, mode: OpenMode): FileDescriptor {
    const operation = mode === 'read' || mode === 'readWrite' ? 'open' : 'create';
    return this.disk.call(this.process, operation, path, () => {
      if (this.descriptors.size >= this.disk.descriptorsMax) throw systemError('EMFILE', 'open', path);
      const file = this.openFile(path, mode);
      const fd = this.nextDescriptor++;
      this.descriptors.set(fd, { file, path, mode, offset: 0 });
      return fd;
    });
  }

  close(fd: FileDescriptor): void {
    const { path } = this.descriptor(fd, 'close');
    this.disk.call(this.process, 'close', path, (fault) => {
      this.descriptors.delete(fd);
      if (fault === 'EIO') throw systemError('EIO', 'close');
    });
  }

  read(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const { file, path, mode } = this.descriptor(fd, 'read');
    if (mode !== 'read' && mode !== 'readWrite') throw systemError('EBADF', 'read');
    return this.disk.call(this.process, 'read', path, (fault) => {
      return file.read(buffer, offset, this.shortened('read', path, length, fault), position);
    });
  }

  write(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number | null): number {
    const descriptor = this.descriptor(fd, 'write');
    const { file, path, mode } = descriptor;
    if (mode === 'read') throw systemError('EBADF', 'write');
    return this.disk.call(this.process, 'write', path, (fault) => {
      const start = mode === 'append' ? file.size : (position ?? descriptor.offset);
      const count = this.fitting(file, start, this.shortened('write', path, length, fault), path);
      file.write(buffer.slice(offset, offset + count), start, this.disk.timeline.wallMs);
      if (position === null) descriptor.offset = start + count;
      if (this.disk.prng.chance(this.disk.mischief)) file.writeBack(this.disk.prng);
      return count;
    });
  }

  truncate(fd: FileDescriptor, size: number): void {
    const { file, path, mode } = this.descriptor(fd, 'ftruncate');
    if (mode === 'read') throw systemError('EINVAL', 'ftruncate');
    this.disk.call(this.process, 'truncate', path, () => {
      if (size > file.size && this.fitting(file, file.size, size - file.size, path) < size - file.size) {
        throw systemError('ENOSPC', 'ftruncate');
      }
      file.truncate(size, this.disk.timeline.wallMs);
    });
  }

  statOpen(fd: FileDescriptor): FileStat {
    const { file, path } = this.descriptor(fd, 'fstat');
    return this.disk.call(this.process, 'stat', path, () => statOf(file));
  }

  stat(path: string): FileStat | undefined {
    return this.disk.call(this.process, 'stat', path, () => {
      const node = this.disk.namespace.find(path);
      return node === undefined ? undefined : statOf(node);
    });
  }

  readDirectory(path: string): DirectoryEntry[] {
    return this.disk.call(this.process, 'readDirectory', path, () => {
      const entries = [...this.directory(path, 'scandir').live].map(([name, node]) => ({
        name,
        isDirectory: node instanceof SimulatedDirectory,
      }));
      // A file system returns names in the order of its hashes, so the store must not rely on any order.
      for (let last = entries.length - 1; last > 0; last--) {
        const other = this.disk.prng.below(last + 1);
        [entries[last], entries[other]] = [entries[other], entries[last]];
      }
      return entries;
    });
  }

  makeDirectory(path: string): void {
    this.disk.call(this.process, 'makeDirectory', path, () => {
      let below = '';
      for (const name of namesOf(path)) {
        below = `${below}/${name}`;
        const node = this.disk.namespace.find(below);
        if (node instanceof SimulatedFile) throw systemError('EEXIST', 'mkdir', path);
        if (node !== undefined) continue;
        this.assertRoomForInode('mkdir', path);
        this.disk.namespace.create(this.place(below, 'mkdir'), new SimulatedDirectory());
      }
    });
  }

  rename(from: string, to: string): void {
    this.disk.call(this.process, 'rename', to, () => {
      const source = this.place(from, 'rename');
      const target = this.place(to, 'rename');
      const node = source.directory.live.get(source.name);
      if (node === undefined) throw systemError('ENOENT', 'rename', from);
      const replaced = target.directory.live.get(target.name);
      if (replaced === node) return;
      if (replaced instanceof SimulatedDirectory) {
        if (!(node instanceof SimulatedDirectory)) throw systemError('EISDIR', 'rename', to);
        if (replaced.live.size > 0) throw systemError('ENOTEMPTY', 'rename', to);
      } else if (replaced !== undefined && node instanceof SimulatedDirectory) {
        throw systemError('ENOTDIR', 'rename', to);
      }
      this.disk.namespace.rename(source, target, node);
    });
  }

  remove(path: string): void {
    this.disk.call(this.process, 'remove', path, () => {
      const place = this.place(path, 'unlink');
      const node = place.directory.live.get(place.name);
      if (node === undefined) throw systemError('ENOENT', 'unlink', path);
      if (node instanceof SimulatedDirectory) throw systemError('EISDIR', 'unlink', path);
      this.disk.namespace.remove(place, node);
    });
  }

  removeDirectory(path: string): void {
    this.disk.call(this.process, 'removeDirectory', path, () => {
      const directory = this.directory(path, 'rmdir');
      if (directory.live.size > 0) throw systemError('ENOTEMPTY', 'rmdir', path);
      this.disk.namespace.remove(this.place(path, 'rmdir'), directory);
    });
  }

  syncBlocking(fd: FileDescriptor): void {
    this.syncNow(fd, 'sync');
  }

  dataSyncBlocking(fd: FileDescriptor): void {
    this.syncNow(fd, 'dataSync');
  }

  sync(fd: FileDescriptor): Promise<void> {
    return this.syncLater(fd, 'sync');
  }

  dataSync(fd: FileDescriptor): Promise<void> {
    return this.syncLater(fd, 'dataSync');
  }

  syncDirectory(path: string, begun?: ReadonlySet<object>): void {
    this.disk.call(this.process, 'syncDirectory', path, () => {
      this.disk.namespace.sync(this.directory(path, 'fsync'), begun);
      this.disk.timeline.spend(this.disk.prng.below(SYNC_MS_MAX * 1000));
    });
  }

  syncDirectoryAside(path: string): Promise<void> {
    // Names that come while it runs are not promised by it.
    const begun = this.disk.namespace.pendingNow();
    return this.inTurn(() => this.syncDirectory(path, begun));
  }

  replace(from: string, to: string): Promise<void> {
    return this.inTurn(
      () => this.rename(from, to),
      () => this.syncDirectory(dirname(to)),
    );
  }

  erase(path: string): Promise<void> {
    return this.inTurn(
      () => this.remove(path),
      () => this.syncDirectory(dirname(path)),
    );
  }

  runAside = (work: () => void): void => {
    const isSlow = this.disk.slowWorks > 0;
    if (isSlow) this.disk.slowWorks--;
    const delayMs = this.disk.prng.next() * (isSlow ? SLOW_ASIDE_MS_MAX : ASIDE_MS_MAX);
    this.disk.timeline.schedule(this.process, delayMs, work);
  };

  /** Claims the directory that the path leads to. A claim ends with its process. */
  claimDirectory = async (directory: string, since: number): Promise<ClaimOutcome> => {
    const { process, disk } = this;
    await this.inTurn(() => process.assertAlive());
    const node = this.directory(directory, 'open');
    const holder = disk.claims.get(node);
    if (holder?.alive) return { holder: { pid: holder.id, host: 'simulated' } };
    disk.claims.set(node, process);
    return {
      claim: {
        identity: { pid: process.id, host: 'simulated', since, token: `process ${process.id}` },
        noteMarked: () => {},
        release: async () => {
          if (disk.claims.get(node) === process) disk.claims.delete(node);
        },
      },
    };
  };

  realPath = (path: string): string => `/${this.disk.namespace.realNamesOf(path).join('/')}`;

  /** Makes calls one after another on another thread, while this thread continues. */
  private inTurn(...calls: readonly (() => void)[]): Promise<void> {
    if (!this.process.alive) return never();
    return new Promise((resolve, reject) => {
      const makeCall = (index: number): void => {
        if (index === calls.length) {
          resolve();
          return;
        }
        this.disk.timeline.schedule(this.process, this.disk.prng.between(1, SYNC_MS_MAX), () => {
          try {
            calls[index]();
            makeCall(index + 1);
          } catch (error) {
            // A crash leaves the promise pending, because the process is dead.
            if (this.process.alive) reject(error);
          }
        });
      };
      makeCall(0);
    });
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    this.process.assertAlive();
    const totalBytes = Math.min(this.disk.capacityBytes, VOLUME_BYTES_MAX);
    return { freeBytes: Math.min(this.disk.freeBytes, totalBytes), totalBytes };
  }

  private syncNow(fd: FileDescriptor, operation: 'sync' | 'dataSync'): void {
    const { file, path } = this.descriptor(fd, operation);
    this.disk.call(this.process, operation, path, (fault) => {
      this.failSync(file, operation, fault);
      file.completeSync(file.beginSync(), operation === 'sync');
      this.disk.timeline.spend(this.syncMs(fault) * 1000);
    });
  }

  private syncLater(fd: FileDescriptor, operation: 'sync' | 'dataSync'): Promise<void> {
    if (!this.process.alive) return never();
    return new Promise((resolve, reject) => {
      const { file, path } = this.descriptor(fd, operation);
      let begun = false;
      try {
        this.disk.call(this.process, operation, path, (fault) => {
          begun = true;
          const sync = file.beginSync();
          this.disk.timeline.schedule(this.process, this.syncMs(fault), () => {
            try {
              this.failSync(file, operation, fault);
              file.completeSync(sync, operation === 'sync');
              resolve();
            } catch (error) {
              reject(error);
            }
          });
        });
      } catch (error) {
        // A crash leaves the promise pending, because the process is dead.
        if (this.process.alive && !begun) reject(error);
      }
    });
  }

  private failSync(file: SimulatedFile, operation: Operation, fault: FaultKind | undefined): void {
    if (fault !== 'EIO' && fault !== 'ENOSPC') return;
    file.failSync(this.disk.prng);
    throw systemError(fault, operation);
  }

  private syncMs(fault: FaultKind | undefined): number {
    return fault === 'slow' ? this.disk.prng.between(1_000, SLOW_SYNC_MS_MAX) : this.disk.prng.between(1, SYNC_MS_MAX);
  }

  private openFile(path: string, mode: OpenMode): SimulatedFile {
    const place = this.place(path, 'open');
    const node = place.directory.live.get(place.name);
    if (node instanceof SimulatedDirectory) throw systemError('EISDIR', 'open', path);
    if (node !== undefined) {
      if (mode === 'exclusive') throw systemError('EEXIST', 'open', path);
      if (mode === 'truncate' && node.size > 0) node.truncate(0, this.disk.timeline.wallMs);
      return node;
    }
    if (mode === 'read' || mode === 'readWrite') throw systemError('ENOENT', 'open', path);
    this.assertRoomForInode('open', path);
    const file = new SimulatedFile(this.disk.timeline.wallMs);
    this.disk.namespace.create(place, file);
    return file;
  }

  /** How many bytes a read or write moves: all, or fewer by chance or fault. Only a crash may move none. */
  private shortened(operation: Operation, path: string, length: number, fault: FaultKind | undefined): number {
    const { prng, mischief } = this.disk;
    if (length < 2 || (fault === undefined && (isOfTheHost(path) || !prng.chance(mischief)))) return length;
    if (fault === undefined) this.disk.countShort(operation, path);
    return fault === 'crash' ? prng.below(length + 1) : prng.between(1, length - 1);
  }

  /** How many of `count` bytes at `start` fit on the disk. Throws if none does. */
  private fitting(file: SimulatedFile, start: number, count: number, path: string): number {
    const growth = start + count - file.size;
    if (growth <= 0 || !Number.isFinite(this.disk.capacityBytes)) return count;
    const slack = (INODE_BYTES - (file.size % INODE_BYTES)) % INODE_BYTES;
    const room = this.disk.freeBytes + slack;
    if (growth <= room) return count;
    const fits = Math.max(0, count - (growth - room));
    if (fits > 0) return fits;
    this.disk.countQuotaRefusal('write', path);
    throw systemError('ENOSPC', 'write', path);
  }

  private assertRoomForInode(syscall: string, path: string): void {
    if (!Number.isFinite(this.disk.capacityBytes) || this.disk.freeBytes >= INODE_BYTES) return;
    this.disk.countQuotaRefusal(syscall === 'mkdir' ? 'makeDirectory' : 'create', path);
    throw systemError('ENOSPC', syscall, path);
  }

  private descriptor(fd: FileDescriptor, syscall: string): Descriptor {
    this.process.assertAlive();
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) throw systemError('EBADF', syscall);
    return descriptor;
  }

  private directory(path: string, syscall: string): SimulatedDirectory {
    const node = this.disk.namespace.find(path);
    if (node === undefined) throw systemError('ENOENT', syscall, path);
    if (node instanceof SimulatedFile) throw systemError('ENOTDIR', syscall, path);
    return node;
  }

  private place(path: string, syscall: string): Place {
    const place = this.disk.namespace.place(path);
    if (typeof place === 'string') throw systemError(place, syscall, path);
    return place;
  }
}

/** DIRTY names the host's process. Its length does not depend on the seed, so random draws must not depend on it. */
const isOfTheHost = (path: string): boolean => /\/DIRTY(\.tmp)?$/.test(path);

const statOf = (node: SimulatedFile | SimulatedDirectory): FileStat =>
  node instanceof SimulatedFile
    ? { size: node.size, mtimeNs: node.mtimeNs, isFile: true, isDirectory: false }
    : { size: 4096, mtimeNs: 0n, isFile: false, isDirectory: true };
