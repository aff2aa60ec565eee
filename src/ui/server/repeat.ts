/** Work that a page repeats while it is shown. */

/**
 * Calls `task` now, and again `everyMs` after each time it ended, until `signal` aborts. Pauses while the page is
 * hidden.
 */
export const repeat = (task: () => Promise<void>, everyMs: number, signal: AbortSignal): void => {
  let timer: ReturnType<typeof setTimeout>;
  const run = async (): Promise<void> => {
    if (!document.hidden) await task().catch((error: unknown) => console.error(error));
    if (!signal.aborted) timer = setTimeout(run, everyMs);
  };
  signal.addEventListener('abort', () => clearTimeout(timer));
  void run();
};
