/**
 * The catalogue of domain events: what happens to a series or to the store, in the past tense, as plain data. The
 * journal stores them; heads.db is their snapshot, the indexes and metrics are their projections.
 *
 * Times are milliseconds since the epoch. Fingerprints are the stored (mapped) ones, 16 hex digits. `position` is the
 * event's place in the journal: the position right after its record, so that a reader that resumes there continues
 * with the next one.
 */
import type { Fingerprint } from './fingerprint.ts';
import type { Labels } from './labels.ts';

/** A place in the journal: bytes since its beginning, never reused, valid across restarts. */
export type Position = number;

/** The first sample with a new label set was appended. The `samplesAppended` event with the sample follows. */
export interface SeriesCreated {
  readonly type: 'seriesCreated';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
}

/** A batch of samples was appended, in this order; index i of the three columns is one sample. */
export interface SamplesAppended {
  readonly type: 'samplesAppended';
  readonly time: number;
  /** The series of each sample. */
  readonly fingerprints: readonly Fingerprint[];
  /** Milliseconds since the epoch. */
  readonly timestamps: Float64Array;
  /** All bits are kept as they were appended. */
  readonly values: Float64Array;
}

/**
 * A batch of samples was appended, each older than its series' newest one. They wait in memory until they are merged;
 * index i of the three columns is one sample.
 */
export interface LateSamplesAppended {
  readonly type: 'lateSamplesAppended';
  readonly time: number;
  /** The series of each sample. */
  readonly fingerprints: readonly Fingerprint[];
  /** Milliseconds since the epoch. */
  readonly timestamps: Float64Array;
  /** All bits are kept as they were appended. */
  readonly values: Float64Array;
}

/**
 * Late or backfilled samples of a series were merged into its file, or dropped ones were taken out of it. For a merge into the chunks
 * in memory, the event is published only if a sample was refused.
 */
export interface LateSamplesMerged {
  readonly type: 'lateSamplesMerged';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Where they were merged. */
  readonly where: 'memory' | 'file';
  /** Samples that were added. */
  readonly added: number;
  /** Samples that the series had already, with the same bits. */
  readonly repeated: number;
  /** Samples for whose time the series had another value. The series keeps the value that it had. */
  readonly refused: number;
  /** Samples of dropped time ranges that were taken out of the series file. */
  readonly erased: number;
  /** Chunks in the series file afterwards. */
  readonly chunksInFile: number;
}

/**
 * The idle head chunk of these series was closed: the next sample starts a new chunk. Closing a full head chunk
 * publishes no event.
 */
export interface HeadChunksClosed {
  readonly type: 'headChunksClosed';
  readonly time: number;
  /** The series. */
  readonly fingerprints: readonly Fingerprint[];
}

/**
 * The files of these series are about to change. The event is made durable before a file is touched, so that recovery
 * has to check only these files. Nothing has changed yet when it is published.
 */
export interface SeriesFilesChanging {
  readonly type: 'seriesFilesChanging';
  readonly time: number;
  /** The series. */
  readonly fingerprints: readonly Fingerprint[];
  /**
   * Set in a second event, before files are removed because all their samples are past retention. Recovery then does
   * not treat a missing file as damage.
   */
  readonly removing?: true;
  /**
   * Set in a second event, before files are rewritten with late samples or without dropped ones. Their chunks become
   * other ones, so that recovery can't tell the chunks by their number.
   */
  readonly rewriting?: true;
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
  /** First time of the oldest chunk kept; absent if no chunk is left. */
  readonly firstTime?: number;
}

/**
 * A caller dropped a time range of the series. Queries leave the samples out from now on; the series file is rewritten
 * without them by a later visit. Samples of the same range that come after this event are new samples.
 */
export interface SamplesDropped {
  readonly type: 'samplesDropped';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Where the range begins, milliseconds since the epoch; absent if it has no beginning. */
  readonly from?: number;
  /** Where the range ends, this time included; absent if it has no end. */
  readonly through?: number;
}

/** The series is now only on disk; its memory was released. */
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

/** The series is in memory again, because a sample was appended to it. */
export interface SeriesUnarchived {
  readonly type: 'seriesUnarchived';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  /** Time of its last sample, which is in its file; absent in journals of early versions. */
  readonly lastTime?: number;
}

/** Data of the series is damaged. Its file was moved to `orphaned/`, with a hint file that states the reason. */
export interface SeriesQuarantined {
  readonly type: 'seriesQuarantined';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  /** Absent if the labels that belong to the file are not known. */
  readonly labels?: Labels;
  /** What is damaged. */
  readonly reason: string;
  /** The series file's path after the move, relative to the store's directory; absent if there was no file. */
  readonly file?: string;
  /**
   * Whether a new series keeps the samples that were only in memory; `seriesCreated` follows then. Absent if no such
   * samples were known.
   */
  readonly hasSuccessor?: boolean;
}

/** The series was removed with all its data. */
export interface SeriesPurged {
  readonly type: 'seriesPurged';
  readonly time: number;
  readonly fingerprint: Fingerprint;
  readonly labels: Labels;
  /**
   * `retention`: all samples were past retention. `dropped`: a caller deleted the series. `empty`: no sample of it was
   * left.
   */
  readonly reason: 'retention' | 'dropped' | 'empty';
}

/** A snapshot of everything in memory is on disk. */
export interface CheckpointWritten {
  readonly type: 'checkpointWritten';
  readonly time: number;
  /** Replay starts here. */
  readonly from: Position;
  /** Series in the checkpoint. */
  readonly series: number;
  /** Chunks in the checkpoint. */
  readonly chunks: number;
  /** Size of the file. */
  readonly bytes: number;
  /** How long writing it took. */
  readonly durationMs: number;
}

/** A session began. */
export interface StoreOpened {
  readonly type: 'storeOpened';
  readonly time: number;
  /** What was found in the directory, and so how it was opened. */
  readonly how: 'created' | 'clean' | 'journal' | 'crashRecovery';
  /** Series in memory. */
  readonly series: number;
  /** Series that are on disk only. */
  readonly archivedSeries: number;
  /** Size of the heads.db with which this session started. Replay is valid only over exactly this file. */
  readonly headsBytes: number;
  /** Its CRC-32. */
  readonly headsCrc32: number;
}

/**
 * A session is about to end with a clean close. The last checkpoint is on disk and is about to replace the previous
 * one. A crash at this point leaves either of the two, and recovery accepts both.
 */
export interface StoreClosing {
  readonly type: 'storeClosing';
  readonly time: number;
  /** The new heads.db includes all events before this position. */
  readonly from: Position;
  /** Size of the new heads.db. */
  readonly headsBytes: number;
  /** Its CRC-32. */
  readonly headsCrc32: number;
}

/** A session ended with a clean close. */
export interface StoreClosed {
  readonly type: 'storeClosed';
  readonly time: number;
  /** Size of the heads.db at the close. */
  readonly headsBytes: number;
  /** Its CRC-32. */
  readonly headsCrc32: number;
}

/** The store's backpressure changed. A throttled store refuses samples. */
export interface PressureChanged {
  readonly type: 'pressureChanged';
  readonly time: number;
  /** The state before. */
  readonly from: 'normal' | 'rushed' | 'throttled';
  /** The state now. */
  readonly to: 'normal' | 'rushed' | 'throttled';
  /** The persistence-urgency score, 0 to 1. */
  readonly score: number;
}

/** The store stopped taking samples because writes to the disk fail, or it takes samples again. */
export interface HealthChanged {
  readonly type: 'healthChanged';
  readonly time: number;
  /** The state now. */
  readonly to: 'healthy' | 'readOnly';
  /** The error of the disk. */
  readonly reason: string;
}

/**
 * The wall clock moved by a minute or more against the monotonic clock. Retention and archiving go on with the earlier
 * of the two times until the new time has held for an hour.
 */
export interface ClockJumped {
  readonly type: 'clockJumped';
  readonly time: number;
  /** How far the clock moved; negative if it moved back. */
  readonly byMs: number;
}

/**
 * A durable subscription was moved forward, because it kept more of the journal than its bound allows. It will not get
 * the events in between.
 */
export interface SubscriptionOverrun {
  readonly type: 'subscriptionOverrun';
  readonly time: number;
  /** The subscription. */
  readonly name: string;
  /** Where the lost range begins. */
  readonly from: Position;
  /** Where the lost range ends and the subscription continues. */
  readonly to: Position;
}

/** How long a directory keeps samples, as `info` and events show it. */
export interface RetentionSettings {
  /** Milliseconds, for series that no rule matches. */
  readonly time: number | 'off';
  /** Bytes on disk; absent if the size is not limited. */
  readonly bytes?: number;
  /** A series that rules match is kept for the longest of their times. Absent without rules. */
  readonly rules?: readonly { readonly selector: string; readonly time: number | 'off' }[];
}

/** The directory remembers another retention from now on. Nothing has been deleted by it yet. */
export interface RetentionChanged {
  readonly type: 'retentionChanged';
  readonly time: number;
  /** What the directory remembered; absent if it remembered none and kept everything. */
  readonly before?: RetentionSettings;
  /** What it remembers now. */
  readonly after: RetentionSettings;
}

/** What all events of an alert tell. The rules are those of `tidemark/rules`. */
export interface AlertFacts {
  /** Milliseconds since the epoch: the time of the evaluation. */
  readonly time: number;
  /** The episode: one stretch of time from pending or firing to resolved. Equal in all its events, unique otherwise. */
  readonly episode: string;
  /** The rule group. */
  readonly group: string;
  /** The rule's name; the label `alertname` has it too. */
  readonly rule: string;
  /** The alert's labels. */
  readonly labels: Labels;
  /** The alert's annotations. */
  readonly annotations: Labels;
  /** The value of the rule's expression, as text, because JSON has no NaN and no infinity. */
  readonly value: string;
  /**
   * When the condition began to hold, milliseconds since the epoch. After an outage it is later, by the time that was
   * not observed.
   */
  readonly activeAt: number;
}

/** The condition of an alert holds, but not for as long as its rule says in `for`. */
export interface AlertPending extends AlertFacts {
  readonly type: 'alertPending';
  /** The alert was pending before a restart; `activeAt` was moved by the time that was not observed. */
  readonly restored?: true;
}

/** An alert fired. There is one such event for an episode. */
export interface AlertFired extends AlertFacts {
  readonly type: 'alertFired';
}

/** An alert ended. There is one such event for an episode. */
export interface AlertResolved extends AlertFacts {
  readonly type: 'alertResolved';
  /** Whether the alert had fired. */
  readonly was: 'pending' | 'firing';
  /** When the alert fired, milliseconds since the epoch; absent if it had not. */
  readonly firedAt?: number;
  /** Why the alert ended, if its condition did not. */
  readonly reason?: 'ruleRemoved' | 'limitExceeded' | 'outage';
}

/** What happens to an alert of the rules. */
export type AlertEvent = AlertPending | AlertFired | AlertResolved;

/** What happens to one series. */
export type SeriesEvent =
  | SeriesCreated
  | HeadChunksClosed
  | SeriesFilesChanging
  | ChunksPersisted
  | ChunksDropped
  | LateSamplesMerged
  | SamplesDropped
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
  | SubscriptionOverrun
  | RetentionChanged;

/** Every event but the sample batches: few, and kept longer. */
export type LifecycleEvent = SeriesEvent | StoreEvent | AlertEvent;

/** A batch of samples. */
export type SamplesEvent = SamplesAppended | LateSamplesAppended;

export type DomainEvent = LifecycleEvent | SamplesEvent;

/** An event with its place in the journal. */
export type JournalEvent = DomainEvent & { readonly position: Position };
