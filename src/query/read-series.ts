/**
 * Reads the samples of series from memory, from the cache, and from series files.
 *
 * What a series is made of is taken down in one synchronous step, while its file's key is held if the file is needed:
 * so many chunks in the file, then these slots in memory. Neither persisting nor retention can move a chunk from one
 * to the other unseen. Reading the file happens afterwards, off the main thread, many series at a time; the slots are
 * retained meanwhile. A series whose samples are all in memory is read without any of that.
 */
import type { Slab, Slot } from '../chunk/slab.ts';
import { NO_SLOT } from '../chunk/slab.ts';
import { toError } from '../disk/series-file-requests.ts';
import { runOne, type SeriesFileWorker } from '../disk/series-file-worker.ts';
import { TidemarkError } from '../errors.ts';
import type { KeyedMutex } from '../keyed-mutex.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { ChunkCache } from '../series/chunk-cache.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { EARLIEST, NO_ROW, type Row, type SeriesTable } from '../series/table.ts';
import type { FoundSeries } from './find-series.ts';
import { SampleCollector } from './samples.ts';

export interface ReadParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly cache: ChunkCache;
  readonly files: SeriesFileWorker;
  readonly fileKeys: KeyedMutex<string>;
  /** Tells the series' statechart that its file is damaged. */
  readonly onDamage: (high: number, low: number, error: Error) => void;
  /** Chunks were loaded: what is over the memory target may go. */
  readonly onLoaded: () => void;
}

export interface ReadSamples {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** Times of a file's chunks, oldest first. */
export interface FileTimes {
  readonly firstTimes: Float64Array;
  readonly lastTimes: Float64Array;
  readonly encodings: Uint8Array;
}

/** One series of a batch on its way through the file layer. */
interface Reading {
  readonly series: FoundSeries;
  readonly key: string;
  readonly release: () => void;
  readonly memory: readonly Slot[];
  /** Slots of the file's chunks in the range, retained; filled in as they are loaded. */
  file: Slot[];
  firstChunk: number;
  /** Chunks that the file should have at least. */
  readonly chunksInFile: number;
  /** What the file has that can't be read. */
  damage: Error | undefined;
  /** Why the file could not be read at all now: the disk's doing, which says nothing about the file. */
  trouble: Error | undefined;
}

export class SeriesReader {
  private readonly parts: ReadParts;
  private readonly collector: SampleCollector;

  constructor(parts: ReadParts) {
    this.parts = parts;
    this.collector = new SampleCollector(parts.slab, (slot) => parts.slab.encoding[slot]);
  }

  /**
   * The samples of the series if they are all in memory, or `undefined` when the series file is needed. The row is
   * looked up anew: the series may have been archived or woken since it was found.
   */
  readMemory(series: FoundSeries, from: number, through: number): ReadSamples | undefined {
    const row = this.rowOf(series);
    if (row === NO_ROW || this.needsFile(row, from)) return undefined;
    this.collector.begin(from, through);
    this.collectMemory(row, from, through);
    return this.collector.take();
  }

  /**
   * Reads series whose files are needed, in the given order. Damaged parts are left out and reported. Rejects when the
   * disk does not answer: an answer that leaves out what is there would be a wrong one.
   */
  async readBatch(batch: readonly FoundSeries[], from: number, through: number): Promise<ReadSamples[]> {
    const readings: Reading[] = [];
    try {
      for (const series of batch) readings.push(await this.begin(series));
      await this.chooseChunks(readings, from, through);
      await this.loadChunks(readings);
      this.parts.onLoaded();
      const troubled = readings.find(({ trouble }) => trouble !== undefined);
      if (troubled !== undefined) throw troubled.trouble;
      return readings.map((reading) => this.decode(reading, from, through));
    } finally {
      for (const reading of readings) this.finish(reading);
    }
  }

  /** Times of the chunks in the series' file. */
  fileTimes(high: number, low: number): Promise<FileTimes> {
    return runOne(this.parts.files, { kind: 'descriptors', high, low, skipFromEnd: 0 });
  }

  private rowOf(series: FoundSeries): Row {
    const { table } = this.parts;
    const row = table.findFingerprint(series.high, series.low);
    return row !== NO_ROW && table.labels[row] === series.pairs ? row : this.samePairs(row, series);
  }

  private samePairs(row: Row, series: FoundSeries): Row {
    const pairs = row === NO_ROW ? undefined : this.parts.table.labels[row];
    return pairs !== undefined &&
      pairs.length === series.pairs.length &&
      pairs.every((text, i) => text === series.pairs[i])
      ? row
      : NO_ROW;
  }

  private needsFile(row: Row, from: number): boolean {
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
    const { chunks, slab, table, fileKeys } = this.parts;
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
    // An archived series is its file.
    const chunksInFile = row === NO_ROW ? 1 : table.chunksInFile[row];
    const empty = { file: [], firstChunk: 0, damage: undefined, trouble: undefined };
    return { series, key, release, memory, chunksInFile, ...empty };
  }

  private copyOf(slot: Slot): Slot {
    const { slab } = this.parts;
    const copy = slab.allocate(slab.encoding[slot]);
    slab.bytesOf(copy).set(slab.bytesOf(slot));
    return copy;
  }

  /** Finds, from the headers, which chunks of each file overlap the range. */
  private async chooseChunks(readings: readonly Reading[], from: number, through: number): Promise<void> {
    const outcomes = await this.parts.files.run(
      readings.map(({ series: { high, low } }) => ({ kind: 'descriptors', high, low, skipFromEnd: 0 }) as const),
    );
    for (const [index, reading] of readings.entries()) {
      const outcome = outcomes[index];
      if (!outcome.ok) noteFailure(reading, toError(outcome.error));
      // Of a file that could not be read nobody knows what it has, or lacks.
      if (reading.trouble !== undefined) continue;
      const times = outcome.ok ? outcome.value : await this.wholeRecords(reading);
      const { firstTimes, lastTimes } = times;
      const missing = reading.chunksInFile - firstTimes.length;
      if (missing > 0) reading.damage ??= missingChunks(missing, firstTimes.length);
      let first = 0;
      while (first < lastTimes.length && lastTimes[first] < from) first++;
      let end = first;
      while (end < firstTimes.length && firstTimes[end] <= through) end++;
      reading.firstChunk = first;
      reading.file = new Array<Slot>(end - first).fill(NO_SLOT);
    }
  }

  /** The chunks of a file whose end is torn. */
  private async wholeRecords({ series: { high, low }, trouble }: Reading): Promise<FileTimes> {
    const [outcome] =
      trouble === undefined
        ? await this.parts.files.run([{ kind: 'descriptors', high, low, skipFromEnd: 0, passOverTornEnd: true }])
        : [];
    return outcome?.ok ? outcome.value : noTimes;
  }

  /** Brings the chosen chunks into memory: from the cache, or in runs of consecutive ones from the file. */
  private async loadChunks(readings: readonly Reading[]): Promise<void> {
    const { cache, slab, files } = this.parts;
    const runs: { reading: Reading; start: number; slots: Slot[] }[] = [];
    for (const reading of readings) {
      for (let i = 0; i < reading.file.length; i++)
        reading.file[i] = cache.acquire(reading.key, reading.firstChunk + i);
      for (let i = 0; i < reading.file.length; ) {
        if (reading.file[i] !== NO_SLOT) {
          i++;
          continue;
        }
        const start = i;
        const slots: Slot[] = [];
        for (; i < reading.file.length && reading.file[i] === NO_SLOT; i++) slots.push(slab.allocate(0));
        runs.push({ reading, start, slots });
      }
    }
    if (runs.length === 0) return;
    const outcomes = await files.run(
      runs.map(({ reading: { series, firstChunk }, start, slots }) => {
        return { kind: 'load', high: series.high, low: series.low, firstIndex: firstChunk + start, slots } as const;
      }),
    );
    for (const [index, { reading, start, slots }] of runs.entries()) {
      const outcome = outcomes[index];
      if (!outcome.ok) {
        noteFailure(reading, toError(outcome.error));
        await this.loadOneByOne(reading, start, slots);
        continue;
      }
      for (const [i, slot] of slots.entries()) {
        slab.encoding[slot] = outcome.value[i];
        reading.file[start + i] = slot;
        slab.retain(slot);
        cache.put(reading.key, reading.firstChunk + start + i, slot);
      }
    }
  }

  /** Where one chunk of a run is damaged, the others are read nevertheless. Nothing of this is cached. */
  private async loadOneByOne(reading: Reading, start: number, slots: readonly Slot[]): Promise<void> {
    const { slab, files } = this.parts;
    const { series, firstChunk } = reading;
    const outcomes =
      reading.trouble !== undefined || slots.length === 1
        ? []
        : await files.run(
            slots.map((slot, i) => {
              const { high, low } = series;
              return { kind: 'load', high, low, firstIndex: firstChunk + start + i, slots: [slot] } as const;
            }),
          );
    for (const [i, slot] of slots.entries()) {
      const outcome = outcomes[i];
      if (outcome?.ok !== true) {
        slab.release(slot);
        continue;
      }
      slab.encoding[slot] = outcome.value[0];
      reading.file[start + i] = slot;
    }
  }

  private decode(reading: Reading, from: number, through: number): ReadSamples {
    this.collector.begin(from, through);
    for (const slot of [...reading.file, ...reading.memory]) {
      if (slot === NO_SLOT) continue;
      try {
        this.collector.add(slot);
      } catch (error) {
        if (!isDamage(error)) throw error;
        reading.damage ??= error;
      }
    }
    return this.collector.take();
  }

  private finish(reading: Reading): void {
    const { slab, onDamage } = this.parts;
    for (const slot of reading.file) if (slot !== NO_SLOT) slab.release(slot);
    for (const slot of reading.memory) slab.release(slot);
    reading.release();
    if (reading.damage !== undefined) onDamage(reading.series.high, reading.series.low, reading.damage);
  }
}

const noTimes: FileTimes = {
  firstTimes: new Float64Array(0),
  lastTimes: new Float64Array(0),
  encodings: new Uint8Array(0),
};

const missingChunks = (missing: number, found: number): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_CORRUPT_SERIES_FILE',
    found === 0 ? 'the series file is missing' : `${missing} chunks of the series file are missing`,
  );

const noteFailure = (reading: Reading, error: TidemarkError): void => {
  if (isDamage(error)) reading.damage = error;
  else reading.trouble = error;
};

const isDamage = (error: unknown): error is TidemarkError =>
  error instanceof TidemarkError && error.code.startsWith('TIDEMARK_CORRUPT_');
