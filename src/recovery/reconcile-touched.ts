/**
 * After a replay, compares the series files that the tail names with their series, and no other files. A file that
 * belongs to no series is deleted if its series was deleted, and quarantined otherwise. Of a file with damaged chunks,
 * whose samples are nowhere else, the sound chunks are kept (salvage.ts).
 *
 * If the tail is damaged, the event that named a file may be lost. Then files whose size or modification time differs
 * from their series' row are compared too. This costs one `stat` per file, without opening it.
 */

import { Slices } from '../async/slices.ts';
import { NO_SLOT } from '../chunk/slab.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { ArchiveIndex } from '../indexes/archive-index.ts';
import type { Indexer } from '../indexes/indexer.ts';
import { isDamage, TidemarkError } from '../model/errors.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import { type Fingerprint, fingerprintText, parseFingerprint } from '../model/fingerprint.ts';
import { toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import { keyOfRow, pairsOfRow } from '../series/row-identity.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import { type Reconciled, type ReconcileParts, reconcile } from './reconcile.ts';
import type { RecoveryFindings } from './recovery-findings.ts';
import { examineRecords, salvage } from './salvage.ts';

export interface TouchedParts extends ReconcileParts {
  readonly fileSystem: FileSystem;
  /** The store's directory. */
  readonly directory: string;
  readonly archived: ArchiveDirectory;
  readonly archive: Pick<ArchiveIndex, 'labelsOf'>;
  readonly indexer: Pick<Indexer, 'enqueue' | 'pendingArchived' | 'queued' | 'capacity' | 'flush'>;
  readonly clock: Clock;
  readonly findings: RecoveryFindings;
  /** Publishes events of what recovery itself does. */
  readonly publish: (event: LifecycleEvent) => Position;
  readonly onProgress: (done: number, total: number) => void;
}

/** A series whose file could not be repaired. It is reported and isolated. */
export interface Problem {
  readonly high: number;
  readonly low: number;
  readonly reason: string;
}

export interface TouchedResult {
  /** Series whose file is damaged. They are quarantined when the store runs. */
  readonly damaged: readonly Problem[];
  readonly chunksCut: number;
  readonly filesRemoved: number;
}

export const reconcileTouched = async (
  parts: TouchedParts,
  named: ReadonlySet<Fingerprint>,
  purged: ReadonlySet<Fingerprint>,
): Promise<TouchedResult> => {
  const { table, files, archived, indexer, clock } = parts;
  const touched = parts.tailIsDamaged ? new Set([...named, ...(await changedUnnamed(parts))]) : named;
  const damaged: Problem[] = [];
  let chunksCut = 0;
  let filesRemoved = 0;
  let done = 0;
  const slices = new Slices(clock);
  for (const fingerprint of touched) {
    const { high, low } = parseFingerprint(fingerprint) ?? { high: 0, low: 0 };
    files.discardLeftover(high, low);
    try {
      const row = table.findFingerprint(high, low);
      if (row !== NO_ROW) {
        const result = reconcileSalvaged(parts, row);
        chunksCut += result.cut;
        if (result.missing > 0)
          damaged.push({ high, low, reason: `${result.missing} chunks of the series file are missing` });
        if (result.hole > 0) noteHole(parts, row, result.hole);
      } else if (archived.has(high, low)) {
        if (parts.emptied.has(fingerprint) && files.stat(high, low) === undefined) purgeEmptied(parts, high, low);
        else reconcileArchived(parts, high, low);
        files.renewChecksums(high, low, 0, 0);
      } else if (purged.has(fingerprint)) {
        filesRemoved += files.remove(high, low) > 0 ? 1 : 0;
        files.syncRemoval(high, low);
      } else if (files.stat(high, low) !== undefined) {
        files.quarantine(high, low, 'no series has this file after recovery', undefined);
        filesRemoved++;
      } else {
        files.syncRemoval(high, low);
        files.renewChecksums(high, low, 0, 0);
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      files.renewChecksums(high, low, 0, 0);
      damaged.push({ high, low, reason: error.message });
    }
    done++;
    if (indexer.queued >= indexer.capacity) await indexer.flush();
    if (!slices.isOver) continue;
    parts.onProgress(done, touched.size);
    await slices.breathe();
  }
  return { damaged, chunksCut, filesRemoved };
};

/** Reconciles a row with its file, and with the sound chunks of its file if some are damaged. */
const reconcileSalvaged = (parts: TouchedParts, row: Row): Reconciled => {
  try {
    return reconcile(parts, row);
  } catch (error) {
    if (!isDamage(error) || !salvageRow(parts, row)) throw error;
    const rewritten = new Set([...parts.rewritten, keyOfRow(parts.table, row)]);
    return reconcile({ ...parts, rewritten }, row);
  }
};

/** Keeps the sound chunks of a file. Returns false, and changes nothing, if no chunk is damaged or all are. */
const salvageRow = (parts: TouchedParts, row: Row): boolean => {
  const { table } = parts;
  const high = table.high[row];
  const low = table.low[row];
  const verdict = examineRecords(parts, high, low);
  const { problems, records } = verdict;
  if (problems.length === 0 || problems.length === records) return false;
  salvage(parts, high, low, pairsOfRow(table, row), verdict);
  cutWhatMemoryHas(parts, row);
  return true;
};

/**
 * Cuts off the chunks that begin where memory begins, or later. Memory has their samples, and perhaps those of a damaged
 * chunk between them, unless the journal has lost some or a time range was dropped.
 */
const cutWhatMemoryHas = (parts: TouchedParts, row: Row): void => {
  const { table, chunks, files, erased, tailIsDamaged } = parts;
  const oldest = table.oldestSlot(row);
  if (oldest === NO_SLOT || tailIsDamaged || erased.of(row).length > 0) return;
  const begin = chunks.firstTimeOf(oldest);
  const high = table.high[row];
  const low = table.low[row];
  const count = files.loadDescriptors(high, low).firstTimes.findIndex((time) => time >= begin);
  if (count > 0) files.truncateTo(high, low, count);
};

/** The file has lost chunks at its end. The others are sound, so the file stays where it is. */
const noteHole = ({ table, findings }: TouchedParts, row: Row, chunks: number): void => {
  const message = `${chunks} chunks at the end of the series file are missing.`;
  findings.noteSeries('hole', table.high[row], table.low[row], pairsOfRow(table, row), message);
};

/** Series in memory whose file differs from their row: in chunks, modification time, or bytes after the last chunk. */
const changedUnnamed = async ({ table, files, clock }: TouchedParts): Promise<Fingerprint[]> => {
  const changed: Fingerprint[] = [];
  const slices = new Slices(clock);
  for (const row of table.rows()) {
    const stat = files.stat(table.high[row], table.low[row]);
    const chunks = stat?.chunks ?? 0;
    const isKnown = chunks === table.chunksInFile[row] && (chunks === 0 || stat?.mtimeNs === table.mtimeNs[row]);
    if (!isKnown || (stat?.trailingBytes ?? 0) > 0) changed.push(fingerprintText(table.high[row], table.low[row]));
    if (slices.isOver) await slices.breathe();
  }
  return changed;
};

/**
 * Purges an archived series whose samples were all past retention. Its file was removed, but a crash came before the
 * event of the purge.
 */
const purgeEmptied = (parts: TouchedParts, high: number, low: number): void => {
  const { files, archived, archive, indexer, publish, clock } = parts;
  files.syncRemoval(high, low);
  const pairs = indexer.pendingArchived(high, low) ?? archive.labelsOf(high, low);
  archived.remove(high, low);
  if (pairs === undefined) return;
  const fingerprint = fingerprintText(high, low);
  const labels = toLabels(pairs);
  const position = publish({ type: 'seriesPurged', time: clock.now(), fingerprint, labels, reason: 'retention' });
  indexer.enqueue({ type: 'purgeArchived', high, low, pairs });
  indexer.enqueue({ type: 'unindex', high, low, pairs, position });
};

/**
 * Corrects the times of an archived series. Its file and the directory entry were synced before it was archived, so
 * only retention can have changed the file since.
 */
const reconcileArchived = ({ files, archived, indexer }: TouchedParts, high: number, low: number): void => {
  const stat = files.stat(high, low);
  if (stat === undefined || stat.chunks === 0) {
    throw new TidemarkError('TIDEMARK_CORRUPT_SERIES_FILE', 'the file of an archived series is missing');
  }
  if (stat.trailingBytes > 0) files.truncateTo(high, low, stat.chunks);
  const { firstTimes, lastTimes } = files.loadDescriptors(high, low);
  const firstTime = firstTimes[0];
  const lastTime = lastTimes[lastTimes.length - 1];
  if (firstTime === archived.firstTimeOf(high, low) && lastTime === archived.lastTimeOf(high, low)) return;
  archived.add(high, low, firstTime, lastTime);
  indexer.enqueue({ type: 'updateTimeRange', high, low, firstTime, lastTime });
};
