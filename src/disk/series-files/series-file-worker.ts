/**
 * The series-file worker: it runs batches of blocking file work while the store goes on. In a running store it is a
 * thread over the slab's shared blocks. The simulator, read-only stores and tests run the same code in place.
 *
 * Batches run one after the other, and the requests of a batch in their order. A request that fails gives a failed
 * outcome and does not stop the others. `run` itself rejects only when the worker is gone.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SlabView } from '../../chunk/slab.ts';
import type { FileSystem } from '../../files/file-system.ts';
import { TidemarkError } from '../../model/errors.ts';
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
  /** Gives the worker a new block of the slab. Must be called before requests that name slots in it. */
  addBlock(buffer: SharedArrayBuffer): void;
  /**
   * Touches memory that will soon be a block of the slab, so that the operating system allocates its pages in the
   * worker's time; that takes as long as filling it. The content does not change, and it may be written to at the same
   * time. Absent: there is no other thread that could do this.
   */
  warm?(buffers: readonly SharedArrayBuffer[]): void;
  /** Resolves when all earlier requests are done. `run` must not be called after it. */
  close(): Promise<void>;
}

/** Runs one request; returns its answer or throws its error. */
export const runOne = async <const Request extends SeriesFileRequest>(
  worker: SeriesFileWorker,
  request: Request,
): Promise<SeriesFileAnswers[Request['kind']]> => {
  const [outcome] = await worker.run([request]);
  return answerOf(outcome);
};

/** A message to the thread: a batch, and the blocks that were added to the slab since the last message. */
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
 * message takes a batch to the thread and one brings the outcomes back.
 */
export const startSeriesFileThread = (directory: string, slab: SlabView): SeriesFileWorker =>
  new ThreadWorker(directory, slab);

class ThreadWorker implements SeriesFileWorker {
  private readonly thread: Worker;
  /** Batches sent to the thread, oldest first. The thread answers in this order. */
  private readonly waiting: Waiting[] = [];
  /**
   * Blocks that the thread does not have yet. They go with the next batch: a message for each would cost as much as
   * creating a thousand series.
   */
  private newBlocks: SharedArrayBuffer[] = [];
  private cold: readonly SharedArrayBuffer[] = [];
  private failure: Error | undefined;
  private closed: Promise<void> | undefined;

  constructor(directory: string, slab: SlabView) {
    const workerData: ThreadData = {
      directory,
      blocks: slab.blocks.map((block) => block.buffer as SharedArrayBuffer),
    };
    // The thread does not get the host's flags: some, such as --input-type, would keep it from starting. The thread's
    // file lies beside this one with the same extension, as source and compiled.
    const file = new URL(`./series-file-thread${extname(import.meta.url)}`, import.meta.url);
    this.thread = new Worker(file, { workerData, execArgv: [], name: 'tidemark-series-files' });
    this.thread.on('message', (outcomes: readonly SeriesFileOutcome[]) => this.settle(outcomes));
    this.thread.on('error', (error) => this.fail(error));
    this.thread.on('exit', (code) => this.fail(new Error(`the thread ended with exit code ${code}`)));
    // After the listeners: listening for messages keeps the process alive.
    this.thread.unref();
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
    // If the thread is gone, the next caller that needs it gets the error.
    this.run([]).catch(() => {});
  }

  close(): Promise<void> {
    // An empty batch is answered after all batches before it.
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

  /** The thread is gone. How far the waiting batches got is unknown, so all of them fail. */
  private fail(cause: Error): void {
    this.failure ??= new TidemarkError('TIDEMARK_INTERNAL', `the series-file thread failed: ${cause.message}`, {
      cause,
    });
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }
}

/** A worker that runs in the caller's thread: each batch in a microtask, or when the file system schedules it. */
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
      // This worker uses the owner's slab directly.
    },
    close: async () => {
      isClosed = true;
      await last;
    },
  };
};

const closedError = (): TidemarkError => new TidemarkError('TIDEMARK_CLOSED', 'the series-file worker is closed');
