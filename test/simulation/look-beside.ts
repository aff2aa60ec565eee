/**
 * Inspects a directory that no process has open, after a close or a crash. The directory is checked and opened
 * read-only. The reader must show what the next opening for writing shows, and `checkDirectory` must find no problem
 * after a crash alone.
 */

import { DIRECTORY, type Life } from './life.ts';
import { type Look, lookAt } from './look.ts';
import type { Model } from './model.ts';
import { nameOf, Violation } from './model.ts';
import { isRuled } from './retention-rule.ts';
import { keyOf, seriesOf } from './value-source.ts';

export interface Inspection {
  readonly look: Look;
  readonly crashCount: number;
  readonly troubleCount: number;
}

/** Checks the directory, if it must be sound, and reads it. Returns `undefined` if there is nothing to compare. */
export const inspectDirectory = async (life: Life, isSound = true): Promise<Inspection | undefined> => {
  if (!life.canBeInspected) return undefined;
  if (isSound && !life.everHarmed) {
    const problem = await life.checkBeside(DIRECTORY);
    if (problem !== undefined) throw new Violation(`check finds in the directory that was left: ${problem}`);
  }
  const look = await lookAt(life, 'the directory that was left, read-only', {
    directory: DIRECTORY,
    readOnly: true,
    excused: life.everHarmed,
  });
  const { crashCount } = life;
  return look && { look, crashCount, troubleCount: life.world.disk.troubleCount };
};

/** Compares what the reader saw with what the next opening shows. Samples past retention may be dropped in between. */
export const compareInspection = (life: Life, { look, crashCount, troubleCount }: Inspection, now: Look): void => {
  // A recovery that crashed may have lost unacknowledged samples; damage may have been found in between.
  if (life.everHarmed || life.crashCount > crashCount || life.world.disk.troubleCount > troubleCount) return;
  const before = describe(look, life.model);
  const after = describe(now, life.model);
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(key) === after.get(key)) continue;
    throw new Violation(
      `${key}: read-only opening shows ${short(before.get(key))}, next opening for writing ${short(after.get(key))}`,
    );
  }
};

/** Each series as text, with its samples that retention keeps. A series without such samples is left out. */
const describe = ({ samples, metrics, names }: Look, model: Model): Map<string, string> => {
  const described = new Map<string, string>();
  const recent = new Set<string>();
  for (const { labels, timestamps, values } of samples) {
    const limit = isRuled(seriesOf(labels) ?? -1) ? model.ruledLimit : model.retentionLimit;
    const start = timestamps.findIndex((time) => time >= limit);
    if (start < 0) continue;
    recent.add(keyOf(labels));
    const words = new Int32Array(values.buffer, values.byteOffset + 8 * start, 2 * (values.length - start));
    const times = timestamps.subarray(start);
    described.set(
      nameOf(seriesOf(labels) ?? -1),
      `${times.length} samples from ${times[0]} to ${times.at(-1)} (${times.join()} ${words.join()})`,
    );
  }
  for (const labels of metrics) if (recent.has(keyOf(labels))) described.set(`metric ${keyOf(labels)}`, 'there');
  const needed = new Set(
    metrics.filter((labels) => recent.has(keyOf(labels))).flatMap((labels) => Object.keys(labels)),
  );
  for (const name of names) if (needed.has(name)) described.set(`label ${name}`, 'there');
  return described;
};

/** A description without the samples themselves. */
const short = (text: string | undefined): string => text?.replace(/ \(.*/, '') ?? 'nothing';
