/** What series files are changed by, and what rows and the journal know of it at which moment. */

import { expect } from 'chai';
import { codeOfPath } from '../../machines/series-states.ts';
import { KeyedMutex } from '../../src/async/keyed-mutex.ts';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { VARBIT } from '../../src/chunk/chunk.ts';
import { Slab } from '../../src/chunk/slab.ts';
import {
  inlineSeriesFileWorker,
  runOne,
  type SeriesFileWorker,
} from '../../src/disk/series-files/series-file-worker.ts';
import { seriesPath } from '../../src/disk/series-path.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import { ChunkCache } from '../../src/series/chunk-cache.ts';
import { ErasedRanges } from '../../src/series/erased-ranges.ts';
import { EventBus } from '../../src/series/event-bus.ts';
import { FileChanges } from '../../src/series/file-changes.ts';
import { LateSamples } from '../../src/series/late-samples.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { Persister } from '../../src/series/persister.ts';
import { FILE_UNSYNCED, type Row, SeriesTable } from '../../src/series/table.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

const HIGH = 1;
const keyOf = (low: number): string => fingerprintText(HIGH, low);

/** A persister over real files in memory. Chunk i of a series has one sample, of time 1000 i. */
class Subject {
  readonly table = new SeriesTable();
  readonly fileKeys = new KeyedMutex<string>();
  readonly fileSystem = new MemoryFileSystem();
  /** What the journal was told, each with the files that were there when it was made durable. */
  readonly told: { readonly event: LifecycleEvent; readonly files: readonly string[] }[] = [];
  readonly persister: Persister;
  /** What commits that tell of a removal fail with. */
  failing: Error | undefined;
  /** What the journal refuses to take `chunksDropped` with. */
  refusal: Error | undefined;
  private readonly slab = new Slab();
  private readonly appender = new ChunkAppender(this.slab, { defaultEncoding: VARBIT });
  private readonly chunks = new MemoryChunks(this.table, this.slab, this.appender);
  private readonly files: SeriesFileWorker;
  private readonly rows: Row[] = [];
  private waiting: LifecycleEvent[] = [];

  constructor() {
    const { fileSystem, table, slab, chunks, fileKeys } = this;
    fileSystem.makeDirectory('/store');
    this.files = inlineSeriesFileWorker(fileSystem, '/store', slab);
    const clock = new ManualClock(0);
    const appendEvent = (event: LifecycleEvent): number => {
      if (this.refusal !== undefined && event.type === 'chunksDropped') throw this.refusal;
      return this.waiting.push(event);
    };
    const bus = new EventBus({ appendEvent, appendCreated: () => 0 });
    this.persister = new Persister({
      table,
      slab,
      chunks,
      cache: new ChunkCache(slab),
      late: new LateSamples(),
      erased: new ErasedRanges(),
      files: this.files,
      fileKeys,
      fileChanges: new FileChanges({ end: 0, commit: () => this.commit() }, bus, clock),
      bus,
      clock,
      minShrinkRatio: 0,
      syncNow: () => true,
      onPersisted: () => {},
    });
  }

  private async commit(): Promise<void> {
    if (this.failing !== undefined && this.waiting.some((event) => 'removing' in event)) throw this.failing;
    for (const event of this.waiting) this.told.push({ event, files: this.present() });
    this.waiting = [];
  }

  /** Fingerprints of the files that are there. */
  present(): string[] {
    const isThere = (row: Row): boolean =>
      this.fileSystem.stat(`/store/${seriesPath(HIGH, this.table.low[row])}`) !== undefined;
    return this.rows.filter(isThere).map((row) => keyOf(this.table.low[row]));
  }

  /** A series whose file has so many chunks, with the row that an archived one borrows. */
  async archived(low: number, chunkCount: number): Promise<Row> {
    const slots = Array.from({ length: chunkCount }, (_, i) => this.appender.start(1000 * i, 0, 0));
    const encodings = new Uint8Array(chunkCount).fill(VARBIT);
    await runOne(this.files, { kind: 'persist', high: HIGH, low, slots, encodings, sync: true });
    for (const slot of slots) this.slab.release(slot);
    const row = this.table.add(HIGH, low, ['id', `${low}`], codeOfPath('archived.resting'));
    this.table.chunksInFile[row] = chunkCount;
    this.table.firstTime[row] = 0;
    this.rows.push(row);
    return row;
  }

  /** A series with one closed chunk in memory. */
  inMemory(low: number): Row {
    const row = this.table.add(HIGH, low, ['id', `${low}`]);
    this.chunks.append(row, 1_000_000, 0, 0);
    this.chunks.closeHead(row);
    this.rows.push(row);
    return row;
  }
}

describe('Persister', () => {
  it('lets a row know what retention has left of its file before anybody else may read the file', async () => {
    const subject = new Subject();
    const { table, fileKeys, persister } = subject;
    const row = await subject.archived(7, 5);
    const trimmed = persister.trim(HIGH, 7, 3000, () => {});
    const release = await fileKeys.acquire(keyOf(7));
    expect([table.chunksInFile[row], table.firstTime[row]]).to.deep.equal([2, 3000]);
    release();
    expect(await trimmed).to.include({ dropped: 3, chunksInFile: 2 });
  });

  it('lets it know also where the journal does not take what happened', async () => {
    const subject = new Subject();
    const row = await subject.archived(7, 5);
    subject.refusal = new Error('the journal is closed');
    const kept: number[] = [];
    const [trimmed] = await Promise.allSettled([subject.persister.trim(HIGH, 7, 3000, (until) => kept.push(until))]);
    expect(trimmed).to.deep.equal({ status: 'rejected', reason: subject.refusal });
    expect([subject.table.chunksInFile[row], subject.table.firstTime[row]]).to.deep.equal([2, 3000]);
    expect(kept).to.have.length(1);
  });

  it('leaves it to the next checkpoint to sync a file that retention wrote anew and whose name could not be', async () => {
    const subject = new Subject();
    const { table, persister, fileSystem } = subject;
    const [synced, unsynced] = [await subject.archived(7, 5), await subject.archived(8, 5)];
    await persister.persist(synced, 3000);
    fileSystem.fail('syncDirectory', 'EIO');
    expect(await persister.persist(unsynced, 3000)).to.include({ dropped: 3, chunksInFile: 2 });
    expect([synced, unsynced].map((row) => (table.flags(row) & FILE_UNSYNCED) !== 0)).to.deep.equal([false, true]);
  });

  it('removes a file of which nothing is to be kept after the journal knows of it, durably', async () => {
    const subject = new Subject();
    const row = await subject.archived(7, 5);
    expect(await subject.persister.trim(HIGH, 7, 9000, () => {})).to.include({ dropped: 5, allDropped: true });
    expect(subject.told.map(({ event, files }) => ['removing' in event, files])).to.deep.equal([
      [false, [keyOf(7)]],
      [true, [keyOf(7)]],
    ]);
    expect(subject.present()).to.deep.equal([]);
    expect(subject.table.chunksInFile[row]).to.equal(0);
  });

  it('keeps a file that the journal could not be told of, and what else was done in its batch', async () => {
    const subject = new Subject();
    const { persister, table } = subject;
    const [emptied, written] = [await subject.archived(7, 5), subject.inMemory(8)];
    subject.failing = new Error('no space');
    const outcomes = await Promise.allSettled([
      persister.trim(HIGH, 7, 9000, () => {}),
      persister.persist(written, undefined),
    ]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled']);
    expect(subject.present()).to.deep.equal([keyOf(7), keyOf(8)]);
    expect([table.chunksInFile[emptied], table.chunksInFile[written]]).to.deep.equal([5, 1]);
    subject.failing = undefined;
    expect(await persister.trim(HIGH, 7, 9000, () => {})).to.include({ allDropped: true });
    expect(subject.present()).to.deep.equal([keyOf(8)]);
  });
});
