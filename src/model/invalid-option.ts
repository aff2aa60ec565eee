import { TidemarkError } from './errors.ts';
import { detailOf, shownValue } from './shown-value.ts';

/** Whether a value has methods of these names. A store of another copy of the package is as good, so no class is asked for. */
export const hasMethods = (value: unknown, ...names: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === 'function');

/** Throws `TIDEMARK_INVALID_OPTION` for a value that is no store. A common mistake is a promise of one. */
export const checkStore = (store: unknown): void => {
  if (hasMethods(store, 'append', 'select', 'query')) return;
  const isPromise = hasMethods(store, 'then');
  throw invalidOption('store', store, isPromise ? 'the store itself: await openStore(…)' : 'a store of openStore');
};

/** The error for an option that has no allowed value. `allowed` follows "allowed:" in the message. */
export const invalidOption = (name: string, value: unknown, allowed: string, cause?: unknown): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_OPTION', `${name} is ${shownValue(value)}; allowed: ${allowed}`, {
    cause,
    details: { option: name, value: detailOf(value) },
  });
