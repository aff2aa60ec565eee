/** Lets few queries run at the same time, so that a dashboard of many panels does not keep the server from the rest. */

const slotsMax = 4;

const waiting: (() => void)[] = [];
let running = 0;

const enter = (): Promise<void> | undefined => {
  running++;
  return running <= slotsMax ? undefined : new Promise((resolve) => waiting.push(resolve));
};

const leave = (): void => {
  running--;
  waiting.shift()?.();
};

/** Runs a task when there is room for it; not at all if `signal` has aborted by then. */
export const inSlot = async <Result>(signal: AbortSignal, task: () => Promise<Result>): Promise<Result> => {
  await enter();
  try {
    signal.throwIfAborted();
    return await task();
  } finally {
    leave();
  }
};
