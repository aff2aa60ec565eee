/**
 * Checks the four indexes: the archive by itself, and the label indexes against all series of the checkpoint and the
 * archive. The indexes are read from copies, because LevelDB writes to a database when it opens it.
 */

import { join } from 'node:path';
import { ArchiveIndex } from '../indexes/archive-index.ts';
import { type DatabaseName, databaseFolders } from '../indexes/database-folders.ts';
import type { KeyValueStore, KeyValueStores } from '../indexes/key-value-store.ts';
import { LabelIndex } from '../indexes/label-index.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import { isReserved } from '../model/collisions.ts';
import { textOf } from '../model/errors.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { Check } from './check-report.ts';
import { isOwnFingerprint } from './naming.ts';

/** Most series whose missing entries are reported one by one. */
const NAMED_MAX = 100;

/** Reads the archive and adds its series to the check. */
export const checkArchive = (check: Check, stores: KeyValueStores): Promise<void> =>
  withCopies(check, stores, 'archive', ['metric', 'timeRange'], async (metrics, timeRanges) => {
    const archive = new ArchiveIndex(metrics, timeRanges);
    const times = new Map<string, { firstTime: number; lastTime: number }>();
    for await (const { entries, bad } of archive.scanTimeRanges()) {
      for (const { high, low, firstTime, lastTime } of entries)
        times.set(fingerprintText(high, low), { firstTime, lastTime });
      for (const { error } of bad) check.note('archive', `a time range in the archive can't be read: ${textOf(error)}`);
      await check.breathe();
    }
    for await (const { entries, bad } of archive.scanMetrics()) {
      for (const { high, low, pairs } of entries) {
        const key = fingerprintText(high, low);
        addArchived(check, high, low, pairs, times.get(key));
        times.delete(key);
      }
      for (const { error } of bad) check.note('archive', `a metric in the archive can't be read: ${textOf(error)}`);
      await check.breathe();
    }
    if (check.isOpen) return;
    for (const key of times.keys())
      check.note('archive', `series ${key}: the archive has its times but not its labels`);
  });

const addArchived = (
  check: Check,
  high: number,
  low: number,
  pairs: LabelPairs,
  timeRange: { firstTime: number; lastTime: number } | undefined,
): void => {
  const note = (what: string): void => check.noteSeries('archive', high, low, pairs, what);
  if (!isReserved(high, low) && !isOwnFingerprint(high, low, pairs)) note('the fingerprint is not that of the labels');
  if (timeRange === undefined && !check.isOpen) note('the archive has its labels but not its times');
  const series = { high, low, pairs, where: 'archive', timeRange, mtimeNs: -1n } as const;
  const isNew = check.add({ ...series, chunksInFile: undefined, firstTimeInMemory: undefined });
  if (!isNew && !check.isOpen) note('the series is in the checkpoint and in the archive');
};

/** Compares the label indexes with the series of the checkpoint and the archive. */
export const checkLabels = (check: Check, stores: KeyValueStores): Promise<void> =>
  withCopies(check, stores, 'labelIndex', ['names', 'pairs'], async (names, pairs) => {
    const labels = new LabelIndex(names, pairs);
    const values = new Map<string, Set<string>>();
    let rightEntries = 0;
    for await (const page of labels.scanPairs(({ error }) =>
      check.note('labelIndex', `an entry of the label-pair index can't be read: ${textOf(error)}`),
    )) {
      for (const { name, value, fingerprints } of page) {
        const known = values.get(name) ?? new Set();
        values.set(name, known.add(value));
        for (let i = 0; i < fingerprints.size; i++) {
          const high = fingerprints.high(i);
          const low = fingerprints.low(i);
          const series = check.series.get(high, low);
          if (series !== undefined && hasPair(series.pairs, name, value)) rightEntries++;
          else if (!check.isOpen)
            check.noteSeries(
              'labelIndex',
              high,
              low,
              series?.pairs,
              `the label-pair index gives it ${name}=${JSON.stringify(value)}`,
            );
        }
      }
      await check.breathe();
    }
    if (check.isOpen) return;
    await checkNames(check, labels, values);
    let wanted = 0;
    for (const { pairs: text } of check.series.values()) wanted += text.length / 2;
    if (rightEntries !== wanted) await findMissing(check, labels);
  });

const checkNames = async (
  check: Check,
  labels: LabelIndex,
  values: ReadonlyMap<string, Set<string>>,
): Promise<void> => {
  const names = new Set(await labels.names());
  for (const name of new Set([...names, ...values.keys()])) {
    const inNames = new Set(names.has(name) ? await labels.valuesOf(name) : []);
    const inPairs = values.get(name) ?? new Set();
    const isSame = inNames.size === inPairs.size && [...inNames].every((value) => inPairs.has(value));
    if (!isSame)
      check.note('labelIndex', `label ${name}: the two label indexes have ${inNames.size} and ${inPairs.size} values`);
  }
};

const findMissing = async (check: Check, labels: LabelIndex): Promise<void> => {
  let missing = 0;
  for (const { high, low, pairs } of check.series.values()) {
    const wanted: (readonly [string, string])[] = [];
    for (let i = 0; i < pairs.length; i += 2) wanted.push([pairs[i], pairs[i + 1]]);
    const sets = await labels.fingerprintsOfPairs(wanted);
    const absent = wanted.filter((_, i) => !sets[i].has(high, low)).map(([name]) => name);
    if (absent.length === 0) continue;
    if (missing++ < NAMED_MAX)
      check.noteSeries('labelIndex', high, low, pairs, `the label-pair index does not find it by ${absent.join(', ')}`);
  }
  if (missing > NAMED_MAX)
    check.note('labelIndex', `the label-pair index does not find ${missing - NAMED_MAX} more series`);
};

const hasPair = (pairs: LabelPairs, name: string, value: string): boolean => {
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1] === value;
  return false;
};

const withCopies = async (
  check: Check,
  stores: KeyValueStores,
  kind: 'archive' | 'labelIndex',
  names: readonly [DatabaseName, DatabaseName],
  use: (first: KeyValueStore, second: KeyValueStore) => Promise<void>,
): Promise<void> => {
  const open: KeyValueStore[] = [];
  try {
    for (const name of names) open.push(await stores.openCopy(join(check.directory, databaseFolders[name])));
    await use(open[0], open[1]);
  } catch (error) {
    if (!isCorruptIndex(error)) throw error;
    check.note(kind, error.message);
  } finally {
    for (const store of open) await store.close();
  }
};
