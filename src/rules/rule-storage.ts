/** What the evaluation of rules uses of a store, so that the same rules run on a store and on the series of a unit test. */
import type { LabelPairs, Labels } from '../model/labels.ts';

/** One series of a rule's result. */
export interface RuleSample {
  /** Sorted by name; name and value in turn. */
  readonly labels: LabelPairs;
  readonly value: number;
}

/** A series that a rule writes to. */
export interface RuleSeries {
  append(timestamp: number, value: number): void;
  appendStale(timestamp: number): void;
}

export interface RuleStorage {
  /** The result of an expression at a time. Rejects if it is neither a vector nor a scalar. */
  query(expr: string, at: number): Promise<readonly RuleSample[]>;
  series(labels: Labels): RuleSeries;
  /** Resolves when the store takes samples. */
  ready(): Promise<void>;
}
