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
  readonly fingerprints: readonly Fingerprint[];
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** The idle head chunk of these series was closed: the next sample starts a new chunk. */
export interface HeadChunksClosed {
  readonly type: 'headChunksClosed';
  readonly time: number;
  readonly fingerprints: readonly Fingerprint[];
}

/**
 * Written, and made durable, before series files are touched: recovery then has to look at these files only. Nothing
 * has happened yet when it is read.
 */
export interface SeriesFilesChanging {
  readonly type: 'seriesFilesChanging';
  readonly time: number;
  readonly fingerprints: readonly Fingerprint[];
}

export interface ChunksPersisted {
  readonly type: 'chunksPersisted';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Chunks appended to the series file. */
  readonly chunks: number;
  /** Chunks in the file afterwards. */
  readonly chunksInFile: number;
}

export interface ChunksDropped {
  readonly type: 'chunksDropped';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Chunks dropped because they were past retention. */
  readonly chunks: number;
  readonly chunksInFile: number;
  /** First time of the oldest chunk kept; absent when nothing is left. */
  readonly firstTime?: number;
}

export interface SeriesArchived {
  readonly type: 'seriesArchived';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  readonly firstTime: number;
  readonly lastTime: number;
}

export interface SeriesUnarchived {
  readonly type: 'seriesUnarchived';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
}

export interface SeriesQuarantined {
  readonly type: 'seriesQuarantined';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Absent when the file could not be named. */
  readonly labels?: Labels;
  readonly reason: string;
  /** The series file's path below the store's directory after the move; absent when there was no file. */
  readonly file?: string;
}

export interface SeriesPurged {
  readonly type: 'seriesPurged';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  readonly reason: 'retention' | 'dropped' | 'empty';
}

export interface CheckpointWritten {
  readonly type: 'checkpointWritten';
  readonly time: number;
  /** Replay starts here. */
  readonly from: Position;
  readonly series: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly durationMs: number;
}

export interface StoreOpened {
  readonly type: 'storeOpened';
  readonly time: number;
  readonly how: 'created' | 'clean' | 'journal' | 'crashRecovery';
  readonly series: number;
  readonly archivedSeries: number;
  /** Size and CRC-32 of the heads.db that this session started from: replay is valid over exactly that one. */
  readonly headsBytes: number;
  readonly headsCrc32: number;
}

export interface StoreClosed {
  readonly type: 'storeClosed';
  readonly time: number;
  readonly headsBytes: number;
  readonly headsCrc32: number;
}

export interface PressureChanged {
  readonly type: 'pressureChanged';
  readonly time: number;
  readonly from: 'normal' | 'rushed' | 'throttled';
  readonly to: 'normal' | 'rushed' | 'throttled';
  /** The persistence-urgency score, 0 to 1. */
  readonly score: number;
}

export interface HealthChanged {
  readonly type: 'healthChanged';
  readonly time: number;
  readonly to: 'healthy' | 'readOnly';
  readonly reason: string;
}

/** Wall time moved against the monotonic clock by more than a minute; retention and archiving wait until it is certain. */
export interface ClockJumped {
  readonly type: 'clockJumped';
  readonly time: number;
  readonly byMs: number;
}

/** A durable subscription was moved past journal that it held back beyond its bound; what lay between is lost to it. */
export interface SubscriptionOverrun {
  readonly type: 'subscriptionOverrun';
  readonly time: number;
  readonly name: string;
  readonly from: Position;
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
