/**
 * Opens a directory to look at it: read-only, whatever its state and whoever else has it open, and with retention off,
 * so that nothing is hidden for its age.
 */
import type { Store } from '../index.ts';
import { createProgressBar } from './progress-bar.ts';
import type { Invocation } from './verb.ts';

export const openForReading = async (
  directory: string,
  { terminal, engine, signal }: Pick<Invocation, 'terminal' | 'engine' | 'signal'>,
): Promise<Store> => {
  const { openStore, systemClock } = await engine();
  const bar = createProgressBar(terminal, systemClock);
  try {
    return await openStore(directory, { readOnly: true, retention: 'off', onProgress: bar.update, signal });
  } finally {
    bar.clear();
  }
};
