/**
 * Live streams: `events$` and `watch`. They are hot, cost nothing without subscribers, and never slow the writer down.
 * A subscriber that can't keep up loses items, within a fixed bound, and gets the number of lost items. `subscribe`
 * loses nothing, because it reads the journal instead.
 */
import { defer, filter, map, Observable, type ObservableInput, share, takeUntil } from 'rxjs';

/**
 * A hot stream over a source. `connect` is called when the first subscriber comes, and the function that it returned
 * when the last one leaves; all subscribers share this one listener. The stream completes when `end$` emits; a later
 * subscriber gets only the completion.
 */
export const liveStream = <T>(
  connect: (push: (value: T) => void) => () => void,
  end$: Observable<unknown>,
): Observable<T> =>
  new Observable<T>((subscriber) => connect((value) => subscriber.next(value))).pipe(takeUntil(end$), share());

export interface WatchOptions<Source, Key, Result> {
  readonly samples$: Observable<Source>;
  /** The series of a sample, which decides whether the sample matches. */
  readonly keyOf: (sample: Source) => Key;
  /** Called once per key and subscriber; the answer is kept. */
  readonly matches: (key: Key) => boolean;
  readonly project: (sample: Source) => Result;
  /**
   * When this number changes, kept answers are discarded. It must change whenever a key may stand for another series.
   */
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

/** The items that a slow consumer gets: those since its last backlog, and how many of them were dropped. */
export interface Backlog<T> {
  /** The newest items, up to the capacity, oldest first. */
  readonly items: readonly T[];
  /** Number of items that came before these and were dropped. */
  readonly lost: number;
}

/**
 * Connects a hot stream to a slow consumer. While the consumer works on one backlog, the next one gathers. It holds at
 * most `capacity` items; when there are more, the oldest are dropped and counted.
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
