import { expect } from 'chai';
import { ArchiveIndex } from '../../src/indexes/archive-index.ts';
import { Indexer, type IndexerOptions, type IndexingOperation } from '../../src/indexes/indexer.ts';
import { LabelIndex } from '../../src/indexes/label-index.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { schedulerOf } from '../../src/ports/clock-scheduler.ts';
import { indexing } from '../../streams/indexing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryStore } from '../support/memory-stores.ts';
import { timeRangeOf } from './time-range-of.ts';

const open = (options: Partial<IndexerOptions> = {}) => {
  const stores = {
    metrics: new MemoryStore(),
    times: new MemoryStore(),
    names: new MemoryStore(),
    pairs: new MemoryStore(),
  };
  const clock = new ManualClock();
  const scheduler = schedulerOf(clock);
  const labels = new LabelIndex(stores.names, stores.pairs);
  const archive = new ArchiveIndex(stores.metrics, stores.times);
  const errors: unknown[] = [];
  const batches: number[] = [];
  const indexer = new Indexer({
    labels,
    archive,
    clock,
    batching: (parts) => indexing({ ...parts, scheduler }),
    onBatch: ({ operationCount }) => batches.push(operationCount),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { ...stores, clock, labels, archive, indexer, errors, batches };
};

const index = (low: number, position?: number): IndexingOperation => ({
  type: 'index',
  high: 0,
  low,
  pairs: ['l', String(low)],
  position,
});
const archive = (low: number): IndexingOperation => ({
  type: 'archive',
  high: 0,
  low,
  pairs: ['l', String(low)],
  firstTime: 1,
  lastTime: 2,
});
const unarchive = (low: number): IndexingOperation => ({ type: 'unarchive', high: 0, low });

/** Lets what was started by a timer run to its end. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should be rejected'),
    (error) => error,
  );

describe('Indexer', () => {
  it('writes after half a second without operations', async () => {
    const { indexer, clock, labels, batches } = open();
    indexer.enqueue(index(1, 10));
    await settle();
    clock.advance(400);
    indexer.enqueue(index(2, 20));
    await settle();
    clock.advance(499);
    await settle();
    expect([indexer.queued, batches]).to.deep.equal([2, []]);
    clock.advance(1);
    await settle();
    expect([indexer.queued, batches]).to.deep.equal([0, [2]]);
    expect((await labels.valuesOf('l')).sort()).to.deep.equal(['1', '2']);
    expect([indexer.position, await labels.position()]).to.deep.equal([20, 20]);
  });

  it('flushes what was enqueued before, on demand', async () => {
    const { indexer, labels } = open();
    await indexer.flush();
    indexer.enqueue(index(1));
    const flushed = indexer.flush();
    indexer.enqueue(index(2));
    await flushed;
    expect(await labels.valuesOf('l')).to.deep.equal(['1']);
    expect(indexer.queued).to.equal(1);
    await Promise.all([indexer.flush(), indexer.flush()]);
    expect(indexer.queued).to.equal(0);
  });

  it('keeps the order of what happens to a series', async () => {
    const { indexer, metrics, times, archive: archiveIndex, labels } = open();
    for (const operation of [
      index(1, 1),
      archive(1),
      unarchive(1),
      archive(1),
      index(2, 2),
      archive(2),
      unarchive(2),
    ]) {
      indexer.enqueue(operation);
    }
    indexer.enqueue({ type: 'updateTimeRange', high: 0, low: 1, firstTime: 5, lastTime: 6 });
    await indexer.flush();
    expect([metrics.size, times.size]).to.deep.equal([1, 1]);
    expect(await timeRangeOf(archiveIndex, 0, 1)).to.deep.equal({ firstTime: 5, lastTime: 6 });
    indexer.enqueue({ type: 'purgeArchived', high: 0, low: 1, pairs: ['l', '1'] });
    indexer.enqueue({ type: 'unindex', high: 0, low: 2, pairs: ['l', '2'], position: 9 });
    await indexer.flush();
    expect([metrics.size, times.size]).to.deep.equal([0, 0]);
    expect(await labels.names()).to.deep.equal([]);
    expect(await labels.position()).to.equal(9);
  });

  it('writes the archive before the position that covers it', async () => {
    const { indexer, times, labels } = open();
    times.failure = new Error('disk');
    indexer.enqueue(archive(1));
    indexer.enqueue(index(1, 7));
    expect(await rejection(indexer.flush())).to.equal(times.failure);
    expect(await labels.position()).to.equal(undefined);
  });

  it('shows the labels of series whose archiving still waits', async () => {
    const { indexer, archive: archiveIndex } = open();
    indexer.enqueue(archive(1));
    expect(indexer.pendingArchived(0, 1)).to.deep.equal(['l', '1']);
    expect(indexer.pendingArchived(0, 2)).to.equal(undefined);
    indexer.enqueue(unarchive(1));
    expect(indexer.pendingArchived(0, 1)).to.equal(undefined);
    indexer.enqueue(archive(1));
    const flushed = indexer.flush();
    indexer.enqueue(unarchive(1));
    indexer.enqueue(archive(1));
    await flushed;
    expect(indexer.pendingArchived(0, 1), 'the later archiving still waits').to.deep.equal(['l', '1']);
    await indexer.flush();
    expect(indexer.pendingArchived(0, 1)).to.equal(undefined);
    expect(archiveIndex.labelsOf(0, 1)).to.deep.equal(['l', '1']);
  });

  it('reports that the queue is full, and when a batch has left it', async () => {
    const { indexer } = open({ capacity: 3 });
    const levels: number[] = [];
    indexer.onLevelChanged = () => levels.push(indexer.queued);
    for (let i = 0; i < 4; i++) indexer.enqueue(index(i));
    expect(levels).to.deep.equal([3]);
    await indexer.flush();
    expect(levels).to.deep.equal([3, 0]);
    for (let i = 4; i < 7; i++) indexer.enqueue(index(i));
    expect(levels).to.deep.equal([3, 0, 3]);
    await indexer.close();
  });

  it('takes twice its capacity, and throws instead of losing an operation', async () => {
    const { indexer, labels } = open({ capacity: 3 });
    for (let i = 0; i < 3; i++) indexer.enqueue(index(i));
    for (let i = 0; i < 3; i++) indexer.enqueue(archive(i));
    expect(() => indexer.enqueue(archive(3))).to.throw(TidemarkError, 'overflowed with 6');
    expect(() => indexer.enqueue(index(3))).to.throw(TidemarkError, 'overflowed with 6');
    expect(indexer.queued).to.equal(6);
    await indexer.flush();
    indexer.enqueue(index(3));
    expect(indexer.queued).to.equal(1);
    await indexer.close();
    expect((await labels.valuesOf('l')).sort()).to.deep.equal(['0', '1', '2', '3']);
  });

  it('takes any number of operations of the work that runs alone: they can only be written after it', async () => {
    const { indexer, archive: archiveIndex } = open({ capacity: 3 });
    await indexer.alone(async () => {
      for (let i = 0; i < 9; i++) indexer.enqueue(archive(i));
    });
    await indexer.close();
    expect(archiveIndex.labelsOf(0, 8)).to.deep.equal(['l', '8']);
  });

  it('writes at once when half of its capacity waits', async () => {
    const { indexer, batches } = open({ capacity: 6 });
    for (let i = 0; i < 2; i++) indexer.enqueue(index(i));
    await settle();
    expect(batches).to.deep.equal([]);
    indexer.enqueue(index(2));
    await settle();
    expect(batches).to.deep.equal([3]);
    await indexer.close();
  });

  it('keeps a batch that could not be written and tries it again', async () => {
    const { indexer, clock, pairs, labels, errors } = open();
    pairs.failure = new Error('disk');
    indexer.enqueue(index(1, 1));
    expect(await rejection(indexer.flush())).to.equal(pairs.failure);
    indexer.enqueue(index(2, 2));
    expect([indexer.queued, errors.length]).to.deep.equal([2, 1]);
    clock.advance(1000);
    await settle();
    expect(errors.length).to.equal(2);
    pairs.failure = undefined;
    clock.advance(2000);
    await settle();
    expect([indexer.queued, errors.length]).to.deep.equal([0, 2]);
    expect((await labels.valuesOf('l')).sort()).to.deep.equal(['1', '2']);
    expect(indexer.position).to.equal(2);
  });

  it('writes what waits when it is closed, and takes nothing more', async () => {
    const { indexer, labels } = open();
    indexer.enqueue(index(1));
    await Promise.all([indexer.close(), indexer.close()]);
    expect(await labels.valuesOf('l')).to.deep.equal(['1']);
    indexer.enqueue(index(2));
    expect(indexer.queued).to.equal(0);
    await indexer.flush();
    expect(await labels.valuesOf('l')).to.deep.equal(['1']);
  });

  it('says when closing could not write', async () => {
    const { indexer, pairs } = open();
    pairs.failure = new Error('disk');
    indexer.enqueue(index(1));
    expect(await rejection(indexer.close())).to.equal(pairs.failure);
    expect(await rejection(indexer.flush())).to.equal(pairs.failure);
    expect(indexer.queued).to.equal(1);
  });

  it('is closed while a batch waits for its next attempt: that one is the last', async () => {
    const { indexer, pairs, labels } = open();
    pairs.failure = new Error('disk');
    indexer.enqueue(index(1));
    await rejection(indexer.flush());
    pairs.failure = undefined;
    await indexer.close();
    expect(await labels.valuesOf('l')).to.deep.equal(['1']);
  });
});
