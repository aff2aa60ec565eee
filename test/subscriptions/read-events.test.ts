import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type JournalEvent, openStore, readEvents, type Store } from '../../src/index.ts';

const collect = async (events: AsyncIterable<JournalEvent>): Promise<JournalEvent[]> => {
  const list: JournalEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
};

describe("reading a directory's events from outside", () => {
  let directory: string;
  let store: Store;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-events-'));
    store = await openStore(directory, { retention: 'off' });
    store.append({ __name__: 'a' }, 1000, 1);
    await store.flush();
  });

  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('sees what an open store has written, and adds nothing of its own', async () => {
    const events = await collect(readEvents(directory));
    expect(events.map(({ type }) => type)).to.deep.equal(['storeOpened', 'seriesCreated', 'samplesAppended']);
  });

  it('continues after a position, with lifecycle events only if that is asked for', async () => {
    const [{ position }] = await collect(readEvents(directory));
    const types = async (lifecycle: boolean) =>
      (await collect(readEvents(directory, { from: position, lifecycle }))).map(({ type }) => type);
    expect(await types(false)).to.deep.equal(['seriesCreated', 'samplesAppended']);
    expect(await types(true)).to.deep.equal(['seriesCreated']);
  });

  for (const lifecycle of [false, true])
    it(`follows what is written, ${lifecycle ? 'lifecycle events alone' : 'samples too'}, until it is told to stop`, async () => {
      const abort = new AbortController();
      const types: string[] = [];
      for await (const event of readEvents(directory, { follow: true, lifecycle, signal: abort.signal })) {
        types.push(event.type);
        if (event.type === 'seriesCreated' && event.labels['__name__'] === 'a') {
          store.append({ __name__: 'b' }, 1000, 1);
          await store.flush();
        } else if (event.type === 'seriesCreated') abort.abort();
      }
      const all = ['storeOpened', 'seriesCreated', 'samplesAppended', 'seriesCreated'];
      expect(types.slice(0, 4)).to.deep.equal(lifecycle ? ['storeOpened', 'seriesCreated', 'seriesCreated'] : all);
    });

  it('refuses a directory that is none of a store', async () => {
    const error = await collect(readEvents(join(directory, 'journal'))).catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'TIDEMARK_NOT_A_STORE');
  });
});
