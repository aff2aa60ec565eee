/** What a caller of the engine decides: semantics, limits, and how the engine shares the thread. */
import type { Expr } from '../syntax/ast.ts';

export interface EngineLimits {
  /** Samples that a query may hold at once, in selected series and in intermediate results. */
  readonly samples: number;
  /** Bytes of the columns that a query may hold at once. */
  readonly bytes: number;
  /** Steps of a range query. */
  readonly steps: number;
  /** Series that the selectors of a query may read together. */
  readonly series: number;
  readonly timeoutMs: number;
}

export interface EngineOptions {
  /** How far an instant selector looks back for a sample. */
  readonly lookbackMs: number;
  /** The step of a subquery without one: `x[1h:]`. */
  readonly defaultSubqueryStepMs: number;
  /** Ranges and lookback include their left end, as before Prometheus 3. */
  readonly closedRanges: boolean;
  /** Metric names are removed at the end of the query instead of by each function. */
  readonly delayedNameRemoval: boolean;
  /** Allows the experimental functions and aggregations. */
  readonly experimental: boolean;
  readonly limits: EngineLimits;
  /** Gives the thread to the event loop; called after a few milliseconds of work. */
  readonly breathe: () => Promise<void>;
  /** Milliseconds on a scale that never goes back. */
  readonly now: () => number;
}

/** The limits of Prometheus, and a bound on bytes. */
export const defaultLimits: EngineLimits = {
  samples: 50_000_000,
  bytes: 1024 * 1024 * 1024,
  steps: 11_000,
  series: 1_000_000,
  timeoutMs: 120_000,
};

export interface EvalRequest {
  readonly expr: Expr;
  /** The text of the expression: annotations give line and column in it. */
  readonly text: string;
  /** Milliseconds since the epoch. An instant query has `start === end`. */
  readonly start: number;
  readonly end: number;
  /** More than 0 for a range query; ignored for an instant query. */
  readonly stepMs: number;
  readonly isInstant: boolean;
  readonly signal?: AbortSignal;
}
