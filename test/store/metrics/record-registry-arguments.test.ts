/** `recordRegistry` with arguments that are none. */

import { expect } from 'chai';
import { Registry } from 'prom-client';
import { recordRegistry } from '../../../src/index.ts';
import { FakeStore } from '../../support/fake-store.ts';

describe('the arguments of recordRegistry', () => {
  it('are a store and a registry; an error says which is wrong and what it takes', () => {
    const store = new FakeStore();
    expect(() => recordRegistry(undefined as never, new Registry()))
      .to.throw('allowed: a store of openStore')
      .with.property('code', 'TIDEMARK_INVALID_OPTION');
    for (const wrong of [undefined, {}, store])
      expect(() => recordRegistry(store, wrong as never))
        .to.throw('allowed: a registry of prom-client')
        .with.property('code', 'TIDEMARK_INVALID_OPTION');
  });
});
