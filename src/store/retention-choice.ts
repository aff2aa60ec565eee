/**
 * Chooses the retention of an opening: the one that its options give, the one that the directory remembers, or the
 * default of a directory that it creates. Without a request to delete samples, everything is kept.
 * docs/decisions/0015-a-directory-remembers-its-retention.md
 */
import {
  KEEP_EVERYTHING,
  RETENTION_DAMAGED,
  type RetentionLimits,
  readRetention,
  sameRetention,
  writeRetention,
} from '../disk/retention-memory.ts';
import type { RetentionSettings } from '../model/events.ts';
import type { Engine } from './engine.ts';
import type { NamedRetention } from './options.ts';

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
  /** Set if this opening has changed what an existing directory remembers. */
  readonly change: { readonly before: RetentionLimits | undefined } | undefined;
}

/** Call it when the directory is claimed and marked as in use, unless the store is read-only. */
export const chooseRetention = (engine: Engine, created: boolean): RetentionChoice => {
  const { fileSystem, directory, logger } = engine;
  const { retention: named, applyRetention, readOnly } = engine.options;
  const found = readRetention(fileSystem, directory);
  if (found === 'damaged') logger.warn({ finding: 'retentionDamaged', directory }, RETENTION_DAMAGED);
  if (found === 'newer') {
    // Its rules may keep series that this opening would delete. So it stays as it is.
    logger.warn(
      { directory },
      'A newer version of Tidemark wrote RETENTION: it stays as it is, and everything is kept.',
    );
    return { limits: KEEP_EVERYTHING, remembered: undefined, change: undefined };
  }
  const remembered = found === 'damaged' ? undefined : found;
  const kept = { limits: KEEP_EVERYTHING, remembered, change: undefined };
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
  const limits = completed(named, remembered, created ? DEFAULT_TIME_MS : Infinity);
  if (readOnly) return { ...kept, limits };
  const isSame = remembered !== undefined && sameRetention(limits, remembered);
  if (!isSame) writeRetention(fileSystem, directory, limits);
  return { limits, remembered: limits, change: isSame || created ? undefined : { before: remembered } };
};

/** A named retention, completed by what the directory remembers. */
export const completed = (
  named: NamedRetention | undefined,
  remembered: RetentionLimits | undefined,
  defaultMs: number,
): RetentionLimits => ({
  timeMs: named?.timeMs ?? remembered?.timeMs ?? defaultMs,
  bytes: named?.bytes ?? remembered?.bytes ?? Infinity,
  rules: named?.rules ?? remembered?.rules ?? [],
});

/** The retention as `info` and events show it. */
export const settingsOf = ({ timeMs, bytes, rules }: RetentionLimits): RetentionSettings => ({
  time: shownTime(timeMs),
  ...(bytes === Infinity ? {} : { bytes }),
  ...(rules.length === 0
    ? {}
    : { rules: rules.map((rule) => ({ selector: rule.selector, time: shownTime(rule.timeMs) })) }),
});

const shownTime = (timeMs: number): number | 'off' => (timeMs === Infinity ? 'off' : timeMs);
