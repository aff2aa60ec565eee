/** Samples of the live stream, added to series that were read before. */
import { formatLabels } from '../../parts/text/series-names.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';

/** How many samples of a series a live chart keeps. */
const samplesMax = 20_000;
/** Samples are kept this long after they have left the chart, so that the line does not end inside it. */
const keptMs = 10_000;

/** The series just read, extended by newer samples of the live stream. */
export const withNewer = (read: readonly DrawnSeries[], shown: readonly DrawnSeries[]): DrawnSeries[] => {
  const byLabels = new Map(shown.map((one) => [formatLabels(one.labels), one]));
  return read.map(({ labels, timestamps, values }) => {
    const known = byLabels.get(formatLabels(labels));
    const last = timestamps.at(-1) ?? 0;
    const first = known?.timestamps.findIndex((time) => time > last) ?? -1;
    if (known === undefined || first < 0) return { labels, timestamps, values };
    return {
      labels,
      timestamps: [...timestamps, ...known.timestamps.slice(first)],
      values: [...values, ...known.values.slice(first)],
    };
  });
};

/** Appends samples that are newer than those of their series. Returns how many of the series are not in the list. */
export const appendSamples = (list: readonly DrawnSeries[], newer: readonly DrawnSeries[]): number => {
  const byLabels = new Map(list.map((one) => [formatLabels(one.labels), one]));
  let unknown = 0;
  for (const { labels, timestamps, values } of newer) {
    const known = byLabels.get(formatLabels(labels));
    if (known === undefined) {
      unknown++;
      continue;
    }
    for (const [i, time] of timestamps.entries()) {
      if (time <= (known.timestamps.at(-1) ?? 0)) continue;
      known.timestamps.push(time);
      known.values.push(values[i]);
    }
  }
  return unknown;
};

/** Drops samples that have moved out of a chart that begins at `from`. */
export const trimSamples = (list: readonly DrawnSeries[], from: number): void => {
  for (const { timestamps, values } of list) {
    const left = timestamps.findIndex((time) => time >= from - keptMs);
    const first = Math.max(left, timestamps.length - samplesMax);
    if (first <= 0) continue;
    timestamps.splice(0, first);
    values.splice(0, first);
  }
};
