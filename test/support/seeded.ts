/** A small seeded random generator, for tests whose data should vary and still be repeatable. */
export const seeded = (seed: number): { next: () => number; int: (below: number) => number } => {
  let state = seed | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return { next, int: (below) => Math.floor(next() * below) };
};
