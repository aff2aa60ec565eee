/** What the server answers to these pages, by path: the data in Prometheus' envelope, and the frames of live streams. */

import type { KeptDashboard, ListedDashboard } from '../../dashboards/dashboard.ts';
import type { ReplayedSeries, ReplayMoment, ReplayRow, ReplaySummary } from '../../timeline/replay-answers.ts';

/** Label names to values; `__name__` is the metric's name. */
export type Labels = Readonly<Record<string, string>>;

/** A series to draw. A value is `null` where there is no number. */
export interface DrawnSeries {
  readonly labels: Labels;
  /** Milliseconds since the epoch. */
  readonly timestamps: number[];
  readonly values: (number | null)[];
  /** The times of samples that come after a hole: the line is broken before them. */
  readonly holes?: number[];
  /** What a value is where JSON has no number for it, by index: `NaN`, `+Inf`, `-Inf`, `-0`, `stale`. */
  readonly specials?: Readonly<Record<number, string>>;
}

/** An event of the journal as JSON, or of a file that a user has opened: docs/events.md lists the fields of each type. */
export interface PageEvent {
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly fingerprint?: string;
  readonly fingerprints?: readonly string[];
  readonly labels?: Labels;
  readonly [field: string]: unknown;
}

/** The value of an XState state: its name, or the active states of its regions by name. */
export type StateValue = string | { readonly [name: string]: StateValue | undefined };

export interface ChunkBox {
  readonly where: 'file' | 'waiting' | 'open';
  readonly loaded: boolean;
  readonly encoding?: string;
  readonly firstTime: number;
  readonly lastTime: number;
}

export interface SeriesDetail {
  readonly labels: Labels;
  readonly fingerprint: string;
  readonly state: string;
  readonly chunks: readonly ChunkBox[];
  readonly history: readonly PageEvent[];
}

export interface QuarantinedFile {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly labels?: Labels;
  readonly fingerprint: string;
  readonly reason: string;
  readonly file?: string;
}

/** A series in a list of those in one state. Of a quarantined one, what is known about it. */
export interface ListedSeries {
  readonly fingerprint: string;
  readonly labels?: Labels;
  readonly time?: number;
  readonly reason?: string;
  readonly file?: string;
}

interface StateAnswer {
  readonly series: readonly ListedSeries[];
  /** Where the next page begins. */
  readonly next?: number;
  /** All series in the state. */
  readonly total: number;
}

/** A series in quarantine: why, and what can be read of it. */
export interface QuarantinedDetail {
  readonly fingerprint: string;
  readonly labels?: Labels;
  readonly files: readonly { readonly reason: string; readonly time: number; readonly file?: string }[];
  readonly sampleCount: number;
  /** How many of the newest samples `series` was made from. */
  readonly drawnCount: number;
  readonly series: DrawnSeries;
  /** The first problems of reading, one sentence each. */
  readonly problems: readonly string[];
  readonly problemCount: number;
  /** The state of the series that has these labels now. */
  readonly successor: string;
  readonly history: readonly PageEvent[];
}

export interface DurableSubscription {
  readonly name: string;
  readonly position: number;
  readonly lagBytes: number;
}

interface StorageAnswer {
  readonly info: {
    readonly firstTime?: number;
    readonly lastTime?: number;
    readonly bytes: Readonly<Record<'seriesFiles' | 'journal' | 'heads' | 'indexes' | 'quarantine' | 'total', number>>;
  };
  /** The newest ones. */
  readonly quarantined: readonly QuarantinedFile[];
  /** How many there are. */
  readonly quarantinedCount: number;
  readonly subscriptions: readonly DurableSubscription[];
  /** The newest checkpoint in the journal. */
  readonly checkpoint?: StoreMark;
  readonly state: StateValue;
}

/** A metric of the store's registry with its current values. */
export interface MetricFigures {
  readonly name: string;
  readonly values: readonly { readonly labels: Labels; readonly value: number }[];
}

/** What the server knows about the state of the store: Prometheus' `/-/ready`, with the progress of opening. */
export interface ReadinessAnswer {
  readonly status: string;
  readonly progress?: { readonly phase: string; readonly done: number; readonly total?: number };
}

export interface StoreAnswer {
  readonly directory: string;
  readonly name: string;
}

/** A value as JSON has it: NaN and the infinities are text. */
export type JsonValue = number | string;

/** An alert that is pending or firing. */
export interface ActiveAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: 'pending' | 'firing';
  /** Milliseconds since the epoch: when the condition began to hold. */
  readonly activeAt: number;
  /** Since when the alert fires without its condition. */
  readonly keptSince?: number;
  readonly value: JsonValue;
}

interface RuleBase {
  /** Unique within the group. */
  readonly id: string;
  readonly name: string;
  readonly expr: string;
  readonly labels: Labels;
  readonly health: 'unknown' | 'ok' | 'err';
  readonly lastError: string;
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  readonly lastEvaluation: number;
  readonly evaluationMs: number;
  /** The values of the last result. */
  readonly result?: { readonly series: number; readonly lowest: JsonValue; readonly highest: JsonValue };
  /** Of many alerts, the first ones. */
  readonly alerts: readonly ActiveAlert[];
  /** How many there are. */
  readonly alertCount: number;
}

export type ShownRule =
  | (RuleBase & { readonly type: 'recording' })
  | (RuleBase & {
      readonly type: 'alerting';
      readonly state: 'inactive' | 'pending' | 'firing';
      readonly forMs: number;
      readonly keepFiringForMs: number;
    });

export interface ShownGroup {
  /** Unique among all groups. */
  readonly id: string;
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly evaluationMs: number;
  readonly lastEvaluation: number;
  /** Evaluations that were due and did not happen. */
  readonly missed: number;
  readonly rules: readonly ShownRule[];
}

/** What a page draws of a rule, and the events of its alerts, oldest first. */
export interface RuleAnswer {
  /** The expression to draw. */
  readonly line: string;
  readonly comparison?: { readonly operator: string; readonly threshold: number };
  /** The annotations as they are written. */
  readonly annotations: Labels;
  readonly history: readonly PageEvent[];
}

type Point = readonly [seconds: number, value: string];

/** The result of a PromQL query, as Prometheus' API has it. */
export type PromResult =
  | {
      readonly resultType: 'matrix';
      readonly result: readonly { readonly metric: Labels; readonly values: readonly Point[] }[];
    }
  | { readonly resultType: 'vector'; readonly result: readonly { readonly metric: Labels; readonly value: Point }[] }
  | { readonly resultType: 'scalar' | 'string'; readonly result: Point };

/** What is known of a metric. */
export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** An event of the store that charts mark. */
export interface StoreMark {
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Where the event is in the journal. */
  readonly position: number;
  /** Which event of its record it is, from 0. */
  readonly place: number;
  readonly labels?: Labels;
  readonly fingerprint?: string;
  readonly reason?: string;
  readonly how?: string;
  readonly rule?: string;
}

/** The server reads the journal for the first time: bytes. */
interface JournalReading {
  readonly reading: { readonly done: number; readonly total: number };
}

/** The answers by path. */
export interface Answers {
  '/-/ready': ReadinessAnswer;
  '/ui/store': StoreAnswer;
  '/ui/range': { readonly series: readonly DrawnSeries[]; readonly total: number };
  /** The times of the first and the last sample of a selector, milliseconds; absent if it has none. */
  '/ui/extent': { readonly from?: number; readonly through?: number };
  '/ui/marks': readonly StoreMark[];
  '/ui/series': SeriesDetail;
  '/ui/states': StateAnswer;
  '/ui/quarantined': QuarantinedDetail;
  '/ui/figures': readonly MetricFigures[];
  '/ui/storage': StorageAnswer;
  '/ui/replay': JournalReading | { readonly unchanged: true } | ReplaySummary;
  '/ui/replay/rows': JournalReading | { readonly rows: readonly ReplayRow[] };
  '/ui/replay/moment': JournalReading | ReplayMoment;
  '/ui/replay/series': JournalReading | ReplayedSeries;
  '/ui/replay/stop': JournalReading | { readonly row?: number };
  '/ui/rules': { readonly groups: readonly ShownGroup[] };
  '/ui/rule': RuleAnswer;
  '/ui/dashboards': { readonly dashboards: readonly ListedDashboard[]; readonly readOnly: boolean };
  [dashboard: `/ui/dashboards/${string}`]: KeptDashboard;
  '/api/v1/query': PromResult;
  '/api/v1/query_range': PromResult;
  '/api/v1/metadata': Readonly<Record<string, readonly MetricMetadata[]>>;
  '/api/v1/labels': readonly string[];
  '/api/v1/series': readonly Labels[];
  [values: `/api/v1/label/${string}/values`]: readonly string[];
}

/** The live frame of the statecharts: current states and running totals. */
export interface ActorsFrame {
  /** Number of series by state. */
  readonly series: Readonly<Record<string, number>>;
  readonly store: StateValue;
  /** Number of alerts by state; without rules it is absent or empty. */
  readonly alerts?: Readonly<Record<string, number>>;
  /** Transitions taken so far, by `source|event|target`. */
  readonly transitions: Readonly<Record<string, number>>;
  /** How often each state was entered since the store was opened, by the state's id. */
  readonly totals: Readonly<Record<string, number>>;
  readonly selected?: SelectedFrame;
}

/** The selected series live. */
export interface SelectedFrame {
  readonly state: string;
  /** Its last transitions since the page follows it, oldest first. */
  readonly moves: readonly SeriesMove[];
}

export interface SeriesMove {
  /** 1 for the first one that was seen. */
  readonly number: number;
  readonly time: number;
  /** `source|event|target`. */
  readonly key: string;
}

/** Samples that were appended since the frame before. */
interface TailFrame {
  readonly series: readonly DrawnSeries[];
  /** Samples beyond the bound of a frame. */
  readonly leftOut: number;
}

/** The frames of the live streams: by path, then by name. */
export interface Streams {
  '/ui/actors': { readonly frame: ActorsFrame };
  '/ui/tail': { readonly samples: TailFrame };
}
