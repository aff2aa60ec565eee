/** A series as one line of block characters: `▁▁▂▄▇█▆▃`. */

const blocks = '▁▂▃▄▅▆▇█';
const middle = '▄';

/** Values that differ by less than this share of their size are shown as equal: such differences come from rounding. */
const ROUNDING = 1e-9;

export interface ChartRange {
  /** Milliseconds since the epoch, both ends included. */
  readonly from: number;
  readonly through: number;
  /** Characters of the chart. */
  readonly width: number;
}

interface ChartSeries {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** The mean of the finite values of each cell; NaN where a cell has none. `filled` marks the cells with any value. */
const cellsOf = ({ timestamps, values }: ChartSeries, { from, through, width }: ChartRange) => {
  const sums = new Float64Array(width);
  const counts = new Float64Array(width);
  const filled = new Uint8Array(width);
  const span = Math.max(1, through - from);
  for (let i = 0; i < values.length; i++) {
    const cell = Math.min(width - 1, Math.floor(((timestamps[i] - from) / span) * width));
    filled[cell] = 1;
    if (!Number.isFinite(values[i])) continue;
    sums[cell] += values[i];
    counts[cell]++;
  }
  return { means: sums.map((sum, cell) => sum / counts[cell]), filled };
};

/** How far a value is from `low` to `high`, 0 to 1. Halves, because the difference of two doubles may be infinite. */
const shareOf = (value: number, low: number, high: number): number => (value / 2 - low / 2) / (high / 2 - low / 2);

/**
 * One character per cell of the range: the mean of its values on the scale from the series' smallest to its largest
 * mean, a blank without a value, a dot where no value is finite. Values that are all equal are in the middle.
 */
export const blockChart = (series: ChartSeries, range: ChartRange): string => {
  const { means, filled } = cellsOf(series, range);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const mean of means) {
    if (mean < low) low = mean;
    if (mean > high) high = mean;
  }
  const isEven = high / 2 - low / 2 <= Math.max(Math.abs(low), Math.abs(high)) * ROUNDING;
  let line = '';
  for (const [cell, mean] of means.entries()) {
    if (filled[cell] === 0) line += ' ';
    else if (Number.isNaN(mean)) line += '·';
    else if (isEven) line += middle;
    else line += blocks[Math.min(7, Math.floor(8 * shareOf(mean, low, high)))];
  }
  return line;
};
