/**
 * Sets of fingerprints: the values of the label-pair index, and the operands of lookups.
 *
 * A set is an array of 64-bit numbers in ascending order, each as two 32-bit words in the machine's byte order. So the
 * platform can sort them as one BigUint64Array and swap their bytes from and to the big-endian form on disk. Neither
 * makes a BigInt for each element. The functions never change their arguments.
 */
import { HIGH_WORD, IS_LITTLE_ENDIAN, LOW_WORD } from '../model/byte-order.ts';
import { writeInt32BE } from '../model/int64.ts';
import { MalformedBytes, OutOfBytes } from '../model/malformed-bytes.ts';

const FINGERPRINT_BYTES = 8;

export class FingerprintSet {
  static readonly empty = new FingerprintSet(new Uint32Array(0));
  /** Two words for each element. Only this file knows their order. */
  readonly words: Uint32Array;

  /** The words must be in ascending order without duplicates. The array must not be a view of a larger buffer. */
  constructor(words: Uint32Array) {
    this.words = words;
  }

  /**
   * Makes a set of fingerprints in any order, with or without duplicates. `halves`: high and low halves, alternating.
   */
  static of(halves: ArrayLike<number>): FingerprintSet {
    const words = new Uint32Array(halves.length);
    for (let i = 0; i < halves.length; i += 2) {
      words[i + HIGH_WORD] = halves[i];
      words[i + LOW_WORD] = halves[i + 1];
    }
    return new FingerprintSet(sortedUnique(words));
  }

  /** The set of one fingerprint. */
  static single(high: number, low: number): FingerprintSet {
    const words = new Uint32Array(2);
    words[HIGH_WORD] = high;
    words[LOW_WORD] = low;
    return new FingerprintSet(words);
  }

  get size(): number {
    return this.words.length >> 1;
  }

  /** Approximate memory of the set. */
  get byteCount(): number {
    return this.words.byteLength + 200;
  }

  /** High half of the element at an index, signed. */
  high(index: number): number {
    return this.words[index * 2 + HIGH_WORD] | 0;
  }

  /** Low half of the element at an index, signed. */
  low(index: number): number {
    return this.words[index * 2 + LOW_WORD] | 0;
  }

  has(high: number, low: number): boolean {
    const { words } = this;
    return isAt(words, firstNotBelow(words, 0, high >>> 0, low >>> 0), high >>> 0, low >>> 0);
  }
}

/** The elements that are in either set. Returns `a` itself when `b` adds nothing. */
export const union = (a: FingerprintSet, b: FingerprintSet): FingerprintSet => {
  if (b.size === 0) return a;
  if (a.size === 0) return b;
  if (a.size > b.size * FEW) return unionOfFew(a, b);
  if (b.size > a.size * FEW) return unionOfFew(b, a);
  const out = new Uint32Array(a.words.length + b.words.length);
  const end = mergeParts(a.words, 0, a.words.length, b.words, 0, b.words.length, out, 0);
  return end === a.words.length ? a : setOf(out, end);
};

/** The set of the first words of an array that may be longer. */
export const setOf = (words: Uint32Array, end: number): FingerprintSet => {
  if (end === 0) return FingerprintSet.empty;
  return new FingerprintSet(end === words.length ? words : words.slice(0, end));
};

/**
 * Writes the elements that are in a part of `left` or in a part of `right` to `out`, from `end` on. Returns the new end. All
 * places are those in the arrays of words. The arguments are many because this is the innermost loop.
 */
export const mergeParts = (
  left: Uint32Array,
  leftFrom: number,
  leftTo: number,
  right: Uint32Array,
  rightFrom: number,
  rightTo: number,
  out: Uint32Array,
  end: number,
): number => {
  let i = leftFrom;
  let j = rightFrom;
  while (i < leftTo && j < rightTo) {
    const order = left[i + HIGH_WORD] - right[j + HIGH_WORD] || left[i + LOW_WORD] - right[j + LOW_WORD];
    const source = order <= 0 ? left : right;
    const at = order <= 0 ? i : j;
    out[end] = source[at];
    out[end + 1] = source[at + 1];
    end += 2;
    if (order <= 0) i += 2;
    if (order >= 0) j += 2;
  }
  out.set(left.subarray(i, leftTo), end);
  end += leftTo - i;
  out.set(right.subarray(j, rightTo), end);
  return end + rightTo - j;
};

/** The place in `words`, from `start` on, of the first element that is not below the one at `index` of other words. */
export const placeIn = (words: Uint32Array, start: number, others: Uint32Array, index: number): number =>
  firstNotBelow(words, start, others[index + HIGH_WORD], others[index + LOW_WORD]);

/** If one set is so many times larger, copying what lies between the elements of the other beats comparing it. */
export const FEW = 16;

/** The elements that are in either set. Returns `many` itself when `few` adds nothing. */
const unionOfFew = (many: FingerprintSet, few: FingerprintSet): FingerprintSet => {
  const { words } = many;
  const out = new Uint32Array(words.length + few.words.length);
  let from = 0;
  let end = 0;
  for (let i = 0; i < few.words.length; i += 2) {
    const high = few.words[i + HIGH_WORD];
    const low = few.words[i + LOW_WORD];
    const to = firstNotBelow(words, from, high, low);
    out.set(words.subarray(from, to), end);
    end += to - from;
    from = to;
    if (isAt(words, to, high, low)) continue;
    out[end + HIGH_WORD] = high;
    out[end + LOW_WORD] = low;
    end += 2;
  }
  out.set(words.subarray(from), end);
  end += words.length - from;
  return end === words.length ? many : setOf(out, end);
};

/** Whether an element is at a place in the array of words. The halves are unsigned. */
const isAt = (words: Uint32Array, at: number, high: number, low: number): boolean =>
  at < words.length && words[at + HIGH_WORD] === high && words[at + LOW_WORD] === low;

/** More sets than this are sorted together: merging one after the other would read the first ones again and again. */
const MERGED_SETS_MAX = 8;

/** The elements that are in any of the sets. */
export const unionAll = (sets: readonly FingerprintSet[]): FingerprintSet => {
  if (sets.length === 0) return FingerprintSet.empty;
  if (sets.length > MERGED_SETS_MAX) return mergeBySorting(sets);
  let merged = sets[0];
  for (let i = 1; i < sets.length; i++) merged = union(merged, sets[i]);
  return merged;
};

/** The elements that are in both sets. Fast when one set is much smaller. */
export const intersection = (a: FingerprintSet, b: FingerprintSet): FingerprintSet => {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  return select(small, large, true);
};

/** The elements of `a` that are not in `b`. Returns `a` itself when nothing is removed. */
export const difference = (a: FingerprintSet, b: FingerprintSet): FingerprintSet => {
  if (a.size === 0 || b.size === 0) return a;
  const rest = select(a, b, false);
  return rest.size === a.size ? a : rest;
};

/**
 * Decodes a set: count, then 8 bytes big endian for each element, in any order. Throws `MalformedBytes` or
 * `OutOfBytes`.
 */
export const decodeFingerprintSet = (bytes: Uint8Array): FingerprintSet => {
  const [count, start] = readCount(bytes);
  if (count * FINGERPRINT_BYTES > bytes.length - start) throw new OutOfBytes();
  const words = new Uint32Array(count * 2);
  const target = Buffer.from(words.buffer);
  target.set(bytes.subarray(start, start + count * FINGERPRINT_BYTES));
  if (IS_LITTLE_ENDIAN) target.swap64();
  return new FingerprintSet(isAscending(words) ? words : sortedUnique(words));
};

/** The encoding of a set, in ascending order. */
export const encodeFingerprintSet = (set: FingerprintSet): Buffer => {
  if (set.size === 1) return encodeSingle(set);
  const header = zigzagCount(set.size);
  const bytes = Buffer.allocUnsafe(header.length + set.words.byteLength);
  bytes.set(header, 0);
  const body = bytes.subarray(header.length);
  body.set(new Uint8Array(set.words.buffer, set.words.byteOffset, set.words.byteLength));
  if (IS_LITTLE_ENDIAN) body.swap64();
  return bytes;
};

/** Sets of one element are by far the most frequent, because of labels that are unique to a series. */
const encodeSingle = (set: FingerprintSet): Buffer => {
  const bytes = Buffer.allocUnsafe(1 + FINGERPRINT_BYTES);
  bytes[0] = 2;
  writeInt32BE(bytes, 1, set.high(0));
  writeInt32BE(bytes, 5, set.low(0));
  return bytes;
};

/** A count as the original writes it: zigzag, base-128. */
const zigzagCount = (count: number): number[] => {
  const bytes: number[] = [];
  let rest = count * 2;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
};

const readCount = (bytes: Uint8Array): readonly [count: number, start: number] => {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 8; i++) {
    if (i >= bytes.length) throw new OutOfBytes();
    value += (bytes[i] & 0x7f) * scale;
    scale *= 0x80;
    if (bytes[i] < 0x80) {
      if (value % 2 !== 0) throw new MalformedBytes('number of fingerprints is negative');
      return [value / 2, i + 1];
    }
  }
  throw new MalformedBytes('number of fingerprints is too large');
};

/** The elements of `a` that are in `b`, or with `wanted` false those that are not. */
const select = (a: FingerprintSet, b: FingerprintSet, wanted: boolean): FingerprintSet => {
  const out = new Uint32Array(a.words.length);
  return setOf(out, selectPart(a, 0, a.words.length, b, wanted, out, 0));
};

/** Selects from a part of the words of `a`. Writes to `out` from `end` on and returns the new end. */
export const selectPart = (
  a: FingerprintSet,
  from: number,
  to: number,
  b: FingerprintSet,
  wanted: boolean,
  out: Uint32Array,
  end: number,
): number => {
  const left = a.words;
  const right = b.words;
  // If `b` is much larger, leaps of doubling length find the place instead of single steps.
  const leap = b.size > a.size * 8;
  let j = from === 0 ? 0 : placeIn(right, 0, left, from);
  for (let i = from; i < to; i += 2) {
    const high = left[i + HIGH_WORD];
    const low = left[i + LOW_WORD];
    if (leap) j = firstNotBelow(right, j, high, low);
    else while (j < right.length && isBelow(right, j, high, low)) j += 2;
    if (isAt(right, j, high, low) !== wanted) continue;
    out[end] = left[i];
    out[end + 1] = left[i + 1];
    end += 2;
  }
  return end;
};

/**
 * Place of the first element from `start` on that is not below the wanted one. Leaps of doubling length find it, so a
 * near one is found in few steps. Places are those in the array of words; the halves are unsigned.
 */
const firstNotBelow = (words: Uint32Array, start: number, high: number, low: number): number => {
  if (start >= words.length || !isBelow(words, start, high, low)) return start;
  let from = start;
  let step = 2;
  while (from + step < words.length && isBelow(words, from + step, high, low)) {
    from += step;
    step *= 2;
  }
  while (step > 2) {
    step /= 2;
    if (from + step < words.length && isBelow(words, from + step, high, low)) from += step;
  }
  return from + 2;
};

const isBelow = (words: Uint32Array, index: number, high: number, low: number): boolean =>
  (words[index + HIGH_WORD] - high || words[index + LOW_WORD] - low) < 0;

const mergeBySorting = (sets: readonly FingerprintSet[]): FingerprintSet => {
  let length = 0;
  for (const { words } of sets) length += words.length;
  const all = new Uint32Array(length);
  let end = 0;
  for (const { words } of sets) {
    all.set(words, end);
    end += words.length;
  }
  return new FingerprintSet(sortedUnique(all));
};

const isAscending = (words: Uint32Array): boolean => {
  for (let i = 2; i < words.length; i += 2) {
    if ((words[i + HIGH_WORD] - words[i - 2 + HIGH_WORD] || words[i + LOW_WORD] - words[i - 2 + LOW_WORD]) <= 0)
      return false;
  }
  return true;
};

/** Sorts in place and removes duplicates. */
const sortedUnique = (words: Uint32Array): Uint32Array => {
  if (words.length <= 2) return words;
  new BigUint64Array(words.buffer, words.byteOffset, words.length >> 1).sort();
  let end = 2;
  for (let i = 2; i < words.length; i += 2) {
    if (words[i] === words[end - 2] && words[i + 1] === words[end - 1]) continue;
    words[end] = words[i];
    words[end + 1] = words[i + 1];
    end += 2;
  }
  return end === words.length ? words : words.slice(0, end);
};
