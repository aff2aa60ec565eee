/**
 * Adds what a journal holds and nothing else does, after another program has gone on where the journal ends. Its samples
 * were acknowledged, so they are kept; but what the other program has written since is newer than what the journal says
 * of files, archive and labels. So only samples are taken, nothing is cut, replaced or deleted:
 *
 *   - samples newer than all that the series has are appended;
 *   - samples between those that it has are merged into its file;
 *   - a series that nothing else knows any more comes back, unless the journal says that it was deleted.
 */
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { TidemarkError } from '../errors.ts';
import type { ArchiveDirectory } from '../index/archive-directory.ts';
import type { Indexer } from '../index/indexer.ts';
import type { FindingListener } from '../journal/findings.ts';
import { readJournal, type SamplesRecord } from '../journal/read-journal.ts';
import { HIGH_WORD, LOW_WORD } from '../journal/samples-codec.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import { type Fingerprint, type FingerprintHalves, fingerprintText, parseFingerprint } from '../model/fingerprint.ts';
import { type LabelPairs, pairsEqual, toLabelPairs } from '../model/labels.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import { Slices } from '../slices.ts';
import { type MergeParts, mergeSeries, SampleBag, samplesOfFile, samplesOfMemory } from './merge-series.ts';

const SLICE_MS = 8;

export interface OvertakenParts extends MergeParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly archived: ArchiveDirectory;
  readonly indexer: Pick<Indexer, 'enqueue'>;
  readonly clock: Clock;
  readonly onFinding: FindingListener;
  readonly onProgress: (done: number, total: number) => void;
}

export interface OvertakenResult {
  /** Samples that were missing. */
  readonly added: number;
  readonly series: number;
}

/** What the journal says of one series. */
interface Told {
  readonly bag: SampleBag;
  pairs: LabelPairs | undefined;
}

export const addFromJournal = async (
  parts: OvertakenParts,
  from: Position,
  end: Position,
): Promise<OvertakenResult> => {
  const { fileSystem, directory, clock, onFinding, onProgress } = parts;
  const told = new Map<Fingerprint, Told>();
  const slices = new Slices(clock, SLICE_MS);
  for (const record of readJournal({ fileSystem, directory, from, limit: end, onFinding })) {
    if (record.type === 'samples') noteSamples(told, record);
    else for (const event of record.events) noteEvent(told, event);
    if (!slices.isOver) continue;
    onProgress(record.position - from, end - from);
    await slices.breathe();
  }
  let added = 0;
  let series = 0;
  for (const [fingerprint, { bag, pairs }] of told) {
    if (bag.columns.count > 0) {
      const count = addSeries(parts, parseFingerprint(fingerprint) ?? { high: 0, low: 0 }, pairs, bag);
      added += count;
      if (count > 0) series++;
    }
    if (slices.isOver) await slices.breathe();
  }
  return { added, series };
};

const noteSamples = (told: Map<Fingerprint, Told>, record: SamplesRecord): void => {
  const { count, highs, lows, timestamps, words } = record;
  for (let i = 0; i < count; i++) {
    toldOf(told, fingerprintText(highs[i], lows[i])).bag.add(
      timestamps[i],
      words[2 * i + HIGH_WORD],
      words[2 * i + LOW_WORD],
    );
  }
};

const noteEvent = (told: Map<Fingerprint, Told>, event: LifecycleEvent): void => {
  switch (event.type) {
    case 'seriesCreated':
    case 'seriesArchived':
    case 'seriesUnarchived':
      toldOf(told, event.fingerprint).pairs = toLabelPairs(event.labels);
      return;
    case 'seriesPurged':
    case 'seriesQuarantined':
      told.delete(event.fingerprint);
      return;
    default:
      return;
  }
};

const toldOf = (told: Map<Fingerprint, Told>, fingerprint: Fingerprint): Told => {
  const found = told.get(fingerprint) ?? { bag: new SampleBag(), pairs: undefined };
  told.set(fingerprint, found);
  return found;
};

/** Returns how many samples were missing. */
const addSeries = (
  parts: OvertakenParts,
  told: FingerprintHalves,
  pairs: LabelPairs | undefined,
  bag: SampleBag,
): number => {
  const { table, archived } = parts;
  const { high, low, row } = placeOf(parts, told, pairs);
  if (row !== NO_ROW) return addToRow(parts, row, bag);
  if (archived.has(high, low)) return addToArchived(parts, high, low, bag);
  // Nothing names it: it was deleted, or what named it was lost before the journal begins.
  if (pairs === undefined) return 0;
  return addToRow(parts, table.add(high, low, pairs), bag);
};

/** The series by its labels, where the journal tells them: the other program may have given it another fingerprint. */
const placeOf = (
  { table }: OvertakenParts,
  { high, low }: FingerprintHalves,
  pairs: LabelPairs | undefined,
): FingerprintHalves & { readonly row: Row } => {
  const byLabels = pairs === undefined ? NO_ROW : table.findPairs(pairs);
  if (byLabels !== NO_ROW) return { high: table.high[byLabels], low: table.low[byLabels], row: byLabels };
  const row = table.findFingerprint(high, low);
  const isItself = row === NO_ROW || pairs === undefined || pairsEqual(table.labels[row] ?? [], pairs);
  return { high, low, row: isItself ? row : NO_ROW };
};

const addToRow = (parts: OvertakenParts, row: Row, bag: SampleBag): number => {
  const { table, chunks } = parts;
  const high = table.high[row];
  const low = table.low[row];
  const { timestamps, words } = bag.columns;
  const order = bag.inOrder();
  let hasOlder = false;
  let added = 0;
  for (const i of order) {
    if (timestamps[i] <= table.lastTime(row)) {
      hasOlder = true;
      continue;
    }
    chunks.append(row, timestamps[i], words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
    added++;
  }
  if (!hasOlder) return added;
  const lacking = lackingOf(parts, high, low, row, bag);
  if (lacking === undefined || lacking.columns.count === 0) return added;
  return mergeSeries(parts, { high, low, row }, lacking) === undefined ? added : added + lacking.columns.count;
};

const addToArchived = (parts: OvertakenParts, high: number, low: number, bag: SampleBag): number => {
  const { archived, indexer } = parts;
  const lacking = lackingOf(parts, high, low, NO_ROW, bag);
  if (lacking === undefined || lacking.columns.count === 0) return 0;
  const merged = mergeSeries(parts, { high, low, row: NO_ROW }, lacking);
  if (merged === undefined) return 0;
  const { firstTime, lastTime } = merged;
  archived.add(high, low, firstTime, lastTime);
  indexer.enqueue({ type: 'updateTimeRange', high, low, firstTime, lastTime });
  return lacking.columns.count;
};

/** Those samples whose times neither the file nor memory has; `undefined` where the file can't be read. */
const lackingOf = (
  parts: OvertakenParts,
  high: number,
  low: number,
  row: Row,
  bag: SampleBag,
): SampleBag | undefined => {
  try {
    const known = samplesOfFile(parts, high, low).times();
    if (row !== NO_ROW) for (const time of samplesOfMemory(parts, row).times()) known.add(time);
    const lacking = new SampleBag();
    const { timestamps, words } = bag.columns;
    for (const i of bag.inOrder()) {
      if (!known.has(timestamps[i])) lacking.add(timestamps[i], words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
    }
    return lacking;
  } catch (error) {
    // A damaged file is quarantined when it is read. What the disk refuses must not pass for damage.
    if (error instanceof TidemarkError && error.code.startsWith('TIDEMARK_CORRUPT_')) return undefined;
    throw error;
  }
};
