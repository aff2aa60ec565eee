/**
 * Finds the series that match a selector. The label indexes provide fingerprints, the table and the archive provide
 * labels. Matchers that the indexes can't decide (negative and empty-matching ones) are checked against the labels.
 *
 * The indexes lag behind the table by at most one batch. So a lookup first waits until every series that existed at the
 * call is indexed. If the disk prevents that, the lookup also scans the table.
 */

import { Slices } from '../async/slices.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { ArchiveIndex } from '../indexes/archive-index.ts';
import { FingerprintMap } from '../indexes/fingerprint-map.ts';
import type { Indexer } from '../indexes/indexer.ts';
import type { LabelIndex } from '../indexes/label-index.ts';
import { type Found, matchFingerprints } from '../indexes/lookup.ts';
import type { LabelPairs, Labels } from '../model/labels.ts';
import { type CompiledMatcher, matchesPairs } from '../model/matcher.ts';
import type { Clock } from '../ports/clock.ts';
import type { LabelObjects } from '../series/label-objects.ts';
import type { LateSamples } from '../series/late-samples.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { firstTimeOfRow } from '../series/series-memory.ts';
import { NO_ROW, type Row, type SeriesTable } from '../series/table.ts';
import { ascendingRows } from './ascending-rows.ts';
import { settleIndex } from './settle-index.ts';
import { onWholeIndexes, type WholeIndexesParts } from './whole-indexes.ts';

/** A series that a selector matches. */
export interface FoundSeries {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
  /** The row when the series was found; NO_ROW for an archived series. */
  readonly row: Row;
}

/** Rows that are looked up or taken between two looks at the clock. */
const ROWS_PER_LOOK = 1024;
/** How often a look-up begins again in the order of rows, while series are archived or dropped in each of its pauses. */
const ORDERED_RUNS_MAX = 4;
/** How many archived series' labels one read of the index gets. */
const ARCHIVED_AT_ONCE = 1024;

export interface FindParts extends WholeIndexesParts {
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly late: LateSamples;
  readonly labels: LabelIndex;
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  readonly clock: Clock;
  /** Whether the disk refuses the journal's writes. */
  readonly isJournalRefused: () => boolean;
  /** Called with the number of fingerprints from an index for which there is no series. */
  readonly onStrays: (count: number) => void;
}

/** Which series to find: those that match and may have samples from `from` through `through`. */
export interface Sought {
  readonly matchers: readonly CompiledMatcher[];
  readonly from: number;
  readonly through: number;
  /** Samples of a series with these labels before this time are hidden. Absent when `from` holds for all series. */
  readonly visibleFromOf?: ((pairs: LabelPairs) => number) | undefined;
}

/** Called with each series that was found. The labels' array must not be changed. */
type Take = (pairs: LabelPairs, high: number, low: number, row: Row) => void;

/** Finds matching series that may have samples in the range, in no particular order. */
export const findSeries = (parts: FindParts, sought: Sought): Promise<FoundSeries[]> =>
  onWholeIndexes(parts, async () => {
    const found: FoundSeries[] = [];
    await eachSeries(parts, sought, (pairs, high, low, row) => {
      found.push({ high, low, pairs, row });
    });
    return found;
  });

/** The same as {@link findSeries}, but returns only the labels, as objects that must not be changed. */
export const findLabels = (parts: FindParts, objects: LabelObjects, sought: Sought): Promise<Labels[]> =>
  onWholeIndexes(parts, async () => {
    const found: Labels[] = [];
    await eachSeries(parts, sought, (pairs, _high, _low, row) => {
      found.push(objects.of(row, pairs));
    });
    return found;
  });

const eachSeries = async (parts: FindParts, sought: Sought, take: Take): Promise<void> => {
  const { labels, indexer, clock } = parts;
  const isIndexed = await settleIndex(indexer, parts.isJournalRefused);
  const taken = new FingerprintMap<true>();
  if (!isIndexed) await takeUnindexed(parts, sought, take, taken);
  const takeFound: Take = (pairs, high, low, row) => {
    if ((isIndexed || taken.get(high, low) === undefined) && !isHidden(parts, sought, pairs, high, low))
      take(pairs, high, low, row);
  };
  const slices = new Slices(clock);
  const candidates = await matchFingerprints(labels, sought.matchers, slices);
  const taking: Taking = { parts, sought, residual: candidates.residual, onDisk: [], strays: 0, take: takeFound };
  await takeCandidates(taking, candidates, slices);
  await takeFromArchive(taking);
  parts.onStrays(taking.strays);
};

/** Finds the matching series in memory without the indexes. */
const takeUnindexed = async (
  parts: FindParts,
  sought: Sought,
  take: Take,
  taken: FingerprintMap<true>,
): Promise<void> => {
  const { table, clock } = parts;
  const slices = new Slices(clock);
  let looked = 0;
  for (const row of table.rows()) {
    if (++looked % ROWS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
    const pairs = table.labels[row];
    if (pairs === undefined || !mayOverlap(parts, sought, row) || !matchesPairs(sought.matchers, pairs)) continue;
    if (isHidden(parts, sought, pairs, table.high[row], table.low[row])) continue;
    taken.set(table.high[row], table.low[row], true);
    take(pairs, table.high[row], table.low[row], row);
  }
};

/** Whether a series in memory may have samples in the range, judging by the times of its first and last sample. */
const mayOverlap = (parts: FindParts, { from, through }: Sought, row: Row): boolean =>
  (from === Number.NEGATIVE_INFINITY || parts.table.lastTime(row) >= from) &&
  (through === Number.POSITIVE_INFINITY || beginsBy(parts, row, through));

const beginsBy = (parts: FindParts, row: Row, through: number): boolean => {
  const { chunksInFile, firstTime } = parts.table;
  // For most series the row is enough, and looking into a chunk would mean waiting for its memory.
  return (chunksInFile[row] !== 0 && firstTime[row] <= through) || firstTimeOfRow(parts, row) <= through;
};

/** Whether all samples of the series are past its own retention. */
const isHidden = (
  { table, archived }: FindParts,
  { visibleFromOf }: Sought,
  pairs: LabelPairs,
  high: number,
  low: number,
): boolean => {
  if (visibleFromOf === undefined) return false;
  const row = table.findFingerprint(high, low);
  const lastTime = row === NO_ROW ? archived.lastTimeOf(high, low) : table.lastTime(row);
  return lastTime < visibleFromOf(pairs);
};

/** Fingerprints that an index names. */
type Fingerprints = Pick<Found, 'highs' | 'lows'>;

/** A look-up whose candidates are known. */
interface Taking {
  readonly parts: FindParts;
  readonly sought: Sought;
  /** Matchers that the index has not answered. */
  readonly residual: readonly CompiledMatcher[];
  readonly take: Take;
  /** Archived series whose labels must be read: high and low halves in turn. */
  readonly onDisk: number[];
  /** Fingerprints without a series. */
  strays: number;
}

/** Takes the series in memory, and archived ones whose labels are in memory; adds the other archived ones to `onDisk`. */
const takeCandidates = async (taking: Taking, candidates: Fingerprints, slices: Slices): Promise<void> => {
  let left: Fingerprints | undefined = candidates;
  for (let run = 0; run < ORDERED_RUNS_MAX && left !== undefined; run++) left = await takeInOrder(taking, left, slices);
  if (left !== undefined) await takeEach(taking, left, slices);
};

/**
 * Looks all rows up first, then takes them in their order, because labels that were created one after the other lie in
 * memory one after the other. Returns the candidates that are left if a row was given up in a pause: from then on, rows
 * may belong to other series.
 */
const takeInOrder = async (
  taking: Taking,
  candidates: Fingerprints,
  slices: Slices,
): Promise<Fingerprints | undefined> => {
  const { highs, lows } = candidates;
  const { table } = taking.parts;
  const { detachedCount } = table;
  const rows = new Int32Array(highs.length);
  const live = new Int32Array(highs.length);
  let liveCount = 0;
  for (let i = 0; i < rows.length; i++) {
    if (i % ROWS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
    const row = table.findFingerprint(highs[i], lows[i]);
    rows[i] = row;
    if (row !== NO_ROW) live[liveCount++] = row;
    else sortOutArchived(taking, highs[i], lows[i]);
  }
  if (slices.isOver) await slices.breathe();
  const ascending = ascendingRows(live, liveCount, table.size);
  let done = 0;
  for (; done < ascending.length && table.detachedCount === detachedCount; done++) {
    takeRow(taking, ascending[done]);
    if (done % ROWS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
  }
  if (done === ascending.length) return undefined;
  const last = done === 0 ? NO_ROW : ascending[done - 1];
  const isLeft = (_: number, i: number): boolean => rows[i] !== NO_ROW && rows[i] > last;
  return { highs: highs.filter(isLeft), lows: lows.filter(isLeft) };
};

/** Looks each row up and takes it at once. */
const takeEach = async (taking: Taking, { highs, lows }: Fingerprints, slices: Slices): Promise<void> => {
  const { table } = taking.parts;
  for (let i = 0; i < highs.length; i++) {
    if (i % ROWS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
    const row = table.findFingerprint(highs[i], lows[i]);
    if (row !== NO_ROW) takeRow(taking, row);
    else sortOutArchived(taking, highs[i], lows[i]);
  }
};

const takeRow = ({ parts, sought, residual, take }: Taking, row: Row): void => {
  const { table } = parts;
  const pairs = table.labels[row];
  if (pairs === undefined || !mayOverlap(parts, sought, row) || !matchesPairs(residual, pairs)) return;
  take(pairs, table.high[row], table.low[row], row);
};

/** Takes an archived series if its labels are in memory; otherwise adds it to those to be read. */
const sortOutArchived = (taking: Taking, high: number, low: number): void => {
  const { archived, indexer } = taking.parts;
  const { from, through } = taking.sought;
  if (!archived.has(high, low)) {
    taking.strays++;
    return;
  }
  if (!archived.overlaps(high, low, from, through)) return;
  const pending = indexer.pendingArchived(high, low);
  if (pending === undefined) taking.onDisk.push(high, low);
  else if (matchesPairs(taking.residual, pending)) taking.take(pending, high, low, NO_ROW);
};

/** Takes archived series whose labels are read from the archive index, many at a time. */
const takeFromArchive = async ({ parts, residual, take, onDisk: halves }: Taking): Promise<void> => {
  const { archive, archived, table, indexer } = parts;
  for (let start = 0; start < halves.length; start += 2 * ARCHIVED_AT_ONCE) {
    const part = halves.slice(start, start + 2 * ARCHIVED_AT_ONCE);
    for (const [index, stored] of (await archive.labelsOfMany(part)).entries()) {
      const high = part[2 * index];
      const low = part[2 * index + 1];
      // The series may have been woken, or archived again, while its labels were being read.
      const row = table.findFingerprint(high, low);
      const pairs = row === NO_ROW ? (stored ?? indexer.pendingArchived(high, low)) : table.labels[row];
      // The archive entry may have been written after the read. If a second read finds no labels either, they are lost.
      if (pairs === undefined && archived.has(high, low) && archive.labelsOf(high, low) === undefined)
        throw archive.lacks(high, low);
      if (pairs !== undefined && matchesPairs(residual, pairs)) take(pairs, high, low, row);
    }
  }
};
