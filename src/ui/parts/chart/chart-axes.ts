/** The axes of a chart: their texts, widths and ranges. */
import uPlot from 'uplot';
import { formatTime } from '../text/time-text.ts';
import { styleVariable } from './chart-colors.ts';

const axis = (more: uPlot.Axis): uPlot.Axis => ({
  stroke: styleVariable('--soft'),
  grid: { stroke: styleVariable('--line'), width: 1 },
  ticks: { stroke: styleVariable('--line'), width: 1 },
  font: '11px system-ui, sans-serif',
  ...more,
});

/** Labels of the time axis: days for long ranges, seconds only for short ones. */
const timeTexts = (_plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] =>
  splits.map((seconds) => {
    const text = formatTime(seconds * 1000);
    if (step >= 86_400) return text.slice(0, 10);
    if (step < 1) return text.slice(11);
    const clock = text.slice(11, step < 60 ? 19 : 16);
    return clock === '00:00' ? text.slice(0, 10) : clock;
  });

/** The width of the value axis, for its longest text. */
const axisWidth = (_plot: uPlot, texts: string[] | null): number =>
  Math.max(44, 16 + 6.6 * Math.max(...(texts ?? ['']).map((text) => text.length)));

/** The axis of time and the axis of values. */
export const chartAxes = (format: (value: number) => string): uPlot.Axis[] => [
  axis({ space: 80, values: timeTexts }),
  axis({ size: axisWidth, values: (_plot, splits) => splits.map((value) => (value === null ? '' : format(value))) }),
];

/**
 * The range of the value axis, with the threshold in it if there is one. It includes zero if the values are near it. If
 * all values are zero, it goes up to one.
 */
export const valueRange = (
  lowest: number | null,
  highest: number | null,
  threshold: number | undefined,
): [number, number] => {
  const low = threshold === undefined ? lowest : Math.min(lowest ?? threshold, threshold);
  const high = threshold === undefined ? highest : Math.max(highest ?? threshold, threshold);
  if (low === null || high === null || (low === 0 && high === 0)) return [0, 1];
  const end = { pad: 0.1, soft: 0, mode: 2 } as const;
  const [from, to] = uPlot.rangeNum(low, high, { min: end, max: end });
  return [from ?? 0, to ?? 1];
};

/** The range of a logarithmic axis: whole powers of ten. */
export const logRange = (low: number | null, high: number | null): [number, number] => {
  if (low === null || high === null || !(high > 0)) return [1, 10];
  const lowest = low > 0 ? low : Math.min(high, 1e-3);
  const from = 10 ** Math.floor(Math.log10(lowest));
  const to = 10 ** Math.ceil(Math.log10(high));
  return [from, to > from ? to : 10 * from];
};
