/**
 * The quantile of a set of values: between two ranks it is interpolated. The values are not sorted, only divided until the
 * two ranks are in their places.
 */

/** The q-quantile of the first `length` values, which it reorders. NaN counts as less than all numbers. */
export const quantileOf = (q: number, values: Float64Array, length: number): number => {
  if (length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const rank = q * (length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const weight = rank - Math.floor(rank);
  const notNumbers = moveNaNFirst(values, length);
  if (lower < notNumbers) return Number.NaN;
  placeRank(values, notNumbers, length - 1, lower);
  let next = values[lower];
  if (lower + 1 < length) {
    next = values[lower + 1];
    for (let i = lower + 2; i < length; i++) if (values[i] < next) next = values[i];
  }
  return values[lower] * (1 - weight) + next * weight;
};

/** Whether a quantile is outside 0 to 1, so that the user should be warned. */
export const isBadQuantile = (q: number): boolean => !(q >= 0 && q <= 1);

/** Returns how many NaN there are. */
const moveNaNFirst = (values: Float64Array, length: number): number => {
  let count = 0;
  for (let i = 0; i < length; i++) {
    if (!Number.isNaN(values[i])) continue;
    values[i] = values[count];
    values[count++] = Number.NaN;
  }
  return count;
};

/** So few values are sorted. */
const FEW = 16;

/**
 * Reorders the values of `from` to `to` so that the one at `rank` is the one that sorting would put there, with none
 * greater before it and none less after it.
 */
const placeRank = (values: Float64Array, from: number, to: number, rank: number): void => {
  let low = from;
  let high = to;
  while (high - low > FEW) {
    const pivot = middleOf(values[low], values[(low + high) >>> 1], values[high]);
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left] < pivot) left++;
      while (values[right] > pivot) right--;
      if (left > right) break;
      const value = values[left];
      values[left++] = values[right];
      values[right--] = value;
    }
    // Between `right` and `left` everything equals the pivot.
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else return;
  }
  for (let i = low + 1; i <= high; i++) {
    const value = values[i];
    let place = i;
    for (; place > low && values[place - 1] > value; place--) values[place] = values[place - 1];
    values[place] = value;
  }
};

const middleOf = (a: number, b: number, c: number): number => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
