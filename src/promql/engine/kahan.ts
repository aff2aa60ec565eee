/** Sums that carry the digits that rounding loses (Kahan and Neumaier). */

/**
 * A sum and its compensation. `add` works on fields and not on a returned pair, so that adding allocates nothing.
 */
export class KahanSum {
  sum = 0;
  compensation = 0;

  reset(sum: number, compensation: number): void {
    this.sum = sum;
    this.compensation = compensation;
  }

  add(x: number): void {
    const total = this.sum + x;
    if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) this.compensation = 0;
    else if (Math.abs(this.sum) >= Math.abs(x)) this.compensation += this.sum - total + x;
    else this.compensation += x - total + this.sum;
    this.sum = total;
  }
}

/** The compensation after adding `x` to `sum`, of which `total` is the rounded result. */
export const compensated = (sum: number, x: number, total: number, compensation: number): number => {
  if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) return 0;
  return compensation + (Math.abs(sum) >= Math.abs(x) ? sum - total + x : x - total + sum);
};
