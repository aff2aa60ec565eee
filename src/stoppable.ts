/**
 * An async generator that ends when its consumer asks it to, also while it waits for something. A generator alone would
 * answer `return()` only after the value that was asked for before, which may never come.
 */

/** `stop` has to end every wait inside the generator; it is called by `return()` and `throw()`, and may be called twice. */
export const stoppable = <T>(
  generator: AsyncGenerator<T, void, undefined>,
  stop: () => void,
): AsyncGenerator<T, void, undefined> => {
  const iterator: AsyncGenerator<T, void, undefined> = {
    next: () => generator.next(),
    return: () => {
      stop();
      return generator.return();
    },
    throw: (error: unknown) => {
      stop();
      return generator.throw(error);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
};
