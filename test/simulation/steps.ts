/**
 * A simulated history as plain data: the setting of the world, and what happens in it step by step. A sequence is
 * self-contained (all of its randomness comes from seeds in it), so that it can be shortened, pasted into a test and
 * run again with the same outcome.
 */
import type { ChunkEncodingName, Durability } from '../../src/api/api.ts';
import type { Fault, FileKind } from './faults.ts';
import type { CrashKind } from './simulated-process.ts';
import type { IndexDecay } from './simulated-stores.ts';
import type { ValuePattern } from './value-source.ts';

/** The world and the store's options, the same for all processes of a sequence. */
export interface Setting {
  readonly durability: Durability;
  readonly chunkEncoding: ChunkEncodingName;
  readonly syncSeriesFiles: 'adaptive' | 'always' | 'never';
  /** `null` keeps everything. */
  readonly retentionMs: number | null;
  /** The retention that every second opening names. `null` keeps everything. Default: the same. */
  readonly otherRetentionMs?: number | null;
  /** Only the first opening names the retention. The directory remembers it. */
  readonly retentionOnce?: boolean;
  /** A rule keeps some series longer, at all openings or at every second one. Default: no rule. */
  readonly rules?: 'always' | 'sometimes';
  readonly minShrinkRatio: number;
  readonly checkpointIntervalMs: number;
  readonly checkpointDirtySeries: number;
  readonly headChunkTimeoutMs: number;
  readonly memoryTarget: number;
  readonly subscriptionBacklogBytes: number;
  /** How much older than its series' newest sample a sample may be. Default: any. */
  readonly outOfOrderWindowMs?: number | null;
  /** Journal bytes after which a checkpoint comes early, and maximum length of a segment. Default: the store's. */
  readonly checkpointJournalBytes?: number;
  /** Probability of a short read or write, and of early write-back. */
  readonly mischief: number;
  /** Whether all events and all actors are observed. */
  readonly observed: boolean;
}

/** Commands of the store that take no arguments and can be left running while the next steps happen. */
export const commands = ['flush', 'checkpoint', 'maintain', 'waitForIndexing', 'ready', 'rebuildIndexes'] as const;
export type Command = (typeof commands)[number];

/** The time range of a query, as shares of the time span of all series. */
export interface Window {
  readonly from: number | null;
  readonly through: number | null;
}

/** How the times of appended samples follow each other. */
export type Spacing =
  /** A fixed number of milliseconds. */
  | { readonly everyMs: number }
  /** `everyMs` milliseconds, plus or minus up to `jitterMs`. */
  | { readonly everyMs: number; readonly jitterMs: number };

/** The call in which a process dies: the number of calls of any kind before it, or the kind of call. */
export type CrashPoint = number | Omit<Fault, 'fault'>;

/** Paths to the store's directory: as it was opened, written in another way, and through a symbolic link. */
export const intruderPaths = ['same', 'roundabout', 'link'] as const;
export type IntruderPath = (typeof intruderPaths)[number];

export type Step =
  | {
      readonly type: 'append';
      readonly series: number;
      readonly count: number;
      readonly spacing: Spacing;
      readonly values: ValuePattern;
      readonly via: 'store' | 'handle';
      readonly seed: number;
    }
  | {
      readonly type: 'appendBatch';
      readonly series: readonly number[];
      readonly count: number;
      readonly spacing: Spacing;
      readonly values: ValuePattern;
      /** One of this many samples must be refused; 0 for none. */
      readonly refusedEvery: number;
      readonly seed: number;
    }
  /**
   * Samples in no order of time, most of them late: up to `spanMs` before the newest one, a few after it. `repeats` is
   * the share that has the time of an earlier sample, with its value or another one.
   */
  | {
      readonly type: 'appendLate';
      readonly series: number;
      readonly count: number;
      readonly spanMs: number;
      readonly values: ValuePattern;
      readonly via: 'store' | 'handle' | 'batch';
      readonly repeats: number;
      readonly seed: number;
    }
  /** Whole columns of some series, at times for which they have no samples. */
  | {
      readonly type: 'backfill';
      readonly series: readonly number[];
      readonly count: number;
      readonly spanMs: number;
      readonly values: ValuePattern;
      readonly seed: number;
      readonly detached: boolean;
    }
  /** One sample that the store must refuse, or accept as a repetition or a late one. */
  | {
      readonly type: 'appendOdd';
      readonly series: number;
      readonly odd: 'repeat' | 'duplicate' | 'outOfOrder' | 'labels' | 'timestamp';
    }
  /** `detached` leaves it running while the next steps happen. */
  | { readonly type: 'command'; readonly command: Command; readonly detached: boolean }
  | { readonly type: 'drop'; readonly series: number; readonly detached: boolean }
  /** Drops a time range of one series, or of all. */
  | { readonly type: 'dropRange'; readonly series: number | null; readonly window: Window; readonly detached: boolean }
  /** Waits for all operations that were left running. */
  | { readonly type: 'settle' }
  /** Runs this many tasks of the world, so that operations that were left running make progress. */
  | { readonly type: 'breathe'; readonly tasks: number }
  | { readonly type: 'advance'; readonly byMs: number }
  /** Moves only wall time. */
  | { readonly type: 'jump'; readonly byMs: number }
  | {
      readonly type: 'query';
      readonly series: number | null;
      readonly window: Window;
      /** Leaves it running while the next steps happen. */
      readonly detached?: boolean;
    }
  | { readonly type: 'instant'; readonly series: number | null }
  | { readonly type: 'labels'; readonly series: number | null }
  /** Opens a query and reads `count` series of it; the rest is read by later steps. */
  | { readonly type: 'openQuery'; readonly name: number; readonly window: Window; readonly count: number }
  | { readonly type: 'readQuery'; readonly name: number; readonly count: number }
  | { readonly type: 'closeQuery'; readonly name: number }
  /** Subscribes if necessary, takes this many batches, and acknowledges each, does not, or fails in the first. */
  | {
      readonly type: 'consume';
      readonly name: number;
      readonly batches: number;
      readonly afterwards: 'ack' | 'forget' | 'throw';
    }
  /** Observes `events$` or `watch` with an observer that throws at every `throwEvery`-th event. */
  | { readonly type: 'observe'; readonly what: 'events' | 'watch'; readonly throwEvery: number }
  /** Checks whether rows, actors and counts agree. */
  | { readonly type: 'inspect'; readonly series: number }
  /** `detached` leaves it running while the next steps happen. */
  | { readonly type: 'backup'; readonly detached?: boolean }
  /** Opens one of the finished backups, read-only or for writing, and compares it with what was there. */
  | { readonly type: 'openBackup'; readonly which: number; readonly readOnly: boolean }
  /** Opens the directory a second time, read-only, while the store runs, and reads everything. */
  | { readonly type: 'peek' }
  /** Another process tries to open for writing, by this path. Before, the store may lose the locks of its databases. */
  | { readonly type: 'intrude'; readonly path: IntruderPath; readonly locksLost?: boolean }
  /**
   * The store is closed or killed, and the original uses the directory: it appends `count` samples to each of these
   * series, may rest until it archives them, and closes the directory or is killed. Then the store opens it again.
   */
  | {
      readonly type: 'otherProgram';
      readonly after: 'close' | 'kill';
      readonly series: readonly number[];
      readonly count: number;
      readonly rests: boolean;
      readonly ending: 'close' | 'kill';
      readonly seed: number;
      readonly inspected?: boolean;
    }
  /** The store is closed or killed, one of its indexes decays, and the store opens again. */
  | {
      readonly type: 'indexDecay';
      readonly after: 'close' | 'kill';
      readonly decay: IndexDecay;
      readonly inspected?: boolean;
    }
  /** With `inspected` the closed directory is opened read-only before it is opened again, and must show the same. */
  | { readonly type: 'restart'; readonly inspected?: boolean }
  /** Closes, begins to open, aborts after this many tasks, and opens again. */
  | { readonly type: 'abortOpening'; readonly tasks: number }
  /**
   * Crashes now. The recoveries that follow crash at these calls, one after another. With `inspected` the directory is
   * checked and opened read-only before that, and must show what the next opening for writing shows.
   */
  | {
      readonly type: 'crash';
      readonly kind: CrashKind;
      readonly again: readonly CrashPoint[];
      readonly inspected?: boolean;
    }
  /** Crashes at a later call. */
  | {
      readonly type: 'crashAt';
      readonly kind: CrashKind;
      readonly fault: Omit<Fault, 'fault'>;
      readonly again: readonly CrashPoint[];
    }
  | { readonly type: 'fault'; readonly fault: Fault }
  | { readonly type: 'diskFull'; readonly freeBytes: number }
  | { readonly type: 'diskFreed' }
  /** Flips a bit in one file of the kind, at a share of its length. The file is that of `series`, if it has one. */
  | {
      readonly type: 'decay';
      readonly file: FileKind;
      readonly which: number;
      readonly at: number;
      readonly series?: number;
    }
  /** The thread for files takes up to half a second for each of its next pieces of work. */
  | { readonly type: 'slowThread'; readonly works: number }
  /** Steps that follow each other at once, without a look at the store in between. */
  | { readonly type: 'together'; readonly steps: readonly Step[] };

export type StepType = Step['type'];

export interface Sequence {
  /** Seed of the world: its disk, its delays, the store's own randomness. */
  readonly seed: number;
  readonly setting: Setting;
  readonly steps: readonly Step[];
}

export const stepTypes = [
  'append',
  'appendBatch',
  'appendLate',
  'backfill',
  'appendOdd',
  'command',
  'drop',
  'dropRange',
  'settle',
  'breathe',
  'advance',
  'jump',
  'query',
  'instant',
  'labels',
  'openQuery',
  'readQuery',
  'closeQuery',
  'consume',
  'observe',
  'inspect',
  'backup',
  'openBackup',
  'peek',
  'intrude',
  'otherProgram',
  'indexDecay',
  'restart',
  'abortOpening',
  'crash',
  'crashAt',
  'fault',
  'diskFull',
  'diskFreed',
  'decay',
  'slowThread',
  'together',
] as const satisfies readonly StepType[];
