/**
 * The content of a store's directory, decoded to plain data that can be compared. Where a format leaves the order open,
 * the entries are sorted; everything else is as it is on the disk.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Slab } from '../../../src/chunk/slab.ts';
import { readHeads } from '../../../src/disk/heads/heads-reader.ts';
import { readMappings } from '../../../src/disk/mappings.ts';
import { nodeFileSystem } from '../../../src/files/node-file-system.ts';
import { ArchiveIndex } from '../../../src/indexes/archive-index.ts';
import { LabelIndex } from '../../../src/indexes/label-index.ts';
import { levelStores } from '../../../src/indexes/level-stores.ts';
import { fingerprintText } from '../../../src/model/fingerprint.ts';
import { metricText } from '../../../src/model/metric-text.ts';

export interface DirectoryContent {
  /** SHA-256 of every file that is neither decoded below nor LevelDB's, by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Records of heads.db by fingerprint. */
  readonly heads: Readonly<Record<string, unknown>>;
  /** Raw fingerprint, labels, mapped fingerprint. */
  readonly mappings: readonly string[];
  readonly labelPairs: Readonly<Record<string, readonly string[]>>;
  readonly labelValues: Readonly<Record<string, readonly string[]>>;
  readonly archivedMetrics: Readonly<Record<string, string>>;
  readonly archivedTimes: Readonly<Record<string, readonly [number, number]>>;
  /** Names at the top level that the original does not know. */
  readonly extra: readonly string[];
}

const databases = new Set([
  'archived_fingerprint_to_metric',
  'archived_fingerprint_to_timerange',
  'labelname_to_labelvalues',
  'labelpair_to_fingerprints',
]);
const known = /^(?:VERSION|DIRTY|heads\.db|mappings\.db|orphaned|[0-9a-f]{2})$/;

export const contentOf = async (directory: string): Promise<DirectoryContent> => {
  const names = readdirSync(directory);
  return {
    files: sortedRecord(hashes(directory, names)),
    heads: sortedRecord(await headsOf(directory)),
    mappings: readMappings(nodeFileSystem, directory)
      .mappings.map(({ rawHigh, rawLow, metric, high, low }) =>
        [fingerprintText(rawHigh, rawLow), Buffer.from(metric).toString('hex'), fingerprintText(high, low)].join(' '),
      )
      .sort(),
    ...(await indexesOf(directory)),
    extra: names.filter((name) => !databases.has(name) && !known.test(name)).sort(),
  };
};

const hashes = (directory: string, names: readonly string[]): [string, string][] =>
  names
    .filter((name) => /^[0-9a-f]{2}$/.test(name) && statSync(join(directory, name)).isDirectory())
    .flatMap((name) => readdirSync(join(directory, name)).map((file) => `${name}/${file}`))
    .filter((path) => statSync(join(directory, path)).isFile())
    .map((path) => [
      path,
      createHash('sha256')
        .update(readFileSync(join(directory, path)))
        .digest('hex'),
    ]);

const headsOf = async (directory: string): Promise<[string, unknown][]> => {
  const slab = new Slab();
  const records: [string, unknown][] = [];
  await readHeads(nodeFileSystem, directory, slab, (record) => {
    const { high, low, pairs, slots, mtimeNs, ...rest } = record;
    const chunks = slots.map((slot) => `${slab.encoding[slot]} ${Buffer.from(slab.bytesOf(slot)).toString('hex')}`);
    records.push([
      fingerprintText(high, low),
      { metric: metricText(pairs), mtimeNs: String(mtimeNs), chunks, ...rest },
    ]);
  });
  return records;
};

const indexesOf = async (
  directory: string,
): Promise<Pick<DirectoryContent, 'labelPairs' | 'labelValues' | 'archivedMetrics' | 'archivedTimes'>> => {
  const [metrics, times, names, pairs] = await Promise.all(
    [...databases].map((name) => levelStores.openCopy(join(directory, name))),
  );
  const archive = new ArchiveIndex(metrics, times);
  const labels = new LabelIndex(names, pairs);
  try {
    const labelPairs: [string, string[]][] = [];
    for await (const page of labels.scanPairs()) {
      for (const { name, value, fingerprints } of page) {
        const texts = Array.from({ length: fingerprints.size }, (_, i) =>
          fingerprintText(fingerprints.high(i), fingerprints.low(i)),
        );
        labelPairs.push([`${name}=${value}`, texts]);
      }
    }
    const labelValues: [string, string[]][] = [];
    for (const name of await labels.names()) labelValues.push([name, (await labels.valuesOf(name)).sort()]);
    const archivedMetrics: [string, string][] = [];
    for await (const { entries } of archive.scanMetrics())
      for (const { high, low, pairs: text } of entries)
        archivedMetrics.push([fingerprintText(high, low), metricText(text)]);
    const archivedTimes: [string, [number, number]][] = [];
    for await (const { entries } of archive.scanTimeRanges())
      for (const { high, low, firstTime, lastTime } of entries)
        archivedTimes.push([fingerprintText(high, low), [firstTime, lastTime]]);
    return {
      labelPairs: sortedRecord(labelPairs),
      labelValues: sortedRecord(labelValues),
      archivedMetrics: sortedRecord(archivedMetrics),
      archivedTimes: sortedRecord(archivedTimes),
    };
  } finally {
    await archive.close();
    await labels.close();
  }
};

const sortedRecord = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
