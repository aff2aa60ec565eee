/**
 * Opens a directory for reading only. The directory may be in any state, and another program may have it open.
 * Retention is off, so that no sample is hidden because of its age.
 */
import type { Store } from '../index.ts';
import type { ReadingReport } from './damage-report.ts';
import { createProgressBar } from './progress-bar.ts';
import type { Invocation } from './verb.ts';

/** `report` prints what the opening finds damaged. Without it, only an error is told. */
export const openForReading = async (
  directory: string,
  { terminal, library, signal }: Pick<Invocation, 'terminal' | 'library' | 'signal'>,
  report?: ReadingReport,
): Promise<Store> => {
  const { openStore, systemClock } = await library();
  const bar = createProgressBar(terminal, systemClock);
  try {
    const logger = report === undefined ? {} : { logger: report.logger };
    return await openStore(directory, { readOnly: true, retention: 'off', onProgress: bar.update, signal, ...logger });
  } finally {
    bar.clear();
    report?.print();
  }
};
