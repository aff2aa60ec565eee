/**
 * The catalogue of domain events: everything that happens to a series or to the store, in the past tense, as plain
 * data. The journal stores them; heads.db is their snapshot, the indexes and metrics are their projections.
 *
 * Times are milliseconds since the epoch. Fingerprints are the stored (mapped) ones, 16 hex digits. `position` is the
 * event's place in the journal: the position right after its record, so that a reader that resumes there continues
 * with the next one.
 */
import type { Fingerprint } from './fingerprint.ts';
import type { Labels } from './labels.ts';

/** A place in the journal: bytes since its beginning, never reused, valid across restarts. */
export type Position = number;

/** The first sample of labels that no series had. The sample follows. */
export interface SeriesCreated {
  readonly type: 'seriesCreated';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
}

/** One batch of appended samples, in the order of appending; index i of the three columns is one sample. */
export interface SamplesAppended {
  readonly type: 'samplesAppended';
  readonly time: number;
  /** The series of each sample. */
  readonly fingerprints: readonly Fingerprint[];
  /** Milliseconds since the epoch. */
  readonly timestamps: Float64Array;
  /** All bits as they were appended. */
  readonly values: Float64Array;
}

/** The idle head chunk of these series was closed: the next sample starts a new chunk. */
export interface HeadChunksClosed {
  readonly type: 'headChunksClosed';
  readonly time: number;
  /** The series. */
  readonly fingerprints: readonly Fingerprint[];
}

/**
 * Written, and made durable, before series files are touched: recovery then has to look at these files only. Nothing
 * has happened yet when it is read.
 */
export interface SeriesFilesChanging {
  readonly type: 'seriesFilesChanging';
  readonly time: number;
  /** The series. */
  readonly fingerprints: readonly Fingerprint[];
  /** Said once more before files that hold nothing but what is past retention are removed: one that is missing then is no damage. */
  readonly removing?: true;
}

/** Closed chunks were written to the series' file. */
export interface ChunksPersisted {
  readonly type: 'chunksPersisted';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Chunks appended to the series file. */
  readonly chunks: number;
  /** Chunks in the file afterwards. */
  readonly chunksInFile: number;
}

/** The series' file was rewritten without its oldest chunks. */
export interface ChunksDropped {
  readonly type: 'chunksDropped';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Chunks dropped because they were past retention. */
  readonly chunks: number;
  /** Chunks in the file afterwards. */
  readonly chunksInFile: number;
  /** First time of the oldest chunk kept; absent when nothing is left. */
  readonly firstTime?: number;
}

/** The series is on disk only: its memory was given back. */
export interface SeriesArchived {
  readonly type: 'seriesArchived';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  /** Time of its first sample. */
  readonly firstTime: number;
  /** Time of its last sample. */
  readonly lastTime: number;
}

/** The series is in memory again: a sample came, or a query needed it. */
export interface SeriesUnarchived {
  readonly type: 'seriesUnarchived';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  /** Time of its last sample, which is in its file; absent in journals of early versions. */
  readonly lastTime?: number;
}

/** Something of the series is damaged: its file was moved aside, with a hint file that says why. */
export interface SeriesQuarantined {
  readonly type: 'seriesQuarantined';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Absent when the file could not be named. */
  readonly labels?: Labels;
  /** What was found. */
  readonly reason: string;
  /** The series file's path below the store's directory after the move; absent when there was no file. */
  readonly file?: string;
  /** Whether samples stayed that were only in memory: `seriesCreated` follows then. Absent where nobody knew of any. */
  readonly hasSuccessor?: boolean;
}

/** The series is gone: nothing of it is kept. */
export interface SeriesPurged {
  readonly type: 'seriesPurged';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  /** All of it was past retention, it was deleted, or it never had a sample that is left. */
  readonly reason: 'retention' | 'dropped' | 'empty';
}

/** A snapshot of everything in memory is on disk. */
export interface CheckpointWritten {
  readonly type: 'checkpointWritten';
  readonly time: number;
  /** Replay starts here. */
  readonly from: Position;
  /** Series in it. */
  readonly series: number;
  /** Chunks in it. */
  readonly chunks: number;
  /** Size of the file. */
  readonly bytes: number;
  /** How long writing it took. */
  readonly durationMs: number;
}

/** A session begins. */
export interface StoreOpened {
  readonly type: 'storeOpened';
  readonly time: number;
  /** As what the directory was found. */
  readonly how: 'created' | 'clean' | 'journal' | 'crashRecovery';
  /** Series in memory. */
  readonly series: number;
  /** Series that are on disk only. */
  readonly archivedSeries: number;
  /** Size of the heads.db that this session started from: replay is valid over exactly that one. */
  readonly headsBytes: number;
  /** Its CRC-32. */
  readonly headsCrc32: number;
}

/**
 * A session is about to end in order: the last checkpoint is on the disk, and replaces the one before next. A crash
 * between the two leaves either of them, and recovery knows both.
 */
export interface StoreClosing {
  readonly type: 'storeClosing';
  readonly time: number;
  /** The new heads.db holds everything before this position. */
  readonly from: Position;
  /** Size of the new heads.db. */
  readonly headsBytes: number;
  /** Its CRC-32. */
  readonly headsCrc32: number;
}

/** A session has ended in order. */
export interface StoreClosed {
  readonly type: 'storeClosed';
  readonly time: number;
  /** Size of the heads.db that it left. */
  readonly headsBytes: number;
  /** Its CRC-32. */
  readonly headsCrc32: number;
}

/** How hard the store works to keep its memory bounded has changed. Throttled, it takes no samples. */
export interface PressureChanged {
  readonly type: 'pressureChanged';
  readonly time: number;
  /** What it was. */
  readonly from: 'normal' | 'rushed' | 'throttled';
  /** What it is. */
  readonly to: 'normal' | 'rushed' | 'throttled';
  /** The persistence-urgency score, 0 to 1. */
  readonly score: number;
}

/** The disk refuses, so the store takes no samples; or it does again. */
export interface HealthChanged {
  readonly type: 'healthChanged';
  readonly time: number;
  /** What it is now. */
  readonly to: 'healthy' | 'readOnly';
  /** The disk's answer. */
  readonly reason: string;
}

/** Wall time moved against the monotonic clock by more than a minute; retention and archiving wait until it is certain. */
export interface ClockJumped {
  readonly type: 'clockJumped';
  readonly time: number;
  /** How far; negative is back. */
  readonly byMs: number;
}

/** A durable subscription was moved past journal that it held back beyond its bound; what lay between is lost to it. */
export interface SubscriptionOverrun {
  readonly type: 'subscriptionOverrun';
  readonly time: number;
  /** The subscription. */
  readonly name: string;
  /** Where what it lost begins. */
  readonly from: Position;
  /** Where it ends, and the subscription goes on. */
  readonly to: Position;
}

/** What happens to one series. */
export type SeriesEvent =
  | SeriesCreated
  | HeadChunksClosed
  | SeriesFilesChanging
  | ChunksPersisted
  | ChunksDropped
  | SeriesArchived
  | SeriesUnarchived
  | SeriesQuarantined
  | SeriesPurged;

/** What happens to the store. */
export type StoreEvent =
  | CheckpointWritten
  | StoreOpened
  | StoreClosing
  | StoreClosed
  | PressureChanged
  | HealthChanged
  | ClockJumped
  | SubscriptionOverrun;

/** Every event but the sample batches: few, and kept longer. */
export type LifecycleEvent = SeriesEvent | StoreEvent;

export type DomainEvent = LifecycleEvent | SamplesAppended;

/** An event with its place in the journal. */
export type JournalEvent = DomainEvent & { readonly position: Position };
