/** Runs a command line in this process, on streams in memory and a library of the test's choice. */
import { PassThrough, Readable } from 'node:stream';
import type { Library } from '../../src/cli/library.ts';
import { run } from '../../src/cli/run.ts';
import { Output } from '../../src/cli/terminal.ts';
import { systemClock } from '../../src/ports/clock.ts';
import type { FakeStore } from '../support/fake-store.ts';

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

const collect = (stream = new PassThrough()): { stream: PassThrough; text: () => string } => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
};

/** Everything of the library that verbs use, with one store for every directory. */
export const fakeLibrary = (store: FakeStore, calls: unknown[] = []): Library =>
  ({
    systemClock,
    openStore: async (directory: string, options: unknown) => {
      calls.push({ directory, options });
      return store;
    },
  }) as unknown as Library;

export interface RunOptions {
  readonly store?: FakeStore;
  readonly library?: Library;
  readonly input?: Readable | string;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Takes the place of stdout. */
  readonly out?: PassThrough;
  /** Called with all of stderr whenever there is more. */
  readonly onSaid?: (text: string) => void;
  /** Gets what tells, at any time, what is on stdout by then. */
  readonly onStart?: (printed: () => string) => void;
}

export const runInProcess = async (args: readonly string[], options: RunOptions = {}): Promise<Outcome> => {
  const [out, err] = [collect(options.out), collect()];
  const { input = '', env = {}, signal = new AbortController().signal } = options;
  options.onStart?.(out.text);
  err.stream.on('data', () => options.onSaid?.(err.text()));
  const exitCode = await run(args, {
    terminal: {
      input: typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input,
      out: new Output(out.stream),
      err: new Output(err.stream),
      env,
    },
    library: async () => {
      if (options.library !== undefined) return options.library;
      if (options.store !== undefined) return fakeLibrary(options.store);
      throw new Error('this verb needs no library');
    },
    signal,
  });
  return { exitCode, out: out.text(), err: err.text() };
};
