/**
 * The key-value port: an ordered map of bytes to bytes with atomic batches. Behind it is LevelDB (`level`), or the
 * simulator's model of it. Keys and values are exactly those of the original's four indexes.
 */

export type KeyValueOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

export interface KeyRange {
  /** First key included. */
  readonly gte?: Uint8Array;
  /** First key not included. */
  readonly lt?: Uint8Array;
}

export interface KeyValueStore {
  /**
   * Operations that the database has taken since it was created and that a loss of power leaves, at least: those of a batch
   * that failed are not counted.
   * `undefined` when that is not known.
   */
  readonly sequence: number | undefined;
  /** Why batches must be missing although the database could be opened; `undefined` when none are known to be. */
  readonly lostBatches: string | undefined;
  /** Takes note of an entry that was read and makes no sense. */
  reportDamage?(error: unknown): void;
  /** Bytes that were not verified at opening: {@link verify} reads them. */
  readonly unverifiedBytes: number;
  /**
   * Verifies the checksums of what was there at opening and not verified then; reads do not look at them. Resolves with
   * what is wrong, `undefined` when nothing is. May run while the database is used.
   */
  verify(breathe: () => Promise<void>): Promise<string | undefined>;
  /**
   * Moves what the log holds into tables, so that the log holds no batch. The original passes over batches in a log that
   * are older than the last compaction, so a clean close leaves none there.
   */
  flushLog(): Promise<void>;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** Blocks this thread for one read: for `append`, which is synchronous. */
  getBlocking(key: Uint8Array): Uint8Array | undefined;
  /** All or nothing. With `sync` it resolves when the batch, and all before it, is on the disk. */
  batch(operations: readonly KeyValueOperation[], options: { readonly sync: boolean }): Promise<void>;
  /** Entries in key order, in pages, from one consistent moment. */
  entries(range?: KeyRange): AsyncIterable<readonly [Uint8Array, Uint8Array][]>;
  /** Size on disk in bytes, roughly. */
  approximateSize(): Promise<number>;
  close(): Promise<void>;
}

/** What can be told of a database that nobody has open. */
export interface DatabaseDescription {
  /** Sizes in bytes of the files it consists of, by name. */
  readonly files: Readonly<Record<string, number>>;
  /** The original opened it last. */
  readonly isForeign: boolean;
}

export interface KeyValueStores {
  /**
   * Opens or creates the database in a directory. Throws `TIDEMARK_LOCKED` when another process or this one has it
   * open, `TIDEMARK_CORRUPT_INDEX` when it can't be opened, or when opening it would delete what can still be read.
   */
  open(directory: string): Promise<KeyValueStore>;
  /** Deletes the database and its directory. A missing one is fine. */
  destroy(directory: string): Promise<void>;
  /**
   * Opens a private copy, so that the directory itself is never written; for read-only stores. The copy is removed on
   * close. A missing directory opens as an empty database.
   */
  openCopy(directory: string): Promise<KeyValueStore>;
  /** Looks at a database's files without opening it; a missing directory has none. Absent: it can't be told. */
  describe?(directory: string): Promise<DatabaseDescription>;
}
