/**
 * prom-client, loaded when a registry is needed first: most small programs never ask for one. `store.registry` is a
 * property, so it can't wait for an import.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { TidemarkError } from '../../model/errors.ts';

export interface PromClient {
  readonly Counter: typeof Counter;
  readonly Gauge: typeof Gauge;
  readonly Histogram: typeof Histogram;
  readonly Registry: typeof Registry;
  readonly Summary: typeof Summary;
}

let loaded: PromClient | undefined;

/** Loads it if it is not there yet. For those who can wait; a bundler sees this import. */
export const loadPromClient = async (): Promise<void> => {
  loaded ??= await import('prom-client');
};

/** Throws `TIDEMARK_MISSING_FILE` in a bundled program that has neither imported prom-client nor installed it. */
export const promClient = (): PromClient => {
  loaded ??= required();
  return loaded;
};

const required = (): PromClient => {
  const main = process.argv[1] && pathToFileURL(process.argv[1]).href;
  let cause: unknown;
  for (const base of [import.meta.url, main]) {
    if (!base?.startsWith('file:')) continue;
    try {
      return createRequire(base)('prom-client') as PromClient;
    } catch (error) {
      cause ??= error;
    }
  }
  throw new TidemarkError(
    'TIDEMARK_MISSING_FILE',
    'prom-client is not installed beside this bundled program: give openStore a registry, or install prom-client; docs/bundling.md',
    { cause },
  );
};
