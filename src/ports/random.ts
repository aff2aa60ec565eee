/** The randomness port. All product code takes random numbers from here, so a seed repeats a run. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };
