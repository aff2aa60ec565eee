/** What a chart shows, as text for those who can't see it. */
import type { DrawnSeries } from '../../server/server-answers.ts';
import { distinguish } from '../text/series-names.ts';
import { formatTime } from '../text/time-text.ts';

/** Series that are told one by one. */
const toldMax = 5;

const sentenceOf = ({ values }: DrawnSeries, name: string, format: (value: number) => string): string => {
  const numbers = values.filter((value) => value !== null);
  const last = numbers.at(-1);
  if (last === undefined) return `${name}: no number.`;
  const lowest = numbers.reduce((a, b) => Math.min(a, b));
  const highest = numbers.reduce((a, b) => Math.max(a, b));
  return `${name}: last ${format(last)}, lowest ${format(lowest)}, highest ${format(highest)}.`;
};

/** How many series from when through when, and the figures of the first ones. */
export const chartSummary = (list: readonly DrawnSeries[], format: (value: number) => string): string => {
  const drawn = list.filter(({ timestamps }) => timestamps.length > 0);
  if (drawn.length === 0) return 'Chart without samples.';
  const first = Math.min(...drawn.map(({ timestamps }) => timestamps[0]));
  const last = Math.max(...drawn.map(({ timestamps }) => timestamps[timestamps.length - 1]));
  const names = distinguish(drawn.map(({ labels }) => labels));
  const told = drawn.slice(0, toldMax).map((one, i) => sentenceOf(one, names[i], format));
  const more = drawn.length > toldMax ? ` And ${drawn.length - toldMax} more series.` : '';
  const count = drawn.length === 1 ? '1 series' : `${drawn.length} series`;
  return `Chart of ${count} from ${formatTime(first)} through ${formatTime(last)}. ${told.join(' ')}${more}`;
};
