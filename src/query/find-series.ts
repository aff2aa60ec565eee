/**
 * From a selector to the series it matches: the label indexes give fingerprints, the table and the archive give labels,
 * and what the indexes can't decide (negative and empty-matching matchers) is decided on the labels.
 *
 * The indexes lag behind the table by at most one batch; a lookup first waits until every series that existed when it
 * was called is indexed, so that what was appended is found.
 */
import type { ArchiveDirectory } from '../index/archive-directory.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import type { Indexer } from '../index/indexer.ts';
import type { LabelIndex } from '../index/label-index.ts';
import { matchFingerprints } from '../index/lookup.ts';
import type { LabelPairs } from '../model/labels.ts';
import { type CompiledMatcher, matchesPairs } from '../model/matcher.ts';
import { NO_ROW, type Row, type SeriesTable } from '../series/table.ts';

/** A series that a selector matches. */
export interface FoundSeries {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
  /** The row at the time of finding; NO_ROW for an archived series. */
  readonly row: Row;
}

/** Archived series whose labels one read of the index brings. */
const ARCHIVED_AT_ONCE = 1024;

export interface FindParts {
  readonly table: SeriesTable;
  readonly labels: LabelIndex;
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  /** Told how many fingerprints of an index stand for no series. */
  readonly onStrays: (count: number) => void;
}

/** Series whose samples may lie in [from, through], in no particular order. */
export const findSeries = async (
  parts: FindParts,
  matchers: readonly CompiledMatcher[],
  from: number,
  through: number,
): Promise<FoundSeries[]> => {
  const { table, archived, indexer } = parts;
  if (indexer.queued > 0) await indexer.flush();
  const { highs, lows, residual } = await matchFingerprints(parts.labels, matchers);
  const found: FoundSeries[] = [];
  const onDisk: number[] = [];
  let strays = 0;
  for (let i = 0; i < highs.length; i++) {
    const high = highs[i];
    const low = lows[i];
    const row = table.findFingerprint(high, low);
    if (row !== NO_ROW) {
      const pairs = table.labels[row];
      if (pairs !== undefined && table.lastTime(row) >= from && matchesPairs(residual, pairs)) {
        found.push({ high, low, pairs, row });
      }
      continue;
    }
    if (!archived.has(high, low)) {
      strays++;
      continue;
    }
    if (!archived.overlaps(high, low, from, through)) continue;
    const pending = indexer.pendingArchived(high, low);
    if (pending === undefined) onDisk.push(high, low);
    else if (matchesPairs(residual, pending)) found.push({ high, low, pairs: pending, row: NO_ROW });
  }
  await addArchived(parts, onDisk, residual, found);
  parts.onStrays(strays);
  return found;
};

/** Labels of archived series are read from the archive index, many at a time. */
const addArchived = async (
  { archive, table, indexer }: FindParts,
  halves: readonly number[],
  residual: readonly CompiledMatcher[],
  found: FoundSeries[],
): Promise<void> => {
  for (let start = 0; start < halves.length; start += 2 * ARCHIVED_AT_ONCE) {
    const part = halves.slice(start, start + 2 * ARCHIVED_AT_ONCE);
    for (const [index, stored] of (await archive.labelsOfMany(part)).entries()) {
      const high = part[2 * index];
      const low = part[2 * index + 1];
      // It may have been woken, or archived again, while its labels were being read.
      const row = table.findFingerprint(high, low);
      const pairs = row === NO_ROW ? (stored ?? indexer.pendingArchived(high, low)) : table.labels[row];
      if (pairs !== undefined && matchesPairs(residual, pairs)) found.push({ high, low, pairs, row });
    }
  }
};
