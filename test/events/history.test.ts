/** The life of one series in its events, and the journal as a stream that can be followed and aborted. */
import { expect } from 'chai';
import { type JournalEvent, openStore } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const BASE = 1_700_000_000_000;
const labels = { __name__: 'life', id: '1' };

describe('the history of a series', () => {
  afterEach(removeTemporaryDirectories);

  it('has its creation, persisting, archiving, waking and end with times, and outlives journal segments', async () => {
    const directory = temporaryDirectory();
    const options = { retention: 'off', headChunkTimeout: 1, checkpointInterval: '1h' } as const;
    let store = await openStore(directory, options);
    const begun = Date.now();
    store.append(labels, BASE, 1);
    await store.maintain();
    await store.maintain();
    expect(store.series(labels).state).to.equal('archived');
    store.append(labels, BASE + 1, 2);
    const types = async (): Promise<string[]> => (await store.history(labels)).map(({ type }) => type);
    const life = [
      'seriesCreated',
      'headChunksClosed',
      'seriesFilesChanging',
      'chunksPersisted',
      'seriesArchived',
      'seriesUnarchived',
    ];
    expect(await types()).to.deep.equal(life);
    // After several sessions and checkpoints, the segments that had these events are gone.
    for (let session = 0; session < 3; session++) {
      await store.checkpoint();
      await store.close();
      store = await openStore(directory, options);
    }
    await store.checkpoint();
    const events = await store.history(labels);
    expect((await store.info()).journal.first).to.be.greaterThan(events[5]?.position ?? 0);
    expect(events.map(({ type }) => type).slice(0, 6)).to.deep.equal(life);
    const positions = events.map(({ position }) => position);
    expect(positions).to.deep.equal([...positions].sort((a, b) => a - b));
    for (const { time } of events) expect(time).to.be.within(begun, Date.now());
    await store.drop('life');
    expect((await types()).at(-1)).to.equal('seriesPurged');
    expect(await store.history({ __name__: 'another' })).to.deep.equal([]);
    await store.close();
  });
});

describe('the journal', () => {
  afterEach(removeTemporaryDirectories);

  it('can be read from any event on, and followed until the signal aborts', async () => {
    const store = await openStore(temporaryDirectory(), { retention: 'off' });
    for (let k = 0; k < 3; k++) {
      store.append({ __name__: `m${k}` }, BASE, k);
      await store.flush();
    }
    const all: JournalEvent[] = [];
    for await (const event of store.journal()) all.push(event);
    expect(all.filter(({ type }) => type === 'seriesCreated')).to.have.lengthOf(3);
    for (const [index, { position }] of all.entries()) {
      const rest: JournalEvent[] = [];
      for await (const event of store.journal({ from: position })) rest.push(event);
      const after = all.filter((event) => event.position > position);
      expect(rest, `from event ${index}`).to.deep.equal(after);
    }
    const controller = new AbortController();
    const followed: string[] = [];
    const from = all.at(-1)?.position ?? 0;
    const following = (async () => {
      for await (const event of store.journal({ from, follow: true, signal: controller.signal })) {
        followed.push(event.type);
        if (followed.length === 2) controller.abort();
      }
    })();
    store.append({ __name__: 'm9' }, BASE, 9);
    await store.flush();
    await following;
    expect(followed).to.deep.equal(['seriesCreated', 'samplesAppended']);
    await store.close();
  });

  it('can be followed until the store is closed', async () => {
    const store = await openStore(temporaryDirectory(), { retention: 'off' });
    const followed: string[] = [];
    const following = (async () => {
      for await (const { type } of store.journal({ follow: true })) followed.push(type);
    })();
    store.append({ __name__: 'm' }, BASE, 1);
    await store.flush();
    await store.close();
    await following;
    expect(followed[0]).to.equal('storeOpened');
  });

  it('stays bounded because checkpoints remove unneeded segments, and reports its size as a metric', async () => {
    const store = await openStore(temporaryDirectory(), { retention: 'off', checkpointInterval: '1h' });
    const series = Array.from({ length: 100 }, (_, i) => store.series({ __name__: 'noise', id: String(i) }));
    const sizes: number[] = [];
    let k = 0;
    for (let round = 0; round < 3; round++) {
      for (const end = k + 30_000; k < end; k++) for (const each of series) each.append(BASE + k, Math.sin(k));
      // A segment stays for two seconds after its creation. The next checkpoint removes it.
      do await store.checkpoint();
      while ((await store.info()).bytes.journal > 64 * 1024 * 1024);
      const metric = await store.registry.getSingleMetric('tidemark_journal_bytes')?.get();
      sizes.push(metric?.values[0]?.value ?? Number.NaN);
    }
    // Each round writes about 25 MB. At most the current segment and the previous one stay.
    for (const size of sizes) expect(size).to.be.lessThan(66 * 1024 * 1024);
    await store.close();
  }).timeout(60_000);
});
