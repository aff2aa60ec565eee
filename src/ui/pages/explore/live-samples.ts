/** Samples of the live stream, added to series that were read before. */
import { formatLabels } from '../../parts/text/series-names.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';

/** How many samples of a series a live chart keeps. */
const samplesMax = 20_000;
/** Samples are kept this long after they have left the chart, so that the line does not end inside it. */
const keptMs = 10_000;

const merged = (holes: readonly number[], more: readonly number[]): number[] =>
  more.length === 0 ? [...holes] : [...new Set([...holes, ...more])].sort((a, b) => a - b);

const shifted = (specials: DrawnSeries['specials'], by: number): Record<number, string> =>
  Object.fromEntries(
    Object.entries(specials ?? {})
      .map(([i, name]) => [Number(i) + by, name] as const)
      .filter(([i]) => i >= 0),
  );

/** The series just read, extended by newer samples of the live stream. */
export const withNewer = (read: readonly DrawnSeries[], shown: readonly DrawnSeries[]): DrawnSeries[] => {
  const byLabels = new Map(shown.map((one) => [formatLabels(one.labels), one]));
  return read.map((one) => {
    const { labels, timestamps, values, holes = [], specials } = one;
    const known = byLabels.get(formatLabels(labels));
    const last = timestamps.at(-1) ?? 0;
    const first = known?.timestamps.findIndex((time) => time > last) ?? -1;
    if (known === undefined || first < 0)
      return { labels, timestamps, values, holes: [...holes], specials: { ...specials } };
    const newer = Object.fromEntries(Object.entries(known.specials ?? {}).filter(([i]) => Number(i) >= first));
    return {
      labels,
      timestamps: [...timestamps, ...known.timestamps.slice(first)],
      values: [...values, ...known.values.slice(first)],
      holes: merged(
        holes,
        (known.holes ?? []).filter((time) => time > last),
      ),
      specials: { ...specials, ...shifted(newer, timestamps.length - first) },
    };
  });
};

/** Appends samples that are newer than those of their series. Returns how many of the series are not in the list. */
export const appendSamples = (list: DrawnSeries[], newer: readonly DrawnSeries[]): number => {
  const byLabels = new Map(list.map((one, i) => [formatLabels(one.labels), i]));
  let unknown = 0;
  for (const { labels, timestamps, values, holes = [], specials = {} } of newer) {
    const at = byLabels.get(formatLabels(labels));
    if (at === undefined) {
      unknown++;
      continue;
    }
    const known = list[at];
    const named: Record<number, string> = { ...known.specials };
    for (const [i, time] of timestamps.entries()) {
      if (time <= (known.timestamps.at(-1) ?? 0)) continue;
      if (specials[i] !== undefined) named[known.timestamps.length] = specials[i];
      known.timestamps.push(time);
      known.values.push(values[i]);
    }
    list[at] = { ...known, holes: merged(known.holes ?? [], holes), specials: named };
  }
  return unknown;
};

/** Drops samples that have moved out of a chart that begins at `from`. Returns whether there were any. */
export const trimSamples = (list: DrawnSeries[], from: number): boolean => {
  let hasChanged = false;
  for (const [at, one] of list.entries()) {
    const { timestamps, values, holes = [], specials } = one;
    const left = timestamps.findIndex((time) => time >= from - keptMs);
    const first = Math.max(left, timestamps.length - samplesMax);
    if (first <= 0) continue;
    hasChanged = true;
    timestamps.splice(0, first);
    values.splice(0, first);
    const kept = holes.filter((time) => time > (timestamps[0] ?? 0));
    list[at] = { ...one, holes: kept, specials: shifted(specials, -first) };
  }
  return hasChanged;
};
