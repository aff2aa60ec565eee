/**
 * The simulator's only source of randomness: sfc32 ("small fast counter", Chris Doty-Humphrey's PractRand), seeded from
 * one number, so that a seed repeats a run. It is also the store's `Random` port.
 *
 * Parts of the simulation draw from streams of their own (`fork`): if the disk tears one more page, this must not
 * change which series the generator appends to next.
 */
import type { Random } from '../../src/ports/random.ts';

/** One seeded stream of numbers. */
export class Prng implements Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 1;

  /** `seed` is a non-negative integer up to 2^53 - 1. */
  constructor(seed: number) {
    this.reseed(seed);
  }

  /** Restarts the stream as a new one with this seed. */
  reseed(seed: number): void {
    this.a = seed >>> 0;
    this.b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.c = 0x9e3779b9;
    this.counter = 1;
    for (let round = 0; round < 15; round++) this.uint32();
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (this.a + this.b + this.counter++) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  next(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One element of a list, which must not be empty. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  /** One key of a table of weights, drawn in proportion to its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.next() * total;
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return entries[entries.length - 1][0];
  }

  /** A seed for another stream. */
  seed(): number {
    return (this.uint32() & 0x1f_ffff) * 0x1_0000_0000 + this.uint32();
  }

  /** A separate stream, whose draws do not affect this one. */
  fork(): Prng {
    return new Prng(this.seed());
  }
}
