/** The randomness port: all product code draws from here, so that a seed repeats a run. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };
