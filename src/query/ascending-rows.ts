/**
 * Rows in ascending order. Series are found in the order of their fingerprints, which is as good as random; their rows,
 * label texts and chunks were made in the order of rows. Read in that order, memory arrives before it is asked for: label
 * objects of 18,000 series out of 100,000 take half the time.
 */
import type { Row } from '../series/table.ts';

/** With fewer rows than this part of the table, sorting them is faster than looking through a bit for each row. */
const SPARSE = 256;

/** The first `count` rows, each of them once, in ascending order. They are all below `limit`. May reuse the array. */
export const ascendingRows = (rows: Int32Array, count: number, limit: number): Int32Array => {
  const given = rows.subarray(0, count);
  if (count * SPARSE < limit) return given.sort();
  const marks = new Int32Array((limit + 31) >> 5);
  for (let i = 0; i < count; i++) marks[given[i] >> 5] |= 1 << (given[i] & 31);
  let next = 0;
  for (let word = 0; word < marks.length; word++) {
    for (let bits = marks[word]; bits !== 0; bits &= bits - 1) {
      given[next++] = ((word << 5) + 31 - Math.clz32(bits & -bits)) satisfies Row;
    }
  }
  return given;
};
