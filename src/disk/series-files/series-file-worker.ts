/**
 * The series-file worker: it runs batches of blocking file work while the store goes on. In a running store it is a
 * thread, which gets copies of the chunks. The simulator, read-only stores and tests run the same code in place.
 *
 * Batches run one after the other, and the requests of a batch in their order. A request that fails gives a failed
 * outcome and does not stop the others. `run` itself rejects only when the worker is gone.
 */
import { Worker } from 'node:worker_threads';
import { Semaphore } from '../../async/semaphore.ts';
import type { Slices } from '../../async/slices.ts';
import { Turn } from '../../async/turn.ts';
import type { SlabView } from '../../chunk/slab.ts';
import type { FileSystem } from '../../files/file-system.ts';
import { nodeFileSystem } from '../../files/node-file-system.ts';
import { TidemarkError } from '../../model/errors.ts';
import { systemClock } from '../../ports/clock.ts';
import { shippedFile } from '../../ports/package.ts';
import { Parcel } from './parcel.ts';
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
  /** The slots of the requests must be held, and their chunks unchanged, until this resolves. */
  run<const Requests extends readonly SeriesFileRequest[]>(requests: Requests): Promise<SeriesFileOutcomes<Requests>>;
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

/** A message to the thread: a batch, whose slots are numbered from 0, and the bytes of these slots. */
export interface ThreadMessage {
  readonly requests: readonly SeriesFileRequest[];
  readonly bytes: ArrayBuffer;
}

/** The thread's answer: the outcomes, and the slots, some of which now have chunks from files. */
export interface ThreadAnswer {
  readonly outcomes: readonly SeriesFileOutcome[];
  readonly bytes: ArrayBuffer;
}

export interface ThreadData {
  readonly directory: string;
}

interface Waiting {
  readonly parcel: Parcel;
  readonly resolve: (outcomes: readonly SeriesFileOutcome[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A worker in a thread of its own, on the real file system. The thread starts with the first batch, and keeps the process
 * alive only while it has work. One message takes a batch to the thread and one brings the outcomes back.
 *
 * Throws `TIDEMARK_MISSING_FILE` if the thread's code is not there.
 */
export const startSeriesFileThread = (
  directory: string,
  slab: SlabView,
  turn: Turn = new Turn(systemClock),
): SeriesFileWorker => new ThreadWorker(threadFile(), directory, slab, turn);

/** The thread's code: beside this file as source and compiled, beside the chunks in the package. */
const threadFile = (): string => {
  const name = 'series-file-thread';
  const file = shippedFile([`./${name}.js`, `./${name}.ts`], import.meta.url);
  if (file !== undefined) return file;
  throw new TidemarkError(
    'TIDEMARK_MISSING_FILE',
    `${name}.js is not there: a bundled program needs the file dist/lib/${name}.js of the package beside it, or the package installed; docs/bundling.md`,
    { details: { file: `${name}.js` } },
  );
};

/**
 * Reads of so many requests and chunks are done in the caller's thread while the thread has not started: starting it takes
 * as long as reading a thousand files, and the first query of a program would wait for it.
 */
const INLINE_REQUESTS_MAX = 64;
const INLINE_CHUNKS_MAX = 1024;
/** After so many requests the thread is worth its start. */
const INLINE_REQUESTS_IN_ALL = 512;

/** The thread works in typed arrays, so it needs little room for objects. Node's default on 64 bits is 48 MB. */
const YOUNG_GENERATION_MB = 6;

class ThreadWorker implements SeriesFileWorker {
  private readonly file: string;
  private readonly directory: string;
  private readonly slab: SlabView;
  /** For reads in the caller's thread. */
  private readonly turn: Turn;
  private started: Worker | undefined;
  /** Batches sent to the thread, oldest first. The thread answers in this order. */
  private readonly waiting: Waiting[] = [];
  /** For reads before the thread starts; the number of requests that it has had. */
  private inline: SeriesFiles | undefined;
  private inlineRequests = 0;
  /** Held by a batch that is read in the caller's thread until it is done, by others until they are sent. */
  private readonly sending = new Semaphore(1);
  private failure: Error | undefined;
  private closed: Promise<void> | undefined;

  constructor(file: string, directory: string, slab: SlabView, turn: Turn) {
    this.file = file;
    this.turn = turn;
    this.directory = directory;
    this.slab = slab;
  }

  private get thread(): Worker {
    this.started ??= this.start();
    return this.started;
  }

  private start(): Worker {
    const workerData: ThreadData = { directory: this.directory };
    // The thread does not get the host's flags: some, such as --input-type, would keep it from starting.
    const thread = new Worker(this.file, {
      workerData,
      execArgv: [],
      name: 'tidemark-series-files',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    thread.on('message', (answer: ThreadAnswer) => this.settle(answer));
    thread.on('error', (error) => this.fail(error));
    thread.on('exit', (code) => this.fail(new Error(`the thread ended with exit code ${code}`)));
    // After the listeners: listening for messages keeps the process alive.
    thread.unref();
    return thread;
  }

  run<const Requests extends readonly SeriesFileRequest[]>(requests: Requests): Promise<SeriesFileOutcomes<Requests>> {
    // Outcomes are of the kinds of their requests, in the same order.
    return this.closed === undefined ? (this.accept(requests) as Promise<never>) : Promise.reject(closedError());
  }

  private async accept(requests: readonly SeriesFileRequest[]): Promise<readonly SeriesFileOutcome[]> {
    if (!this.sending.tryAcquire()) await this.sending.acquire();
    let outcomes: readonly SeriesFileOutcome[] | Promise<readonly SeriesFileOutcome[]>;
    try {
      if (this.failure !== undefined) throw this.failure;
      if (this.started === undefined && requests.every(changesNothing)) return requests.map(answerOfRest);
      const inline = this.started === undefined ? this.inlineFor(requests) : undefined;
      outcomes = inline === undefined ? this.send(requests) : await readInSlices(inline, requests, this.turn.slices());
    } finally {
      this.sending.release();
    }
    return outcomes;
  }

  private send(requests: readonly SeriesFileRequest[]): Promise<readonly SeriesFileOutcome[]> {
    return new Promise((resolve, reject) => {
      const { thread } = this;
      this.inline = undefined;
      const parcel = new Parcel(this.slab, requests);
      const { bytes } = parcel;
      const message: ThreadMessage = { requests: parcel.requests, bytes };
      thread.postMessage(message, [bytes]);
      this.waiting.push({ parcel, resolve, reject });
      if (this.waiting.length === 1) thread.ref();
    });
  }

  /** What reads for requests that need not wait for the thread; `undefined` if they are the thread's. */
  private inlineFor(requests: readonly SeriesFileRequest[]): SeriesFiles | undefined {
    if (requests.length === 0 || requests.length > INLINE_REQUESTS_MAX) return undefined;
    if (this.inlineRequests > INLINE_REQUESTS_IN_ALL) return undefined;
    if (!requests.every(isRead)) return undefined;
    this.inline ??= new SeriesFiles(nodeFileSystem, this.directory, this.slab);
    if (!areReadHere(this.inline, requests)) return undefined;
    this.inlineRequests += requests.length;
    return this.inline;
  }

  close(): Promise<void> {
    // An empty batch is answered after all batches before it.
    this.closed ??= this.failure === undefined ? this.finish() : Promise.resolve();
    return this.closed;
  }

  private async finish(): Promise<void> {
    await this.sending.acquire();
    const { started } = this;
    if (started === undefined) return;
    try {
      if (this.failure === undefined) await this.send([]);
    } finally {
      await started.terminate();
    }
  }

  private settle({ outcomes, bytes }: ThreadAnswer): void {
    const settled = this.waiting.shift();
    settled?.parcel.unpack(outcomes, bytes);
    settled?.resolve(outcomes);
    if (this.waiting.length === 0) this.started?.unref();
  }

  /** The thread is gone. How far the waiting batches got is unknown, so all of them fail. */
  private fail(cause: Error): void {
    this.failure ??= new TidemarkError('TIDEMARK_INTERNAL', `the series-file thread failed: ${cause.message}`, {
      cause,
    });
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }
}

/**
 * Every checkpoint asks the thread to sync what it has changed. A thread that has not started has changed nothing, and
 * starting it takes longer than closing a small store.
 */
const changesNothing = ({ kind }: SeriesFileRequest): boolean => kind === 'syncDirectories' || kind === 'syncChecksums';

const answerOfRest = ({ kind }: SeriesFileRequest): SeriesFileOutcome =>
  kind === 'syncChecksums' ? { ok: true, value: { findings: [], cachedBytes: 0 } } : { ok: true, value: undefined };

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
    close: async () => {
      isClosed = true;
      await last;
    },
  };
};

type ReadRequest = Extract<SeriesFileRequest, { readonly kind: 'load' | 'descriptors' }>;

const isRead = (request: SeriesFileRequest): request is ReadRequest =>
  request.kind === 'load' || request.kind === 'descriptors';

/** Whether the chunks are few, and none of them needs a checksum: the thread is the one that adds them. */
const areReadHere = (files: SeriesFiles, requests: readonly ReadRequest[]): boolean => {
  try {
    const chunks = requests.reduce((sum, request) => sum + chunksOf(files, request), 0);
    return chunks <= INLINE_CHUNKS_MAX && requests.every((request) => hasSums(files, request));
  } catch {
    return false;
  }
};

/** Chunks that a request reads: descriptors are all read, to compare them with their checksums. */
const chunksOf = (files: SeriesFiles, request: ReadRequest): number =>
  request.kind === 'load' ? request.slots.length : (files.stat(request.high, request.low)?.chunks ?? 0);

const hasSums = (files: SeriesFiles, request: ReadRequest): boolean =>
  request.kind !== 'load' ||
  request.addSums !== true ||
  request.wasVerified === true ||
  files.hasSums(request.high, request.low, request.firstIndex, request.slots.length);

/** Runs requests that only read, and lets the event loop go on between them. */
const readInSlices = async (
  files: SeriesFiles,
  requests: readonly SeriesFileRequest[],
  slices: Slices,
): Promise<readonly SeriesFileOutcome[]> => {
  const outcomes: SeriesFileOutcome[] = [];
  for (const request of requests) {
    if (outcomes.length > 0 && slices.isOver) await slices.breathe();
    outcomes.push(...runRequests(files, [request]));
  }
  return outcomes;
};

const closedError = (): TidemarkError => new TidemarkError('TIDEMARK_CLOSED', 'the series-file worker is closed');
