/** Where a test file's samples are loaded to, and where its expressions are answered from. */
import type { LabelPairs } from '../../model/labels.ts';
import type { SeriesSource } from '../source.ts';

/** Samples of one series as columns, because a stale marker is told from other NaNs only by its bits. */
export interface LoadedSeries {
  readonly labels: LabelPairs;
  /** Milliseconds since the epoch, strictly ascending. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface TestStorage {
  /** Deletes everything that was loaded. */
  clear(): Promise<void>;
  /** Adds samples. A later sample of the same series and time replaces the earlier one. */
  append(series: readonly LoadedSeries[]): Promise<void>;
  /** Answers with the samples that have been appended so far; read anew after each `clear` and `append`. */
  readonly source: SeriesSource;
}
