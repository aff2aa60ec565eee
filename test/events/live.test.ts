/** The live streams `events$` and `watch()`. */
import { expect } from 'chai';
import { config } from 'rxjs';
import { type DomainEvent, openStore, type Sample, type Store } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const BASE = 1_700_000_000_000;

/** The 64 bits of each value, as text. */
const bitsOf = (values: Float64Array): string[] => {
  const words = new BigUint64Array(values.buffer, values.byteOffset, values.length);
  return [...words].map((word) => word.toString(16).padStart(16, '0'));
};

describe('live events', () => {
  let store: Store;

  beforeEach(async () => {
    store = await openStore(temporaryDirectory(), { retention: 'off' });
  });

  afterEach(async () => {
    await store.close();
    removeTemporaryDirectories();
  });

  it('come in the order in which things happen, with every bit of the values', async () => {
    const events: DomainEvent[] = [];
    store.events$.subscribe((event) => events.push(event));
    const series = store.series({ __name__: 'up' });
    series.append(BASE, 1);
    series.appendStale(BASE + 1);
    series.appendBits(BASE + 2, 0x7ff80000, 0x00c0ffee | 0);
    series.append(BASE + 3, -0);
    await store.checkpoint();
    expect(events.map(({ type }) => type)).to.deep.equal(['seriesCreated', 'samplesAppended', 'checkpointWritten']);
    const [, samples] = events;
    if (samples?.type !== 'samplesAppended') throw new Error('no samples');
    expect([...samples.timestamps]).to.deep.equal([BASE, BASE + 1, BASE + 2, BASE + 3]);
    expect(samples.fingerprints).to.deep.equal(Array(4).fill(series.fingerprint));
    expect(bitsOf(samples.values)).to.deep.equal([
      '3ff0000000000000',
      '7ff0000000000002',
      '7ff8000000c0ffee',
      '8000000000000000',
    ]);
  });

  it('complete when the store closes, after a last event that says so', async () => {
    const types: string[] = [];
    let completed = 0;
    store.events$.subscribe({ next: ({ type }) => types.push(type), complete: () => completed++ });
    store.watch('up').subscribe({ complete: () => completed++ });
    store.append({ __name__: 'up' }, BASE, 1);
    await store.close();
    expect(completed).to.equal(2);
    expect(types.slice(0, 2)).to.deep.equal(['seriesCreated', 'samplesAppended']);
    expect(types.at(-1)).to.equal('storeClosed');
    store.events$.subscribe({ complete: () => completed++ });
    expect(completed).to.equal(3);
  });

  it('can be watched by selector', async () => {
    const seen: Sample[] = [];
    const watching = store.watch('{job=~"a|b"}').subscribe((sample) => seen.push(sample));
    for (const [index, job] of ['a', 'c', 'b', 'a'].entries())
      store.append({ __name__: 'up', job }, BASE + index, index);
    watching.unsubscribe();
    store.append({ __name__: 'up', job: 'a' }, BASE + 9, 9);
    expect(seen).to.deep.equal([
      { labels: { __name__: 'up', job: 'a' }, timestamp: BASE, value: 0 },
      { labels: { __name__: 'up', job: 'b' }, timestamp: BASE + 2, value: 2 },
      { labels: { __name__: 'up', job: 'a' }, timestamp: BASE + 3, value: 3 },
    ]);
  });

  it('continue for the store and the other listeners when a listener throws', async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    try {
      const seen: string[] = [];
      const fail = (): never => {
        throw new Error('a listener of the test');
      };
      const failing = store.events$.subscribe(fail);
      failing.add(store.watch('up').subscribe(fail));
      store.events$.subscribe(({ type }) => seen.push(type));
      for (let k = 0; k < 10; k++) store.append({ __name__: 'up' }, BASE + k, k);
      await store.flush();
      await store.checkpoint();
      expect(seen).to.deep.equal(['seriesCreated', 'samplesAppended', 'checkpointWritten']);
      expect(await store.lastSamples('up')).to.deep.equal([
        { labels: { __name__: 'up' }, timestamp: BASE + 9, value: 9 },
      ]);
      failing.unsubscribe();
      // RxJS reports an error of a listener on a later turn, through `onUnhandledError`.
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(reported.length).to.be.greaterThan(10);
    } finally {
      config.onUnhandledError = null;
    }
  });
});
