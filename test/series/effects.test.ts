/** What the effects of the series statechart change: the row, the archive, the indexes, the file, and in which order. */

import { expect } from 'chai';
import { codeOfPath } from '../../machines/series-states.ts';
import { KeyedMutex } from '../../src/async/keyed-mutex.ts';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { VARBIT } from '../../src/chunk/chunk.ts';
import { Slab } from '../../src/chunk/slab.ts';
import { inlineSeriesFileWorker, runOne } from '../../src/disk/series-files/series-file-worker.ts';
import { seriesPath } from '../../src/disk/series-path.ts';
import { ArchiveDirectory } from '../../src/indexes/archive-directory.ts';
import type { IndexingOperation } from '../../src/indexes/indexer.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import { silentLogger } from '../../src/ports/logger.ts';
import { ActorRows } from '../../src/series/actor-rows.ts';
import type { SeriesEffects } from '../../src/series/actors.ts';
import { Archiving } from '../../src/series/archiving.ts';
import { ChunkCache } from '../../src/series/chunk-cache.ts';
import { seriesEffects } from '../../src/series/effects.ts';
import { ErasedRanges } from '../../src/series/erased-ranges.ts';
import { EventBus } from '../../src/series/event-bus.ts';
import { FileChanges } from '../../src/series/file-changes.ts';
import { Isolation } from '../../src/series/isolation.ts';
import { LateMerging } from '../../src/series/late-merging.ts';
import { LateSamples } from '../../src/series/late-samples.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { Persister } from '../../src/series/persister.ts';
import { Purging } from '../../src/series/purging.ts';
import { NO_ROW, type Row, SeriesTable } from '../../src/series/table.ts';
import { Waking } from '../../src/series/waking.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

const HIGH = 1;
const LOW = 7;
const KEY = fingerprintText(HIGH, LOW);
const PAIRS = ['id', '7'];
const LABELS = { id: '7' };
const FILE = `/store/${seriesPath(HIGH, LOW)}`;

/** The effects over files in memory, with one series whose file has two chunks that end at 1000. */
class Subject {
  readonly table = new SeriesTable();
  readonly slab = new Slab();
  readonly archived = new ArchiveDirectory();
  readonly fileSystem = new MemoryFileSystem();
  readonly events: LifecycleEvent[] = [];
  /** The type of each event, with `file` when the series' file was there at that moment. */
  readonly order: string[] = [];
  readonly operations: IndexingOperation[] = [];
  readonly troubles: unknown[] = [];
  readonly chunks: MemoryChunks;
  readonly cache = new ChunkCache(this.slab);
  readonly fileChanges: FileChanges;
  readonly rows: ActorRows;
  readonly archiving: Archiving;
  readonly isolation: Isolation;
  readonly purging: Purging;
  readonly effects: SeriesEffects;
  private readonly appender = new ChunkAppender(this.slab, { defaultEncoding: VARBIT });
  private readonly files;

  constructor() {
    const { table, slab, archived, fileSystem } = this;
    fileSystem.makeDirectory('/store');
    const clock = new ManualClock(0);
    const journal = { end: 640, commit: async () => {}, forget: () => {} };
    const appendEvent = (event: LifecycleEvent): number => {
      this.order.push(`${event.type}${this.hasFile ? ' file' : ''}`);
      return this.events.push(event);
    };
    const bus = new EventBus({ appendEvent, appendCreated: () => 0 });
    const indexer = { enqueue: (operation: IndexingOperation) => this.operations.push(operation) > 0 };
    const files = inlineSeriesFileWorker(fileSystem, '/store', slab);
    this.files = files;
    this.chunks = new MemoryChunks(table, slab, this.appender);
    this.fileChanges = new FileChanges(journal, bus, clock);
    const memory = {
      table,
      slab,
      chunks: this.chunks,
      cache: this.cache,
      late: new LateSamples(),
      erased: new ErasedRanges(),
    };
    const storage = { files, fileKeys: new KeyedMutex<string>(), fileChanges: this.fileChanges };
    const common = { ...memory, ...storage, archived, indexer, journal, bus, clock, logger: silentLogger };
    this.rows = new ActorRows({ ...common, chunksInFile: () => 2 });
    this.archiving = new Archiving({ ...common, firstTimeInFile: () => 0 });
    this.isolation = new Isolation(common);
    this.purging = new Purging(common);
    const policy = { minShrinkRatio: 0, syncNow: () => true, onPersisted: () => {} };
    const persister = new Persister({ ...common, ...policy });
    this.effects = seriesEffects({
      ...common,
      persister,
      merging: new LateMerging({ ...common, persister, encoding: VARBIT, memoryTarget: 1 << 20 }),
      archiving: this.archiving,
      isolation: this.isolation,
      purging: this.purging,
      beforeTime: () => undefined,
      onDiskTrouble: (error) => this.troubles.push(error),
    });
  }

  get hasFile(): boolean {
    return this.fileSystem.stat(FILE) !== undefined;
  }

  /** The series in memory, everything in its file. */
  async persisted(): Promise<Row> {
    const slots = [0, 1000].map((time) => this.appender.start(time, 0, 0));
    const encodings = new Uint8Array(2).fill(VARBIT);
    await runOne(this.files, { kind: 'persist', high: HIGH, low: LOW, slots, encodings, sync: true });
    for (const slot of slots) this.slab.release(slot);
    const row = this.table.add(HIGH, LOW, PAIRS);
    this.table.chunksInFile[row] = 2;
    this.table.firstTime[row] = 0;
    this.table.setLastTime(row, 1000);
    return row;
  }

  /** The series with one more chunk, which is only in memory. */
  async waiting(): Promise<Row> {
    const row = await this.persisted();
    this.chunks.append(row, 2000, 0, 0);
    this.chunks.closeHead(row);
    return row;
  }

  async archivedRow(): Promise<Row> {
    const row = await this.persisted();
    this.effects.archive(row);
    this.events.length = 0;
    this.order.length = 0;
    this.operations.length = 0;
    return row;
  }
}

describe('the effects of a series', () => {
  it('closeHead: the open chunk waits to be persisted, and the next sample starts another', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    subject.chunks.append(row, 2000, 0, 0);
    expect(subject.table.chunksWaiting(row)).to.equal(0);
    subject.effects.closeHead(row);
    expect(subject.table.chunksWaiting(row)).to.equal(1);
    expect(subject.events).to.deep.equal([{ type: 'headChunksClosed', time: 0, fingerprints: [KEY] }]);
    subject.chunks.append(row, 3000, 0, 0);
    expect(subject.table.chunksUnpersisted[row]).to.equal(2);
  });

  it('forgetDescriptors: the loaded chunks of the file leave memory', async () => {
    const subject = new Subject();
    const row = await subject.waiting();
    await subject.effects.persist(row);
    expect(subject.cache.has(KEY)).to.equal(true);
    subject.effects.forgetDescriptors(row);
    expect(subject.cache.has(KEY)).to.equal(false);
  });

  it('archive: the archive and the indexes get the times of the row', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    subject.effects.archive(row);
    expect([subject.archived.firstTimeOf(HIGH, LOW), subject.archived.lastTimeOf(HIGH, LOW)]).to.deep.equal([0, 1000]);
    expect(subject.events).to.deep.equal([
      { type: 'seriesArchived', time: 0, fingerprint: KEY, labels: LABELS, firstTime: 0, lastTime: 1000 },
    ]);
    expect(subject.operations).to.deep.equal([
      { type: 'archive', high: HIGH, low: LOW, pairs: PAIRS, firstTime: 0, lastTime: 1000 },
    ]);
    expect(subject.archiving.archivedCount).to.equal(1);
  });

  it('wake: the series leaves the archive', async () => {
    const subject = new Subject();
    const row = await subject.archivedRow();
    subject.effects.wake(row);
    expect(subject.archived.has(HIGH, LOW)).to.equal(false);
    expect(subject.operations).to.deep.equal([{ type: 'unarchive', high: HIGH, low: LOW }]);
    expect(subject.events).to.deep.equal([
      { type: 'seriesUnarchived', time: 0, fingerprint: KEY, labels: LABELS, lastTime: 1000 },
    ]);
  });

  it('noteTrimmed: the archived range begins later, unless nothing or everything was dropped', async () => {
    const subject = new Subject();
    const row = await subject.archivedRow();
    const result = { written: 0, dropped: 1, chunksInFile: 1, allDropped: false, firstTime: 1000, mtime: 0 };
    subject.effects.noteTrimmed(row, { ...result, dropped: 0 });
    subject.effects.noteTrimmed(row, { ...result, dropped: 2, allDropped: true });
    expect(subject.operations).to.deep.equal([]);
    subject.effects.noteTrimmed(row, result);
    expect(subject.archived.firstTimeOf(HIGH, LOW)).to.equal(1000);
    expect(subject.operations).to.deep.equal([
      { type: 'updateTimeRange', high: HIGH, low: LOW, firstTime: 1000, lastTime: 1000 },
    ]);
  });

  it('isolate: a series without chunks in memory ends, after its file was moved', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    await subject.effects.isolate(row, 'a bad header');
    expect(subject.order).to.deep.equal(['seriesFilesChanging file', 'seriesQuarantined']);
    expect(subject.table.findFingerprint(HIGH, LOW)).to.equal(NO_ROW);
    expect(subject.operations.map(({ type }) => type)).to.deep.equal(['unindex']);
    expect(subject.isolation.isLeaving(row)).to.equal(false);
    expect(subject.fileChanges.oldest()).to.equal(undefined);
  });

  it('isolate: an archived series leaves the archive, too', async () => {
    const subject = new Subject();
    await subject.effects.isolate(await subject.archivedRow(), 'a bad header');
    expect(subject.archived.has(HIGH, LOW)).to.equal(false);
    expect(subject.operations.map(({ type }) => type)).to.deep.equal(['purgeArchived', 'unindex']);
  });

  it('isolate: chunks that are only in memory go to a new series with the same labels', async () => {
    const subject = new Subject();
    const { table, chunks } = subject;
    const row = await subject.waiting();
    await subject.effects.isolate(row, 'a bad header');
    const successor = table.findFingerprint(HIGH, LOW);
    expect(successor).to.not.be.oneOf([NO_ROW, row]);
    expect(table.labels[successor]).to.deep.equal(PAIRS);
    expect(chunks.waitingSlots(successor).map((slot) => chunks.firstTimeOf(slot))).to.deep.equal([2000]);
    expect(subject.events.slice(1)).to.have.nested.property('[0].hasSuccessor', true);
    expect(subject.order.slice(1)).to.deep.equal(['seriesQuarantined', 'seriesCreated']);
    expect(subject.operations).to.deep.equal([]);
  });

  it('isolate: while the file cannot be moved, the journal is held and nothing is written to the file', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    subject.table.setState(row, codeOfPath('quarantined.isolating'), false);
    // The first rename is that of the hint file, which may fail.
    for (let i = 0; i < 2; i++) subject.fileSystem.fail('rename', 'EIO');
    expect(await subject.effects.isolate(row, 'a bad header').catch((error: unknown) => error)).to.be.an('error');
    expect(subject.isolation.isLeaving(row)).to.equal(true);
    expect(subject.isolation.leavingPairs(HIGH, LOW)).to.deep.equal(PAIRS);
    expect(subject.fileChanges.oldest()).to.equal(640);
    // A sample with these labels has created a new series meanwhile. Its chunk must not go to the damaged file.
    const next = subject.table.add(HIGH, LOW, PAIRS);
    subject.chunks.append(next, 3000, 0, 0);
    subject.chunks.closeHead(next);
    const { size } = subject.fileSystem.stat(FILE)!;
    expect(await subject.effects.persist(next)).to.include({ written: 0 });
    expect(subject.fileSystem.stat(FILE)).to.have.property('size', size);
    await subject.effects.isolate(row, 'a bad header');
    expect(subject.isolation.isLeaving(row)).to.equal(false);
    expect(subject.isolation.leavingPairs(HIGH, LOW)).to.equal(undefined);
    expect(subject.fileChanges.oldest()).to.equal(undefined);
    expect(await subject.effects.persist(next)).to.include({ written: 1 });
  });

  it('purge: the series leaves memory and the indexes, unless its deletion has already done so', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    subject.effects.purge(row, 'dropped');
    expect(subject.events).to.deep.equal([]);
    subject.effects.purge(row, 'retention');
    expect(subject.events.map(({ type }) => type)).to.deep.equal(['seriesPurged']);
    expect(subject.operations).to.deep.equal([{ type: 'unindex', high: HIGH, low: LOW, pairs: PAIRS, position: 640 }]);
    expect(subject.table.findFingerprint(HIGH, LOW)).to.equal(NO_ROW);
    expect(subject.purging.counts).to.deep.equal({ fromMemory: 1, fromArchive: 0, onRequest: 0 });
  });

  it('purge: an archived series leaves the archive, too', async () => {
    const subject = new Subject();
    subject.effects.purge(await subject.archivedRow(), 'retention');
    expect(subject.operations.map(({ type }) => type)).to.deep.equal(['purgeArchived', 'unindex']);
    expect(subject.purging.counts).to.deep.equal({ fromMemory: 0, fromArchive: 1, onRequest: 0 });
  });

  it('deleteFile: the purge is in the journal before the file is deleted', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    await subject.effects.deleteFile(row);
    expect(subject.order).to.deep.equal(['seriesFilesChanging file', 'seriesPurged file']);
    expect(subject.hasFile).to.equal(false);
    expect(subject.table.findFingerprint(HIGH, LOW)).to.equal(NO_ROW);
    expect(subject.purging.counts.onRequest).to.equal(1);
  });

  it('deleteFile: a file that cannot be deleted is tried again, and the journal is held until then', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    subject.fileSystem.fail('remove', 'EIO');
    expect(await subject.effects.deleteFile(row).catch((error: unknown) => error)).to.be.an('error');
    expect(subject.table.findFingerprint(HIGH, LOW)).to.equal(row);
    expect(subject.fileChanges.oldest()).to.equal(640);
    await subject.effects.deleteFile(row);
    expect(subject.hasFile).to.equal(false);
    expect(subject.table.findFingerprint(HIGH, LOW)).to.equal(NO_ROW);
    expect(subject.fileChanges.oldest()).to.equal(undefined);
  });

  it('reportDiskTrouble: the store is told, and a failed move to quarantine is counted', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    const trouble = new Error('no space left');
    subject.effects.reportDiskTrouble(row, trouble);
    expect([subject.troubles, subject.isolation.failedCount]).to.deep.equal([[trouble], 0]);
    subject.table.setState(row, codeOfPath('quarantined.isolating'), false);
    subject.effects.reportDiskTrouble(row, trouble);
    expect(subject.isolation.failedCount).to.equal(1);
  });
});

describe('Waking', () => {
  const wakingOf = (subject: Subject, settled: (row: Row) => Promise<void> = async () => {}): Waking =>
    new Waking({
      table: subject.table,
      rows: subject.rows,
      actors: {
        send: (row) => subject.table.setState(row, codeOfPath('inMemory'), true),
        settled,
      },
    });

  it('lends an archived series a row and wakes it', () => {
    const subject = new Subject();
    subject.archived.add(HIGH, LOW, 0, 1000);
    const row = wakingOf(subject).wakeForSample(HIGH, LOW, PAIRS);
    expect(subject.table.stateCode(row)).to.equal(codeOfPath('inMemory'));
    expect([subject.table.chunksInFile[row], subject.table.lastTime(row)]).to.deep.equal([2, 1000]);
  });

  it('wakes an archived series whose row is there, for its actor', () => {
    const subject = new Subject();
    subject.archived.add(HIGH, LOW, 0, 1000);
    const row = subject.rows.borrow(HIGH, LOW, PAIRS);
    wakingOf(subject).makeWritable(row);
    expect(subject.table.stateCode(row)).to.equal(codeOfPath('inMemory'));
  });

  it('refuses samples of a series that is being removed, and waits for its call', async () => {
    const subject = new Subject();
    const row = await subject.persisted();
    subject.table.setState(row, codeOfPath('purging.deleting'), false);
    const waitedFor: Row[] = [];
    const waking = wakingOf(subject, async (settledRow) => {
      waitedFor.push(settledRow);
    });
    expect(() => waking.makeWritable(row))
      .to.throw()
      .with.property('code', 'TIDEMARK_THROTTLED');
    await waking.refusedRowSettled();
    expect(waitedFor).to.deep.equal([row]);
  });
});
