/** The central decision held to: samples never touch a statechart. */
import { expect } from 'chai';
import { openStore } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

describe('appending by handle', () => {
  after(removeTemporaryDirectories);

  it('makes no statechart transition while the life of no series changes, with 100,000 series', async () => {
    const store = await openStore(temporaryDirectory(), {
      checkpointInterval: '1h',
      checkpointDirtySeries: 10_000_000,
    });
    const base = Date.now() - 600_000;
    const handles = Array.from({ length: 100_000 }, (_, i) => {
      const handle = store.series({ __name__: 'm', id: String(i) });
      handle.append(base, i);
      return handle;
    });
    await store.waitForIndexing();
    const seen: string[] = [];
    const stop = store.inspect((event) => {
      if (event.type === '@xstate.event') seen.push(event.event.type);
    });
    for (let k = 1; k <= 10; k++) for (let i = 0; i < handles.length; i++) handles[i].append(base + k * 1000, i + k);
    stop();
    // Measuring the pressure is an event of the store's own and changes no series.
    const ofSeries = seen.filter((type) => !['pressureMeasured', 'indexingMeasured'].includes(type));
    expect(ofSeries).to.deep.equal([]);
    await store.close();
  }).timeout(120_000);
});
