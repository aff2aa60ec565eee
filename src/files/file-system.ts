/**
 * The file-system port. All product code reaches files through it. The simulator implements it as a disk with faults.
 * Read-only stores use an overlay that keeps every change in memory.
 *
 * Most calls block. They take microseconds on the page cache, are made from a worker thread or in slices, and leave no
 * half-done state behind an `await`. The calls that wait for the disk itself also exist off the thread: `sync`,
 * `dataSync`, `replace`, `erase`.
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

/** The process that has a directory open. Unknown fields are missing. */
export interface DirectoryHolder {
  readonly pid?: number;
  readonly host?: string;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

/** The claim of a directory for one opening. It lasts until it is released or the process ends. */
export interface DirectoryClaim {
  /**
   * What DIRTY says while the directory is open. `socketNamespace` is present when a bound socket shows whether the
   * directory is still open.
   */
  readonly identity: DirectoryHolder & { readonly token: string; readonly socketNamespace?: string };
  /** Call this with `true` after DIRTY was written, and with `false` before it is removed. */
  noteMarked(isMarked: boolean): void;
  release(): Promise<void>;
}

export type ClaimOutcome = { readonly claim: DirectoryClaim } | { readonly holder: DirectoryHolder };

export interface FileSystem {
  open(path: string, mode: OpenMode, permissions?: number): FileDescriptor;
  close(fd: FileDescriptor): void;
  /** Reads up to `length` bytes at `position`; returns the number read, 0 at the end. */
  read(fd: FileDescriptor, buffer: Uint8Array, offset: number, length: number, position: number): number;
  /**
   * Writes up to `length` bytes; returns the number written. `position` null appends at the descriptor's own offset.
   */
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
  /** {@link syncDirectory} off this thread. */
  syncDirectoryAside(path: string): Promise<void>;
  /**
   * {@link rename}, then {@link syncDirectory} of the target's directory, off this thread. A rename over a large file
   * frees the blocks of the old one, which takes tens of milliseconds.
   */
  replace(from: string, to: string): Promise<void>;
  /** {@link remove}, then {@link syncDirectory} of its directory, off this thread. For files with many blocks. */
  erase(path: string): Promise<void>;
  /**
   * For file systems on which the store has no worker thread: runs a piece of blocking work at the time at which a
   * worker thread would, after the caller has continued. Absent: the work runs right after the caller's turn.
   */
  runAside?(work: () => void): void;
  /**
   * Claims an existing directory against every other opening, under whatever path; `since` is the current time. Absent:
   * only the key-value store's lock keeps other openings out.
   */
  claimDirectory?(directory: string, since: number): Promise<ClaimOutcome>;
  /** The path without symbolic links, as far as it exists. Absent: there are no symbolic links. */
  realPath?(path: string): string;
  /**
   * Whether `path` is the directory or lies in it, also through links. `path` need not exist. Absent: the paths
   * themselves are compared.
   */
  contains?(directory: string, path: string): boolean;
  /** The process that holds a `flock` on the file, if it can be found. Absent: it can't. */
  lockHolder?(path: string): number | undefined;
  /** Free and total bytes of the volume that holds `path`. */
  space(path: string): { readonly freeBytes: number; readonly totalBytes: number };
}
