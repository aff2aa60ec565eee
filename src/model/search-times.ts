/** The index of the first time, of those from index `from` to before `end`, that is not before `time`; else `end`. */
export const firstAtOrAfter = (times: Float64Array | Uint32Array, time: number, from: number, end: number): number => {
  let low = from;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
};
