/**
 * The key-value port: an ordered map from bytes to bytes with atomic batches. It is implemented by LevelDB (`level`)
 * and by the simulator's model of it. Keys and values are exactly those of the original's four indexes.
 */

export type KeyValueOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

export interface KeyRange {
  /** The range begins at this key. */
  readonly gte?: Uint8Array;
  /** The range ends before this key. */
  readonly lt?: Uint8Array;
}

export interface KeyValueStore {
  /**
   * A lower bound of the operations that were written to the database since it was created and that survive a loss of
   * power. Operations of a failed batch are not counted. `undefined` when the number is not known.
   */
  readonly sequence: number | undefined;
  /** Why batches must be missing although the database could be opened; `undefined` when no loss is known. */
  readonly lostBatches: string | undefined;
  /** Reports an error that was found in an entry after reading it. */
  reportDamage?(error: unknown): void;
  /** Bytes that were not verified at opening: {@link verify} reads them. */
  readonly unverifiedBytes: number;
  /**
   * Verifies the checksums of the data that existed at opening and was not verified then; reads do not check them.
   * Resolves to the damage, or to `undefined` when there is none. May run while the database is used.
   */
  verify(breathe: () => Promise<void>): Promise<string | undefined>;
  /**
   * Moves the content of the log into tables, so that the log has no batches. The original skips batches in a log that
   * are older than the last compaction, so a clean close must not leave any there.
   */
  flushLog(): Promise<void>;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** Blocks this thread for one read: for `append`, which is synchronous. */
  getBlocking(key: Uint8Array): Uint8Array | undefined;
  /**
   * Writes all operations or none. With `sync` it resolves when this batch and all before it are on the disk. The caller
   * must not change the keys and values until it settles: a failed write may be repeated from them.
   */
  batch(operations: readonly KeyValueOperation[], options: { readonly sync: boolean }): Promise<void>;
  /** Entries in key order, in pages, from one consistent snapshot. */
  entries(range?: KeyRange): AsyncIterable<readonly [Uint8Array, Uint8Array][]>;
  /** Approximate size on disk in bytes. */
  approximateSize(): Promise<number>;
  close(): Promise<void>;
}

/** The properties of a database that is not open. */
export interface DatabaseDescription {
  /** Sizes in bytes of its files, by name. */
  readonly files: Readonly<Record<string, number>>;
  /** Whether the original was the last program to open it. */
  readonly isForeign: boolean;
}

export interface KeyValueStores {
  /**
   * Opens or creates the database in a directory. Throws `TIDEMARK_LOCKED` when this or another process has it open.
   * Throws `TIDEMARK_CORRUPT_INDEX` when it can't be opened, or when opening it would delete data that can still be
   * read.
   */
  open(directory: string): Promise<KeyValueStore>;
  /** Deletes the database and its directory. A missing one is fine. */
  destroy(directory: string): Promise<void>;
  /**
   * Opens a private copy, so that the directory itself is never written; for read-only stores. The copy is removed on
   * close. A missing directory opens as an empty database.
   */
  openCopy(directory: string): Promise<KeyValueStore>;
  /**
   * Examines a database's files without opening it; a missing directory has no files. Absent: the implementation can't
   * do it.
   */
  describe?(directory: string): Promise<DatabaseDescription>;
}
