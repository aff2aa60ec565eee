/**
 * An async generator that ends when its consumer calls `return()`, even while it waits. A plain generator would answer
 * `return()` only after the value that was requested before, which may never come.
 */

/** `stop` must end every wait inside the generator. `return()` and `throw()` call it, so it may be called twice. */
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
