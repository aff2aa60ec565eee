/** The last corrections of recovered content, after the journal was replayed or the series files were scanned. */
import { Slices } from '../async/slices.ts';
import { readMappings } from '../disk/mappings.ts';
import type { SeriesFiles } from '../disk/series-files/series-file.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { ArchiveIndex } from '../indexes/archive-index.ts';
import type { Indexer } from '../indexes/indexer.ts';
import { type FingerprintMapper, isReserved, type Mapping } from '../model/collisions.ts';
import { fastFingerprint } from '../model/fingerprint.ts';
import { parseUniqueMetric } from '../model/unique-metric.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { NO_ROW, type SeriesTable } from '../series/table.ts';

/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 1 << 14;

/**
 * Checkpoints in format version 1 (Prometheus up to 0.12) may not say how many chunks a series has in its file
 * (docs/formats/heads.md).
 */
export const lookUpUnknownFiles = async (table: SeriesTable, seriesFiles: SeriesFiles, clock: Clock): Promise<void> => {
  const slices = new Slices(clock);
  for (let row = 0; row < table.size; row++) {
    if (row % ROWS_PER_LOOK === ROWS_PER_LOOK - 1 && slices.isOver) await slices.breathe();
    if (table.chunksInFile[row] >= 0 || !table.isLive(row)) continue;
    const { firstTimes, lastTimes } = seriesFiles.loadDescriptors(table.high[row], table.low[row], 0, true);
    const last = firstTimes.length - 1;
    table.chunksInFile[row] = firstTimes.length;
    if (last >= 0) {
      table.firstTime[row] = firstTimes[0];
      table.lastChunkFirstTime[row] = firstTimes[last];
      table.lastChunkLastTime[row] = lastTimes[last];
    }
    if (slices.isOver) await slices.breathe();
  }
};

/** Syncs the directories of moved files and the checksums of series files. Later checkpoints do neither for these files. */
export const settleSeriesFiles = (seriesFiles: SeriesFiles, logger: Logger): void => {
  // Recovery moved files whose directories it could not sync then. Later checkpoints only sync directories of files
  // that their own worker moved.
  seriesFiles.syncDirectories();
  for (const finding of seriesFiles.syncChecksums().findings)
    logger.warn({ finding }, 'Checksums of series files are damaged or lost.');
  seriesFiles.releaseChecksums();
};

/**
 * A crash between a checkpoint and the update of the archive leaves a series in both. The checkpoint is newer, so the
 * archive's entry is removed.
 */
export const dropStaleArchiveEntries = async (
  table: SeriesTable,
  archived: ArchiveDirectory,
  indexer: Pick<Indexer, 'enqueue' | 'queued' | 'capacity' | 'flush'>,
): Promise<void> => {
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
    const high = archived.highAt(slot);
    const low = archived.lowAt(slot);
    if (table.findFingerprint(high, low) === NO_ROW) continue;
    archived.remove(high, low);
    if (indexer.queued >= indexer.capacity) await indexer.flush();
    indexer.enqueue({ type: 'unarchive', high, low });
  }
};

export interface MappingParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly table: SeriesTable;
  readonly mapper: FingerprintMapper;
  readonly archive: Pick<ArchiveIndex, 'scanMapped'>;
  readonly indexer: Pick<Indexer, 'waitingToBeArchived'>;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Fills the mapping table from its file and from the series that have a mapped fingerprint. */
export const learnMappings = async (parts: MappingParts): Promise<void> => {
  const { fileSystem, directory, table, mapper, archive, indexer, logger, clock } = parts;
  const { mappings, damage } = readMappings(fileSystem, directory);
  const sound = mappings.filter(isSoundMapping);
  mapper.load(sound);
  if (sound.length < mappings.length)
    logger.warn(
      { finding: 'mappingsDamaged', mappings: mappings.length - sound.length },
      'The mappings file has series below fingerprints that are not theirs; they are left out.',
    );
  if (damage !== undefined)
    logger.warn(
      { finding: 'mappingsDamaged', err: damage },
      'The mappings file is damaged; the table is completed from the series.',
    );
  const slices = new Slices(clock);
  for (let row = 0; row < table.size; row++) {
    if (row % ROWS_PER_LOOK === ROWS_PER_LOOK - 1 && slices.isOver) await slices.breathe();
    if (isReserved(table.high[row], table.low[row]) && table.isLive(row))
      mapper.note(table.high[row], table.low[row], table.labels[row] ?? []);
  }
  for await (const page of archive.scanMapped()) {
    for (const { high, low, pairs } of page.entries) mapper.note(high, low, pairs);
  }
  // The replay may have archived series whose entries are not in the index yet.
  for (const { high, low, pairs } of indexer.waitingToBeArchived) {
    if (isReserved(high, low)) mapper.note(high, low, pairs);
  }
};

/**
 * Whether a mapping is listed under the fingerprint of its labels. A changed byte in the labels turns them into those
 * of another series. A lookup of that series would never reach this mapping, because its own fingerprint differs.
 */
const isSoundMapping = ({ rawHigh, rawLow, metric }: Mapping): boolean => {
  fastFingerprint(parseUniqueMetric(metric), raw);
  return raw[0] === rawHigh && raw[1] === rawLow;
};

const raw = new Int32Array(2);
