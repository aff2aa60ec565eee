/** Checks the checkpoint and the mapping table. */

import { Slices } from '../async/slices.ts';
import { SampleColumns } from '../chunk/chunk.ts';
import { decodeStored, firstTimeOf, lastTimeOf } from '../chunk/decode.ts';
import { Slab, type Slot } from '../chunk/slab.ts';
import type { HeadsRead, HeadsRecord } from '../disk/heads/heads.ts';
import { readHeads } from '../disk/heads/heads-reader.ts';
import { verifyRecords } from '../disk/heads/heads-sums.ts';
import { type LastClose, readLastClose } from '../disk/last-close.ts';
import { readMappings } from '../disk/mappings.ts';
import { isSeriesDirectoryName } from '../disk/series-path.ts';
import type { FileSystem } from '../files/file-system.ts';
import { isReserved } from '../model/collisions.ts';
import { isDamage } from '../model/errors.ts';
import type { Position } from '../model/events.ts';
import { fastFingerprint, fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import { TextTable } from '../model/text-table.ts';
import { parseUniqueMetric } from '../model/unique-metric.ts';
import type { Check } from './check-report.ts';
import { nameOf } from './isolate-records.ts';
import { isOwnFingerprint } from './naming.ts';

/** Most damaged records that are reported one by one. */
const DESCRIBED_MAX = 100;

/** Checks the checkpoint. Returns the journal position that it names; `undefined` when it names none. */
export const checkHeads = async (
  check: Check,
  onProgress: (done: number, total: number) => void,
): Promise<Position | undefined> => {
  const { fileSystem, directory } = check;
  const slab = new Slab();
  const heads = await readHeads(fileSystem, directory, slab, (record) => checkRecord(check, slab, record), {
    breathe: () => check.breathe(),
    onProgress,
  });
  for (const { message } of heads.problems) check.note('checkpoint', message);
  if (!check.isForeign) await compareRecords(check, heads);
  const hidden = heads.problemCount - heads.problems.length;
  if (hidden > 0) check.note('checkpoint', `heads.db has ${hidden} more problems`);
  const why = heads.status === 'missing' && !check.isOpen ? whyMissed(check) : undefined;
  if (why !== undefined) check.note('checkpoint', `heads.db is missing${why}`);
  return heads.trailer?.position;
};

const sumsAtClose = (fileSystem: FileSystem, directory: string): LastClose['heads'] | undefined => {
  const lastClose = readLastClose(fileSystem, directory);
  return lastClose === 'damaged' ? undefined : lastClose?.heads;
};

/** Reports records that have changed since they were written, if there are checksums of heads.db. */
const compareRecords = async (check: Check, heads: HeadsRead): Promise<void> => {
  const { fileSystem, directory, isOpen } = check;
  const expected = isOpen ? undefined : sumsAtClose(fileSystem, directory);
  if (expected !== undefined && heads.trailer === undefined && heads.status !== 'missing') {
    const isSame = heads.bytes === expected.bytes && heads.crc32 === expected.crc32;
    if (!isSame) check.note('checkpoint', 'heads.db has changed since the last clean close: other size or checksum');
  }
  const slices = new Slices(check.clock);
  const verified = await verifyRecords(fileSystem, directory, { heads, expected }, () =>
    slices.isOver ? slices.breathe() : undefined,
  );
  let described = 0;
  verified?.eachDamaged(({ index, offset, bytes }) => {
    if (described++ >= DESCRIBED_MAX) return;
    const name = nameOf(bytes, new TextTable(1));
    const what = `record ${index} of heads.db, byte ${offset}, is not as it was written, by its checksum`;
    if (name?.pairs === undefined) check.note('checkpoint', what);
    else check.noteSeries('checkpoint', name.high, name.low, name.pairs, what);
  });
};

const checkRecord = (check: Check, slab: Slab, record: HeadsRecord): void => {
  const { high, low, pairs, slots, chunkDescsOffset, watermark, descriptorTimes, mtimeNs, savedFirstTime } = record;
  const note = (what: string): void => check.noteSeries('checkpoint', high, low, pairs, what);
  if (!isReserved(high, low) && !isOwnFingerprint(high, low, pairs)) note('the fingerprint is not that of the labels');
  const chunksInFile = chunkDescsOffset < 0 ? undefined : chunkDescsOffset + watermark;
  const firstTimeInMemory = slots.length === 0 ? undefined : firstOf(slab, slots[0]);
  const firstTimeInFile = savedFirstTime === EARLIEST ? undefined : savedFirstTime;
  const times = { firstTimeInMemory, firstTimeInFile, mtimeNs };
  const series = { high, low, pairs, where: 'checkpoint', chunksInFile, ...times } as const;
  if (!check.add({ ...series, timeRange: undefined })) note('the checkpoint has the series twice');
  let last = descriptorTimes[descriptorTimes.length - 1] ?? Number.NEGATIVE_INFINITY;
  for (const slot of slots) {
    last = checkChunk(check, slab, slot, last, note);
    slab.release(slot);
  }
};

/** Decodes the chunk to its end and reports damage. Returns the time of its last sample. */
const checkChunk = (check: Check, slab: Slab, slot: Slot, after: number, note: (what: string) => void): number => {
  const block = slab.blockOf(slot);
  const offset = slab.offsetOf(slot);
  const encoding = slab.encoding[slot];
  const columns = new SampleColumns();
  try {
    decodeStored(block, offset, encoding, columns);
  } catch (error) {
    if (!isDamage(error)) throw error;
    note(`a chunk in the checkpoint: ${error.message}`);
  }
  check.chunks++;
  check.samples += columns.count;
  if (columns.count > 0 && columns.timestamps[0] <= after)
    note(`a chunk in the checkpoint begins at ${columns.timestamps[0]}, and the one before ends at ${after}`);
  return lastTimeOf(block, offset, encoding);
};

const firstOf = (slab: Slab, slot: Slot): number =>
  firstTimeOf(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot]);

/** What shows that a missing heads.db existed, as the rest of a sentence; `undefined` if nothing does. */
const whyMissed = ({ fileSystem, directory }: Check): string | undefined => {
  const closed = sumsAtClose(fileSystem, directory);
  if (closed !== undefined) return `; it had ${closed.bytes} bytes when the directory was closed`;
  const hasFiles = fileSystem.readDirectory(directory).some(({ name }) => isSeriesDirectoryName(name));
  return hasFiles ? ', but there are series files' : undefined;
};

/** Checks the mapping table by itself, and whether it has every series that is stored under a mapped fingerprint. */
export const checkMappings = (check: Check): void => {
  const { status, mappings, damage } = readMappings(check.fileSystem, check.directory);
  if (damage !== undefined) check.note('mappings', damage.message);
  const holders = new Map<string, string>();
  const raw = new Int32Array(2);
  for (const { rawHigh, rawLow, metric, high, low } of mappings) {
    const fingerprint = fingerprintText(high, low);
    const pairs = parseUniqueMetric(metric);
    fastFingerprint(pairs, raw);
    const key = Buffer.from(metric).toString('latin1');
    if (raw[0] !== rawHigh || raw[1] !== rawLow)
      check.noteSeries('mappings', high, low, pairs, 'mappings.db has it under a fingerprint that is not its own');
    if (holders.has(fingerprint) && holders.get(fingerprint) !== key)
      check.noteSeries('mappings', high, low, pairs, 'mappings.db gives its fingerprint to two series');
    holders.set(fingerprint, key);
  }
  if (check.isOpen || status === 'damaged') return;
  for (const { high, low, pairs } of check.series.values()) {
    if (isReserved(high, low) && !holders.has(fingerprintText(high, low)))
      check.noteSeries(
        'mappings',
        high,
        low,
        pairs,
        'its fingerprint is a mapped one, and mappings.db does not have it',
      );
  }
};
