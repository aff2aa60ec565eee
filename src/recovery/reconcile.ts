/**
 * Makes rows and series files agree after a replay, for the files that the tail says were about to change, and for no
 * others. What is in the file counts: samples that are there leave memory; what is torn or was never synced is cut off
 * the file and is still in memory, because the checkpoint keeps chunks until their file is durable.
 */
import { SampleColumns } from '../chunk/chunk.ts';
import { decodeStored, lastTimeOf } from '../chunk/decode.ts';
import { NO_SLOT, type Slab } from '../chunk/slab.ts';
import type { SeriesFiles } from '../disk/series-file.ts';
import { TidemarkError } from '../errors.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { FILE_UNSYNCED, type Row, type SeriesTable } from '../series/table.ts';

export interface ReconcileParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  /** In place: recovery runs before anything else does. */
  readonly files: SeriesFiles;
  /** Series whose file was to be removed because all of it was past retention, as the tail says. */
  readonly emptied: ReadonlySet<Fingerprint>;
  /**
   * Which chunks of a file are written once more, for the next checkpoint's sync to make them durable: a sync of them may
   * have failed in the process that died. `new`: those that memory has, too, as the others were durable before; `all`
   * where memory may lack new ones; `none` for a store that is only read.
   */
  readonly writtenAgain: 'new' | 'all' | 'none';
  /** Records of the tail are lost: it may not name every file that was changed, nor have every sample. */
  readonly tailIsDamaged: boolean;
}

export interface Reconciled {
  /** Chunks that are in the file. */
  readonly chunksInFile: number;
  /** Chunks that were cut off the end of the file because they were not written whole. */
  readonly cut: number;
  /** Chunks that should be in the file and are not, nor anywhere else. */
  readonly missing: number;
}

/** Brings one row in line with its file. Throws what reading the file throws; damage has a TIDEMARK_CORRUPT_ code. */
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
  // A file that begins where it did when the checkpoint was written has not been rewritten since.
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
    // A process that died left it to the operating system when the file's end is on the disk: the next checkpoint asks.
    table.setFlag(row, FILE_UNSYNCED);
    chunks.dropThrough(row, sound.lastTime);
    if (table.lastTime(row) < sound.lastTime) table.adoptLastTime(row, sound.lastTime);
  }
  // A file without a whole chunk that had some: nothing tells that they went, and memory does not have them.
  const isLost = sound.count === 0 && !parts.emptied.has(fingerprintText(high, low));
  return { chunksInFile: sound.count, cut, missing: isLost ? Math.max(0, expected) : 0 };
};

interface Sound {
  readonly count: number;
  /** Of these, those that end before memory begins. */
  readonly older: number;
  readonly firstTime: number;
  readonly lastChunkFirstTime: number;
  readonly lastTime: number;
}

/**
 * How many chunks from the beginning are whole. Those that were there when the checkpoint was written were durable then,
 * and what ends before memory begins is nowhere else: both are taken as they are. The rest was written since, and a loss
 * of power may have left anything of it, so it is decoded. What is not whole is cut off, but only if memory has it;
 * otherwise the file is damaged, and that is said (`TIDEMARK_CORRUPT_SERIES_FILE`).
 */
const soundChunks = (parts: ReconcileParts, row: Row, high: number, low: number): Sound => {
  const { files, table, chunks } = parts;
  const { firstTimes, lastTimes, encodings } = files.loadDescriptors(high, low);
  const oldest = table.oldestSlot(row);
  const memoryBegins = oldest === NO_SLOT ? Number.POSITIVE_INFINITY : chunks.firstTimeOf(oldest);
  // After retention the file begins elsewhere, and the checkpoint's count says nothing of it any more.
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
  // A page that never reached the disk reads as zeros: a chunk of 1970, by its header.
  const isBlank = (chunk: number): boolean =>
    encodings[chunk] === 0 && firstTimes[chunk] === 0 && lastTimes[chunk] === 0 && !isReadable(chunk);
  let sound = 0;
  while (sound < encodings.length && isPlausible(sound) && lastTimes[sound] < memoryBegins && !isBlank(sound)) sound++;
  const older = sound;
  sound = Math.max(sound, counted);
  while (sound < encodings.length && isPlausible(sound) && isReadable(sound)) sound++;
  if (sound < encodings.length) {
    const isInMemory = isPlausible(sound) && memoryBegins <= firstTimes[sound];
    // Of a series that was archived it is known when its file ended, instead of how many chunks it had.
    const knownEnd = table.lastChunkLastTime[row];
    const hasKnown =
      table.chunksInFile[row] >= 0
        ? sound >= table.chunksInFile[row]
        : knownEnd !== EARLIEST && sound > 0 && lastTimes[sound - 1] >= knownEnd;
    // Retention removed the file since the checkpoint: what is in it now was written afterwards, and memory still has it.
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
    // Of a checkpoint with a damaged chunk, what comes before it is known.
    if (!(error instanceof TidemarkError)) throw error;
  }
  return columns;
};

/**
 * Whether the samples of a chunk are those that memory has of the same time. Sectors that never reached the disk read as
 * zeros, and zeros in the middle of a varbit chunk read as samples like the one before. Where the tail is damaged, memory
 * may lack some.
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

/** Whether the chunk's body can be read to its end, is what its header says, and has nothing else than memory. */
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
    // What the disk refuses may be read later; only what was read and makes no sense is not whole.
    if (error instanceof TidemarkError && error.code.startsWith('TIDEMARK_CORRUPT_')) return false;
    throw error;
  } finally {
    slab.release(slot);
  }
};
