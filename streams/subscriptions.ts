/**
 * Live streams: `events$` and `watch`. They are hot, free while nobody subscribes, and never slow the writer down: who
 * can't keep up loses, within a written bound, and is told how much. Nothing is lost by `subscribe`, which reads the
 * journal instead.
 */
import { defer, filter, map, Observable, type ObservableInput, share, takeUntil } from 'rxjs';

/**
 * A hot stream over a source that is listened to only while somebody subscribes: `connect` is called for the first
 * subscriber and its result for the last. In between, everyone shares one listener. It completes when `end$` emits;
 * whoever comes later gets nothing but the completion.
 */
export const liveStream = <T>(
  connect: (push: (value: T) => void) => () => void,
  end$: Observable<unknown>,
): Observable<T> =>
  new Observable<T>((subscriber) => connect((value) => subscriber.next(value))).pipe(takeUntil(end$), share());

export interface WatchOptions<Source, Key, Result> {
  readonly samples$: Observable<Source>;
  /** What decides whether a sample is of interest: its series. */
  readonly keyOf: (sample: Source) => Key;
  /** Asked once per key and subscriber. */
  readonly matches: (key: Key) => boolean;
  readonly project: (sample: Source) => Result;
  /** Changes whenever a key may mean another series; what was answered before is asked again. */
  readonly generation: () => number;
}

/** The samples of the series that match, as they are appended. */
export const watchSamples = <Source, Key, Result>(options: WatchOptions<Source, Key, Result>): Observable<Result> => {
  const { samples$, keyOf, matches, project, generation } = options;
  return defer(() => {
    let answers = new Map<Key, boolean>();
    let answersOf = generation();
    const isWanted = (sample: Source): boolean => {
      if (answersOf !== generation()) {
        answers = new Map();
        answersOf = generation();
      }
      const key = keyOf(sample);
      const known = answers.get(key);
      if (known !== undefined) return known;
      const answer = matches(key);
      answers.set(key, answer);
      return answer;
    };
    return samples$.pipe(filter(isWanted), map(project));
  });
};

/** What a slow consumer gets: what came since it was last ready, and how much of it was dropped. */
export interface Backlog<T> {
  /** The newest that there was room for, oldest first. */
  readonly items: readonly T[];
  /** How many came before these and were dropped. */
  readonly lost: number;
}

/**
 * Hands a hot stream to a consumer that takes its time. While it works on one backlog the next one gathers, at most
 * `capacity` items; beyond that the oldest are dropped and counted.
 *
 *     capacity 2
 *     source   -a-b-c-d-e------|
 *     consume   ------|  ---|
 *     backlogs -a-----(de, 2 lost)
 */
export const pacedBy =
  <T, R>(consume: (backlog: Backlog<T>) => ObservableInput<R>, { capacity }: { readonly capacity: number }) =>
  (source: Observable<T>): Observable<R> =>
    new Observable<R>((subscriber) => {
      let items: T[] = [];
      let lost = 0;
      let isRunning = false;
      let sourceIsComplete = false;

      const start = (): void => {
        const backlog = { items, lost };
        items = [];
        lost = 0;
        isRunning = true;
        subscriber.add(
          defer(() => consume(backlog)).subscribe({
            next: (value) => subscriber.next(value),
            error: (error) => subscriber.error(error),
            complete: () => {
              isRunning = false;
              if (items.length > 0) start();
              else if (sourceIsComplete) subscriber.complete();
            },
          }),
        );
      };

      subscriber.add(
        source.subscribe({
          next: (value) => {
            items.push(value);
            if (items.length > capacity) {
              items.shift();
              lost++;
            }
            if (!isRunning) start();
          },
          error: (error) => subscriber.error(error),
          complete: () => {
            sourceIsComplete = true;
            if (!isRunning) subscriber.complete();
          },
        }),
      );
    });
