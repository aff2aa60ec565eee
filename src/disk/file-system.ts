/**
 * The file-system port. All product code reaches files through it; the simulator puts a disk with faults behind it,
 * and read-only stores an overlay that keeps every change in memory.
 *
 * Most calls block: they are microseconds on the page cache, are made from a worker thread or in slices, and leave no
 * half-done state behind an `await`. What waits for the disk itself (`sync`, `dataSync`, `replace`, `erase`) also
 * exists off the thread.
 *
 * Errors are Node's system errors (`code`: ENOENT, ENOSPC, EIO, EMFILE …). Reads and writes may be short; use the
 * helpers in read-write.ts for whole ones.
 */

export type FileDescriptor = number;

export interface FileStat {
  readonly size: number;
  /** Modification time, nanoseconds since the epoch: the original's recovery shortcut compares it exactly. */
  readonly mtimeNs: bigint;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/**
 * - `read`: existing file, read only
 * - `readWrite`: existing file, read and write
 * - `create`: write only, created if missing, not truncated
 * - `truncate`: write only, created if missing, emptied
 * - `append`: every write goes to the end, created if missing
 * - `exclusive`: write only, fails with EEXIST if it exists
 */
export type OpenMode = 'read' | 'readWrite' | 'create' | 'truncate' | 'append' | 'exclusive';

/** Who has a directory open, as far as is known. */
export interface DirectoryHolder {
  readonly pid?: number;
  readonly host?: string;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

/** A directory that is claimed for one opening, until it is released or the process ends. */
export interface DirectoryClaim {
  /** What DIRTY says while the directory is open. `socketNamespace`: a bound socket tells whether it still is. */
  readonly identity: DirectoryHolder & { readonly token: string; readonly socketNamespace?: string };
  /** To be called with `true` after DIRTY was written, and with `false` before it is removed. */
  noteMarked(isMarked: boolean): void;
  release(): Promise<void>;
}

export type ClaimOutcome = { readonly claim: DirectoryClaim } | { readonly holder: DirectoryHolder };

export interface FileSystem {
  open(path: string, mode: OpenMode, permissions?: number): FileDescriptor;
  close(fd: FileDescriptor): void;
  /** Reads up to `length` bytes at `position`; returns the number read, 0 at the end. */
  read(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes up to `length` bytes; `position` null appends at the descriptor's own offset. Returns the number written. */
  write(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number | null): number;
  truncate(fd: FileDescriptor, size: number): void;
  /** Metadata of an open file. */
  statOpen(fd: FileDescriptor): FileStat;
  /** Metadata of a path, or `undefined` when nothing is there. Other errors throw. */
  stat(path: string): FileStat | undefined;
  readDirectory(path: string): DirectoryEntry[];
  /** Creates the directory and missing parents; existing ones are fine. */
  makeDirectory(path: string, permissions?: number): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  removeDirectory(path: string): void;
  /** Waits on this thread until data and metadata are on the disk (fsync). */
  syncBlocking(fd: FileDescriptor): void;
  /** As {@link syncBlocking}, data and size only (fdatasync). */
  dataSyncBlocking(fd: FileDescriptor): void;
  /** fsync off this thread. */
  sync(fd: FileDescriptor): Promise<void>;
  /** fdatasync off this thread. */
  dataSync(fd: FileDescriptor): Promise<void>;
  /** Makes renames, creations and removals in a directory durable; a no-op where the platform has no such call. */
  syncDirectory(path: string): void;
  /**
   * {@link rename}, then {@link syncDirectory} of the target's directory, off this thread: a large file that is replaced
   * gives back its blocks in the rename, which takes tens of milliseconds.
   */
  replace(from: string, to: string): Promise<void>;
  /** {@link remove}, then {@link syncDirectory} of its directory, off this thread: for files of many blocks. */
  erase(path: string): Promise<void>;
  /**
   * Where the store has no thread of its own for this file system: runs a piece of blocking work when such a thread would,
   * later than the caller goes on. Absent: at once after the caller's turn.
   */
  runAside?(work: () => void): void;
  /**
   * Claims an existing directory against every other opening, whatever path it goes by; `since` is the time now. Absent:
   * nothing but the key-value store's lock keeps others out.
   */
  claimDirectory?(directory: string, since: number): Promise<ClaimOutcome>;
  /** The path without symbolic links, as far as it exists. Absent: there are none. */
  realPath?(path: string): string;
  /**
   * Whether `path`, which need not exist, is the directory or lies in it, whatever links lead there. Absent: the paths
   * themselves tell.
   */
  contains?(directory: string, path: string): boolean;
  /** Process that holds a `flock` on the file, where that can be told. Absent: it can't. */
  lockHolder?(path: string): number | undefined;
  /** Free and total bytes of the volume that holds `path`. */
  space(path: string): { readonly freeBytes: number; readonly totalBytes: number };
}
