/** The public types that docs/api.md documents and `openStore` uses. */
import type { Registry } from 'prom-client';
import type { Observable } from 'rxjs';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { FileSystem } from '../files/file-system.ts';
import type { KeyValueStores } from '../indexes/key-value-store.ts';
import type { ErrorCode } from '../model/errors.ts';
import type {
  AlertEvent,
  DomainEvent,
  JournalEvent,
  LifecycleEvent,
  Position,
  RetentionSettings,
} from '../model/events.ts';
import type { Fingerprint } from '../model/fingerprint.ts';
import type { Labels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Random } from '../ports/random.ts';

/** A duration: milliseconds, or text such as `'90s'`, `'5m'`, `'6h'`, `'15d'`, `'2w'`, `'1y'`, `'1h30m'`. */
export type Duration = number | string;

export type ChunkEncodingName = 'delta' | 'double-delta' | 'varbit';

export type Durability = 'always' | 'interval' | 'os';

/** Progress of opening and recovering. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  /** 0 while unknown. */
  readonly total: number;
  readonly bytes?: number;
  /** Estimated time left in milliseconds; absent while unknown. */
  readonly remainingMs?: number;
}

/** Retention by size on disk, by time, or by both. */
export interface RetentionBySize {
  readonly time?: Duration | 'off';
  /** Bytes on disk above which the oldest chunks are dropped first. Quarantined files don't count. At least 16 MiB. */
  readonly bytes?: number;
  /**
   * Other times for series that match a selector, at most 100. A series that several rules match is kept for the longest
   * of their times; `time` is for series that no rule matches. Without `rules` the directory keeps the rules that it
   * remembers; an empty array removes them.
   */
  readonly rules?: readonly RetentionRule[];
}

/** How long the series that match a selector are kept. */
export interface RetentionRule {
  /** Selector text such as `{__name__=~"rollup:.*"}`. */
  readonly selector: string;
  readonly time: Duration | 'off';
}

/** What a retention would delete now. */
export interface RetentionPreview {
  /** The retention, completed by what the directory remembers. */
  readonly retention: RetentionSettings;
  /** Samples that are past it. */
  readonly samples: number;
  /** Series of the store. */
  readonly series: number;
  /** Series of which every sample is past it. */
  readonly whole: number;
  /** Series of which some samples are past it. */
  readonly part: number;
  /** Series that could not be read in full, so that `samples` may be too small. */
  readonly unreadable: number;
}

/** What a query may use. Beyond it, the query rejects with `TIDEMARK_QUERY_LIMIT`, and the store goes on. */
export interface QueryLimits {
  /** Samples that the query may hold at once. Default 50,000,000. */
  readonly samples?: number;
  /** Bytes of columns that the query may hold at once. Default 1 GiB. */
  readonly bytes?: number;
  /** Steps of a range query. Default 11,000. */
  readonly steps?: number;
  /** Series that the query may read. Default 1,000,000. */
  readonly series?: number;
  /** Default `'2m'`. */
  readonly timeout?: Duration;
}

/** Options of `query`. */
export interface QueryOptions {
  /** Milliseconds since the epoch. Default: now. */
  readonly at?: number;
  /** How far back a selector looks for a sample. Default `'5m'`. */
  readonly lookback?: Duration;
  readonly signal?: AbortSignal;
  readonly limits?: QueryLimits;
  /** Ranges and lookback include their left end, as in Prometheus 2. Default false, as in Prometheus 3. */
  readonly closedRanges?: boolean;
  /** Allows the functions and aggregations that Prometheus calls experimental. Default false. */
  readonly experimental?: boolean;
}

/** Options of `queryRange`. */
export interface QueryRangeOptions extends Omit<QueryOptions, 'at'> {
  /** Milliseconds since the epoch, both ends included. */
  readonly from: number;
  readonly through: number;
  /** Time between two values of a series. */
  readonly step: Duration;
}

/** Options of `watchQuery`. */
export interface WatchQueryOptions extends Omit<QueryOptions, 'at' | 'signal'> {
  /** Time between two results. */
  readonly every: Duration;
  /** With a window, each result is that of `queryRange` over the window that ends now. */
  readonly window?: Duration;
  /** Time between two values in the window. Default: a hundredth of the window. */
  readonly step?: Duration;
}

/** The result of a PromQL expression. */
export interface QueryResult {
  readonly type: 'vector' | 'matrix' | 'scalar' | 'string';
  /** A vector has one sample a series. A scalar is one series without labels. A string has none. */
  readonly series: readonly {
    readonly labels: Labels;
    /** Milliseconds since the epoch. */
    readonly timestamps: Float64Array;
    readonly values: Float64Array;
  }[];
  /** The text of a string. */
  readonly text?: string;
  /** Doubts about the result, and parts of series that could not be read. */
  readonly warnings: readonly string[];
  /** Hints about the expression. */
  readonly infos: readonly string[];
  /** What the query cost. */
  readonly stats?: QueryStats;
}

/** What a query cost. */
export interface QueryStats {
  /** Samples and series that were read. */
  readonly samples: number;
  readonly series: number;
  /** Samples that were held at once, at most. */
  readonly peakSamples: number;
  /** Milliseconds that the query waited for its turn. */
  readonly queueMs: number;
  /** Milliseconds from its turn to its result. */
  readonly evaluationMs: number;
}

/** Options of `openStore`. Each one is checked; the error names the option, the value and the allowed values. */
export interface StoreOptions {
  /**
   * How long samples are kept: `'15d'` for 15 days; `'off'` keeps everything; `{ time, bytes, rules }` also limits the
   * size of the directory, and gives series their own times by selector. The directory remembers the retention. Default: the remembered retention; `'15d'` for a directory
   * that this call creates; everything is kept in a directory that remembers none.
   */
  readonly retention?: Duration | 'off' | RetentionBySize;
  /**
   * With `false`, no sample is deleted, hidden or refused because of its age, and a new directory remembers no
   * retention. For imports and repairs. Default true.
   */
  readonly applyRetention?: boolean;
  /**
   * How far ahead of the clock a sample may be. A sample further ahead is refused with `TIDEMARK_TOO_FAR_AHEAD`, because
   * it would keep its series from taking samples until that time. `'off'` takes samples of any time. Default `'10m'`.
   */
  readonly futureTolerance?: Duration | 'off';
  /** Encoding of newly started chunks. Default `'varbit'`. */
  readonly chunkEncoding?: ChunkEncodingName;
  /**
   * When appended samples are written and synced without a call of `flush`. Default `'interval'`. See
   * docs/durability.md.
   */
  readonly durability?: Durability;
  /** For `durability: 'interval'`: the longest time before an appended sample is synced. Default 100 ms. */
  readonly commitInterval?: Duration;
  /** When series files are synced. Default `'adaptive'`. */
  readonly syncSeriesFiles?: 'adaptive' | 'always' | 'never';
  /** The open head chunk of a series is closed after this time without samples. Default `'5m'`. */
  readonly headChunkTimeout?: Duration;
  /**
   * How much older than its series' newest sample a sample may be. Older ones are refused as `TIDEMARK_OUT_OF_ORDER`.
   * `0` refuses every sample that is not newer than the newest one. Default: no limit beside retention.
   */
  readonly outOfOrderWindow?: Duration;
  /** Longest time between checkpoints. Default `'5m'`. */
  readonly checkpointInterval?: Duration;
  /**
   * Number of series changed since the last checkpoint that triggers an early one. Default 5,000. This trigger waits
   * until 30 s after the last checkpoint, or ten times as long as that one took if that is longer.
   */
  readonly checkpointDirtySeries?: number;
  /** Journal bytes since the last checkpoint that trigger an early one. Default 256 MiB. */
  readonly checkpointJournalBytes?: number;
  /** Share of a series file that must be droppable before it is rewritten, 0 to 1. Default 0.1. */
  readonly minShrinkRatio?: number;
  /**
   * Bytes that the store may keep in memory. Above this it evicts chunks, then speeds up persistence, then throttles.
   * Default: a quarter of the machine's or control group's memory, between 64 MiB and 4 GiB.
   */
  readonly memoryTarget?: number;
  /** Journal bytes that durable subscriptions may hold back. Default 1 GiB. */
  readonly subscriptionBacklogBytes?: number;
  /** Bytes of lifecycle history kept after the sample records are gone. Default 64 MiB. */
  readonly historyBytes?: number;
  /** Opens the directory without writing to it, even while another process has it open. Default false. */
  readonly readOnly?: boolean;
  /** Recovers the directory as after a crash. Default false. */
  readonly forceRecovery?: boolean;
  /** Recovery verifies every series file, also those whose modification time is as recorded. Default false. */
  readonly pedantic?: boolean;
  /** Default: no logging. */
  readonly logger?: Logger;
  /** Receives every XState inspection event of the store's actor and of all series actors. */
  readonly inspect?: (event: InspectionEvent) => void;
  /** The prom-client registry for the store's metrics. Default: one of its own. */
  readonly registry?: Registry;
  readonly onProgress?: (progress: Progress) => void;
  /** Aborts opening. Has no effect once the store is open. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly fileSystem?: FileSystem;
  readonly keyValueStores?: KeyValueStores;
}

/** A condition on one label. A series matches if its label meets the condition. */
export interface Matcher {
  readonly name: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** Selector text such as `up{job=~"n.*"}`, matcher objects, or labels that must be equal. */
export type Selector = string | readonly Matcher[] | Labels;

export interface TimeRange {
  /** Milliseconds since the epoch, included. Default: the beginning. */
  readonly from?: number | undefined;
  /** Milliseconds since the epoch, included. Default: the end. */
  readonly through?: number | undefined;
}

export interface SelectOptions extends TimeRange {
  readonly signal?: AbortSignal | undefined;
}

/** One series of a query's result. The arrays are copies that the caller may change. */
export interface SeriesSamples {
  readonly labels: Labels;
  readonly fingerprint: Fingerprint;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /**
   * What could not be read of the series, one sentence each; absent when the series was read in full. A series of which
   * nothing could be read is returned without samples.
   */
  readonly problems?: readonly string[];
}

export interface InstantSample {
  readonly labels: Labels;
  readonly timestamp: number;
  readonly value: number;
  /** What could not be read of the series, so its newest sample may be missing. Absent when all could be read. */
  readonly problems?: readonly string[];
}

export interface Sample {
  readonly labels: Labels;
  readonly timestamp: number;
  readonly value: number;
}

export interface AppendResult {
  readonly accepted: number;
  readonly rejected: readonly { readonly index: number; readonly code: ErrorCode }[];
}

/**
 * Whole columns of one series for `backfill`: samples of any age, in any order. An iterable may use the arrays again for
 * the next series.
 */
export interface SeriesColumns {
  readonly labels: Labels;
  /** Milliseconds since the epoch; an array or a typed array. */
  readonly timestamps: ArrayLike<number>;
  /** As many as timestamps. A `Float64Array` keeps the exact bits of every NaN. */
  readonly values: ArrayLike<number>;
}

export interface BackfillOptions {
  /**
   * Aborts the backfill: no further series is begun, and the promise rejects with `TIDEMARK_ABORTED` when the series
   * that were begun are done.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called when a series, or a part of a long one, is done. Counts samples; `total` is 0 if the input is not an array. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface BackfillResult {
  /** Samples that the store has now, with those that it had already. */
  readonly accepted: number;
  /** The samples that were rejected: one entry for each series and reason. */
  readonly rejected: readonly {
    /** Index of the series in the input. */
    readonly index: number;
    readonly labels: Labels;
    readonly code: ErrorCode;
    /** Number of samples. */
    readonly count: number;
  }[];
}

export type SeriesState = 'inMemory' | 'persisting' | 'archived' | 'quarantined' | 'purged' | 'absent';

/**
 * Labels resolved once, for appending often. A handle stays valid for the life of the store, even when its series is
 * archived and woken.
 */
export interface SeriesHandle {
  readonly labels: Labels;
  readonly fingerprint: Fingerprint;
  /** The state of the series; `absent` before its first sample. */
  readonly state: SeriesState;
  /**
   * Time of the series' newest sample, milliseconds since the epoch; `undefined` if it has none. After its newest
   * samples were dropped, the time may be later than that of the newest one left, until its file has been rewritten.
   */
  readonly lastTime: number | undefined;
  append(timestamp: number, value: number): void;
  /** Appends the exact 64 bits, given as high and low half. A signalling NaN stays signalling. */
  appendBits(timestamp: number, high: number, low: number): void;
  /** Appends Prometheus' staleness marker, the signalling NaN 7ff0000000000002. */
  appendStale(timestamp: number): void;
  /** The series' actor. It is created if it is not awake, and kept awake until {@link release}. */
  actor(): AnyActorRef;
  /** Releases the actor that {@link actor} returned. Does nothing when there is none. */
  release(): void;
}

/** The states whose series `seriesIn` lists. */
export type ListedState = 'inMemory' | 'persisting' | 'archived';

export interface SeriesPageOptions {
  /** Where the page begins: `next` of the page before. Default: the first page. */
  readonly from?: number;
  /** Series of the page, at most 10,000. Default 100. */
  readonly limit?: number;
}

/** A part of the series in one state. */
export interface SeriesPage {
  readonly series: readonly { readonly labels: Labels; readonly fingerprint: Fingerprint }[];
  /** Where the next page begins; absent if there is none. */
  readonly next?: number;
}

export interface QuarantinedSeries {
  readonly fingerprint: Fingerprint;
  readonly labels: Labels | undefined;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Path of the moved series file; `undefined` when there was no file. */
  readonly file: string | undefined;
}

export interface SubscribeOptions {
  /** Where a new subscription begins. Default `'end'`. A known name continues after its last acknowledged batch. */
  readonly from?: 'start' | 'end' | Position;
  readonly signal?: AbortSignal;
  /** Maximum number of events per batch. Default 1,000. */
  readonly batchSize?: number;
  /**
   * `'lifecycle'` leaves out the batches of samples without reading them. A batch may then be empty: acknowledging it
   * releases the part of the journal that had samples only. Default `'all'`.
   */
  readonly events?: 'all' | 'lifecycle';
}

export interface EventBatch {
  readonly events: readonly JournalEvent[];
  /** Position at which this batch ends. */
  readonly position: Position;
  /**
   * The range that this subscription lost, if any: it had held back more journal than its bound allows. Acknowledging
   * this batch also acknowledges the lost range.
   */
  readonly lost?: { readonly from: Position; readonly to: Position };
  /** Records durably that this batch was handled. After a restart the subscription continues after it. */
  ack(): Promise<void>;
}

export interface Subscription extends AsyncIterable<EventBatch> {
  readonly name: string;
  /** Everything before this position is acknowledged, or lost for the subscription. */
  readonly position: Position;
  /** Journal bytes between the acknowledged position and the end of the journal. */
  readonly lagBytes: number;
  /**
   * Goes back to an earlier position: everything after it is delivered again, as far as the journal still has it. Resolves
   * when the position is on the disk; a crash before leaves the old one. Batches that were delivered before can't be
   * acknowledged any more: their `ack` does nothing.
   *
   * Rejects with `TIDEMARK_INVALID_POSITION` for a position that is not acknowledged yet, and `TIDEMARK_CLOSED`.
   */
  rewind(to: Position): Promise<void>;
  close(): Promise<void>;
}

export interface JournalOptions {
  /** Only events that end after this position are returned. Default, and 0: from the oldest event that is kept. */
  readonly from?: Position;
  /** Also returns events appended from now on. Default false. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Called with one sentence for each part that cannot be read. Default: the logger gets the message. */
  readonly onProblem?: (message: string) => void;
}

export interface BackupResult {
  readonly series: number;
  readonly bytes: number;
}

/** Sizes and counts, for `tidemark info` and the pages. */
export interface StoreInfo {
  readonly directory: string;
  readonly version: 1;
  /** The state in which the directory was found. */
  readonly opened: 'created' | 'clean' | 'journal' | 'crashRecovery';
  /**
   * The retention that the directory remembers, in milliseconds and bytes; absent when none was ever given, and
   * everything is kept.
   */
  readonly retention?: RetentionSettings;
  readonly seriesInMemory: number;
  readonly seriesArchived: number;
  readonly seriesQuarantined: number;
  readonly chunksInMemory: number;
  readonly chunksWaiting: number;
  /** Times of the first and the last sample; absent in an empty store. */
  readonly firstTime?: number;
  readonly lastTime?: number;
  readonly bytes: {
    readonly seriesFiles: number;
    readonly heads: number;
    readonly journal: number;
    readonly indexes: number;
    readonly quarantine: number;
    readonly total: number;
  };
  readonly journal: {
    /**
     * 16 hex digits, the same for the whole life of the journal. It is stored in every segment. A copy or a backup of
     * the directory has the same id; a directory that lost its whole journal gets a new one.
     */
    readonly id: string;
    readonly first: Position;
    readonly end: Position;
    readonly durable: Position;
  };
}

/** One chunk of a series, for the pages and `check`. */
export interface ChunkInfo {
  readonly where: 'file' | 'waiting' | 'open';
  readonly loaded: boolean;
  readonly encoding: ChunkEncodingName | undefined;
  readonly firstTime: number;
  readonly lastTime: number;
}

/** What a metric is: HELP, TYPE and UNIT of the exposition formats. */
export interface MetricMetadata {
  /** The metric's name. Of a histogram or summary, the name without `_bucket`, `_sum` and `_count`. */
  readonly metric: string;
  /** `counter`, `gauge`, `histogram`, `summary`, `unknown`, or another type that a format has. */
  readonly type: string;
  readonly help: string;
  /** `''` if the metric has none. */
  readonly unit: string;
}

export interface BatchOptions {
  /** Whether the samples are durable when `batch` returns, with `durability: 'always'`. Default true. */
  readonly sync?: boolean;
}

export interface Store extends AsyncDisposable {
  readonly directory: string;
  readonly readOnly: boolean;
  append(labels: Labels, timestamp: number, value: number): void;
  appendBatch(samples: readonly Sample[]): AppendResult;
  /**
   * Runs a synchronous function that appends, in any way, also with `appendBits`, and returns its result. With `durability:
   * 'always'` its samples are made durable together, with one sync before the call returns. With `sync: false` they wait
   * for `flush()`, which does not block the event loop. With the other durabilities it changes nothing.
   *
   * Throws what the function throws; the samples that it had appended are kept and made durable. Throws
   * `TIDEMARK_INVALID_OPTION` if it returns a promise: what it appends later would not belong to the batch. Throws
   * `TIDEMARK_DISK_FULL` or `TIDEMARK_IO` as `append` does.
   */
  batch<T>(work: () => T, options?: BatchOptions): T;
  series(labels: Labels): SeriesHandle;
  /**
   * Merges whole columns of any age and order into the store, off the main thread. Each series file is rewritten once,
   * or once for every 1,048,576 samples of a longer column. Resolves when all samples are on disk. Of two samples with
   * the same time, the first one stays; the same bits again are accepted and change nothing. Samples past retention are
   * rejected as `TIDEMARK_TOO_OLD`; `outOfOrderWindow` does not apply. Subscriptions and `watch` do not see the samples.
   *
   * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION` if the input is not columns, `TIDEMARK_ABORTED`,
   * `TIDEMARK_READ_ONLY`, `TIDEMARK_CLOSED`, `TIDEMARK_IO`, `TIDEMARK_DISK_FULL`, `TIDEMARK_CORRUPT_…`. Nothing is
   * promised then about the series that were not done; each has all samples of a part or none
   */
  backfill(
    series: SeriesColumns | Iterable<SeriesColumns> | AsyncIterable<SeriesColumns>,
    options?: BackfillOptions,
  ): Promise<BackfillResult>;
  ready(): Promise<void>;
  flush(): Promise<void>;
  select(selector: Selector, options?: SelectOptions): AsyncIterable<SeriesSamples>;
  instant(selector: Selector, options?: { at?: number; lookback?: Duration }): Promise<InstantSample[]>;
  lastSamples(selector: Selector): Promise<InstantSample[]>;
  /**
   * Evaluates a PromQL expression at one time. See docs/promql.md.
   *
   * @throws {TidemarkError} `TIDEMARK_QUERY_SYNTAX` (details: line and column), `TIDEMARK_QUERY_FAILED`,
   * `TIDEMARK_QUERY_LIMIT`, `TIDEMARK_ABORTED`
   */
  query(expr: string, options?: QueryOptions): Promise<QueryResult>;
  /** Evaluates a PromQL expression at every step from `from` through `through`. The same errors as {@link query}. */
  queryRange(expr: string, options: QueryRangeOptions): Promise<QueryResult>;
  /** The result now and again every so often. Costs nothing without a subscriber; completes when the store closes. */
  watchQuery(expr: string, options: WatchQueryOptions): Observable<QueryResult>;
  metrics(selectors: Selector | readonly string[], range?: TimeRange): Promise<Labels[]>;
  /**
   * The labels of a series by its fingerprint, as events have it; `undefined` if the store has no such series, because it
   * was purged or quarantined.
   */
  labelsOf(fingerprint: Fingerprint): Promise<Labels | undefined>;
  labelNames(): Promise<string[]>;
  labelValues(name: string): Promise<string[]>;
  /**
   * Deletes the matching series for good, or their samples in a time range (milliseconds since the epoch, both ends
   * included). Resolves with the number of series deleted or touched, when the deletion survives a crash. Samples of a
   * dropped range are left out of all answers at once; the disk space is freed by later maintenance visits.
   *
   * @throws {TidemarkError} `TIDEMARK_INVALID_SELECTOR`, `TIDEMARK_INVALID_TIMESTAMP`, `TIDEMARK_READ_ONLY`,
   * `TIDEMARK_IO` if some files could not be deleted yet
   */
  drop(selector: Selector, range?: TimeRange): Promise<number>;
  /**
   * Remembers what a metric is, until the store is closed; a later call for the same metric replaces it. Keeps the last
   * 10,000 metrics, and 1,024 characters of a help text. `recordRegistry` calls it for every metric that it records.
   *
   * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION` for a metric without name or type
   */
  describe(metadata: MetricMetadata): void;
  /** The metrics that were described since the store was opened, sorted by name. */
  metadata(): readonly MetricMetadata[];
  quarantined(): Promise<QuarantinedSeries[]>;
  /** The readable samples of a quarantined series; `problems` names the parts that can't be read. */
  readQuarantined(fingerprint: Fingerprint): Promise<SeriesSamples & { readonly problems: readonly string[] }>;
  checkpoint(): Promise<void>;
  backup(directory: string): Promise<BackupResult>;
  waitForIndexing(): Promise<void>;
  /**
   * Rebuilds the label indexes from the existing series. Appends go on meanwhile; queries wait until the indexes are
   * whole. For an index that may be wrong: opening the store already rebuilds one that is damaged or missing.
   */
  rebuildIndexes(options?: { onProgress?: (progress: Progress) => void }): Promise<void>;
  /**
   * Visits every series once, now: closes idle head chunks, persists chunks, drops chunks past retention, archives
   * series.
   */
  maintain(): Promise<void>;
  readonly events$: Observable<DomainEvent>;
  watch(selector: Selector): Observable<Sample>;
  subscribe(name: string, options?: SubscribeOptions): Subscription;
  /** Durable subscriptions by name, with their lag in journal bytes. */
  subscriptions(): readonly { readonly name: string; readonly position: Position; readonly lagBytes: number }[];
  /** Removes a durable subscription. It holds back no journal any more. */
  unsubscribe(name: string): Promise<void>;
  /** The lifecycle events of one series, oldest first. */
  history(labels: Labels): Promise<(LifecycleEvent & { readonly position: Position })[]>;
  /** All events of alerts that are kept, oldest first. Samples and other events are skipped without reading them. */
  alertHistory(): AsyncIterable<AlertEvent & { readonly position: Position }>;
  /**
   * Appends an event of an alert to the journal and returns its position. The rules of `tidemark/rules` use it; a
   * program may use it for alerts of its own.
   *
   * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION` if it is no such event, `TIDEMARK_READ_ONLY`, `TIDEMARK_CLOSED`
   */
  publishAlert(event: AlertEvent): Position;
  /**
   * The journal from a position on: the existing events and, with `follow`, also those appended later until the store
   * is closed. In a store opened with `readOnly`, `follow` returns the events that another process appends to the
   * directory.
   */
  journal(options?: JournalOptions): AsyncIterable<JournalEvent>;
  /**
   * What a retention would delete now, without changing anything. Reads all samples that are past it. A limit by bytes
   * is left out.
   */
  previewRetention(retention: NonNullable<StoreOptions['retention']>): Promise<RetentionPreview>;
  chunks(labels: Labels): Promise<ChunkInfo[]>;
  info(): Promise<StoreInfo>;
  /**
   * Adds an observer of all actors' inspection events and returns a function that removes it. Costs nothing without
   * observers.
   */
  inspect(observer: (event: InspectionEvent) => void): () => void;
  /** Number of series in each state of the series statechart. */
  stateCounts(): Readonly<Record<'inMemory' | 'persisting' | 'archived' | 'quarantined', number>>;
  /**
   * The series in a state of the series statechart, a page at a time, in no particular order. A series that stays in
   * the state is on exactly one page. {@link quarantined} lists those in quarantine.
   *
   * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION`, `TIDEMARK_CLOSED`
   */
  seriesIn(state: ListedState, options?: SeriesPageOptions): Promise<SeriesPage>;
  readonly actor: AnyActorRef;
  readonly registry: Registry;
  close(): Promise<void>;
}
