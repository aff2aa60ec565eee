/**
 * Opens a directory for a verb that changes it. What the opening finds damaged, and does about it, is printed on stderr.
 */
import type { Store, StoreOptions } from '../index.ts';
import { RepairReport } from './damage-report.ts';
import { openForReading } from './open-for-reading.ts';
import { createProgressBar, type ProgressBar } from './progress-bar.ts';
import type { Invocation } from './verb.ts';

export interface Opened extends AsyncDisposable {
  readonly store: Store;
  readonly bar: ProgressBar;
  /** Closes the store, and prints what was found damaged meanwhile. */
  close(): Promise<void>;
}

type Parts = Pick<Invocation, 'terminal' | 'library' | 'signal'>;

/** Opens a directory, and creates it if it is missing. */
export const openForWriting = async (
  directory: string,
  { terminal, library, signal }: Parts,
  options: StoreOptions,
): Promise<Opened> => {
  const { openStore, systemClock } = await library();
  const bar = createProgressBar(terminal, systemClock);
  const report = new RepairReport(terminal);
  const tell = (): void => {
    bar.clear();
    report.print();
  };
  const { logger } = report;
  const store = await openStore(directory, { ...options, logger, onProgress: bar.update, signal }).finally(tell);
  const close = async (): Promise<void> => {
    bar.clear();
    await store.close().finally(tell);
  };
  return { store, bar, close, [Symbol.asyncDispose]: close };
};

/** Opens a directory that exists. Rejects with `TIDEMARK_NOT_A_STORE` if it does not. */
export const openExisting = async (directory: string, parts: Parts, options: StoreOptions): Promise<Opened> => {
  // A directory that does not exist must not be created. Opening for reading refuses it.
  await (await openForReading(directory, parts)).close();
  return openForWriting(directory, parts, options);
};
