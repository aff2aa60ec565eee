/** How a journal is written: sizes, bounds, and when it goes to the disk by itself. */
import type { TidemarkError } from '../errors.ts';

export interface JournalWriterOptions {
  /** When the journal goes to the disk without being asked. Default `'interval'`. */
  readonly durability?: 'always' | 'interval' | 'os';
  /** For `'interval'` and `'os'`: how long an appended sample may wait. Default 100 ms. */
  readonly commitIntervalMs?: number;
  /** Size from which on a segment is followed by a new one. Default 32 MiB. */
  readonly segmentBytes?: number;
  /** Samples per batch at most. Default 8,192. */
  readonly batchSamples?: number;
  /** Encoded bytes from which on they are written. Default 128 KiB. */
  readonly writeBytes?: number;
  /** Encoded bytes that may wait for the disk's confirmation. Default 32 MiB. */
  readonly unconfirmedBytesMax?: number;
  /** Bytes of lifecycle history that are kept. Default 64 MiB. */
  readonly historyBytes?: number;
  /**
   * How long a segment's file stays at least after it was created, for readers in other processes: they look for new
   * files every now and then, and read those that they have open to the end. Default 0.
   */
  readonly lingerMs?: number;
  /** Something waits to be committed now, and nothing did before. */
  readonly onPending?: () => void;
  /** Called with the first error; from then on `writable` is false. */
  readonly onError?: (error: TidemarkError) => void;
}

/** What holds where nothing else is given. */
export const journalDefaults = {
  durability: 'interval',
  commitIntervalMs: 100,
  segmentBytes: 32 * 1024 * 1024,
  batchSamples: 8192,
  writeBytes: 128 * 1024,
  unconfirmedBytesMax: 32 * 1024 * 1024,
  historyBytes: 64 * 1024 * 1024,
  lingerMs: 0,
} as const satisfies JournalWriterOptions;
