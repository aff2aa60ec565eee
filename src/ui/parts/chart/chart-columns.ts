/** Series as the columns that uPlot draws. */
import uPlot from 'uplot';
import type { DrawnSeries } from '../../server/server-answers.ts';

/** One series in seconds and values, with a gap before every sample that the server says comes after a hole. */
const withGaps = ({ timestamps, values, holes = [] }: DrawnSeries): uPlot.AlignedData => {
  const seconds: number[] = [];
  const numbers: (number | null)[] = [];
  let next = 0;
  for (let i = 0; i < timestamps.length; i++) {
    const time = timestamps[i];
    const skipped = next;
    while (next < holes.length && holes[next] <= time) next++;
    if (i > 0 && next > skipped && holes[next - 1] > timestamps[i - 1]) {
      seconds.push((timestamps[i - 1] + time) / 2000);
      numbers.push(null);
    }
    seconds.push(time / 1000);
    numbers.push(values[i]);
  }
  return [seconds, numbers];
};

/** Whether all series have samples at the same times and no holes, as those that are recorded together. */
const isAligned = (list: readonly DrawnSeries[]): boolean => {
  const [{ timestamps: first }] = list;
  return list.every(({ timestamps, holes = [] }) => {
    if (holes.length > 0 || timestamps.length !== first.length) return false;
    for (let i = 0; i < first.length; i++) if (timestamps[i] !== first[i]) return false;
    return true;
  });
};

/** All series over one column of times. */
export const columnsOf = (list: readonly DrawnSeries[]): uPlot.AlignedData => {
  if (list.length === 0) return [[]];
  // Joining takes most of the time of drawing, so it is left out where there is nothing to join.
  if (isAligned(list)) return [list[0].timestamps.map((time) => time / 1000), ...list.map(({ values }) => values)];
  return uPlot.join(
    list.map(withGaps),
    list.map(() => [1, 1]),
  );
};

/** Whether a series can have a sample that a line does not show: only beside a hole, or a value that can't be drawn. */
const mayBeLone = ({ timestamps, holes = [], specials = {} }: DrawnSeries): boolean => {
  if (timestamps.length < 2 || holes.length > 0) return true;
  for (const _ in specials) return true;
  return false;
};

/** The places of samples with a gap, or the end of the series, on both sides: a line does not show them. */
export const lonePlaces = (series: DrawnSeries, column: ArrayLike<number | null | undefined>): number[] => {
  const lone: number[] = [];
  if (!mayBeLone(series)) return lone;
  // 0 after a gap, 1 after the first sample of a line.
  let length = 0;
  let start = -1;
  for (let i = 0; i <= column.length; i++) {
    const value = i < column.length ? column[i] : null;
    if (value === undefined) continue;
    if (value !== null) {
      if (length === 0) start = i;
      length++;
      continue;
    }
    if (length === 1) lone.push(start);
    length = 0;
  }
  return lone;
};
