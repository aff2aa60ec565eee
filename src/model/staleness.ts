/**
 * Prometheus' staleness marker: a signalling NaN with its own payload, appended where a series ends. Only its bits tell
 * it from other NaNs, and loading it as a number may turn it into a quiet NaN. So code must compare the bits in arrays.
 */
export const STALE_HIGH = 0x7ff00000;
export const STALE_LOW = 2;

const STALE_BITS = (BigInt(STALE_HIGH) << 32n) | BigInt(STALE_LOW);

export const isStaleAt = (values: Float64Array, index: number): boolean =>
  Number.isNaN(values[index]) && new BigUint64Array(values.buffer, values.byteOffset + 8 * index, 1)[0] === STALE_BITS;
