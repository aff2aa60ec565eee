/** Events of lives of series for tests of the timeline. */
import type { ReplayedEvent } from '../../src/timeline/replay-answers.ts';

export const fingerprint = (n: number): string => n.toString(16).padStart(16, '0');

export const opened = (time: number, series = 0, archivedSeries = 0): ReplayedEvent => ({
  type: 'storeOpened',
  time,
  how: series + archivedSeries === 0 ? 'created' : 'clean',
  series,
  archivedSeries,
});

/** An event of one series. */
export const one = (type: string, n: number, time = 0): ReplayedEvent => ({
  type,
  time,
  fingerprint: fingerprint(n),
  ...(type === 'seriesCreated' && { labels: { __name__: 'up', n: String(n) } }),
});

/** An event of several series. */
export const many = (type: string, numbers: readonly number[], time = 0): ReplayedEvent => ({
  type,
  time,
  fingerprints: numbers.map(fingerprint),
});
