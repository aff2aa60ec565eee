/**
 * Opens a directory to look at it: read-only, whatever its state and whoever else has it open, and with retention off,
 * so that nothing is hidden for its age.
 */
import type { Labels, Logger, Store } from '../index.ts';
import { formatLabels } from '../text/labels.ts';
import { createProgressBar } from './progress-bar.ts';
import type { Invocation } from './verb.ts';

export const openForReading = async (
  directory: string,
  { terminal, engine, signal }: Pick<Invocation, 'terminal' | 'engine' | 'signal'>,
  onDamage?: (what: string) => void,
): Promise<Store> => {
  const { openStore, systemClock } = await engine();
  const bar = createProgressBar(terminal, systemClock);
  try {
    const damage = onDamage === undefined ? {} : { logger: damageLogger(onDamage) };
    return await openStore(directory, { readOnly: true, retention: 'off', onProgress: bar.update, signal, ...damage });
  } finally {
    bar.clear();
  }
};

/** Facts of what the store logs, as far as they tell damage from the usual work of a recovery. */
interface Facts {
  readonly err?: { readonly code?: string; readonly message?: string };
  readonly finding?: { readonly kind?: string } | string;
  readonly labels?: Labels;
}

const nothing = (): void => {};

/** Passes on what opening finds damaged. Damage of series is in the answers of queries, and not repeated here. */
const damageLogger = (onDamage: (what: string) => void): Logger => ({
  debug: nothing,
  info: nothing,
  warn: (facts: Facts, message) => {
    const { err, finding, labels } = facts;
    if (err?.code?.startsWith('TIDEMARK_CORRUPT_')) onDamage(`${message} ${err.message ?? ''}`.trim());
    // A record of the checkpoint is no answer of a query: its series may have nothing else.
    if (finding === 'recordDamaged') onDamage(labels === undefined ? message : `${formatLabels(labels)}: ${message}`);
    if (typeof finding !== 'object') return;
    if (finding.kind === 'badRecord' || finding.kind === 'missingSegment') onDamage(message);
  },
  error: nothing,
});
