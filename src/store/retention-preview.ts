/** Counts what a retention would delete now, sample by sample. Changes nothing. */
import type { RetentionPreview, StoreOptions } from '../api/api.ts';
import { toLabelPairs } from '../model/labels.ts';
import { NO_ROW } from '../series/table.ts';
import { retentionOf } from './options.ts';
import { Retention } from './retention.ts';
import { completed, settingsOf } from './retention-choice.ts';
import type { Running } from './running.ts';

/** Samples that are hidden already are not counted. Throws `TIDEMARK_INVALID_OPTION`. */
export const previewRetention = async (
  running: Running,
  given: NonNullable<StoreOptions['retention']>,
): Promise<RetentionPreview> => {
  const { engine, recovered, directory, queries, trustedClock } = running;
  const limits = completed(retentionOf(given), engine.retention.remembered, Infinity);
  const now = trustedClock.now();
  const retention = new Retention({ limits: { ...limits, bytes: Infinity }, now: () => now });
  const lastTimeOf = (pairs: readonly string[]): number => {
    const { high, low } = directory.fingerprintOf(pairs);
    const row = engine.table.findFingerprint(high, low);
    return row === NO_ROW ? recovered.archived.lastTimeOf(high, low) : engine.table.lastTime(row);
  };
  const counts = { samples: 0, whole: 0, part: 0, unreadable: 0 };
  if (retention.isOn) {
    for await (const { labels, timestamps, problems } of queries.select([], {
      through: retention.latestBeforeTime() - 1,
    })) {
      const pairs = toLabelPairs(labels);
      const before = retention.beforeTimeOf(pairs);
      const past = countBefore(timestamps, before);
      if (problems !== undefined) counts.unreadable++;
      counts.samples += past;
      if (past === 0) continue;
      if (lastTimeOf(pairs) < before) counts.whole++;
      else counts.part++;
    }
  }
  const series = engine.table.live + recovered.archived.size;
  return { retention: settingsOf(limits), series, ...counts };
};

/** How many of the ascending times are before `limit`. */
const countBefore = (timestamps: Float64Array, limit: number): number => {
  let count = 0;
  while (count < timestamps.length && timestamps[count] < limit) count++;
  return count;
};
