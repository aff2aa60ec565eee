/**
 * Chooses the retention of an opening: the one that its options give, the one that the directory remembers, or the
 * default of a directory that it creates. Without a request to delete samples, everything is kept.
 * docs/decisions/0015-a-directory-remembers-its-retention.md
 */
import { KEEP_EVERYTHING, type RetentionLimits, readRetention, writeRetention } from '../disk/retention-memory.ts';
import { EARLIEST } from '../model/int64.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';
import { oldestTime } from './time-span.ts';

/** Retention of a directory that `openStore` creates. */
const DEFAULT_TIME_MS = 15 * 86_400_000;

export interface RetentionChoice {
  /** The limits by which samples are deleted, hidden and refused. */
  readonly limits: RetentionLimits;
  /**
   * The retention that the directory remembers; `undefined` when it keeps everything because no retention was ever
   * given.
   */
  readonly remembered: RetentionLimits | undefined;
  /** The previous limits, if this opening has lowered one of them. */
  readonly loweredFrom: RetentionLimits | undefined;
}

/** Call it when the directory is claimed and marked as in use, unless the store is read-only. */
export const chooseRetention = (engine: Engine, created: boolean): RetentionChoice => {
  const { fileSystem, directory, logger } = engine;
  const { retention: named, applyRetention, readOnly } = engine.options;
  const found = readRetention(fileSystem, directory);
  if (found === 'damaged') logger.warn({ directory }, 'RETENTION can not be read and is ignored.');
  const remembered = found === 'damaged' ? undefined : found;
  const kept = { limits: KEEP_EVERYTHING, remembered, loweredFrom: undefined };
  if (!applyRetention) return kept;
  if (named === undefined && !created) {
    // A read-only store deletes nothing, so it hides nothing unless it is asked to.
    if (readOnly) return kept;
    if (remembered !== undefined) return { ...kept, limits: remembered };
    logger.warn(
      { directory },
      'No retention was ever named for this directory: everything is kept. The option retention, or serve --retention, names one.',
    );
    return kept;
  }
  const limits = {
    timeMs: named?.timeMs ?? remembered?.timeMs ?? (created ? DEFAULT_TIME_MS : Infinity),
    bytes: named?.bytes ?? remembered?.bytes ?? Infinity,
  };
  if (readOnly) return { ...kept, limits };
  if (limits.timeMs !== remembered?.timeMs || limits.bytes !== remembered.bytes)
    writeRetention(fileSystem, directory, limits);
  const before = remembered ?? KEEP_EVERYTHING;
  const isLowered = !created && (limits.timeMs < before.timeMs || limits.bytes < before.bytes);
  return { limits, remembered: limits, loweredFrom: isLowered ? before : undefined };
};

/** Logs how much a lowered retention will delete, before anything is deleted. */
export const announceLowered = (engine: Engine, recovered: Recovered, now: number): void => {
  const { limits, loweredFrom } = engine.retention;
  if (loweredFrom === undefined) return;
  const limit = now - limits.timeMs;
  const { archived } = recovered;
  const { table, chunks } = engine;
  let series = 0;
  let whole = 0;
  let part = 0;
  const count = (first: number, last: number): void => {
    series++;
    if (last < limit) whole++;
    else if (first < limit) part++;
  };
  for (const row of table.rows()) count(chunks.firstTimeOfSeries(row), table.lastTime(row));
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1))
    count(archived.firstTimeAt(slot), archived.lastTimeAt(slot));
  const oldest = oldestTime(engine, recovered);
  engine.logger.warn(
    { before: loweredFrom, now: limits, series, whole, part, ...(oldest === EARLIEST ? {} : { oldest, limit }) },
    `Retention was lowered: of ${series} series ${whole} go as a whole, and ${part} lose their older samples` +
      `${limits.bytes < loweredFrom.bytes ? '; the limit on the size may take more' : ''}.`,
  );
};
