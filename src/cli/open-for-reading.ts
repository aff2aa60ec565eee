/**
 * Opens a directory for reading only. The directory may be in any state, and another program may have it open.
 * Retention is off, so that no sample is hidden because of its age.
 */
import type { Labels, Logger, Store } from '../index.ts';
import { formatLabels } from '../text/label-text.ts';
import { createProgressBar } from './progress-bar.ts';
import type { Invocation } from './verb.ts';

export const openForReading = async (
  directory: string,
  { terminal, library, signal }: Pick<Invocation, 'terminal' | 'library' | 'signal'>,
  onDamage?: (what: string) => void,
): Promise<Store> => {
  const { openStore, systemClock } = await library();
  const bar = createProgressBar(terminal, systemClock);
  try {
    const damage = onDamage === undefined ? {} : { logger: damageLogger(onDamage) };
    return await openStore(directory, { readOnly: true, retention: 'off', onProgress: bar.update, signal, ...damage });
  } finally {
    bar.clear();
  }
};

/** The facts of a log message that tell damage from the usual work of a recovery. */
interface Facts {
  readonly err?: { readonly code?: string; readonly message?: string };
  readonly finding?: { readonly kind?: string } | string;
  readonly labels?: Labels;
}

const nothing = (): void => {};

/**
 * Reports damage that is found while opening. Damage of series is not repeated here, because query results include it.
 */
const damageLogger = (onDamage: (what: string) => void): Logger => ({
  debug: nothing,
  info: nothing,
  warn: (facts: Facts, message) => {
    const { err, finding, labels } = facts;
    if (err?.code?.startsWith('TIDEMARK_CORRUPT_')) onDamage(`${message} ${err.message ?? ''}`.trim());
    // A damaged record of the checkpoint is reported here, because its series may have no other samples to query.
    if (finding === 'recordDamaged') onDamage(labels === undefined ? message : `${formatLabels(labels)}: ${message}`);
    if (typeof finding !== 'object') return;
    if (finding.kind === 'badRecord' || finding.kind === 'missingSegment') onDamage(message);
  },
  error: nothing,
});
