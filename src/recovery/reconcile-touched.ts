/**
 * After a replay: every series file that the tail named is compared with its series, and no other one. A file that
 * stands for no series any more is deleted if its series was deleted, and put into quarantine otherwise.
 *
 * A tail with damage in it may have lost such a name. Then the files whose size or modification time is not what the
 * series knows are compared too: one look at each file's entry, without opening it.
 */
import type { Clock } from '../clock.ts';
import { TidemarkError } from '../errors.ts';
import type { ArchiveDirectory } from '../index/archive-directory.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import type { Indexer } from '../index/indexer.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import { type Fingerprint, fingerprintText, parseFingerprint } from '../model/fingerprint.ts';
import { toLabels } from '../model/labels.ts';
import { NO_ROW } from '../series/table.ts';
import { Slices } from '../slices.ts';
import { type ReconcileParts, reconcile } from './reconcile.ts';

const SLICE_MS = 8;

export interface TouchedParts extends ReconcileParts {
  readonly archived: ArchiveDirectory;
  readonly archive: Pick<ArchiveIndex, 'labelsOf'>;
  readonly indexer: Pick<Indexer, 'enqueue' | 'pendingArchived'>;
  readonly clock: Clock;
  /** Tells what recovery itself has done. */
  readonly publish: (event: LifecycleEvent) => Position;
  readonly onProgress: (done: number, total: number) => void;
}

/** Something that could not be put right: said, and isolated. */
export interface Problem {
  readonly high: number;
  readonly low: number;
  readonly reason: string;
}

export interface TouchedResult {
  /** Series whose file is damaged: to be quarantined once the store runs. */
  readonly damaged: readonly Problem[];
  readonly chunksCut: number;
  readonly filesRemoved: number;
}

export const reconcileTouched = async (
  parts: TouchedParts,
  named: ReadonlySet<Fingerprint>,
  purged: ReadonlySet<Fingerprint>,
): Promise<TouchedResult> => {
  const { table, files, archived, clock } = parts;
  const touched = parts.tailIsDamaged ? new Set([...named, ...(await changedUnnamed(parts))]) : named;
  const damaged: Problem[] = [];
  let chunksCut = 0;
  let filesRemoved = 0;
  let done = 0;
  const slices = new Slices(clock, SLICE_MS);
  for (const fingerprint of touched) {
    const { high, low } = parseFingerprint(fingerprint) ?? { high: 0, low: 0 };
    files.discardLeftover(high, low);
    try {
      const row = table.findFingerprint(high, low);
      if (row !== NO_ROW) {
        const result = reconcile(parts, row);
        chunksCut += result.cut;
        if (result.missing > 0)
          damaged.push({ high, low, reason: `${result.missing} chunks of the series file are missing` });
      } else if (archived.has(high, low)) {
        if (parts.emptied.has(fingerprint) && files.stat(high, low) === undefined) purgeEmptied(parts, high, low);
        else reconcileArchived(parts, high, low);
        files.renewChecksums(high, low, 0, 0);
      } else if (purged.has(fingerprint)) {
        filesRemoved += files.remove(high, low) > 0 ? 1 : 0;
        files.syncRemoval(high, low);
      } else if (files.stat(high, low) !== undefined) {
        files.quarantine(high, low, 'the file stands for no series after recovery', undefined);
        filesRemoved++;
      } else {
        files.syncRemoval(high, low);
        files.renewChecksums(high, low, 0, 0);
      }
    } catch (error) {
      if (!(error instanceof TidemarkError) || !error.code.startsWith('TIDEMARK_CORRUPT_')) throw error;
      files.renewChecksums(high, low, 0, 0);
      damaged.push({ high, low, reason: error.message });
    }
    done++;
    if (!slices.isOver) continue;
    parts.onProgress(done, touched.size);
    await slices.breathe();
  }
  return { damaged, chunksCut, filesRemoved };
};

/** Series in memory whose file is not as they know it. */
const changedUnnamed = async ({ table, files, clock }: TouchedParts): Promise<Fingerprint[]> => {
  const changed: Fingerprint[] = [];
  const slices = new Slices(clock, SLICE_MS);
  for (const row of table.rows()) {
    const stat = files.stat(table.high[row], table.low[row]);
    const chunks = stat?.chunks ?? 0;
    const isKnown = chunks === table.chunksInFile[row] && (chunks === 0 || stat?.mtimeNs === table.mtimeNs[row]);
    if (!isKnown || (stat?.trailingBytes ?? 0) > 0) changed.push(fingerprintText(table.high[row], table.low[row]));
    if (slices.isOver) await slices.breathe();
  }
  return changed;
};

/** All of an archived series was past retention and its file was removed, but nobody was told any more that it is gone. */
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

/** The file of an archived series, and its name, were synced before it was archived; only what retention dropped can be new. */
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
