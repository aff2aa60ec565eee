/**
 * Reads the samples of series from memory, from the cache, and from series files.
 *
 * What a series is made of is taken down in one synchronous step, while its file's key is held if the file is needed:
 * so many chunks in the file, then these slots in memory. Neither persisting nor retention can move a chunk from one
 * to the other unseen. Reading the file happens afterwards, off the main thread, many series at a time; the slots are
 * retained meanwhile. A series whose samples are all in memory is read without any of that.
 *
 * Bounds: the files' chunks that one batch holds in memory ({@link CHUNKS_AT_ONCE}), and the samples that are decoded before
 * others get the thread ({@link SAMPLES_AT_ONCE}); a chunk of equal values can hold 126,000. Only the answer for a single
 * series is as long as it is.
 */
import type { Slab, Slot } from '../chunk/slab.ts';
import { NO_SLOT } from '../chunk/slab.ts';
import { DAMAGED_CHUNKS } from '../disk/hint.ts';
import { type ChunkDescriptors, firstUnsoundChunk, type Verification } from '../disk/series-file-reader.ts';
import { toError } from '../disk/series-file-requests.ts';
import { runOne, type SeriesFileWorker } from '../disk/series-file-worker.ts';
import { descriptorProblem } from '../disk/series-record.ts';
import { TidemarkError } from '../errors.ts';
import type { ArchiveDirectory } from '../index/archive-directory.ts';
import type { KeyedMutex } from '../keyed-mutex.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { pairsEqual } from '../model/labels.ts';
import type { ChunkCache } from '../series/chunk-cache.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { EARLIEST, NO_ROW, type Row, type SeriesTable } from '../series/table.ts';
import type { FoundSeries } from './find-series.ts';
import { type ReadSamples, SampleCollector } from './samples.ts';

/** Chunks of series files that one batch brings into memory. */
export const CHUNKS_AT_ONCE = 1024;
/** Decoding so many takes some 10 ms. A batch that has as many is answered as far as it got. */
export const SAMPLES_AT_ONCE = 1 << 19;
/** Problems that an answer names, one by one. */
const PROBLEMS_MAX = 20;
/** Chunks that the hint of a quarantined file names. */
const NAMED_CHUNKS_MAX = 500;

export interface ReadParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly archived: Pick<ArchiveDirectory, 'has'>;
  readonly cache: ChunkCache;
  readonly files: SeriesFileWorker;
  readonly fileKeys: KeyedMutex<string>;
  /** How chunks are compared with their checksums. */
  readonly verification: Verification;
  /** Chunks without a checksum get one when they have been read. */
  readonly addSums: boolean;
  /** Tells the series' statechart that its file is damaged. */
  readonly onDamage: (high: number, low: number, error: Error) => void;
  /** Chunks were loaded: what is over the memory target may go. */
  readonly onLoaded: () => void;
  /** Gives the event loop to the host. */
  readonly breathe: () => Promise<void>;
}

/** Times in milliseconds since the epoch, both ends included. */
export interface Range {
  readonly from: number;
  readonly through: number;
}

/** Times of a file's chunks, oldest first. */
export type FileTimes = ChunkDescriptors;

/** One series of a batch on its way through the file layer. */
interface Reading {
  readonly series: FoundSeries;
  readonly key: string;
  readonly release: () => void;
  readonly memory: readonly Slot[];
  /** Which chunks of the file are in the range: the first one, and the one behind the last. */
  firstChunk: number;
  endChunk: number;
  /** The chunk of the first slot in `file`. */
  portionStart: number;
  /** Slots of those that are loaded, from the moment that they are allocated; NO_SLOT for what can't be read. */
  file: Slot[];
  /** Chunks that the file should have at least. */
  readonly chunksInFile: number;
  /** Of the file's chunks; of a doubtful one, all that its neighbours leave open. */
  times: Pick<FileTimes, 'firstTimes' | 'lastTimes' | 'damaged'>;
  /** Chunks that are not as they were written, or whose header can't be right. */
  doubtful: ReadonlySet<number>;
  /** Chunks of which no samples can be given. */
  readonly unreadable: Set<number>;
  /** Doubtful chunks whose samples are given nevertheless. */
  readonly given: Set<number>;
  /** What the file has that can't be read. */
  damage: Error | undefined;
  /** What is wrong with the chunks of the answer, at most {@link PROBLEMS_MAX}. */
  readonly problems: string[];
}

/** A chunk that is read by itself, because something is wrong with it or with one beside it. */
interface Doubtful {
  readonly reading: Reading;
  readonly chunk: number;
  readonly slot: Slot;
  /** Its place in `reading.file`. */
  readonly place: number;
}

/** Consecutive chunks of one file that are loaded together. */
interface Run {
  readonly reading: Reading;
  /** Where they begin in `reading.file`. */
  readonly start: number;
  /** Their number in the series file. */
  readonly firstIndex: number;
  readonly slots: readonly Slot[];
}

export class SeriesReader {
  private readonly parts: ReadParts;
  /** For what is read in one synchronous step; a batch has one of its own. */
  private readonly collector: SampleCollector;

  constructor(parts: ReadParts) {
    this.parts = parts;
    this.collector = new SampleCollector(parts.slab);
  }

  /**
   * The samples of the series if they are all in memory, or `undefined` when the series file is needed. The row is
   * looked up anew: the series may have been archived or woken since it was found.
   */
  readMemory(series: FoundSeries, range: Range): ReadSamples | undefined {
    const row = this.rowOf(series);
    if (row === NO_ROW || this.fileMatters(row, range.from)) return undefined;
    this.collector.begin(range.from, range.through);
    try {
      this.collectMemory(row, range.from, range.through);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.parts.onDamage(series.high, series.low, error);
      return { ...this.collector.take(), problems: [error.message] };
    }
    return this.collector.take();
  }

  /** Whether {@link readMemory} would answer `undefined`. */
  needsFile(series: FoundSeries, from: number): boolean {
    const row = this.rowOf(series);
    return row === NO_ROW || this.fileMatters(row, from);
  }

  /**
   * Reads series whose files are needed, in the given order: as many of the first ones as {@link CHUNKS_AT_ONCE} and
   * {@link SAMPLES_AT_ONCE} allow, at least one, so that the answer may be shorter than the batch. Damaged parts are left out
   * and reported, when the series they belong to is answered. Rejects
   * when the disk does not answer: an answer that leaves out what is there would be a wrong one.
   */
  async readBatch(batch: readonly FoundSeries[], range: Range): Promise<ReadSamples[]> {
    const readings: Reading[] = [];
    try {
      for (const series of batch) readings.push(await this.begin(series));
      await this.chooseChunks(readings, range);
      // What does not fit is left to a later batch; nobody has to wait for its file until then.
      for (const reading of readings.splice(fittingCount(readings))) this.release(reading);
      const collector = new SampleCollector(this.parts.slab);
      // More chunks than fit has only a series that is alone.
      if (readings.length === 1) return [await this.readPortions(readings[0], range, collector)];
      await this.load(readings.map((reading) => ({ reading, from: reading.firstChunk, end: reading.endChunk })));
      const answers: ReadSamples[] = [];
      let sampleCount = 0;
      while (answers.length < readings.length && sampleCount < SAMPLES_AT_ONCE) {
        const reading = readings[answers.length];
        collector.begin(range.from, range.through);
        await this.collect(reading, reading.file, collector);
        await this.collect(reading, reading.memory, collector);
        sampleCount += collector.count;
        answers.push(answerOf(reading, collector));
      }
      for (const reading of readings.splice(answers.length)) this.release(reading);
      return answers;
    } finally {
      for (const reading of readings) this.finish(reading);
    }
  }

  /** Times of the chunks in the series' file. */
  fileTimes(high: number, low: number): Promise<FileTimes> {
    return runOne(this.parts.files, { kind: 'descriptors', high, low, skipFromEnd: 0 });
  }

  /** One series, however many chunks it has. */
  private async readPortions(reading: Reading, range: Range, collector: SampleCollector): Promise<ReadSamples> {
    const { firstChunk, endChunk } = reading;
    collector.begin(range.from, range.through);
    for (let from = firstChunk; from < endChunk; from += CHUNKS_AT_ONCE) {
      await this.load([{ reading, from, end: Math.min(from + CHUNKS_AT_ONCE, endChunk) }]);
      await this.collect(reading, reading.file, collector);
      this.releaseFile(reading);
    }
    await this.collect(reading, reading.memory, collector);
    return answerOf(reading, collector);
  }

  private rowOf({ high, low, pairs }: FoundSeries): Row {
    const { table } = this.parts;
    const row = table.findFingerprint(high, low);
    const found = row === NO_ROW ? undefined : table.labels[row];
    return found !== undefined && pairsEqual(found, pairs) ? row : NO_ROW;
  }

  /** Whether the file has samples in the range that are not in memory. */
  private fileMatters(row: Row, from: number): boolean {
    const { table, chunks } = this.parts;
    if (table.chunksInFile[row] === 0) return false;
    const oldest = table.oldestSlot(row);
    if (oldest !== NO_SLOT && from >= chunks.firstTimeOf(oldest)) return false;
    const lastInFile = table.lastChunkLastTime[row];
    return lastInFile === EARLIEST || from <= lastInFile;
  }

  private collectMemory(row: Row, from: number, through: number): void {
    const { chunks, table, slab } = this.parts;
    const head = table.headSlot(row);
    if (head === NO_SLOT) return;
    chunks.store(row);
    for (let slot = table.oldestSlot(row); ; slot = slab.next[slot]) {
      if (chunks.firstTimeOf(slot) > through) break;
      if (slot === head || chunks.lastTimeOf(slot) >= from) this.collector.add(slot);
      if (slot === head) break;
    }
  }

  /** Takes down what the series is made of, with its file's key held. */
  private async begin(series: FoundSeries): Promise<Reading> {
    const { archived, chunks, slab, table, fileKeys } = this.parts;
    const key = fingerprintText(series.high, series.low);
    const release = await fileKeys.acquire(key);
    const row = this.rowOf(series);
    const memory: Slot[] = [];
    if (row !== NO_ROW) {
      const slots = chunks.allSlots(row);
      const openHead = table.headOpen(row) ? table.headSlot(row) : NO_SLOT;
      for (const slot of slots) {
        // The open head goes on changing: what it holds now is kept as a copy.
        if (slot === openHead) memory.push(this.copyOf(slot));
        else {
          slab.retain(slot);
          memory.push(slot);
        }
      }
    }
    // An archived series is its file. One that has gone since it was found has none, and that is no damage.
    const archivedChunks = archived.has(series.high, series.low) ? 1 : 0;
    const chunksInFile = row === NO_ROW ? archivedChunks : table.chunksInFile[row];
    const nothing = {
      firstChunk: 0,
      endChunk: 0,
      portionStart: 0,
      times: noTimes,
      file: [],
      damage: undefined,
      problems: [],
    };
    const sound = { doubtful: noChunks, unreadable: new Set<number>(), given: new Set<number>() };
    return { series, key, release, memory, chunksInFile, ...nothing, ...sound };
  }

  private copyOf(slot: Slot): Slot {
    const { slab } = this.parts;
    const copy = slab.allocate(slab.encoding[slot]);
    slab.bytesOf(copy).set(slab.bytesOf(slot));
    return copy;
  }

  /** Finds, from the headers, which chunks of each file overlap the range. */
  private async chooseChunks(readings: readonly Reading[], { from, through }: Range): Promise<void> {
    const { verification } = this.parts;
    const outcomes = await this.parts.files.run(
      readings.map(
        ({ series: { high, low } }) => ({ kind: 'descriptors', high, low, skipFromEnd: 0, verification }) as const,
      ),
    );
    for (const [index, reading] of readings.entries()) {
      const outcome = outcomes[index];
      // Of a file that could not be read nobody knows what it has, or lacks.
      if (!outcome.ok) noteDamage(reading, demandDamage(toError(outcome.error)));
      const times = outcome.ok ? outcome.value : await this.wholeRecords(reading);
      const missing = reading.chunksInFile - times.firstTimes.length;
      if (missing > 0) noteDamage(reading, missingChunks(missing, times.firstTimes.length));
      reading.doubtful = doubtfulChunks(times);
      const { firstTimes, lastTimes } = reading.doubtful.size > 0 ? widened(times, reading.doubtful) : times;
      reading.times = { firstTimes, lastTimes, damaged: times.damaged ?? [] };
      let first = 0;
      while (first < lastTimes.length && lastTimes[first] < from) first++;
      // Chunks of a file that the original wrote may overlap, so what is beyond the range may lie between.
      let end = firstTimes.length;
      while (end > first && firstTimes[end - 1] > through) end--;
      reading.firstChunk = first;
      reading.endChunk = end;
    }
  }

  /** The chunks of a file whose end is torn. */
  private async wholeRecords({ series: { high, low } }: Reading): Promise<FileTimes> {
    const { verification } = this.parts;
    const request = { kind: 'descriptors', high, low, skipFromEnd: 0, passOverTornEnd: true, verification } as const;
    const [outcome] = await this.parts.files.run([request]);
    return outcome.ok ? outcome.value : noTimes;
  }

  /** Brings chunks into memory: from the cache, or in runs of consecutive ones from the file. */
  private async load(
    wanted: readonly { readonly reading: Reading; readonly from: number; readonly end: number }[],
  ): Promise<void> {
    const { files, onLoaded, addSums } = this.parts;
    const runs: Run[] = [];
    const doubtful: Doubtful[] = [];
    for (const { reading, from, end } of wanted) this.place(reading, from, end, runs, doubtful);
    if (runs.length === 0 && doubtful.length === 0) return;
    const outcomes = await files.run(
      runs.map(({ reading: { series }, firstIndex, slots }) => {
        return { kind: 'load', high: series.high, low: series.low, firstIndex, slots, addSums } as const;
      }),
    );
    for (const [index, run] of runs.entries()) {
      const outcome = outcomes[index];
      if (outcome.ok) {
        this.settle(run, outcome.value);
        continue;
      }
      run.reading.damage ??= demandDamage(toError(outcome.error));
      const { reading, start, firstIndex, slots } = run;
      for (const [i, slot] of slots.entries()) {
        doubtful.push({ reading, chunk: firstIndex + i, slot, place: start + i });
      }
    }
    await this.loadOneByOne(doubtful);
    onLoaded();
  }

  /** Finds a slot for each chunk: its own in the cache, or a new one that has to be filled. */
  private place(reading: Reading, from: number, end: number, runs: Run[], doubtful: Doubtful[]): void {
    const { cache, slab } = this.parts;
    const { key, file } = reading;
    reading.portionStart = from;
    let slots: Slot[] = [];
    for (let chunk = from; chunk < end; chunk++) {
      const cached = cache.acquire(key, chunk);
      if (cached === NO_SLOT && reading.doubtful.has(chunk)) {
        const slot = slab.allocate(0);
        doubtful.push({ reading, chunk, slot, place: file.length });
        file.push(slot);
        slots = [];
        continue;
      }
      file.push(cached === NO_SLOT ? slab.allocate(0) : cached);
      if (cached !== NO_SLOT) {
        slots = [];
        continue;
      }
      if (slots.length === 0) runs.push({ reading, start: chunk - from, firstIndex: chunk, slots });
      slots.push(file[chunk - from]);
    }
  }

  /** The chunks of a run are in their slots; the cache shares them. */
  private settle({ reading, firstIndex, slots }: Run, encodings: Uint8Array): void {
    const { cache, slab } = this.parts;
    for (const [i, slot] of slots.entries()) {
      slab.encoding[slot] = encodings[i];
      slab.retain(slot);
      cache.put(reading.key, firstIndex + i, slot);
    }
  }

  /** Where something is wrong with a chunk, as much as can be trusted is read nevertheless. Nothing of this is cached. */
  private async loadOneByOne(doubtful: readonly Doubtful[]): Promise<void> {
    if (doubtful.length === 0) return;
    const { slab, files } = this.parts;
    const outcomes = await files.run(
      doubtful.map(({ reading: { series, times, doubtful: known }, chunk, slot }) => {
        const after = times.lastTimes[chunk - 1] ?? Number.NEGATIVE_INFINITY;
        const before = times.firstTimes[chunk + 1] ?? Number.POSITIVE_INFINITY;
        const { high, low } = series;
        return {
          kind: 'loadDoubtful',
          high,
          low,
          index: chunk,
          slot,
          after,
          before,
          isDamaged: times.damaged?.includes(chunk) === true,
          isVerified: known.has(chunk) || this.parts.verification === 'all',
        } as const;
      }),
    );
    for (const [i, { reading, chunk, slot, place }] of doubtful.entries()) {
      const outcome = outcomes[i];
      if (outcome.ok) {
        slab.encoding[slot] = outcome.value.encoding;
        reading.given.add(chunk);
        const { problem } = outcome.value;
        if (problem !== undefined) noteDamage(reading, corruptFile(problem));
        continue;
      }
      const error = demandDamage(toError(outcome.error));
      slab.release(slot);
      reading.file[place] = NO_SLOT;
      reading.unreadable.add(chunk);
      noteDamage(reading, error);
    }
  }

  private async collect(reading: Reading, slots: readonly Slot[], collector: SampleCollector): Promise<void> {
    let breatheAt = collector.count + SAMPLES_AT_ONCE;
    for (const slot of slots) {
      if (slot === NO_SLOT) continue;
      if (collector.count >= breatheAt) {
        await this.parts.breathe();
        breatheAt = collector.count + SAMPLES_AT_ONCE;
      }
      try {
        collector.add(slot);
      } catch (error) {
        if (!isDamage(error)) throw error;
        noteDamage(reading, error);
        const place = reading.file.indexOf(slot);
        if (slots === reading.file && place >= 0) reading.unreadable.add(reading.portionStart + place);
      }
    }
  }

  private releaseFile(reading: Reading): void {
    for (const slot of reading.file) if (slot !== NO_SLOT) this.parts.slab.release(slot);
    reading.file = [];
  }

  /** The series has been answered, or the batch failed. */
  private finish(reading: Reading): void {
    this.release(reading);
    const { series } = reading;
    const damage = reading.damage ?? doubtfulDamage(reading.doubtful);
    if (damage !== undefined) this.parts.onDamage(series.high, series.low, withChunks(damage, reading));
  }

  /** Lets go of a series. One that is answered in a later batch finds its damage again: until then its file must stay. */
  private release(reading: Reading): void {
    this.releaseFile(reading);
    for (const slot of reading.memory) this.parts.slab.release(slot);
    reading.release();
  }
}

const noTimes: FileTimes = {
  firstTimes: new Float64Array(0),
  lastTimes: new Float64Array(0),
  encodings: new Uint8Array(0),
};

const noChunks: ReadonlySet<number> = new Set();

const answerOf = ({ problems }: Reading, collector: SampleCollector): ReadSamples => {
  const samples = collector.take();
  return problems.length === 0 ? samples : { ...samples, problems };
};

const noteDamage = (reading: Reading, error: Error): void => {
  reading.damage ??= error;
  if (reading.problems.length < PROBLEMS_MAX) reading.problems.push(error.message);
};

/** Chunks that are not as they were written, and those whose header can't be right. */
const doubtfulChunks = (times: FileTimes): ReadonlySet<number> => {
  const { firstTimes, lastTimes, encodings, damaged = [] } = times;
  const hasUnsound = firstUnsoundChunk(times) >= 0;
  if (damaged.length === 0 && !hasUnsound) return noChunks;
  const doubtful = new Set(damaged);
  if (!hasUnsound) return doubtful;
  for (let i = 0; i < encodings.length; i++) {
    if (descriptorProblem(encodings[i], firstTimes[i], lastTimes[i]) !== undefined) doubtful.add(i);
  }
  return doubtful;
};

/** The times with those of doubtful chunks replaced by all that their neighbours leave open. */
const widened = (
  { firstTimes, lastTimes }: FileTimes,
  doubtful: ReadonlySet<number>,
): Pick<FileTimes, 'firstTimes' | 'lastTimes'> => {
  const first = firstTimes.slice();
  const last = lastTimes.slice();
  for (let i = 0; i < first.length; i++) {
    if (doubtful.has(i))
      first[i] = i === 0 ? Number.NEGATIVE_INFINITY : doubtful.has(i - 1) ? first[i - 1] : last[i - 1];
  }
  for (let i = last.length - 1; i >= 0; i--) {
    if (!doubtful.has(i)) continue;
    const isNextDoubtful = doubtful.has(i + 1);
    last[i] = i + 1 === last.length ? Number.POSITIVE_INFINITY : isNextDoubtful ? last[i + 1] : firstTimes[i + 1];
  }
  return { firstTimes: first, lastTimes: last };
};

/** What is said of chunks that no answer needed. */
const doubtfulDamage = (doubtful: ReadonlySet<number>): TidemarkError | undefined =>
  doubtful.size === 0
    ? undefined
    : corruptFile(`${doubtful.size} chunks of the series file are not as they were written`);

/** The error with the chunks whose samples must not be taken for sound when the file is read from quarantine. */
const withChunks = (damage: Error, { unreadable, doubtful, given }: Reading): Error => {
  const notGiven = [...doubtful].filter((chunk) => !given.has(chunk));
  const chunks = [...new Set([...unreadable, ...notGiven])].sort((a, b) => a - b).slice(0, NAMED_CHUNKS_MAX);
  return chunks.length === 0 ? damage : corruptFile(`${damage.message}${DAMAGED_CHUNKS}${chunks.join(', ')}`);
};

/** How many readings of a batch, from the first one on, fit into one portion of chunks; at least one. */
const fittingCount = (readings: readonly Reading[]): number => {
  let count = 0;
  let chunkCount = 0;
  for (const { firstChunk, endChunk } of readings) {
    chunkCount += endChunk - firstChunk;
    if (chunkCount > CHUNKS_AT_ONCE) break;
    count++;
  }
  return Math.max(1, count);
};

const corruptFile = (message: string): TidemarkError => new TidemarkError('TIDEMARK_CORRUPT_SERIES_FILE', message);

const missingChunks = (missing: number, found: number): TidemarkError =>
  corruptFile(found === 0 ? 'the series file is missing' : `${missing} chunks of the series file are missing`);

/** The error if it says that the file is damaged; any other is the disk's doing, says nothing about it, and is thrown. */
const demandDamage = (error: TidemarkError): TidemarkError => {
  if (!isDamage(error)) throw error;
  return error;
};

const isDamage = (error: unknown): error is TidemarkError =>
  error instanceof TidemarkError && error.code.startsWith('TIDEMARK_CORRUPT_');
