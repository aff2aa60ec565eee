/**
 * Makes a row and its series file agree after a replay, for the files that the tail names as changing. The file counts:
 * samples that are in the file are dropped from memory. Chunks at the file's end that are torn, or were never synced,
 * are cut off. Their samples are still in memory, because the checkpoint keeps chunks until their file is durable.
 */
import { SampleColumns } from '../chunk/chunk.ts';
import { decodeStored, lastTimeOf } from '../chunk/decode.ts';
import { NO_SLOT, type Slab } from '../chunk/slab.ts';
import type { SeriesFiles } from '../disk/series-files/series-file.ts';
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { isDamage, TidemarkError } from '../model/errors.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import type { Clock } from '../ports/clock.ts';
import { type ErasedRanges, isErased, type TimeSpan } from '../series/erased-ranges.ts';
import type { LateSamples } from '../series/late-samples.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { mergeColumns } from '../series/merge-columns.ts';
import { FILE_UNSYNCED, type Row, type SeriesTable } from '../series/table.ts';

export interface ReconcileParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly late: Pick<LateSamples, 'lists' | 'addFirst' | 'lastTime'>;
  readonly erased: Pick<ErasedRanges, 'of' | 'forget' | 'oldestPosition'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Used on this thread, without the worker: nothing else runs during recovery. */
  readonly files: SeriesFiles;
  /** Series whose file was to be removed, according to the tail, because all its samples were past retention. */
  readonly emptied: ReadonlySet<Fingerprint>;
  /** Series whose file was rewritten, or was about to be: the checkpoint's number of chunks may not be the file's. */
  readonly rewritten: ReadonlySet<Fingerprint>;
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
  /** Number of chunks that should be in the file but exist nowhere: there is no file, or none of its chunks is whole. */
  readonly missing: number;
  /** Number of chunks that the checkpoint counts and that are missing at the end of the file. */
  readonly hole: number;
}

/** Reconciles one row with its file. Throws the errors of reading the file; damage has a TIDEMARK_CORRUPT_… code. */
export const reconcile = (parts: ReconcileParts, row: Row): Reconciled => {
  const { table, chunks, files } = parts;
  const high = table.high[row];
  const low = table.low[row];
  const expected = table.chunksInFile[row];
  const stat = files.stat(high, low);
  if (stat === undefined) {
    forgetFile(parts, row);
    return { chunksInFile: 0, cut: 0, missing: missingChunks(parts, high, low, expected), hole: 0 };
  }
  const whole = stat.trailingBytes > 0 ? files.truncateTo(high, low, stat.chunks) : stat;
  const sound = soundChunks(parts, row, high, low);
  // If the file's first time is that of the checkpoint, no chunk has been dropped since.
  const isRewritten = parts.rewritten.has(fingerprintText(high, low));
  const isAsCounted = !isRewritten && table.firstTime[row] !== EARLIEST && table.firstTime[row] === sound.firstTime;
  const cut = stat.chunks - sound.count;
  if (sound.count === 0) {
    // An empty file would be left when the series is purged.
    files.remove(high, low);
    const missing = missingChunks(parts, high, low, expected);
    forgetFile(parts, row);
    return { chunksInFile: 0, cut, missing, hole: 0 };
  }
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
  const lastTime = lastKept(parts.erased.of(row), sound.lastTime);
  table.lastChunkLastTime[row] = lastTime;
  // It is unknown whether the file's tail is durable, so mark the file unsynced: the next checkpoint syncs it.
  table.setFlag(row, FILE_UNSYNCED);
  keepAfterDrop(parts, row, sound.lastTime);
  chunks.dropThrough(row, sound.lastTime);
  const newest = Math.max(lastTime, parts.late.lastTime(row));
  if (table.lastTime(row) < newest) chunks.adoptLastTime(row, newest);
  else lowerBound(parts, row, newest);
  const hole = isAsCounted ? Math.max(0, expected - stat.chunks) : 0;
  return { chunksInFile: sound.count, cut, missing: 0, hole };
};

/** There is no file, or none any more: nothing is left from which dropped samples would have to be taken out. */
const forgetFile = ({ table, files, erased }: ReconcileParts, row: Row): void => {
  const high = table.high[row];
  const low = table.low[row];
  files.syncRemoval(high, low);
  files.renewChecksums(high, low, 0, 0);
  table.forgetFile(row);
  erased.forget(row);
};

/** The file had chunks and has no whole one now. If no event explains that, they are missing: memory does not have them. */
const missingChunks = ({ emptied }: ReconcileParts, high: number, low: number, expected: number): number =>
  emptied.has(fingerprintText(high, low)) ? 0 : Math.max(0, expected);

/** The latest time up to a time of the file that is not in a dropped range. */
const lastKept = (erased: readonly TimeSpan[], time: number): number => {
  const span = erased.find(({ from, through }) => from <= time && through >= time);
  if (span === undefined) return time;
  return span.from <= EARLIEST ? EARLIEST : lastKept(erased, span.from - 1);
};

/** After the drop of a series' newest samples, its last time was only a bound. If no drop waits, it is known now. */
const lowerBound = ({ table, erased }: ReconcileParts, row: Row, newest: number): void => {
  if (table.oldestSlot(row) !== NO_SLOT || erased.of(row).length > 0) return;
  if (newest < table.lastTime(row)) table.adoptLastTime(row, newest);
};

/**
 * Samples in memory up to `time` are in the file, unless a time range was dropped from the series. Then some of them may
 * have come after the drop, and the file may still have the samples before it. So they all become late ones; merging
 * those that the file has changes nothing. A late sample of the same time came after the one in memory, and gives way.
 */
const keepAfterDrop = (parts: ReconcileParts, row: Row, time: number): void => {
  const { erased, late, clock } = parts;
  if (erased.of(row).length === 0) return;
  const { count, timestamps, words } = samplesInMemory(parts, row);
  for (let i = 0; i < count && timestamps[i] <= time; i++) {
    const high = words[2 * i + HIGH_WORD];
    late.addFirst(row, timestamps[i], high, words[2 * i + LOW_WORD], erased.oldestPosition(), clock.monotonic());
  }
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
  const isRewritten = parts.rewritten.has(fingerprintText(high, low));
  // Retention changes the file's first time, and a rewriting changes the chunks. Then the checkpoint's count of chunks is no longer valid.
  const beginsAsKnown = !isRewritten && (table.firstTime[row] === EARLIEST || table.firstTime[row] === firstTimes[0]);
  const counted = beginsAsKnown ? Math.max(0, Math.min(table.chunksInFile[row], encodings.length)) : 0;
  const isPlausible = (chunk: number): boolean =>
    encodings[chunk] <= 2 &&
    firstTimes[chunk] <= lastTimes[chunk] &&
    (chunk === 0 || firstTimes[chunk] >= firstTimes[chunk - 1]);
  const erased = parts.erased.of(row);
  let remembered: SampleColumns | undefined;
  const isReadable = (chunk: number): boolean => {
    remembered ??= isRewritten ? samplesInChunks(parts, row) : samplesInMemory(parts, row);
    return isWhole(parts, high, low, chunk, firstTimes, lastTimes, { remembered, memoryBegins, erased, isRewritten });
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
    // A rewriting is durable as a whole. So what is torn in a rewritten file was appended afterwards, from memory, unless
    // chunks follow with samples that memory does not have, although they were not dropped. The rewriting may also never
    // have taken place: a blank chunk that the checkpoint does not count was appended after it, from memory.
    const known = sound === 0 ? EARLIEST : lastTimes[sound - 1];
    const isInMemoryOrOlder = (chunk: number): boolean =>
      firstTimes[chunk] <= known ||
      firstTimes[chunk] >= memoryBegins ||
      (chunk >= table.chunksInFile[row] && isBlank(chunk));
    // The chunks that follow and that memory does not have. If there are any, memory has nothing of the torn one either.
    const others: number[] = [];
    for (let chunk = sound + 1; chunk < encodings.length; chunk++) if (!isInMemoryOrOlder(chunk)) others.push(chunk);
    const isTornDropped = (nextTime: number): boolean =>
      isPlausible(sound)
        ? isErased(erased, firstTimes[sound]) && isErased(erased, lastTimes[sound])
        : hasDropBetween(erased, known, nextTime);
    const isTail =
      others.length === 0 ||
      (isTornDropped(firstTimes[others[0]]) &&
        others.every((chunk) => isDropped(parts, high, low, chunk, erased, memoryBegins)));
    // What was appended from memory is still there, or was dropped since.
    const isHeldOrDropped = oldest !== NO_SLOT || erased.some(({ through }) => through > known);
    const isNew = ((beginsAsKnown && hasKnown) || isAnother || (isRewritten && isTail)) && isHeldOrDropped;
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

/** What is known in memory of a series, to compare its file with. */
interface Memory {
  readonly remembered: SampleColumns;
  /** First time of the chunks in memory. Before it, memory has only late samples. */
  readonly memoryBegins: number;
  readonly erased: readonly TimeSpan[];
  readonly isRewritten: boolean;
}

/** The samples of the chunks in memory, and the late ones: the file may have the late ones already. */
const samplesInMemory = (parts: ReconcileParts, row: Row): SampleColumns =>
  parts.late.lists(row).reduce((known, list) => mergeColumns(known, list, 0).merged, samplesInChunks(parts, row));

const samplesInChunks = ({ chunks, slab }: ReconcileParts, row: Row): SampleColumns => {
  const columns = new SampleColumns(1024);
  try {
    for (const slot of chunks.allSlots(row)) {
      decodeStored(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], columns);
    }
  } catch (error) {
    // The checkpoint has a damaged chunk. The samples before it are enough for the comparison.
    if (!isDamage(error)) throw error;
  }
  return columns;
};

/**
 * Whether the samples of a chunk equal those in memory at the same times. This check is needed because sectors that
 * were never written to the disk read as zeros, and zeros in the middle of a varbit chunk decode as repeats of the
 * sample before. Ranges that were dropped are not compared: the file may still have their samples. If the tail is damaged, memory may lack some samples (`mayLack`).
 */
const agrees = (
  found: SampleColumns,
  { remembered: known, memoryBegins, erased }: Memory,
  mayLack: boolean,
): boolean => {
  let at = 0;
  for (let i = 0; i < found.count; i++) {
    const time = found.timestamps[i];
    if (time < memoryBegins || isErased(erased, time)) continue;
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

/**
 * Whether a chunk has all samples that memory has between its first and its last one. A file that was rewritten may have
 * more: backfilled samples were never in memory.
 */
const hasAll = (found: SampleColumns, known: SampleColumns, erased: readonly TimeSpan[]): boolean => {
  const lastTime = found.timestamps[found.count - 1];
  let at = 0;
  for (let i = 0; i < known.count && known.timestamps[i] <= lastTime; i++) {
    const time = known.timestamps[i];
    if (time < found.timestamps[0] || isErased(erased, time)) continue;
    while (at < found.count && found.timestamps[at] < time) at++;
    if (found.timestamps[at] !== time) return false;
    if (found.words[2 * at] !== known.words[2 * i] || found.words[2 * at + 1] !== known.words[2 * i + 1]) return false;
  }
  return true;
};

/** A chunk of a file, and the last time that it states itself. */
interface ReadChunk {
  readonly columns: SampleColumns;
  readonly lastTime: number;
}

/** Reads a chunk; `undefined` if it is damaged. Throws other errors of the disk: the chunk may be whole nevertheless. */
const readChunk = (
  { files, slab }: Pick<ReconcileParts, 'files' | 'slab'>,
  high: number,
  low: number,
  chunk: number,
): ReadChunk | undefined => {
  const columns = new SampleColumns(1024);
  const slot = slab.allocate(0);
  try {
    const [encoding] = files.load(high, low, chunk, [slot]);
    decodeStored(slab.blockOf(slot), slab.offsetOf(slot), encoding, columns);
    return { columns, lastTime: lastTimeOf(slab.blockOf(slot), slab.offsetOf(slot), encoding) };
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  } finally {
    slab.release(slot);
  }
};

/** Whether the chunk's body can be read to its end, agrees with its header, and does not differ from memory. */
const isWhole = (
  parts: ReconcileParts,
  high: number,
  low: number,
  chunk: number,
  firstTimes: Float64Array,
  lastTimes: Float64Array,
  known: Memory,
): boolean => {
  const read = readChunk(parts, high, low, chunk);
  if (read === undefined) return false;
  const { columns, lastTime } = read;
  const isAsItSays = columns.count > 0 && columns.timestamps[0] === firstTimes[chunk] && lastTime === lastTimes[chunk];
  if (!isAsItSays) return false;
  return known.isRewritten
    ? hasAll(columns, known.remembered, known.erased)
    : agrees(columns, known, parts.tailIsDamaged);
};

/** Whether a chunk can be read, and each of its samples was dropped or is not older than those in memory. */
const isDropped = (
  parts: ReconcileParts,
  high: number,
  low: number,
  chunk: number,
  erased: readonly TimeSpan[],
  memoryBegins: number,
): boolean => {
  const columns = readChunk(parts, high, low, chunk)?.columns;
  if (columns === undefined) return false;
  for (let i = 0; i < columns.count; i++) {
    const time = columns.timestamps[i];
    if (time < memoryBegins && !isErased(erased, time)) return false;
  }
  return true;
};

/** Whether something between two times was dropped. */
const hasDropBetween = (erased: readonly TimeSpan[], after: number, before: number): boolean =>
  erased.some(({ from, through }) => through > after && from < before);
