/** Whatever works on a store says so if it is given something else. */
import { expect } from 'chai';
import { Registry } from 'prom-client';
import { createHandler } from '../../src/http/index.ts';
import { recordRegistry, type Store } from '../../src/index.ts';
import { TidemarkExporter } from '../../src/opentelemetry/index.ts';
import { forward, publish } from '../../src/remote/index.ts';
import { backfillRules, queryRollup, startRules } from '../../src/rules/index.ts';

const doors: Readonly<Record<string, (store: Store) => unknown>> = {
  createHandler: (store) => createHandler(store),
  recordRegistry: (store) => recordRegistry(store, new Registry()),
  TidemarkExporter: (store) => new TidemarkExporter(store),
  forward: (store) => forward(store, 'to-nowhere', { url: 'http://localhost:1/api/v1/write' }),
  publish: (store) => publish(store, 'to-nowhere', { servers: 'localhost:1', stream: 'events' }),
  startRules: (store) => startRules(store, { name: 'none', rules: [] }),
  backfillRules: (store) => backfillRules(store, { name: 'none', rules: [] }, { from: 0, through: 1 }),
  queryRollup: (store) =>
    queryRollup(store, { metric: 'm', function: 'avg', resolutions: ['1h'], from: 0, through: 1, step: '1h' }),
};

const errorOf = async (act: () => unknown): Promise<unknown> => {
  try {
    return await act();
  } catch (error) {
    return error;
  }
};

describe('what works on a store', () => {
  for (const [name, call] of Object.entries(doors)) {
    it(`names a missing store: ${name}`, async () => {
      const error = await errorOf(() => call(undefined as unknown as Store));
      expect(error).to.have.property('code', 'TIDEMARK_INVALID_OPTION');
      expect(error)
        .to.have.property('message')
        .that.matches(/^store is undefined; allowed: a store of openStore/);
    });

    it(`says that the promise of a store is to be awaited: ${name}`, async () => {
      const error = await errorOf(() => call(Promise.resolve({}) as unknown as Store));
      expect(error)
        .to.have.property('message')
        .that.matches(/await openStore/);
    });
  }
});
