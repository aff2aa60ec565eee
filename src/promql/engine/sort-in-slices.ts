/** Sorts long arrays without keeping the thread: parts first, then they are merged. */
import type { Budget } from './limits.ts';

const PART_LENGTH = 1024;

/** Sorts in place; equal elements keep their order. */
export const sortInSlices = async <T>(items: T[], compare: (a: T, b: T) => number, budget: Budget): Promise<void> => {
  if (await isSorted(items, compare, budget)) return;
  for (let from = 0; from < items.length; from += PART_LENGTH) {
    const part = items.slice(from, from + PART_LENGTH).sort(compare);
    for (let i = 0; i < part.length; i++) items[from + i] = part[i];
    if (budget.spend(20 * PART_LENGTH)) await budget.breathe();
  }
  const other = items.slice();
  for (let length = PART_LENGTH; length < items.length; length *= 2) {
    for (let from = 0; from < items.length; from += 2 * length) {
      await merge(items, other, from, length, compare, budget);
    }
    for (let i = 0; i < items.length; i++) items[i] = other[i];
  }
};

const isSorted = async <T>(items: readonly T[], compare: (a: T, b: T) => number, budget: Budget): Promise<boolean> => {
  for (let i = 1; i < items.length; i++) {
    if (compare(items[i - 1], items[i]) > 0) return false;
    if (budget.spend(20)) await budget.breathe();
  }
  return true;
};

/** Merges two neighbouring parts of `items` into the same places of `into`. */
const merge = async <T>(
  items: readonly T[],
  into: T[],
  from: number,
  length: number,
  compare: (a: T, b: T) => number,
  budget: Budget,
): Promise<void> => {
  const middle = Math.min(from + length, items.length);
  const end = Math.min(middle + length, items.length);
  let left = from;
  let right = middle;
  for (let place = from; place < end; place++) {
    const takesLeft = left < middle && (right >= end || compare(items[left], items[right]) <= 0);
    into[place] = takesLeft ? items[left++] : items[right++];
    if (budget.spend(20)) await budget.breathe();
  }
};
