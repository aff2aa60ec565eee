/**
 * What fingerprint-set.ts computes, with pauses: sets of a million series take ten milliseconds and more. The results are
 * the same, also in that a set that does not change is returned itself.
 */
import type { WorkSlices } from '../async/slices.ts';
import { FEW, FingerprintSet, mergeParts, placeIn, selectPart, setOf, union, unionAll } from './fingerprint-set.ts';

/** So many words are merged, selected or sorted without a pause: about a millisecond. */
const WORDS_AT_ONCE = 1 << 15;

/**
 * The elements that are in either set. There is no pause if one set is much smaller, because the other one is then copied
 * in large pieces.
 */
export const unionInSlices = async (
  a: FingerprintSet,
  b: FingerprintSet,
  slices: WorkSlices,
): Promise<FingerprintSet> => {
  const left = a.words;
  const right = b.words;
  const isCopied = left.length > right.length * FEW || right.length > left.length * FEW;
  if (isCopied || left.length + right.length <= 2 * WORDS_AT_ONCE) return union(a, b);
  const out = new Uint32Array(left.length + right.length);
  let i = 0;
  let j = 0;
  let end = 0;
  while (i < left.length || j < right.length) {
    let leftTo = Math.min(i + WORDS_AT_ONCE, left.length);
    let rightTo = leftTo === left.length ? right.length : placeIn(right, j, left, leftTo);
    if (rightTo - j > WORDS_AT_ONCE) {
      rightTo = j + WORDS_AT_ONCE;
      leftTo = placeIn(left, i, right, rightTo);
    }
    end = mergeParts(left, i, leftTo, right, j, rightTo, out, end);
    i = leftTo;
    j = rightTo;
    if (slices.isOver) await slices.breathe();
  }
  return end === left.length ? a : setOf(out, end);
};

/** The elements that are in any of the sets: some sets are sorted together, then the results are merged. */
export const unionAllInSlices = async (
  sets: readonly FingerprintSet[],
  slices: WorkSlices,
): Promise<FingerprintSet> => {
  let merged: FingerprintSet[] = [];
  for (let start = 0; start < sets.length; ) {
    let length = sets[start].words.length;
    let end = start + 1;
    while (end < sets.length && length + sets[end].words.length <= WORDS_AT_ONCE) length += sets[end++].words.length;
    merged.push(unionAll(sets.slice(start, end)));
    start = end;
    if (slices.isOver) await slices.breathe();
  }
  while (merged.length > 1) {
    const next: FingerprintSet[] = [];
    for (let i = 0; i < merged.length; i += 2) {
      next.push(i + 1 < merged.length ? await unionInSlices(merged[i], merged[i + 1], slices) : merged[i]);
      if (slices.isOver) await slices.breathe();
    }
    merged = next;
  }
  return merged[0] ?? FingerprintSet.empty;
};

/** The set of fingerprints in any order: high and low halves, alternating. */
export const setInSlices = async (halves: Int32Array, slices: WorkSlices): Promise<FingerprintSet> => {
  const sets: FingerprintSet[] = [];
  for (let start = 0; start < halves.length; start += WORDS_AT_ONCE) {
    sets.push(FingerprintSet.of(halves.subarray(start, start + WORDS_AT_ONCE)));
    if (slices.isOver) await slices.breathe();
  }
  return unionAllInSlices(sets, slices);
};

/** The elements that are in both sets. */
export const intersectionInSlices = (
  a: FingerprintSet,
  b: FingerprintSet,
  slices: WorkSlices,
): Promise<FingerprintSet> => {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  return selectInSlices(small, large, true, slices);
};

/** The elements of `a` that are not in `b`. */
export const differenceInSlices = async (
  a: FingerprintSet,
  b: FingerprintSet,
  slices: WorkSlices,
): Promise<FingerprintSet> => {
  if (a.size === 0 || b.size === 0) return a;
  const rest = await selectInSlices(a, b, false, slices);
  return rest.size === a.size ? a : rest;
};

const selectInSlices = async (
  a: FingerprintSet,
  b: FingerprintSet,
  wanted: boolean,
  slices: WorkSlices,
): Promise<FingerprintSet> => {
  const { length } = a.words;
  const out = new Uint32Array(length);
  let end = 0;
  for (let from = 0; from < length; from += WORDS_AT_ONCE) {
    if (from > 0 && slices.isOver) await slices.breathe();
    end = selectPart(a, from, Math.min(from + WORDS_AT_ONCE, length), b, wanted, out, end);
  }
  return setOf(out, end);
};
