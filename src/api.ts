/** The public types: what docs/api.md documents and `openStore` returns. */
import type { Registry } from 'prom-client';
import type { Observable } from 'rxjs';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { Clock } from './clock.ts';
import type { FileSystem } from './disk/file-system.ts';
import type { ErrorCode } from './errors.ts';
import type { KeyValueStores } from './index/key-value-store.ts';
import type { Logger } from './logger.ts';
import type { DomainEvent, JournalEvent, LifecycleEvent, Position } from './model/events.ts';
import type { Fingerprint } from './model/fingerprint.ts';
import type { Labels } from './model/labels.ts';
import type { Random } from './random.ts';

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

/** How many bytes on disk, or for how long. */
export interface RetentionBySize {
  readonly time?: Duration | 'off';
  /** Bytes on disk, quarantined files not counted, above which the oldest chunks go first. At least 16 MiB. */
  readonly bytes?: number;
}

/** Options of `openStore`; every one is checked, and the error names the option, the value and what is allowed. */
export interface StoreOptions {
  /**
   * How long samples are kept: `'15d'`; `'off'` keeps everything; `{ time, bytes }` bounds the directory's size, too. The
   * directory remembers it. Default: what the directory remembers; `'15d'` for a directory that this call creates; a
   * directory that remembers nothing keeps everything.
   */
  readonly retention?: Duration | 'off' | RetentionBySize;
  /**
   * With `false` nothing is deleted, hidden or refused for its age, and a new directory remembers no retention: for
   * imports and repairs. Default true.
   */
  readonly applyRetention?: boolean;
  /** Encoding of newly started chunks. Default `'varbit'`. */
  readonly chunkEncoding?: ChunkEncodingName;
  /** When an appended sample reaches the disk by itself. Default `'interval'`. See docs/durability.md. */
  readonly durability?: Durability;
  /** For `durability: 'interval'`: the longest time a sample waits for the disk. Default 100 ms. */
  readonly commitInterval?: Duration;
  /** When series files are synced. Default `'adaptive'`. */
  readonly syncSeriesFiles?: 'adaptive' | 'always' | 'never';
  /** Time without samples after which the open head chunk of a series is closed. Default `'5m'`. */
  readonly headChunkTimeout?: Duration;
  /** Longest time between checkpoints. Default `'5m'`. */
  readonly checkpointInterval?: Duration;
  /** Series changed since the last checkpoint that trigger one early. Default 5,000, more for large stores. */
  readonly checkpointDirtySeries?: number;
  /** Journal bytes since the last checkpoint that trigger one early. Default 256 MiB. */
  readonly checkpointJournalBytes?: number;
  /** Share of a series file that must be droppable before it is rewritten, 0 to 1. Default 0.1. */
  readonly minShrinkRatio?: number;
  /** Bytes the store may keep in memory before it evicts, rushes and throttles. Default from the machine's limit. */
  readonly memoryTarget?: number;
  /** Journal bytes that durable subscriptions may hold back. Default 1 GiB. */
  readonly subscriptionBacklogBytes?: number;
  /** Bytes of lifecycle history kept after the sample records are gone. Default 64 MiB. */
  readonly historyBytes?: number;
  /** Opens without writing anything to the directory, also while another process has it open. Default false. */
  readonly readOnly?: boolean;
  /** Treats the directory as if it had crashed. Default false. */
  readonly forceRecovery?: boolean;
  /** Recovery verifies every series file instead of taking the modification-time shortcut. Default false. */
  readonly pedantic?: boolean;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Receives every XState inspection event of the store's and of all series' actors. */
  readonly inspect?: (event: InspectionEvent) => void;
  /** The prom-client registry for the store's metrics. Default: one of its own. */
  readonly registry?: Registry;
  readonly onProgress?: (progress: Progress) => void;
  /** Aborts opening; after that it has no effect. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly fileSystem?: FileSystem;
  readonly keyValueStores?: KeyValueStores;
}

/** How a label must be for a series to match. */
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

/** One series of a query's answer. The arrays are yours. */
export interface SeriesSamples {
  readonly labels: Labels;
  readonly fingerprint: Fingerprint;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /**
   * What of the series could not be read, one sentence each; absent when it was read whole. A series of which nothing could
   * be read is given without samples.
   */
  readonly problems?: readonly string[];
}

export interface InstantSample {
  readonly labels: Labels;
  readonly timestamp: number;
  readonly value: number;
  /** What of the series could not be read: its newest sample may be missing. Absent when nothing is. */
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

export type SeriesState = 'inMemory' | 'persisting' | 'archived' | 'quarantined' | 'purged' | 'absent';

/** Labels resolved once. Stays valid for the life of the store, also when its series is archived and woken. */
export interface SeriesHandle {
  readonly labels: Labels;
  readonly fingerprint: Fingerprint;
  /** Where the series is in its life; `absent` before its first sample. */
  readonly state: SeriesState;
  append(timestamp: number, value: number): void;
  /** Appends the exact 64 bits: high and low half. Nothing on the way can quiet a signalling NaN. */
  appendBits(timestamp: number, high: number, low: number): void;
  /** Appends Prometheus' staleness marker, the signalling NaN 7ff0000000000002. */
  appendStale(timestamp: number): void;
  /** The series' actor, created if it is not awake, and kept awake until {@link release}. */
  actor(): AnyActorRef;
  /** Lets the actor go that {@link actor} gave; does nothing when there is none. */
  release(): void;
}

export interface QuarantinedSeries {
  readonly fingerprint: Fingerprint;
  readonly labels: Labels | undefined;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Path of the moved series file; `undefined` when there was none. */
  readonly file: string | undefined;
}

export interface SubscribeOptions {
  /** Where a subscription that is new begins. Default `'end'`. A known name resumes where it acknowledged. */
  readonly from?: 'start' | 'end' | Position;
  readonly signal?: AbortSignal;
  /** Events per batch at most. Default 1,000. */
  readonly batchSize?: number;
}

export interface EventBatch {
  readonly events: readonly JournalEvent[];
  /** Where this batch ends. */
  readonly position: Position;
  /** The range that this subscription lost because it held back more journal than its bound, if any. */
  readonly lost?: { readonly from: Position; readonly to: Position };
  /** Makes it durable that this batch was handled; a restart continues after it. */
  ack(): Promise<void>;
}

export interface Subscription extends AsyncIterable<EventBatch> {
  readonly name: string;
  /** Journal bytes between what was acknowledged and the end. */
  readonly lagBytes: number;
  close(): Promise<void>;
}

export interface JournalOptions {
  /** Events that end after this position. Default, and 0: from the oldest one that is kept. */
  readonly from?: Position;
  /** Goes on with what is appended from now on. Default false. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Called, with one sentence each, for what cannot be read. Default: the logger is told. */
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
  /** How the directory was found. */
  readonly opened: 'created' | 'clean' | 'journal' | 'crashRecovery';
  /** The retention that the directory remembers, in milliseconds and bytes; absent: everything is kept until one is named. */
  readonly retention?: { readonly time: number | 'off'; readonly bytes?: number };
  readonly seriesInMemory: number;
  readonly seriesArchived: number;
  readonly seriesQuarantined: number;
  readonly chunksInMemory: number;
  readonly chunksWaiting: number;
  /** First and last sample's time; absent in an empty store. */
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
  readonly journal: { readonly first: Position; readonly end: Position; readonly durable: Position };
}

/** One chunk of a series, for the pages and `check`. */
export interface ChunkInfo {
  readonly where: 'file' | 'waiting' | 'open';
  readonly loaded: boolean;
  readonly encoding: ChunkEncodingName | undefined;
  readonly firstTime: number;
  readonly lastTime: number;
}

export interface Store extends AsyncDisposable {
  readonly directory: string;
  readonly readOnly: boolean;
  append(labels: Labels, timestamp: number, value: number): void;
  appendBatch(samples: readonly Sample[]): AppendResult;
  series(labels: Labels): SeriesHandle;
  ready(): Promise<void>;
  flush(): Promise<void>;
  select(selector: Selector, options?: SelectOptions): AsyncIterable<SeriesSamples>;
  instant(selector: Selector, options?: { at?: number; lookback?: Duration }): Promise<InstantSample[]>;
  lastSamples(selector: Selector): Promise<InstantSample[]>;
  metrics(selectors: Selector | readonly string[], range?: TimeRange): Promise<Labels[]>;
  labelNames(): Promise<string[]>;
  labelValues(name: string): Promise<string[]>;
  drop(selector: Selector): Promise<number>;
  quarantined(): Promise<QuarantinedSeries[]>;
  /** The samples of a quarantined series that can still be read, and what could not. */
  readQuarantined(fingerprint: Fingerprint): Promise<SeriesSamples & { readonly problems: readonly string[] }>;
  checkpoint(): Promise<void>;
  backup(directory: string): Promise<BackupResult>;
  waitForIndexing(): Promise<void>;
  /**
   * Makes the label indexes anew from the series that there are, while appends go on; queries wait until they are whole.
   * For an index that is suspected of being wrong: opening the store does it by itself when one is damaged or missing.
   */
  rebuildIndexes(options?: { onProgress?: (progress: Progress) => void }): Promise<void>;
  /** Visits every series once, now: closes idle heads, persists, drops what is past retention, archives. */
  maintain(): Promise<void>;
  readonly events$: Observable<DomainEvent>;
  watch(selector: Selector): Observable<Sample>;
  subscribe(name: string, options?: SubscribeOptions): Subscription;
  /** Durable subscriptions by name, with their lag in journal bytes. */
  subscriptions(): readonly { readonly name: string; readonly position: Position; readonly lagBytes: number }[];
  /** Forgets a durable subscription, so that it holds back nothing. */
  unsubscribe(name: string): Promise<void>;
  /** The lifecycle events of one series, oldest first. */
  history(labels: Labels): Promise<(LifecycleEvent & { readonly position: Position })[]>;
  /**
   * The journal from a position on: what is there, and with `follow` also what is appended later, until the store is
   * closed. Of a store opened with `readOnly`, `follow` gives what another process appends to the directory.
   */
  journal(options?: JournalOptions): AsyncIterable<JournalEvent>;
  chunks(labels: Labels): Promise<ChunkInfo[]>;
  info(): Promise<StoreInfo>;
  /** Adds an observer of all actors' inspection events; returns what removes it. Free while there is none. */
  inspect(observer: (event: InspectionEvent) => void): () => void;
  /** Series per state of the series statechart. */
  stateCounts(): Readonly<Record<'inMemory' | 'persisting' | 'archived' | 'quarantined', number>>;
  readonly actor: AnyActorRef;
  readonly registry: Registry;
  close(): Promise<void>;
}
