/**
 * `Promise.all` that waits for every promise even when one fails, so no work is still running when the caller cleans up
 * after the failure. Rejects with the first failure in the order given.
 */
export const allOf = async <const Work extends readonly Promise<unknown>[]>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> => {
  await Promise.allSettled(work);
  return Promise.all(work);
};
