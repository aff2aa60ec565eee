/** Many groups that are due at the same time. */
import { expect } from 'chai';
import { openStore, type Store } from '../../src/index.ts';
import { startRules } from '../../src/rules/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

describe('many groups of rules', () => {
  let store: Store;
  const warnings: string[] = [];
  const note = ({ message }: Error): void => {
    warnings.push(message);
  };

  beforeEach(async () => {
    process.on('warning', note);
    store = await openStore(temporaryDirectory(), { retention: 'off' });
  });

  afterEach(async () => {
    process.off('warning', note);
    await store.close();
    removeTemporaryDirectories();
  });

  it('are evaluated without a warning of Node about listeners', async () => {
    store.append({ __name__: 'up' }, Date.now(), 1);
    const groups = Array.from({ length: 30 }, (_, i) => ({
      name: `group${i}`,
      interval: 100,
      rules: [{ record: `up:sum${i}`, expr: 'sum(up)' }],
    }));
    const rules = await startRules(store, groups);
    const isEvaluated = (): boolean => rules.groups().every(({ evaluations }) => evaluations > 0);
    while (!isEvaluated()) await new Promise((resolve) => setTimeout(resolve, 20));
    await rules.stop();
    expect(warnings.filter((message) => message.includes('listeners'))).to.deep.equal([]);
  });
});
