/** Waits for a promise, or for a signal if it aborts first. */

/**
 * The promise's value, or `undefined` once the signal aborts. The listener is removed as soon as the promise settles:
 * `Promise.race` against one promise for the signal would keep every value until the signal aborts.
 */
export const untilAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {});
      resolve(undefined);
      return;
    }
    const onAbort = (): void => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
