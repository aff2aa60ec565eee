/**
 * Opens a directory to look at it: read-only, whatever its state and whoever else has it open, and with retention off,
 * so that nothing is hidden for its age.
 */
import type { Logger, Store } from '../index.ts';
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
  readonly finding?: { readonly kind?: string };
}

const nothing = (): void => {};

/** Passes on what opening finds damaged. Damage of series is in the answers of queries, and not repeated here. */
const damageLogger = (onDamage: (what: string) => void): Logger => ({
  debug: nothing,
  info: nothing,
  warn: (facts: Facts, message) => {
    const { err, finding } = facts;
    if (err?.code?.startsWith('TIDEMARK_CORRUPT_')) onDamage(`${message} ${err.message ?? ''}`.trim());
    if (finding?.kind === 'badRecord' || finding?.kind === 'missingSegment') onDamage(message);
  },
  error: nothing,
});
