import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Turn } from '../../../src/async/turn.ts';
import { Slab } from '../../../src/chunk/slab.ts';
import { SeriesFiles } from '../../../src/disk/series-files/series-file.ts';
import { answerOf, type SeriesFileRequest } from '../../../src/disk/series-files/series-file-requests.ts';
import {
  inlineSeriesFileWorker,
  runOne,
  type SeriesFileWorker,
  startSeriesFileThread,
} from '../../../src/disk/series-files/series-file-worker.ts';
import type { FileSystem } from '../../../src/files/file-system.ts';
import { nodeFileSystem } from '../../../src/files/node-file-system.ts';
import { TidemarkError } from '../../../src/model/errors.ts';
import { systemClock } from '../../../src/ports/clock.ts';
import { chunksFrom, encodingsOf, halves } from '../support.ts';

const { high, low } = halves('2594aa1de82dbd87');

const failureOf = async (operation: Promise<unknown>): Promise<TidemarkError> => {
  try {
    await operation;
  } catch (error) {
    expect(error).to.be.instanceOf(TidemarkError);
    return error as TidemarkError;
  }
  throw new Error('expected a rejection');
};

type Start = (directory: string, slab: Slab) => SeriesFileWorker;

const implementations: [string, Start][] = [
  ['in a thread', startSeriesFileThread],
  ['inline', (directory, slab) => inlineSeriesFileWorker(nodeFileSystem, directory, slab)],
];

for (const [name, start] of implementations) {
  describe(`The series-file worker ${name}`, () => {
    let directory: string;
    let slab: Slab;
    let worker: SeriesFileWorker;

    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'tidemark-worker-'));
      slab = new Slab();
      worker = start(directory, slab);
    });

    afterEach(async () => {
      await worker.close();
      rmSync(directory, { recursive: true, force: true });
    });

    const persist = (count: number, index = 0, extra: { low?: number; sync?: boolean } = {}) => {
      const slots = chunksFrom(slab, index, count);
      return { kind: 'persist', high, low, slots, encodings: encodingsOf(slab, slots), sync: false, ...extra } as const;
    };

    it('runs every kind of request, in order, with answers of its type', async () => {
      const pairs = ['__name__', 'up'];
      const target = [slab.allocate(1), slab.allocate(1)];
      const none = {
        timestamps: new Float64Array(0),
        words: new Int32Array(0),
        slots: [],
        encodings: new Uint8Array(0),
      };
      const nothing = { high, low, ...none, encoding: 2 } as const;
      const outcomes = await worker.run([
        persist(20),
        persist(2, 20, { sync: true }),
        { kind: 'stat', high, low },
        { kind: 'descriptors', high, low, skipFromEnd: 19 },
        { kind: 'load', high, low, firstIndex: 20, slots: target },
        { ...persist(1, 22), kind: 'dropAndPersist', beforeTime: 100, minShrinkRatio: 0.1 },
        { kind: 'truncate', high, low, chunks: 12 },
        { kind: 'sync', high, low },
        { kind: 'quarantine', high, low, reason: 'a test', pairs },
        persist(1),
        { kind: 'remove', high, low },
        { kind: 'syncDirectories' },
        { kind: 'scan', index: 0x25 },
        { kind: 'deleteJunk', index: 0x25, names: ['nothing'] },
        { kind: 'stat', high, low },
        {
          kind: 'merge',
          high,
          low,
          timestamps: Float64Array.of(5, 12),
          words: Int32Array.of(1, 2, 3, 4),
          erased: [{ from: 10, through: 10 }],
          slots: chunksFrom(slab, 0, 1),
          encodings: Uint8Array.of(1),
          encoding: 2,
        },
        { kind: 'merge', ...nothing, erased: [{ from: 0, through: 5 }] },
        { kind: 'merge', ...nothing, erased: [{ from: 0, through: 99 }] },
      ]);
      expect(answerOf(outcomes[0])).to.include({ firstIndex: 0, chunksInFile: 20 });
      expect(answerOf(outcomes[1])).to.include({ firstIndex: 20, chunksInFile: 22 });
      expect(answerOf(outcomes[2])).to.include({ chunks: 22, trailingBytes: 0 });
      expect([...answerOf(outcomes[3]).firstTimes]).to.deep.equal([0, 10, 20]);
      expect([...answerOf(outcomes[4])]).to.deep.equal([1, 1]);
      expect(slab.bytesOf(target[1])).to.deep.equal(slab.bytesOf(chunksFrom(slab, 21, 1)[0]));
      expect(answerOf(outcomes[5])).to.include({ firstTime: 100, firstIndex: 12, dropped: 10, allDropped: false });
      expect(answerOf(outcomes[6])).to.include({ chunks: 12 });
      expect(answerOf(outcomes[8])).to.equal('orphaned/25/94aa1de82dbd87.db');
      expect(answerOf(outcomes[10])).to.equal(1);
      expect(answerOf(outcomes[12]).highs.length).to.equal(0);
      expect(answerOf(outcomes[13])).to.deep.equal([]);
      expect(answerOf(outcomes[14])).to.equal(undefined);
      expect(answerOf(outcomes[15])).to.include({ added: 2, erasedSamples: 0, firstTime: 0, lastTime: 12 });
      expect(answerOf(outcomes[16])).to.include({ erasedSamples: 2, firstTime: 9, chunksInFile: 1 });
      expect(answerOf(outcomes[17])).to.include({ erasedSamples: 2, allErased: true });
    });

    it('takes slots of blocks that the slab adds later', async () => {
      await worker.run([]);
      const outcome = await runOne(worker, persist(3000));
      expect(outcome.chunksInFile).to.equal(3000);
      expect(slab.blocks.length).to.be.greaterThan(2);
      const last = slab.allocate(1);
      await runOne(worker, { kind: 'load', high, low, firstIndex: 2999, slots: [last] });
      expect(slab.bytesOf(last)).to.deep.equal(slab.bytesOf(chunksFrom(slab, 2999, 1)[0]));
    });

    it('gives a failed outcome for a request and goes on with the others', async () => {
      await runOne(worker, persist(2));
      appendFileSync(join(directory, '25', '94aa1de82dbd87.db'), 'torn');
      const [failed, sound, missing] = await worker.run([
        persist(1),
        persist(1, 0, { low: low + 1 }),
        { kind: 'load', high, low: 77, firstIndex: 0, slots: [slab.allocate(1)] },
      ]);
      expect(sound.ok).to.equal(true);
      const error = await failureOf(Promise.resolve().then(() => answerOf(failed)));
      expect(error.code).to.equal('TIDEMARK_CORRUPT_SERIES_FILE');
      expect(error.details).to.include({ fingerprint: '2594aa1de82dbd87', offset: 2082 });
      expect(missing).to.deep.include({ ok: false });
      if (!missing.ok) expect(missing.error).to.include({ code: 'TIDEMARK_IO', systemCode: 'ENOENT' });
    });

    it('runs batches in the order of the calls', async () => {
      const first = worker.run([persist(1)]);
      const second = worker.run([persist(1, 1)]);
      const done: number[] = [];
      await Promise.all([first.then(() => done.push(1)), second.then(() => done.push(2))]);
      expect(done).to.deep.equal([1, 2]);
      expect(answerOf((await second)[0]).firstIndex).to.equal(1);
    });

    it('finishes what was asked before it closes, and takes nothing after that', async () => {
      const pending = worker.run([persist(5)]);
      await worker.close();
      expect(answerOf((await pending)[0]).chunksInFile).to.equal(5);
      expect((await failureOf(worker.run([]))).code).to.equal('TIDEMARK_CLOSED');
      await worker.close();
    });
  });
}

describe('The series-file worker', () => {
  it('syncs the files of a batch when all are written, and takes back what could not be synced', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-worker-'));
    const slab = new Slab();
    const calls: string[] = [];
    let failing = -1;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      write: (fd, buffer, offset, length, position) => {
        calls.push('write');
        return nodeFileSystem.write(fd, buffer, offset, length, position);
      },
      syncBlocking: () => {
        calls.push('sync');
        if (failing-- === 0) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      },
      syncDirectory: () => {},
    };
    const worker = inlineSeriesFileWorker(fileSystem, directory, slab);
    const requests: SeriesFileRequest[] = [0, 1, 2].map((id) => {
      const slots = chunksFrom(slab, 0, 1);
      return { kind: 'persist', high, low: id, slots, encodings: encodingsOf(slab, slots), sync: true };
    });
    await worker.run(requests);
    expect(calls.splice(0)).to.deep.equal(['write', 'write', 'write', 'sync', 'sync', 'sync']);
    failing = 1;
    const outcomes = await worker.run(requests);
    expect(outcomes.map(({ ok }) => ok)).to.deep.equal([true, false, true]);
    const sizes = await worker.run([0, 1, 2].map((id) => ({ kind: 'stat', high, low: id }) as const));
    expect(sizes.map((outcome) => answerOf(outcome)?.chunks)).to.deep.equal([2, 1, 2]);
    await worker.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('runs inline when the file system says so', async () => {
    const tasks: (() => void)[] = [];
    const runAside = (task: () => void): void => {
      tasks.push(task);
    };
    const worker = inlineSeriesFileWorker({ ...nodeFileSystem, runAside }, '/nowhere', new Slab());
    let done = false;
    const pending = worker.run([{ kind: 'stat', high, low }]).then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).to.equal(false);
    for (const task of tasks.splice(0)) task();
    await pending;
    expect(done).to.equal(true);
  });

  it('reads a few files before the thread has started, and many or large ones in the thread', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-worker-'));
    const slab = new Slab();
    const isStarted = (worker: SeriesFileWorker): boolean => (worker as { started?: unknown }).started !== undefined;
    const writer = startSeriesFileThread(directory, slab);
    const persist = (id: number, count: number) => {
      const slots = chunksFrom(slab, 0, count);
      return { kind: 'persist', high, low: id, slots, encodings: encodingsOf(slab, slots), sync: false } as const;
    };
    await writer.run([persist(1, 3), persist(2, 2000)]);
    expect(isStarted(writer)).to.equal(true);
    await writer.close();

    const reader = startSeriesFileThread(directory, slab);
    const descriptors = (id: number) => ({ kind: 'descriptors', high, low: id, skipFromEnd: 0 }) as const;
    const target = slab.allocate(1);
    const load = { kind: 'load', high, low: 1, firstIndex: 2, slots: [target] } as const;
    const outcomes = await reader.run([descriptors(1), load, descriptors(77)]);
    expect([...answerOf(outcomes[0]).firstTimes]).to.deep.equal([0, 10, 20]);
    expect(slab.bytesOf(target)).to.deep.equal(slab.bytesOf(chunksFrom(slab, 2, 1)[0]));
    expect(answerOf(outcomes[2]).firstTimes).to.have.length(0);
    expect(isStarted(reader)).to.equal(false);
    // The files' checksums were never written, so the thread has to add one.
    await reader.run([{ ...load, addSums: true }]);
    expect(isStarted(reader)).to.equal(true);
    await reader.close();

    const other = startSeriesFileThread(directory, slab);
    const both = [other.run([descriptors(1)]), other.run([descriptors(2)])] as const;
    expect(answerOf((await both[0])[0]).firstTimes).to.have.length(3);
    expect(answerOf((await both[1])[0]).firstTimes).to.have.length(2000);
    expect(isStarted(other)).to.equal(true);
    await other.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('reads in slices, and keeps the order of the calls and a close waiting meanwhile', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-worker-'));
    const slab = new Slab();
    const files = new SeriesFiles(nodeFileSystem, directory, slab);
    const ids = [1, 2, 3];
    for (const id of ids) {
      const slots = chunksFrom(slab, 0, id);
      files.persist(high, id, slots, encodingsOf(slab, slots), false);
    }
    let ms = 0;
    let breaths = 0;
    const slow = {
      ...systemClock,
      // Each request takes a slice.
      monotonic: () => (ms += 10),
      breathe: () => {
        breaths++;
        return systemClock.breathe();
      },
    };
    const worker = startSeriesFileThread(directory, slab, new Turn(slow));
    const slots = chunksFrom(slab, 1, 1);
    const persist = { kind: 'persist', high, low: 1, slots, encodings: encodingsOf(slab, slots), sync: false } as const;
    const stat = { kind: 'stat', high, low: 1 } as const;
    const done: string[] = [];
    const read = worker.run(ids.map((low) => ({ kind: 'descriptors', high, low, skipFromEnd: 0 }) as const));
    const written = worker.run([persist]);
    const told = worker.run([stat]);
    const closed = worker.close();
    await Promise.all([
      read.then(() => done.push('read')),
      written.then(() => done.push('written')),
      told.then(() => done.push('told')),
      closed.then(() => done.push('closed')),
    ]);
    expect(done).to.deep.equal(['read', 'written', 'told', 'closed']);
    expect(breaths).to.equal(2);
    expect((await read).map((outcome) => answerOf(outcome).firstTimes.length)).to.deep.equal(ids);
    expect(answerOf((await told)[0])).to.include({ chunks: 2 });
    expect((await failureOf(worker.run([stat]))).code).to.equal('TIDEMARK_CLOSED');
    rmSync(directory, { recursive: true, force: true });
  });

  it('does not keep the process alive while it has nothing to do', () => {
    const url = new URL('../../../src/disk/series-files/series-file-worker.js', import.meta.url);
    const slab = new URL('../../../src/chunk/slab.js', import.meta.url);
    const beginning = `
      const { startSeriesFileThread } = await import('${url}');
      const { Slab } = await import('${slab}');
      const worker = startSeriesFileThread('${tmpdir()}', new Slab());
    `;
    const work = `
      const [outcome] = await worker.run([{ kind: 'stat', high: 1, low: 2 }]);
      console.log(outcome.ok);
    `;
    const printedBy = (program: string): string =>
      execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 30_000 });
    expect(printedBy(beginning)).to.equal('');
    expect(printedBy(beginning + work)).to.equal('true\n');
  });
});
