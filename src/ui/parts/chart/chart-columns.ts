/** Series as the columns that uPlot draws. */
import uPlot from 'uplot';
import type { DrawnSeries } from '../../server/server-answers.ts';

/** A pause between samples is drawn as a gap if it is this many times the usual distance. */
const gapFactor = 6;

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** One series in seconds and values, with a gap in every pause. */
const withGaps = ({ timestamps, values }: DrawnSeries): uPlot.AlignedData => {
  const distances = timestamps.slice(1).map((time, i) => time - timestamps[i]);
  const longest = distances.length > 3 ? median(distances) * gapFactor : Number.POSITIVE_INFINITY;
  const seconds: number[] = [];
  const numbers: (number | null)[] = [];
  for (let i = 0; i < timestamps.length; i++) {
    if (i > 0 && timestamps[i] - timestamps[i - 1] > longest) {
      seconds.push(timestamps[i - 1] / 1000 + 0.001);
      numbers.push(null);
    }
    seconds.push(timestamps[i] / 1000);
    numbers.push(values[i]);
  }
  return [seconds, numbers];
};

/** All series over one column of times. */
export const columnsOf = (list: readonly DrawnSeries[]): uPlot.AlignedData =>
  list.length === 0
    ? [[]]
    : uPlot.join(
        list.map(withGaps),
        list.map(() => [1, 1]),
      );
