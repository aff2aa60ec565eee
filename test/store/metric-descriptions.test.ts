import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { MetricDescriptions } from '../../src/store/metric-descriptions.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

describe('descriptions of metrics', () => {
  afterEach(removeTemporaryDirectories);

  it('are sorted by metric, and the last one of a metric counts', async () => {
    const store = await openStore(temporaryDirectory());
    store.describe({ metric: 'b', type: 'gauge', help: 'old', unit: '' });
    store.describe({ metric: 'a', type: 'counter', help: 'A.', unit: 'bytes' });
    store.describe({ metric: 'b', type: 'gauge', help: 'new', unit: '' });
    expect(store.metadata()).to.deep.equal([
      { metric: 'a', type: 'counter', help: 'A.', unit: 'bytes' },
      { metric: 'b', type: 'gauge', help: 'new', unit: '' },
    ]);
    expect(await store.registry.getSingleMetricAsString('tidemark_described_metrics')).to.match(/ 2$/);
    await store.close();
  });

  it('without a name or a type are refused, and so is what is no text', async () => {
    const store = await openStore(temporaryDirectory());
    const good = { metric: 'm', type: 'gauge', help: '', unit: '' };
    for (const wrong of [
      { metric: '' },
      { metric: 'm'.repeat(1025) },
      { type: '' },
      { type: 1 },
      { help: 1 },
      { unit: {} },
    ])
      expect(() => store.describe({ ...good, ...wrong } as never), JSON.stringify(wrong).slice(0, 50))
        .to.throw()
        .with.property('code', 'TIDEMARK_INVALID_OPTION');
    expect(() => store.describe(undefined as never))
      .to.throw()
      .with.property('code', 'TIDEMARK_INVALID_OPTION');
    expect(store.metadata()).to.deep.equal([]);
    await store.close();
  });

  it('are at most 10,000, those given last, with texts of at most 1,024 characters', () => {
    const descriptions = new MetricDescriptions();
    for (let i = 0; i < 10_000; i++) descriptions.describe({ metric: `m${i}`, type: 'gauge', help: 'x'.repeat(2000) });
    descriptions.describe({ metric: 'm0', type: 'gauge' });
    descriptions.describe({ metric: 'another', type: 'gauge' });
    const names = new Set(descriptions.list().map(({ metric }) => metric));
    expect([names.size, names.has('m0'), names.has('m1'), names.has('another')]).to.deep.equal([
      10_000,
      true,
      false,
      true,
    ]);
    expect(descriptions.list().find(({ metric }) => metric === 'm5')?.help).to.have.length(1024);
  });
});
