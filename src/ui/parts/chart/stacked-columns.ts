/** Columns of a chart in which each series stands on the one before it. */
import type uPlot from 'uplot';

/** The sums of each column with those before it. A series without a value adds nothing, and has none itself. */
export const stackedColumns = (
  [seconds, ...columns]: uPlot.AlignedData,
  shown: readonly boolean[],
): uPlot.AlignedData => {
  const sums = new Float64Array(seconds.length);
  return [
    seconds,
    ...columns.map((column, n) =>
      Array.from(column, (value, i) => {
        if (!shown[n] || value === null || value === undefined) return value;
        sums[i] += value;
        return sums[i];
      }),
    ),
  ] as uPlot.AlignedData;
};
