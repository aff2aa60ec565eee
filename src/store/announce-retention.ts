/**
 * Announces a changed retention before anything is deleted by it: as an event, and if some series are kept shorter than
 * before, in the log with the number of series that lose samples. The samples are not counted here, because that
 * would read them; `previewRetention` counts them.
 */

import { KEEP_EVERYTHING } from '../disk/retention-memory.ts';
import { EARLIEST } from '../model/int64.ts';
import type { LabelPairs } from '../model/labels.ts';
import { RetentionClasses } from '../model/retention-classes.ts';
import { firstTimeOfRow } from '../series/series-memory.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';
import { settingsOf } from './retention-choice.ts';
import { oldestTime } from './time-span.ts';

/** How many archived series' labels one read of the index gets. */
const ARCHIVED_AT_ONCE = 1024;

export const announceRetention = async (engine: Engine, recovered: Recovered, now: number): Promise<void> => {
  const { limits, change } = engine.retention;
  if (change === undefined) return;
  const { before } = change;
  recovered.bus.publish({
    type: 'retentionChanged',
    time: engine.clock.now(),
    ...(before === undefined ? {} : { before: settingsOf(before) }),
    after: settingsOf(limits),
  });
  const previous = before ?? KEEP_EVERYTHING;
  const loss = new Loss(
    new RetentionClasses(previous.timeMs, previous.rules),
    new RetentionClasses(limits.timeMs, limits.rules),
    now,
  );
  await countLoss(engine, recovered, loss);
  const bytesLowered = limits.bytes < previous.bytes;
  if (!bytesLowered && limits.timeMs >= previous.timeMs && loss.whole + loss.part === 0) return;
  const { series, whole, part } = loss;
  const oldest = oldestTime(engine, recovered);
  engine.logger.warn(
    {
      before: settingsOf(previous),
      now: settingsOf(limits),
      series,
      whole,
      part,
      ...(oldest === EARLIEST ? {} : { oldest, limit: now - limits.timeMs }),
    },
    `Retention was lowered: of ${series} series ${whole} go as a whole, and ${part} lose their older samples` +
      `${bytesLowered ? '; the limit on the size may take more' : ''}.`,
  );
};

/** Counts the series that lose samples to a lowered retention. */
export class Loss {
  series = 0;
  whole = 0;
  part = 0;
  private readonly before: RetentionClasses;
  private readonly after: RetentionClasses;
  private readonly now: number;

  constructor(before: RetentionClasses, after: RetentionClasses, now: number) {
    this.before = before;
    this.after = after;
    this.now = now;
  }

  /** Whether a series with this first time may lose samples, whatever its labels are. */
  concerns(firstTime: number): boolean {
    return firstTime < this.now - this.after.times[0];
  }

  /** Takes the labels and the times of the first and last sample of a series. */
  count(pairs: LabelPairs, firstTime: number, lastTime: number): void {
    this.series++;
    if (!this.concerns(firstTime)) return;
    const timeMs = this.after.times[this.after.classOf(pairs)];
    if (timeMs >= this.before.times[this.before.classOf(pairs)]) return;
    if (lastTime < this.now - timeMs) this.whole++;
    else if (firstTime < this.now - timeMs) this.part++;
  }
}

const countLoss = async (engine: Engine, recovered: Recovered, loss: Loss): Promise<void> => {
  const { table } = engine;
  const { archived, archive, indexer } = recovered;
  for (const row of table.rows()) loss.count(table.labels[row] ?? [], firstTimeOfRow(engine, row), table.lastTime(row));
  // Labels of archived series are read only if the series can lose samples.
  let halves: number[] = [];
  const countRead = async (): Promise<void> => {
    for (const [index, stored] of (await archive.labelsOfMany(halves)).entries()) {
      const high = halves[2 * index];
      const low = halves[2 * index + 1];
      const pairs = stored ?? indexer.pendingArchived(high, low) ?? [];
      loss.count(pairs, archived.firstTimeOf(high, low), archived.lastTimeOf(high, low));
    }
    halves = [];
  };
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
    if (loss.concerns(archived.firstTimeAt(slot))) halves.push(archived.highAt(slot), archived.lowAt(slot));
    else loss.series++;
    if (halves.length >= 2 * ARCHIVED_AT_ONCE) await countRead();
  }
  if (halves.length > 0) await countRead();
};
