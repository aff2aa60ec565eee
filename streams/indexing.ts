/**
 * Decides when index operations are written: in batches by idle time, age and count, one batch at a time, in order. A
 * batch that can't be written is kept and tried again, with a longer pause each time. Later batches wait for it,
 * because the indexes' journal position must not pass over a gap.
 *
 *     source   -a-b-------c--------------|
 *     write    ------x-------x--o--o        x fails, then succeeds
 *     result   ------F--W-------W--------|
 */
import {
  asyncScheduler,
  catchError,
  concatMap,
  defer,
  endWith,
  ignoreElements,
  merge,
  type Observable,
  type ObservableInput,
  type OperatorFunction,
  of,
  repeat,
  type SchedulerLike,
  take,
  takeWhile,
  throwError,
  timer,
} from 'rxjs';
import { batch } from './batch.ts';

export interface IndexingOptions<T> {
  /** Writes a batch. Completes when the batch is durable. */
  readonly write: (operations: readonly T[]) => ObservableInput<unknown>;
  /** When it emits, the waiting operations are written at once, and a failed batch is tried again without a pause. */
  readonly flush$: Observable<unknown>;
  /** Whether a failed batch is tried again. If not, the stream fails with the error of the batch. */
  readonly retries: () => boolean;
  /** Default 500 ms, as in Prometheus 1.x. */
  readonly idleMs?: number;
  /** Default 5 s. */
  readonly ageMs?: number;
  /** A batch is closed when the sizes of its items add up to this, or to more. */
  readonly countMax: number;
  /** The size of an item. Default 1 for each. */
  readonly sizeOf?: (item: T) => number;
  /** Pause after the first failure. It doubles with each further failure. Default 1 s. */
  readonly retryMs?: number;
  /** Longest pause. Default 60 s. */
  readonly retryMsMax?: number;
  readonly scheduler?: SchedulerLike;
}

/** A failure is a value, not an error of the stream, as long as the batch is tried again. */
export type IndexingResult<T> =
  | { readonly kind: 'written'; readonly operations: readonly T[] }
  | { readonly kind: 'failed'; readonly operations: readonly T[]; readonly error: unknown; readonly attempt: number };

/** Emits the result of each attempt. Completes when the source has completed and its last batch is written. */
export const indexing = <T>(options: IndexingOptions<T>): OperatorFunction<T, IndexingResult<T>> => {
  const { flush$, idleMs = 500, ageMs = 5000, countMax, sizeOf = () => 1, scheduler = asyncScheduler } = options;
  return (source) =>
    source.pipe(
      batch({ idleMs, ageMs, countMax, sizeOf, flush$, scheduler }),
      // concatMap, because no operation may be lost or overtake another. Its queue is bounded: the indexer limits the
      // number of operations that wait.
      concatMap((operations) => writeUntilDone(operations, options, scheduler)),
    );
};

const writeUntilDone = <T>(
  operations: readonly T[],
  options: IndexingOptions<T>,
  scheduler: SchedulerLike,
): Observable<IndexingResult<T>> => {
  const { write, flush$, retries, retryMs = 1000, retryMsMax = 60_000 } = options;
  let attempt = 0;
  let lastError: unknown;
  return defer(() => write(operations)).pipe(
    ignoreElements(),
    endWith<IndexingResult<T>>({ kind: 'written', operations }),
    catchError((error: unknown) => {
      attempt++;
      lastError = error;
      return of<IndexingResult<T>>({ kind: 'failed', operations, error, attempt });
    }),
    repeat({
      delay: () => {
        if (!retries()) return throwError(() => lastError);
        const pauseMs = Math.min(retryMs * 2 ** (attempt - 1), retryMsMax);
        return merge(timer(pauseMs, scheduler), flush$).pipe(take(1));
      },
    }),
    takeWhile(({ kind }) => kind === 'failed', true),
  );
};
