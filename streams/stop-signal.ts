/** An abort signal as a stream: emits once when the signal aborts, also for those who subscribe later. */
import { Observable } from 'rxjs';

export const stopSignal = (signal: AbortSignal): Observable<void> =>
  new Observable<void>((subscriber) => {
    const stop = (): void => {
      subscriber.next();
      subscriber.complete();
    };
    if (signal.aborted) {
      stop();
      return undefined;
    }
    signal.addEventListener('abort', stop, { once: true });
    return () => signal.removeEventListener('abort', stop);
  });
