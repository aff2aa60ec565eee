/**
 * Where the engine reads series: the only thing that it knows of a store. A source answers with columns; it does not
 * interpret them.
 */
import type { LabelPairs } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';

export interface SourceRequest {
  readonly matchers: readonly Matcher[];
  /** Milliseconds since the epoch, both ends included. Samples outside need not be decoded. */
  readonly from: number;
  readonly through: number;
  readonly signal: AbortSignal | undefined;
}

/** One series with its samples in the range, oldest first. The columns may be views; the engine does not change them. */
export interface SourceSeries {
  /** Sorted by name; name and value in turn, `__name__` included. */
  readonly labels: LabelPairs;
  /** Milliseconds since the epoch, strictly ascending. */
  readonly timestamps: Float64Array;
  /** Every bit counts: a stale marker is a NaN with its own bits. */
  readonly values: Float64Array;
  /** What could not be read; absent if nothing is missing. */
  readonly problems?: readonly string[];
}

export interface SeriesSource {
  /**
   * The matching series in batches, sorted by labels over all batches. A batch may be empty. The columns of a batch are
   * valid until the next one is asked for.
   */
  select(request: SourceRequest): AsyncIterable<readonly SourceSeries[]>;
}
