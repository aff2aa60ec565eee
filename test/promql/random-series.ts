/**
 * Random series for the expressions of random-expressions.ts: gauges, counters with resets, a classic histogram, special
 * values, gaps longer than the lookback, and stale markers if they are asked for.
 *
 * Most values are multiples of 0.25, so that sums are exact in whatever order they are added.
 */
import { keyOf, type ObviousSeries, type Point } from './obvious.ts';
import type { Random } from './random-expressions.ts';

export interface RandomSeriesOptions {
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly withStaleMarkers: boolean;
}

type NextValue = (before: number) => number;

export const randomSeries = (random: Random, options: RandomSeriesOptions): readonly ObviousSeries[] => {
  const series: ObviousSeries[] = [];
  const add = (labels: Readonly<Record<string, string>>, next: NextValue): void => {
    // Sometimes a series is missing, so that not every series has a partner.
    if (random.int(6) > 0) series.push({ labels, points: randomPoints(random, options, next) });
  };
  const quarter = (below: number): number => random.int(below * 4) / 4;
  for (const x of ['1', '2', '22']) {
    for (const y of ['p', 'q', '']) {
      const labels = y === '' ? { x } : { x, y };
      add({ __name__: 'a', ...labels }, () => quarter(1e6) - 5e5);
      add({ __name__: 'b', ...labels }, () => random.int(6));
      add({ __name__: 'c_total', ...labels }, (before) => (random.int(15) === 0 ? quarter(10) : before + quarter(40)));
    }
    for (const le of ['-1', '0.5', '1', '2.5', '+Inf']) {
      const growth = le === '+Inf' ? 40 : 10;
      add({ __name__: 'h_bucket', x, le }, (before) => before + random.int(growth));
    }
  }
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, 1e300, 1e-300];
  add({ __name__: 's', z: '1' }, () => special[random.int(special.length)]);
  add({ __name__: 's', x: '1' }, () => special[random.int(special.length)]);
  return series.sort((a, b) => (keyOf(a.labels) < keyOf(b.labels) ? -1 : 1));
};

const randomPoints = (
  random: Random,
  { start, end, withStaleMarkers }: RandomSeriesOptions,
  next: NextValue,
): readonly Point[] => {
  const interval = [10_000, 15_000, 15_000, 30_000, 60_000][random.int(5)];
  const jitter = [0, 0, 1, 700][random.int(4)];
  const points: Point[] = [];
  let value = 0;
  for (let time = start; time <= end; time += interval) {
    if (random.int(40) === 0) time += interval * random.int(40);
    value = next(value);
    const at = time + random.int(jitter + 1);
    const isStale = withStaleMarkers && random.int(25) === 0;
    if (at <= end) points.push(isStale ? { time: at, value: Number.NaN, isStale } : { time: at, value });
  }
  return points;
};
