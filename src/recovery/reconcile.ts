/**
 * Makes a row and its series file agree after a replay, for the files that the tail names as changing. The file counts:
 * samples that are in the file are dropped from memory. Chunks at the file's end that are torn, or were never synced,
 * are cut off. Their samples are still in memory, because the checkpoint keeps chunks until their file is durable.
 */
import { SampleColumns } from '../chunk/chunk.ts';
import { decodeStored, lastTimeOf } from '../chunk/decode.ts';
import { NO_SLOT, type Slab } from '../chunk/slab.ts';
import type { SeriesFiles } from '../disk/series-files/series-file.ts';
import { isDamage, TidemarkError } from '../model/errors.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { FILE_UNSYNCED, type Row, type SeriesTable } from '../series/table.ts';

export interface ReconcileParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  /** Used on this thread, without the worker: nothing else runs during recovery. */
  readonly files: SeriesFiles;
  /** Series whose file was to be removed, according to the tail, because all its samples were past retention. */
  readonly emptied: ReadonlySet<Fingerprint>;
  /**
   * Which chunks of a file are written again, so that the next checkpoint's sync makes them durable. A sync may have
   * failed in the crashed process, and then a sync alone would not write them.
   *
   * - `new`: chunks whose samples are in memory too. The older ones were durable before.
   * - `all`: all chunks, because memory may lack new ones.
   * - `none`: no chunk, for a store that is opened read-only.
   */
  readonly writtenAgain: 'new' | 'all' | 'none';
  /** Records of the tail are lost, so it may lack names of changed files, and samples. */
  readonly tailIsDamaged: boolean;
}

export interface Reconciled {
  /** Number of chunks in the file. */
  readonly chunksInFile: number;
  /** Number of chunks that were cut off the file's end because they were not whole. */
  readonly cut: number;
  /** Number of chunks that should be in the file but exist nowhere. */
  readonly missing: number;
}

/** Reconciles one row with its file. Throws the errors of reading the file; damage has a TIDEMARK_CORRUPT_… code. */
export const reconcile = (parts: ReconcileParts, row: Row): Reconciled => {
  const { table, chunks, files } = parts;
  const high = table.high[row];
  const low = table.low[row];
  const expected = table.chunksInFile[row];
  const stat = files.stat(high, low);
  if (stat === undefined) {
    files.syncRemoval(high, low);
    files.renewChecksums(high, low, 0, 0);
    table.chunksInFile[row] = 0;
    table.firstTime[row] = EARLIEST;
    table.lastChunkFirstTime[row] = EARLIEST;
    table.lastChunkLastTime[row] = EARLIEST;
    table.mtimeNs[row] = -1n;
    const missing = parts.emptied.has(fingerprintText(high, low)) ? 0 : Math.max(0, expected);
    return { chunksInFile: 0, cut: 0, missing };
  }
  const whole = stat.trailingBytes > 0 ? files.truncateTo(high, low, stat.chunks) : stat;
  const sound = soundChunks(parts, row, high, low);
  // If the file's first time is that of the checkpoint, the file has not been rewritten since.
  const isAsCounted = table.firstTime[row] !== EARLIEST && table.firstTime[row] === sound.firstTime;
  const cut = stat.chunks - sound.count;
  const left = cut > 0 ? files.truncateTo(high, low, sound.count) : whole;
  const doubtfulFrom = parts.writtenAgain === 'all' ? 0 : sound.older;
  const isInDoubt = parts.writtenAgain !== 'none' && doubtfulFrom < sound.count;
  const settled = isInDoubt ? files.writeAgain(high, low, doubtfulFrom) : left;
  if (isAsCounted) files.renewChecksums(high, low, Math.min(Math.max(0, expected), sound.count), sound.count);
  else files.renewChecksums(high, low, 0, 0);
  table.chunksInFile[row] = sound.count;
  table.mtimeNs[row] = settled.mtimeNs;
  table.firstTime[row] = sound.firstTime;
  table.lastChunkFirstTime[row] = sound.lastChunkFirstTime;
  table.lastChunkLastTime[row] = sound.lastTime;
  if (sound.count > 0) {
    // It is unknown whether the file's tail is durable, so mark the file unsynced: the next checkpoint syncs it.
    table.setFlag(row, FILE_UNSYNCED);
    chunks.dropThrough(row, sound.lastTime);
    if (table.lastTime(row) < sound.lastTime) table.adoptLastTime(row, sound.lastTime);
  }
  // The file had chunks and has no whole one now. No event explains that, and memory does not have them.
  const isLost = sound.count === 0 && !parts.emptied.has(fingerprintText(high, low));
  return { chunksInFile: sound.count, cut, missing: isLost ? Math.max(0, expected) : 0 };
};

/** The whole chunks at the beginning of a file. */
interface Sound {
  readonly count: number;
  /** How many of them end before the first sample in memory. */
  readonly older: number;
  readonly firstTime: number;
  readonly lastChunkFirstTime: number;
  readonly lastTime: number;
}

/**
 * How many chunks from the file's beginning are whole.
 *
 * - Chunks that the checkpoint counts were durable when it was written, so they are accepted by their headers.
 * - Chunks that end before the first sample in memory exist nowhere else, so they are accepted by their headers too.
 * - The other chunks were written after the checkpoint. A loss of power may have left anything in their place, so they
 *   are decoded.
 *
 * A chunk that is not whole is cut off, with all that follow, but only if its samples are in memory. Otherwise the file
 * is damaged, and `TIDEMARK_CORRUPT_SERIES_FILE` is thrown.
 */
const soundChunks = (parts: ReconcileParts, row: Row, high: number, low: number): Sound => {
  const { files, table, chunks } = parts;
  const { firstTimes, lastTimes, encodings } = files.loadDescriptors(high, low);
  const oldest = table.oldestSlot(row);
  const memoryBegins = oldest === NO_SLOT ? Number.POSITIVE_INFINITY : chunks.firstTimeOf(oldest);
  // Retention changes the file's first time. Then the checkpoint's count of chunks is no longer valid.
  const beginsAsKnown = table.firstTime[row] === EARLIEST || table.firstTime[row] === firstTimes[0];
  const counted = beginsAsKnown ? Math.max(0, Math.min(table.chunksInFile[row], encodings.length)) : 0;
  const isPlausible = (chunk: number): boolean =>
    encodings[chunk] <= 2 &&
    firstTimes[chunk] <= lastTimes[chunk] &&
    (chunk === 0 || firstTimes[chunk] >= firstTimes[chunk - 1]);
  let remembered: SampleColumns | undefined;
  const isReadable = (chunk: number): boolean => {
    remembered ??= samplesInMemory(parts, row);
    return isWhole(parts, high, low, chunk, firstTimes, lastTimes, remembered);
  };
  // A page that was never written to the disk reads as zeros. Its chunk header then looks like a chunk of time 0.
  const isBlank = (chunk: number): boolean =>
    encodings[chunk] === 0 && firstTimes[chunk] === 0 && lastTimes[chunk] === 0 && !isReadable(chunk);
  let sound = 0;
  while (sound < encodings.length && isPlausible(sound) && lastTimes[sound] < memoryBegins && !isBlank(sound)) sound++;
  const older = sound;
  sound = Math.max(sound, counted);
  while (sound < encodings.length && isPlausible(sound) && isReadable(sound)) sound++;
  if (sound < encodings.length) {
    const isInMemory = isPlausible(sound) && memoryBegins <= firstTimes[sound];
    // For a series that was archived, the end of its file is known instead of the number of its chunks.
    const knownEnd = table.lastChunkLastTime[row];
    const hasKnown =
      table.chunksInFile[row] >= 0
        ? sound >= table.chunksInFile[row]
        : knownEnd !== EARLIEST && sound > 0 && lastTimes[sound - 1] >= knownEnd;
    // Retention removed the file after the checkpoint. The present file was written later; memory still has its chunks.
    const isAnother = parts.emptied.has(fingerprintText(high, low));
    const isNew = ((beginsAsKnown && hasKnown) || isAnother) && oldest !== NO_SLOT;
    if (!isInMemory && !isNew) {
      throw new TidemarkError(
        'TIDEMARK_CORRUPT_SERIES_FILE',
        `chunk ${sound} of ${encodings.length} of the series file is not whole, and its samples are nowhere else`,
        { details: { chunk: sound, chunks: encodings.length } },
      );
    }
  }
  if (sound === 0) return { count: 0, older, firstTime: EARLIEST, lastChunkFirstTime: EARLIEST, lastTime: EARLIEST };
  return {
    count: sound,
    older,
    firstTime: firstTimes[0],
    lastChunkFirstTime: firstTimes[sound - 1],
    lastTime: lastTimes[sound - 1],
  };
};

const samplesInMemory = ({ chunks, slab }: ReconcileParts, row: Row): SampleColumns => {
  const columns = new SampleColumns(1024);
  try {
    for (const slot of chunks.allSlots(row)) {
      decodeStored(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], columns);
    }
  } catch (error) {
    // The checkpoint has a damaged chunk. The samples before it are enough for the comparison.
    if (!(error instanceof TidemarkError)) throw error;
  }
  return columns;
};

/**
 * Whether the samples of a chunk equal those in memory at the same times. This check is needed because sectors that
 * were never written to the disk read as zeros, and zeros in the middle of a varbit chunk decode as repeats of the
 * sample before. If the tail is damaged, memory may lack some samples (`mayLack`).
 */
const agrees = (found: SampleColumns, known: SampleColumns, mayLack: boolean): boolean => {
  if (known.count === 0) return true;
  let at = 0;
  for (let i = 0; i < found.count; i++) {
    const time = found.timestamps[i];
    if (time < known.timestamps[0]) continue;
    while (at < known.count && known.timestamps[at] < time) at++;
    if (at === known.count) return true;
    if (known.timestamps[at] !== time) {
      if (mayLack) continue;
      return false;
    }
    const isSame = found.words[2 * i] === known.words[2 * at] && found.words[2 * i + 1] === known.words[2 * at + 1];
    if (!isSame) return false;
  }
  return true;
};

/** Whether the chunk's body can be read to its end, agrees with its header, and does not differ from memory. */
const isWhole = (
  { files, slab, tailIsDamaged }: ReconcileParts,
  high: number,
  low: number,
  chunk: number,
  firstTimes: Float64Array,
  lastTimes: Float64Array,
  remembered: SampleColumns,
): boolean => {
  const columns = new SampleColumns(1024);
  const slot = slab.allocate(0);
  try {
    const [encoding] = files.load(high, low, chunk, [slot]);
    decodeStored(slab.blockOf(slot), slab.offsetOf(slot), encoding, columns);
    const last = lastTimeOf(slab.blockOf(slot), slab.offsetOf(slot), encoding);
    const isAsItSays = columns.count > 0 && columns.timestamps[0] === firstTimes[chunk] && last === lastTimes[chunk];
    return isAsItSays && agrees(columns, remembered, tailIsDamaged);
  } catch (error) {
    // After an error of the disk the chunk may still be whole, so the error is thrown. Malformed bytes are not whole.
    if (isDamage(error)) return false;
    throw error;
  } finally {
    slab.release(slot);
  }
};
