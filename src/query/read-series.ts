/**
 * Reads the samples of series from memory, from the cache, and from series files.
 *
 * If the file is needed, its key is acquired first. Then the chunks of the series are listed in one synchronous step:
 * the number of chunks in the file, and the slots in memory. While the key is held, neither persisting nor retention
 * can move a chunk from memory to the file or renumber the file's chunks. The file is read afterwards, off the main
 * thread, many series at a time; the slots are retained meanwhile. A series whose samples are all in memory is read
 * without these steps.
 *
 * Bounds: a batch holds at most {@link CHUNKS_AT_ONCE} chunks of files in memory, and about {@link SAMPLES_AT_ONCE}
 * samples; a chunk of equal values can hold 126,000 samples. The answer for a single series is not bounded.
 */

import type { Slices } from '../async/slices.ts';
import type { Turn } from '../async/turn.ts';
import type { Slot } from '../chunk/slab.ts';
import { NO_SLOT } from '../chunk/slab.ts';
import { DAMAGED_CHUNKS } from '../disk/quarantine/hint.ts';
import {
  type ChunkDescriptors,
  firstUnsoundChunk,
  type Verification,
} from '../disk/series-files/series-file-reader.ts';
import { toError } from '../disk/series-files/series-file-requests.ts';
import { runOne } from '../disk/series-files/series-file-worker.ts';
import { descriptorProblem } from '../disk/series-files/series-record.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import { isDamage, TidemarkError } from '../model/errors.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { pairsEqual } from '../model/labels.ts';
import type { ChunkTimes } from '../series/chunk-cache.ts';
import type { DecodedChunks } from '../series/decoded-chunks.ts';
import type { TimeSpan } from '../series/erased-ranges.ts';
import type { SeriesMemory } from '../series/series-memory.ts';
import type { SeriesStorage } from '../series/series-storage.ts';
import type { SortedSamples } from '../series/sorted-samples.ts';
import { EARLIEST, NO_ROW, type Row } from '../series/table.ts';
import { partOf, withLate } from './add-late.ts';
import type { FoundSeries } from './find-series.ts';
import { type ReadSamples, SampleCollector } from './samples.ts';

/** How many chunks of series files one batch loads into memory. */
export const CHUNKS_AT_ONCE = 1024;
/** A batch ends when it has so many samples, which are 8 MiB; the rest is left to the next batch. */
export const SAMPLES_AT_ONCE = 1 << 19;
/** Decoding so many samples takes some milliseconds. A series with more is read in portions, with pauses. */
const SAMPLES_WITHOUT_PAUSE = 1 << 18;
/** How many problems an answer lists. */
const PROBLEMS_MAX = 20;
/** How many chunks the hint of a quarantined file lists. */
const NAMED_CHUNKS_MAX = 500;

export interface ReadParts extends SeriesMemory, Pick<SeriesStorage, 'files' | 'fileKeys'> {
  readonly archived: Pick<ArchiveDirectory, 'has'>;
  readonly decoded: DecodedChunks;
  /** How chunks are compared with their checksums. */
  readonly verification: Verification;
  /** Whether no other process may change the files. */
  readonly ownsFiles: boolean;
  /** Whether chunks without a checksum get one when they have been read. */
  readonly addSums: boolean;
  /** Notifies the series' statechart that its file is damaged. */
  readonly onDamage: (high: number, low: number, error: Error) => void;
  /** Called after chunks were loaded, so that chunks over the memory target can be evicted. */
  readonly onLoaded: () => void;
  /** What it shares of the turns of the event loop. */
  readonly turn: Turn;
}

/** Times in milliseconds since the epoch, both ends included. */
export interface Range {
  readonly from: number;
  readonly through: number;
}

/** Times of a file's chunks, oldest first. */
export type FileTimes = ChunkDescriptors;

/** A series of a batch while its file is being read. */
interface Reading {
  readonly series: FoundSeries;
  readonly key: string;
  readonly release: () => void;
  readonly memory: readonly Slot[];
  /** The late samples in the range, as they were when the file's key was acquired. */
  readonly late: readonly SortedSamples[];
  /** Time ranges that were dropped; the file still has their samples. */
  readonly erased: readonly TimeSpan[];
  /** The chunks of the file that overlap the range: the first chunk, and the one after the last. */
  firstChunk: number;
  endChunk: number;
  /** The number of the chunk in the first slot of `file`. */
  portionStart: number;
  /** Slots of the loaded chunks, set when they are allocated; NO_SLOT for a chunk that can't be read. */
  file: Slot[];
  /** The minimum number of chunks that the file should have. */
  readonly chunksInFile: number;
  /** Times of the file's chunks. A doubtful chunk gets the whole range between its neighbours. */
  times: ChunkTimes & Pick<FileTimes, 'damaged' | 'matchesChecksums'>;
  /** Chunks whose bytes have changed since they were written, or whose header is impossible. */
  doubtful: ReadonlySet<number>;
  /** Chunks whose samples can't be returned. */
  readonly unreadable: Set<number>;
  /** Doubtful chunks whose samples are returned nevertheless. */
  readonly given: Set<number>;
  /** The first damage found in the file. */
  damage: Error | undefined;
  /** Problems with the chunks of the answer, at most {@link PROBLEMS_MAX}. */
  readonly problems: string[];
}

/** Chunks of a series file: from `first` to before `end`. */
interface CachedChunks {
  readonly key: string;
  readonly first: number;
  readonly end: number;
}

/** A chunk that is read on its own, because it, or a chunk of the same run, is damaged. */
interface Doubtful {
  readonly reading: Reading;
  readonly chunk: number;
  readonly slot: Slot;
  /** The chunk's index in `reading.file`. */
  readonly place: number;
}

/** Consecutive chunks of one file that are loaded together. */
interface Run {
  readonly reading: Reading;
  /** Index of the first chunk in `reading.file`. */
  readonly start: number;
  /** Number of the first chunk in the series file. */
  readonly firstIndex: number;
  readonly slots: readonly Slot[];
}

export class SeriesReader {
  private readonly parts: ReadParts;
  /** The collector for synchronous reads from memory. Each batch has a collector of its own. */
  private readonly collector: SampleCollector;

  constructor(parts: ReadParts) {
    this.parts = parts;
    this.collector = new SampleCollector(parts);
  }

  /**
   * The samples of the series if they are all in memory or in the cache, or `undefined` if the series file must be read.
   * The row is looked up again, because the series may have been archived or woken since it was found. With a collector,
   * the samples are valid until it begins another series; without one, they are the caller's.
   */
  readMemory(series: FoundSeries, range: Range, own?: SampleCollector): ReadSamples | undefined {
    const row = this.rowOf(series);
    const collector = own ?? this.collector;
    const isFileNeeded = row === NO_ROW || this.fileMatters(row, range.from);
    const cached = isFileNeeded ? this.cachedChunks(series, row, range) : undefined;
    if (isFileNeeded && cached === undefined) return undefined;
    let problems: readonly string[] | undefined;
    collector.begin(range.from, range.through);
    try {
      if (cached !== undefined && !this.collectCached(collector, cached, row)) return undefined;
      if (row !== NO_ROW) this.collectMemory(collector, row, range.from, range.through);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // Reading the file tells what is damaged.
      if (isFileNeeded) return undefined;
      this.parts.onDamage(series.high, series.low, error);
      problems = [error.message];
    }
    const found = own === undefined ? collector.take() : collector.view();
    const samples = row === NO_ROW ? found : withLate(found, this.parts.late.lists(row), range);
    return problems === undefined ? samples : { ...samples, problems };
  }

  /** A collector for {@link readMemory}. */
  newCollector(): SampleCollector {
    return new SampleCollector(this.parts);
  }

  /** False if a chunk is not cached, or if there are so many samples that they must be read with pauses. */
  private collectCached(collector: SampleCollector, { key, first, end }: CachedChunks, row: Row): boolean {
    const { cache, erased } = this.parts;
    const slots = cache.slotsOf(key, first, end);
    if (slots === undefined) return false;
    const spans = row === NO_ROW ? noSpans : erased.of(row);
    for (const slot of slots) {
      collector.add(slot, spans);
      if (collector.count <= SAMPLES_WITHOUT_PAUSE) continue;
      // A chunk of equal values has so many samples that some dozens of chunks would hold the event loop.
      cache.noteLong(key, first, end);
      return false;
    }
    return true;
  }

  /**
   * The chunks of the file in the range. `undefined` if their times are not known, or if the file is being rewritten.
   */
  private cachedChunks({ high, low }: FoundSeries, row: Row, { from, through }: Range): CachedChunks | undefined {
    const { cache, fileKeys, archived, table } = this.parts;
    const key = fingerprintText(high, low);
    const times = cache.timesOf(key);
    if (times === undefined || fileKeys.isHeld(key)) return undefined;
    const count = times.firstTimes.length;
    if (row === NO_ROW ? !archived.has(high, low) : table.chunksInFile[row] !== count) return undefined;
    const [first, end] = chunksIn(times, from, through);
    return { key, first, end };
  }

  /** Whether the file has to be read, as far as is known before the samples are decoded. */
  needsFile(series: FoundSeries, range: Range): boolean {
    const row = this.rowOf(series);
    if (row !== NO_ROW && !this.fileMatters(row, range.from)) return false;
    const cached = this.cachedChunks(series, row, range);
    return cached === undefined || !this.parts.cache.holdsAll(cached.key, cached.first, cached.end);
  }

  /**
   * Reads series that need their files, in the given order: as many of the first series as {@link CHUNKS_AT_ONCE} and
   * {@link SAMPLES_AT_ONCE} allow, at least one. So the result may be shorter than the batch. Damaged parts are left
   * out; the damage is reported with the series' answer. Rejects if the disk fails, because an answer without readable
   * samples would be wrong.
   */
  async readBatch(batch: readonly FoundSeries[], range: Range): Promise<ReadSamples[]> {
    const readings: Reading[] = [];
    try {
      for (const series of batch) readings.push(await this.begin(series, range));
      await this.chooseChunks(readings, range);
      // Series that do not fit are left to a later batch. Their file keys are released until then.
      for (const reading of readings.splice(fittingCount(readings))) this.release(reading);
      const collector = new SampleCollector(this.parts);
      // Only a single series can have more chunks than CHUNKS_AT_ONCE.
      if (readings.length === 1) return [await this.readPortions(readings[0], range, collector)];
      await this.load(readings.map((reading) => ({ reading, from: reading.firstChunk, end: reading.endChunk })));
      const answers: ReadSamples[] = [];
      const slices = this.parts.turn.slices();
      let sampleCount = 0;
      while (answers.length < readings.length && sampleCount < SAMPLES_AT_ONCE) {
        const reading = readings[answers.length];
        collector.begin(range.from, range.through);
        await this.collect(reading, reading.file, collector, slices);
        await this.collect(reading, reading.memory, collector, slices);
        sampleCount += collector.count;
        answers.push(answerOf(reading, collector, range));
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

  /** Reads a single series with any number of chunks, in portions. */
  private async readPortions(reading: Reading, range: Range, collector: SampleCollector): Promise<ReadSamples> {
    const { firstChunk, endChunk } = reading;
    collector.begin(range.from, range.through);
    for (let from = firstChunk; from < endChunk; from += CHUNKS_AT_ONCE) {
      await this.load([{ reading, from, end: Math.min(from + CHUNKS_AT_ONCE, endChunk) }]);
      await this.collect(reading, reading.file, collector, this.parts.turn.slices());
      this.releaseFile(reading);
    }
    await this.collect(reading, reading.memory, collector, this.parts.turn.slices());
    return answerOf(reading, collector, range);
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

  private collectMemory(collector: SampleCollector, row: Row, from: number, through: number): void {
    const { chunks, table, slab } = this.parts;
    const head = table.headSlot(row);
    if (head === NO_SLOT) return;
    chunks.store(row);
    for (let slot = table.oldestSlot(row); ; slot = slab.next[slot]) {
      if (chunks.firstTimeOf(slot) > through) break;
      if (slot === head || chunks.lastTimeOf(slot) >= from) {
        collector.add(slot, noSpans, slot === head && table.headOpen(row));
      }
      if (slot === head) break;
    }
  }

  /** Acquires the file's key, then lists the chunks of the series. */
  private async begin(series: FoundSeries, range: Range): Promise<Reading> {
    const { archived, chunks, late, slab, table, fileKeys } = this.parts;
    const key = fingerprintText(series.high, series.low);
    const release = await fileKeys.acquire(key);
    const row = this.rowOf(series);
    const memory: Slot[] = [];
    if (row !== NO_ROW) {
      const slots = chunks.allSlots(row);
      const openHead = table.headOpen(row) ? table.headSlot(row) : NO_SLOT;
      for (const slot of slots) {
        // The open head keeps changing, so its current state is copied.
        if (slot === openHead) memory.push(this.copyOf(slot));
        else {
          slab.retain(slot);
          memory.push(slot);
        }
      }
    }
    // An archived series has a file with at least one chunk. If the series was removed since it was found, a missing
    // file is not damage.
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
    const erased = row === NO_ROW ? [] : this.parts.erased.of(row);
    const lateSamples = row === NO_ROW ? [] : late.lists(row).map((list) => partOf(list, range));
    return { series, key, release, memory, late: lateSamples, erased, chunksInFile, ...nothing, ...sound };
  }

  private copyOf(slot: Slot): Slot {
    const { slab } = this.parts;
    const copy = slab.allocate(slab.encoding[slot]);
    slab.bytesOf(copy).set(slab.bytesOf(slot));
    return copy;
  }

  /** Finds out from the chunk headers which chunks of each file overlap the range. */
  private async chooseChunks(readings: readonly Reading[], { from, through }: Range): Promise<void> {
    const { verification } = this.parts;
    const outcomes = await this.parts.files.run(
      readings.map(
        ({ series: { high, low } }) => ({ kind: 'descriptors', high, low, skipFromEnd: 0, verification }) as const,
      ),
    );
    for (const [index, reading] of readings.entries()) {
      const outcome = outcomes[index];
      // The file can't be read as a whole. Note the damage, then try again without a torn end.
      if (!outcome.ok) noteDamage(reading, demandDamage(toError(outcome.error)));
      const times = outcome.ok ? outcome.value : await this.wholeRecords(reading);
      const missing = reading.chunksInFile - times.firstTimes.length;
      if (missing > 0) noteDamage(reading, missingChunks(missing, times.firstTimes.length));
      reading.doubtful = doubtfulChunks(times);
      const { firstTimes, lastTimes } = reading.doubtful.size > 0 ? widened(times, reading.doubtful) : times;
      const { damaged = [], matchesChecksums = false } = times;
      reading.times = { firstTimes, lastTimes, damaged, matchesChecksums };
      [reading.firstChunk, reading.endChunk] = chunksIn({ firstTimes, lastTimes }, from, through);
    }
  }

  /** Times of the whole chunks of a file whose end is torn. */
  private async wholeRecords({ series: { high, low } }: Reading): Promise<FileTimes> {
    const { verification } = this.parts;
    const request = { kind: 'descriptors', high, low, skipFromEnd: 0, passOverTornEnd: true, verification } as const;
    const [outcome] = await this.parts.files.run([request]);
    return outcome.ok ? outcome.value : noTimes;
  }

  /** Loads chunks into memory, from the cache or in runs of consecutive chunks from the file. */
  private async load(
    wanted: readonly { readonly reading: Reading; readonly from: number; readonly end: number }[],
  ): Promise<void> {
    const { onLoaded } = this.parts;
    const runs: Run[] = [];
    const doubtful: Doubtful[] = [];
    for (const { reading, from, end } of wanted) this.place(reading, from, end, runs, doubtful);
    if (runs.length > 0 || doubtful.length > 0) await this.fill(runs, doubtful);
    for (const { reading } of wanted) this.keepTimes(reading);
    if (runs.length > 0 || doubtful.length > 0) onLoaded();
  }

  /** Fills the slots that {@link place} allocated. */
  private async fill(runs: readonly Run[], doubtful: Doubtful[]): Promise<void> {
    const { files, addSums, ownsFiles } = this.parts;
    const outcomes = await files.run(
      runs.map(({ reading: { series, times }, firstIndex, slots }) => {
        // Another process may change a file between the comparison and the load.
        const wasVerified = ownsFiles && times.matchesChecksums === true;
        return { kind: 'load', high: series.high, low: series.low, firstIndex, slots, addSums, wasVerified } as const;
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
  }

  /** Gets a slot for each chunk: its slot in the cache, or a new slot that must be filled. */
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

  /** The chunks of a run have been loaded: sets their encodings and adds them to the cache. */
  private settle({ reading, firstIndex, slots }: Run, encodings: Uint8Array): void {
    const { cache, slab } = this.parts;
    for (const [i, slot] of slots.entries()) {
      slab.encoding[slot] = encodings[i];
      slab.retain(slot);
      cache.put(reading.key, firstIndex + i, slot);
    }
  }

  /** Keeps the times of a sound file for the next query. */
  private keepTimes({ key, times: { firstTimes, lastTimes }, doubtful, damage }: Reading): void {
    const { cache, ownsFiles } = this.parts;
    if (!ownsFiles || damage !== undefined || doubtful.size > 0) return;
    cache.putTimes(key, { firstTimes, lastTimes });
  }

  /** Reads doubtful chunks one by one, as far as their content can be trusted. They are not cached. */
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

  private async collect(
    reading: Reading,
    slots: readonly Slot[],
    collector: SampleCollector,
    slices: Slices,
  ): Promise<void> {
    for (const slot of slots) {
      if (slot === NO_SLOT) continue;
      if (slices.isOver) await slices.breathe();
      try {
        collector.add(slot, slots === reading.file ? reading.erased : []);
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

  /** Releases a series that has been answered, or whose batch failed, and reports its damage. */
  private finish(reading: Reading): void {
    this.release(reading);
    const { series } = reading;
    const damage = reading.damage ?? doubtfulDamage(reading.doubtful);
    if (damage !== undefined) this.parts.onDamage(series.high, series.low, withChunks(damage, reading));
  }

  /**
   * Releases a series without reporting damage. If it is answered in a later batch, its damage is found again then. Its
   * file must not be moved to quarantine before.
   */
  private release(reading: Reading): void {
    this.releaseFile(reading);
    for (const slot of reading.memory) this.parts.slab.release(slot);
    reading.release();
  }
}

/** The first chunk of a file that has samples in the range, and the one after the last. */
const chunksIn = ({ firstTimes, lastTimes }: ChunkTimes, from: number, through: number): [number, number] => {
  let first = 0;
  while (first < lastTimes.length && lastTimes[first] < from) first++;
  // Chunks of a file that the original wrote may overlap, so chunks beyond the range may lie between chunks in it.
  let end = firstTimes.length;
  while (end > first && firstTimes[end - 1] > through) end--;
  return [first, end];
};

const noSpans: readonly TimeSpan[] = [];

const noTimes: FileTimes = {
  firstTimes: new Float64Array(0),
  lastTimes: new Float64Array(0),
  encodings: new Uint8Array(0),
};

const noChunks: ReadonlySet<number> = new Set();

const answerOf = ({ late, problems }: Reading, collector: SampleCollector, range: Range): ReadSamples => {
  const samples = withLate(collector.take(), late, range);
  return problems.length === 0 ? samples : { ...samples, problems };
};

const noteDamage = (reading: Reading, error: Error): void => {
  reading.damage ??= error;
  if (reading.problems.length < PROBLEMS_MAX) reading.problems.push(error.message);
};

/** Chunks whose bytes have changed since they were written, and chunks whose header is impossible. */
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

/** The times, with those of doubtful chunks replaced by the whole range between their neighbours. */
const widened = ({ firstTimes, lastTimes }: FileTimes, doubtful: ReadonlySet<number>): ChunkTimes => {
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

/** The damage of doubtful chunks, for a reading without other damage. */
const doubtfulDamage = (doubtful: ReadonlySet<number>): TidemarkError | undefined =>
  doubtful.size === 0
    ? undefined
    : corruptFile(`${doubtful.size} chunks of the series file are not as they were written`);

/** The error, extended by the chunks whose samples must not be trusted when the file is read from quarantine. */
const withChunks = (damage: Error, { unreadable, doubtful, given }: Reading): Error => {
  const notGiven = [...doubtful].filter((chunk) => !given.has(chunk));
  const chunks = [...new Set([...unreadable, ...notGiven])].sort((a, b) => a - b).slice(0, NAMED_CHUNKS_MAX);
  return chunks.length === 0 ? damage : corruptFile(`${damage.message}${DAMAGED_CHUNKS}${chunks.join(', ')}`);
};

/** How many of the first readings of a batch fit into one portion of chunks; at least one. */
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

/** Returns the error if it reports damage of the file. Any other error comes from the disk and is thrown. */
const demandDamage = (error: TidemarkError): TidemarkError => {
  if (!isDamage(error)) throw error;
  return error;
};
