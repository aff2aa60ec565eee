/**
 * The series-file worker: the store hands it batches of blocking file work and goes on. In a running store it is a
 * thread over the slab's shared blocks; the simulator, read-only stores and tests run the same code in place.
 *
 * Batches run one after the other, the requests of a batch in their order. A request that fails gives a failed outcome
 * and does not stop the others; `run` itself rejects only when the worker is gone.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SlabView } from '../chunk/slab.ts';
import { TidemarkError } from '../errors.ts';
import type { FileSystem } from './file-system.ts';
import { SeriesFiles } from './series-file.ts';
import {
  answerOf,
  runRequests,
  type SeriesFileAnswers,
  type SeriesFileOutcome,
  type SeriesFileOutcomes,
  type SeriesFileRequest,
} from './series-file-requests.ts';

export interface SeriesFileWorker {
  run<const Requests extends readonly SeriesFileRequest[]>(requests: Requests): Promise<SeriesFileOutcomes<Requests>>;
  /** Tells the worker of a new block of the slab. Must come before requests that name slots in it. */
  addBlock(buffer: SharedArrayBuffer): void;
  /**
   * Has memory that will soon be a block of the slab backed by the system, which takes as long as filling it. What is in
   * it stays, whatever is written to it meanwhile. Absent: nobody else's time can be spent on it.
   */
  warm?(buffers: readonly SharedArrayBuffer[]): void;
  /** Resolves when what was asked before is done. No `run` after that. */
  close(): Promise<void>;
}

/** Runs one request; its answer, or its error thrown. */
export const runOne = async <const Request extends SeriesFileRequest>(
  worker: SeriesFileWorker,
  request: Request,
): Promise<SeriesFileAnswers[Request['kind']]> => {
  const [outcome] = await worker.run([request]);
  return answerOf(outcome);
};

/** What goes to the thread: a batch, and the blocks of the slab that are new since the one before. */
export interface ThreadMessage {
  readonly blocks: readonly SharedArrayBuffer[];
  /** Memory to be warmed. */
  readonly cold: readonly SharedArrayBuffer[];
  readonly requests: readonly SeriesFileRequest[];
}

export interface ThreadData {
  readonly directory: string;
  readonly blocks: readonly SharedArrayBuffer[];
}

interface Waiting {
  readonly resolve: (outcomes: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A worker in a thread of its own, on the real file system. It keeps the process alive only while it has work. One
 * message takes a batch there and one brings the outcomes back.
 */
export const startSeriesFileThread = (directory: string, slab: SlabView): SeriesFileWorker =>
  new ThreadWorker(directory, slab);

class ThreadWorker implements SeriesFileWorker {
  private readonly thread: Worker;
  /** Batches at the thread, oldest first; it answers in order. */
  private readonly waiting: Waiting[] = [];
  /** Blocks that the thread does not know yet. A message for each would cost as much as creating a thousand series. */
  private newBlocks: SharedArrayBuffer[] = [];
  private cold: readonly SharedArrayBuffer[] = [];
  private failure: Error | undefined;
  private closed: Promise<void> | undefined;

  constructor(directory: string, slab: SlabView) {
    const workerData: ThreadData = {
      directory,
      blocks: slab.blocks.map((block) => block.buffer as SharedArrayBuffer),
    };
    // The host's own flags are not for this thread: some, such as --input-type, would keep it from starting.
    // As source or compiled, the thread's file lies beside this one with the same extension.
    const file = new URL(`./series-file-thread${extname(import.meta.url)}`, import.meta.url);
    this.thread = new Worker(file, { workerData, execArgv: [], name: 'tidemark-series-files' });
    this.thread.unref();
    this.thread.on('message', (outcomes: readonly SeriesFileOutcome[]) => this.settle(outcomes));
    this.thread.on('error', (error) => this.fail(error));
    this.thread.on('exit', (code) => this.fail(new Error(`the thread ended with exit code ${code}`)));
  }

  run<const Requests extends readonly SeriesFileRequest[]>(requests: Requests): Promise<SeriesFileOutcomes<Requests>> {
    return new Promise((resolve, reject) => {
      const failure = this.closed === undefined ? this.failure : closedError();
      if (failure !== undefined) {
        reject(failure);
        return;
      }
      this.thread.postMessage({ blocks: this.newBlocks, cold: this.cold, requests } satisfies ThreadMessage);
      this.newBlocks = [];
      this.cold = [];
      this.waiting.push({ resolve, reject });
      if (this.waiting.length === 1) this.thread.ref();
    });
  }

  addBlock(buffer: SharedArrayBuffer): void {
    if (this.closed === undefined && this.failure === undefined) this.newBlocks.push(buffer);
  }

  warm(buffers: readonly SharedArrayBuffer[]): void {
    this.cold = [...this.cold, ...buffers];
    // A thread that is gone will be noticed by those who need it.
    this.run([]).catch(() => {});
  }

  close(): Promise<void> {
    // An empty batch is answered when all before it are.
    this.closed ??= this.failure === undefined ? this.finish() : Promise.resolve();
    return this.closed;
  }

  private async finish(): Promise<void> {
    try {
      await this.run([]);
    } finally {
      await this.thread.terminate();
    }
  }

  private settle(outcomes: readonly SeriesFileOutcome[]): void {
    this.waiting.shift()?.resolve(outcomes as never);
    if (this.waiting.length === 0) this.thread.unref();
  }

  /** The thread is gone: nobody knows how far the batches at it got. */
  private fail(cause: Error): void {
    this.failure ??= new TidemarkError('TIDEMARK_INTERNAL', `the series-file thread failed: ${cause.message}`, {
      cause,
    });
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }
}

/** A worker that runs in the caller's thread: each batch from a microtask, or when the file system says so. */
export const inlineSeriesFileWorker = (fileSystem: FileSystem, directory: string, slab: SlabView): SeriesFileWorker => {
  const files = new SeriesFiles(fileSystem, directory, slab);
  const schedule = (work: () => void): void =>
    fileSystem.runAside === undefined ? queueMicrotask(work) : fileSystem.runAside(work);
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  return {
    run: (requests) => {
      if (isClosed) return Promise.reject(closedError());
      const done = last.then(
        () => new Promise<never>((resolve) => schedule(() => resolve(runRequests(files, requests) as never))),
      );
      last = done;
      return done;
    },
    addBlock: () => {
      // The slab is the owner's own.
    },
    close: async () => {
      isClosed = true;
      await last;
    },
  };
};

const closedError = (): TidemarkError => new TidemarkError('TIDEMARK_CLOSED', 'the series-file worker is closed');
