/** Sorts long lists without keeping the thread: short parts first, then they are merged. */

/** A part is sorted, or so many steps of a merge are made, without a pause: well below a millisecond for texts. */
const PART_LENGTH = 1024;

/**
 * The sorted list. Equal elements keep their order. Calls `breathe` after every millisecond or two of work; it may return
 * nothing when no pause is needed yet.
 */
export const sortWithPauses = async <T>(
  list: readonly T[],
  compare: (a: T, b: T) => number,
  breathe: () => Promise<void> | undefined,
): Promise<T[]> => {
  let sorted: T[] = [];
  for (let from = 0; from < list.length; from += PART_LENGTH) {
    for (const item of list.slice(from, from + PART_LENGTH).sort(compare)) sorted.push(item);
    if (list.length > PART_LENGTH) await breathe();
  }
  for (let length = PART_LENGTH; length < list.length; length *= 2) {
    const merged: T[] = [];
    for (let from = 0; from < list.length; from += 2 * length) {
      const middle = Math.min(from + length, list.length);
      const end = Math.min(middle + length, list.length);
      let left = from;
      let right = middle;
      while (left < middle || right < end) {
        const takesLeft = left < middle && (right >= end || compare(sorted[left], sorted[right]) <= 0);
        merged.push(takesLeft ? sorted[left++] : sorted[right++]);
        if (merged.length % PART_LENGTH === 0) await breathe();
      }
    }
    sorted = merged;
  }
  return sorted;
};
