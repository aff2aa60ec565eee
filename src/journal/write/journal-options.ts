/** Options of the journal writer: sizes, bounds, and when the journal is written and synced without a call. */
import type { TidemarkError } from '../../model/errors.ts';

export interface JournalWriterOptions {
  /** When the journal is written and synced without a call. Default `'interval'`. */
  readonly durability?: 'always' | 'interval' | 'os';
  /** For `'interval'` and `'os'`: how long an appended sample may wait. Default 100 ms. */
  readonly commitIntervalMs?: number;
  /** A segment that reaches this size is followed by a new one. Default 32 MiB. */
  readonly segmentBytes?: number;
  /** Largest number of samples in a batch. Default 8,192. */
  readonly batchSamples?: number;
  /** Encoded bytes are written to the file as soon as there are this many. Default 128 KiB. */
  readonly writeBytes?: number;
  /** Most encoded bytes that may wait for a sync. Default 32 MiB. */
  readonly unconfirmedBytesMax?: number;
  /** Largest size of the lifecycle history. Default 64 MiB. */
  readonly historyBytes?: number;
  /**
   * Shortest time that a segment's file exists, for readers in other processes. These look for new files from time to
   * time; a file that they have open they can read to its end, even after it was removed. Default 0.
   */
  readonly lingerMs?: number;
  /** Called when something waits to be committed and nothing waited before. */
  readonly onPending?: () => void;
  /** Called with the first error; from then on `writable` is false. */
  readonly onError?: (error: TidemarkError) => void;
}

/** The defaults. */
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
