import { expect } from 'chai';
import { KeyedMutex } from '../../src/async/keyed-mutex.ts';
import { Turn } from '../../src/async/turn.ts';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { VARBIT } from '../../src/chunk/chunk.ts';
import { Slab } from '../../src/chunk/slab.ts';
import { inlineSeriesFileWorker, type SeriesFileWorker } from '../../src/disk/series-files/series-file-worker.ts';
import { seriesPath } from '../../src/disk/series-path.ts';
import { systemClock } from '../../src/ports/clock.ts';
import type { FoundSeries } from '../../src/query/find-series.ts';
import { CHUNKS_AT_ONCE, SAMPLES_AT_ONCE, SeriesReader } from '../../src/query/read-series.ts';
import { ChunkCache } from '../../src/series/chunk-cache.ts';
import { DecodedChunks } from '../../src/series/decoded-chunks.ts';
import { ErasedRanges } from '../../src/series/erased-ranges.ts';
import { LateSamples } from '../../src/series/late-samples.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { NO_ROW, SeriesTable } from '../../src/series/table.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

const always = { from: Number.NEGATIVE_INFINITY, through: Number.POSITIVE_INFINITY };

/** A reader of archived series, whose files hold chunks of one sample each, or many equal ones. */
class Subject {
  readonly slab = new Slab();
  readonly cache = new ChunkCache(this.slab);
  readonly decoded = new DecodedChunks(this.slab, 1 << 20);
  readonly fileKeys = new KeyedMutex<string>();
  /** The most slots that were in use after a load. */
  slotsMax = 0;
  /** Series reported as damaged, by the low half of their fingerprint. */
  readonly damaged: number[] = [];
  /** Series that are not archived any more: their low halves. */
  readonly purged = new Set<number>();
  readonly table = new SeriesTable();
  readonly erased = new ErasedRanges();
  breaths = 0;
  private ms = 0;
  private readonly fileSystem = new MemoryFileSystem();
  /** Whether loaded chunks stay cached after their query. */
  keepsCached = false;
  /** Rejects what is asked with this. */
  gone: Error | undefined;
  readonly reader: SeriesReader;
  private readonly appender = new ChunkAppender(this.slab, { defaultEncoding: VARBIT });
  private readonly files: SeriesFileWorker;

  constructor({ ownsFiles = true }: { readonly ownsFiles?: boolean } = {}) {
    const { fileSystem } = this;
    fileSystem.makeDirectory('/store');
    const files = inlineSeriesFileWorker(fileSystem, '/store', this.slab);
    this.files = files;
    const { table } = this;
    this.reader = new SeriesReader({
      table,
      slab: this.slab,
      chunks: new MemoryChunks(table, this.slab, this.appender),
      archived: { has: (_high, low) => !this.purged.has(low) },
      cache: this.cache,
      decoded: this.decoded,
      late: new LateSamples(),
      erased: this.erased,
      files: {
        ...files,
        run: (requests) => {
          const isLoad = requests.some(({ kind }) => kind === 'load');
          return isLoad && this.gone !== undefined ? Promise.reject(this.gone) : files.run(requests);
        },
      },
      fileKeys: this.fileKeys,
      ownsFiles,
      verification: 'all',
      addSums: true,
      onDamage: (_high, low) => {
        this.damaged.push(low);
      },
      turn: new Turn({
        ...systemClock,
        // Decoding a chunk takes a millisecond.
        monotonic: () => this.ms++,
        breathe: async () => {
          this.breaths++;
        },
      }),
      onLoaded: () => {
        this.slotsMax = Math.max(this.slotsMax, this.slab.used);
        if (!this.keepsCached) this.cache.evict(Number.POSITIVE_INFINITY);
      },
    });
  }

  async write(low: number, chunkCount: number, samplesPerChunk = 1): Promise<FoundSeries> {
    const slots = Array.from({ length: chunkCount }, (_, i) => {
      const slot = this.appender.start(1000 + i * samplesPerChunk, 0, i);
      let head = slot;
      for (let k = 1; k < samplesPerChunk; k++) {
        head = this.appender.append(head, 1000 + i * samplesPerChunk + k, 0, i);
      }
      expect(head).to.equal(slot);
      return slot;
    });
    const encodings = new Uint8Array(chunkCount).fill(VARBIT);
    const [outcome] = await this.files.run([{ kind: 'persist', high: 1, low, slots, encodings, sync: false }]);
    expect(outcome.ok).to.equal(true);
    for (const slot of slots) this.slab.release(slot);
    return { high: 1, low, pairs: ['series', `${low}`], row: NO_ROW };
  }

  /** Takes bytes off the end of a series' file. */
  tearOff(low: number, byteCount: number): void {
    const path = `/store/${seriesPath(1, low)}`;
    const fd = this.fileSystem.open(path, 'readWrite');
    this.fileSystem.truncate(fd, this.fileSystem.statOpen(fd).size - byteCount);
    this.fileSystem.close(fd);
  }
}

describe('SeriesReader', () => {
  it('answers as many series of a batch as its chunks allow, and reads no chunk of the others', async () => {
    const subject = new Subject();
    const batch = [
      await subject.write(1, CHUNKS_AT_ONCE - 100),
      await subject.write(2, 100),
      await subject.write(3, 1),
      await subject.write(4, 1),
    ];
    const answers = await subject.reader.readBatch(batch, always);
    expect(answers.map(({ timestamps }) => timestamps.length)).to.deep.equal([CHUNKS_AT_ONCE - 100, 100]);
    expect(subject.slotsMax).to.equal(CHUNKS_AT_ONCE);
    expect(subject.slab.used).to.equal(0);
    expect(subject.fileKeys.size).to.equal(0);
  });

  it('reads a series of more chunks than that in portions', async () => {
    const subject = new Subject();
    const chunkCount = 2 * CHUNKS_AT_ONCE + 5;
    const batch = [await subject.write(1, chunkCount), await subject.write(2, 1)];
    const [{ timestamps, values }, ...others] = await subject.reader.readBatch(batch, always);
    expect([...timestamps]).to.deep.equal(Array.from({ length: chunkCount }, (_, i) => 1000 + i));
    expect(values.length).to.equal(chunkCount);
    expect(others).to.deep.equal([]);
    expect(subject.slotsMax).to.equal(CHUNKS_AT_ONCE);
    expect(subject.slab.used).to.equal(0);
  });

  it('answers as many as have half a million samples, and lets others have the thread within longer ones', async () => {
    const subject = new Subject();
    const perChunk = 60_000;
    const chunkCount = Math.ceil(SAMPLES_AT_ONCE / perChunk);
    const batch = [
      await subject.write(1, 1),
      await subject.write(2, 3 * chunkCount, perChunk),
      await subject.write(3, 1),
      await subject.write(4, 1),
    ];
    const answers = await subject.reader.readBatch(batch, always);
    expect(answers.map(({ timestamps }) => timestamps.length)).to.deep.equal([1, 3 * chunkCount * perChunk]);
    // 28 chunks, of which two are decoded in a slice.
    expect(subject.breaths).to.equal(14);
    expect(subject.slab.used).to.equal(0);
    expect(subject.fileKeys.size).to.equal(0);
  });

  it('reports the missing file of an archived series, and none of a series that has gone since it was found', async () => {
    const subject = new Subject();
    const missing = [1, 2].map((low) => ({ high: 1, low, pairs: ['series', `${low}`], row: NO_ROW }));
    subject.purged.add(2);
    const answers = await subject.reader.readBatch(missing, always);
    expect(answers.map(({ timestamps }) => timestamps.length)).to.deep.equal([0, 0]);
    expect(subject.damaged).to.deep.equal([1]);
  });

  it('reports damage with the answer of the series, not when it is left to a later batch', async () => {
    const subject = new Subject();
    const batch = [await subject.write(1, CHUNKS_AT_ONCE), await subject.write(2, 5)];
    subject.tearOff(2, 100);
    const [first, ...others] = await subject.reader.readBatch(batch, always);
    expect(first.timestamps.length).to.equal(CHUNKS_AT_ONCE);
    expect(others).to.deep.equal([]);
    expect(subject.damaged).to.deep.equal([]);
    const [rest] = await subject.reader.readBatch(batch.slice(1), always);
    expect([...rest.timestamps]).to.deep.equal([1000, 1001, 1002, 1003]);
    expect(subject.damaged).to.deep.equal([2]);
  });

  it('gives back slots and keys when the worker is gone', async () => {
    const subject = new Subject();
    const batch = [await subject.write(1, 3), await subject.write(2, CHUNKS_AT_ONCE)];
    subject.gone = new Error('the thread is gone');
    for (const part of [batch, batch.slice(1)]) {
      let thrown: unknown;
      await subject.reader.readBatch(part, always).catch((error: unknown) => {
        thrown = error;
      });
      expect(thrown).to.equal(subject.gone);
      expect(subject.slab.used).to.equal(0);
      expect(subject.fileKeys.size).to.equal(0);
    }
  });

  describe('with chunks in the cache', () => {
    const setUp = async (options = {}): Promise<{ subject: Subject; series: FoundSeries }> => {
      const subject = new Subject(options);
      subject.keepsCached = true;
      const series = await subject.write(1, 10, 5);
      expect(subject.reader.readMemory(series, always)).to.equal(undefined);
      await subject.reader.readBatch([series], always);
      return { subject, series };
    };
    const isCached = ({ reader }: Subject, series: FoundSeries): boolean => {
      const answer = reader.readMemory(series, always);
      expect(reader.needsFile(series, always)).to.equal(answer === undefined);
      return answer !== undefined;
    };

    it('answers without the file, and only what is asked', async () => {
      const { subject, series } = await setUp();
      subject.tearOff(1, 5000);
      expect([...subject.reader.readMemory(series, always)!.timestamps]).to.deep.equal(
        Array.from({ length: 50 }, (_, i) => 1000 + i),
      );
      const part = subject.reader.readMemory(series, { from: 1007, through: 1016 })!;
      expect([...part.timestamps]).to.deep.equal(Array.from({ length: 10 }, (_, i) => 1007 + i));
      expect(subject.damaged).to.deep.equal([]);
    });

    it('reads the file if it is being rewritten, has grown, lacks a cached chunk, or its series has gone', async () => {
      const { subject, series } = await setUp();
      const release = await subject.fileKeys.acquire('0000000100000001');
      expect(isCached(subject, series)).to.equal(false);
      release();
      expect(isCached(subject, series)).to.equal(true);
      subject.purged.add(1);
      expect(isCached(subject, series)).to.equal(false);
      subject.purged.clear();
      subject.cache.put('0000000100000001', 10, subject.slab.allocate(VARBIT));
      expect(isCached(subject, series)).to.equal(false);
      await subject.reader.readBatch([series], always);
      expect(isCached(subject, series)).to.equal(true);
      subject.cache.forgetSeries('0000000100000001');
      await subject.reader.readBatch([series], { from: 1007, through: 1016 });
      expect(isCached(subject, series)).to.equal(false);
    });

    it('reads the file again if another process may have changed it', async () => {
      const { subject, series } = await setUp({ ownsFiles: false });
      expect(isCached(subject, series)).to.equal(false);
    });

    it('reads the file again after damage, which is told with each answer', async () => {
      const subject = new Subject();
      subject.keepsCached = true;
      const series = await subject.write(1, 10, 5);
      subject.tearOff(1, 100);
      await subject.reader.readBatch([series], always);
      expect(isCached(subject, series)).to.equal(false);
    });

    it('decodes a chunk at most twice, and leaves out what is dropped later', async () => {
      const { subject, series } = await setUp();
      const { reader, cache, slab, table, erased } = subject;
      const row = table.add(series.high, series.low, series.pairs);
      table.chunksInFile[row] = 10;
      const first = reader.readMemory(series, { from: 1007, through: 1016 })!;
      reader.readMemory(series, always);
      for (const slot of cache.slotsOf('0000000100000001', 0, 10) ?? []) slab.bytesOf(slot).fill(0);
      expect(reader.readMemory(series, { from: 1007, through: 1016 })).to.deep.equal(first);
      erased.add(row, { from: 1010, through: 1019 }, 0);
      expect([...reader.readMemory(series, { from: 1007, through: 1021 })!.timestamps]).to.deep.equal([
        1007, 1008, 1009, 1020, 1021,
      ]);
    });

    it('leaves a series of many samples to be read with pauses', async () => {
      const subject = new Subject();
      subject.keepsCached = true;
      const series = await subject.write(1, 5, 60_000);
      await subject.reader.readBatch([series], always);
      expect(subject.reader.readMemory(series, always)).to.equal(undefined);
      expect(subject.reader.readMemory(series, { from: 1000, through: 60_000 })!.timestamps.length).to.equal(59_001);
    });
  });
});
