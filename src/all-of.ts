/**
 * `Promise.all` that waits for every promise, also when one of them fails: whoever cleans up after the failure finds
 * nothing still at work. Rejects with the first failure in the order given.
 */
export const allOf = async <const Work extends readonly Promise<unknown>[]>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> => {
  await Promise.allSettled(work);
  return Promise.all(work);
};
