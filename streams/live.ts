/**
 * Live streams: `events$` and `watch`. They are hot and cost nothing without subscribers. Subscribers are called during
 * the append, and nothing is kept for them. `subscribe` delivers at the subscriber's pace, from the journal.
 */
import { defer, filter, map, Observable, share, takeUntil } from 'rxjs';

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
