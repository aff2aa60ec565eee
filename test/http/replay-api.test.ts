import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PagesServer } from '../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';
import type { ReplayedSeries, ReplayMoment, ReplayRow, ReplaySummary } from '../../src/timeline/replay-answers.ts';
import { type Answer, ask } from './http-client.ts';

const token = 'replay-token';

describe('the endpoints of Replay', () => {
  let directory: string;
  let store: Store;
  let server: PagesServer;

  const get = (path: string): Promise<Answer> =>
    ask(server.port, path, { headers: { authorization: `Bearer ${token}` } });

  /** The data of an answer, once the journal has been read. */
  const data = async <Data>(path: string): Promise<Data> => {
    for (;;) {
      const answer = await get(path);
      expect(answer.status, answer.body).to.equal(200);
      const { data } = JSON.parse(answer.body);
      if (data.reading === undefined) return data;
    }
  };

  const summary = (query = ''): Promise<ReplaySummary> => data(`/ui/replay?${query}`);
  const rows = async (query: string): Promise<readonly ReplayRow[]> =>
    (await data<{ readonly rows: readonly ReplayRow[] }>(`/ui/replay/rows?${query}`)).rows;
  const match = (selector: string): string => `match=${encodeURIComponent(selector)}`;

  const append = (name: string, i: number): void => {
    store.append({ __name__: name, i: String(i) }, 1000, i);
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-replay-'));
    store = await openStore(directory, { retention: 'off' });
    server = new PagesServer({ port: 0, clock: systemClock, token });
    await server.listen();
    server.showStore(store);
    for (let i = 0; i < 5; i++) append('up', i);
    for (let i = 0; i < 3; i++) append('down', i);
    await store.flush();
  });

  afterEach(async () => {
    await server.close();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('begin at the end, with the numbers of events by type', async () => {
    const { at, count, types, isWhole } = await summary();
    expect({ row: at?.row, count, isWhole }).to.deep.equal({ row: 8, count: 9, isWhole: true });
    expect(types).to.deep.equal({ storeOpened: 1, seriesCreated: 8 });
  });

  it('read on, and say so if there is nothing new', async () => {
    const { end } = await summary();
    expect(await data(`/ui/replay?known=${end}`)).to.deep.equal({ unchanged: true });
    append('new', 1);
    await store.flush();
    expect((await summary(`known=${end}`)).count).to.equal(10);
  });

  it('give rows by their number, of any part of the list', async () => {
    const [opened, first] = await rows('row=0&count=2');
    expect(opened.event.type).to.equal('storeOpened');
    expect(first.event.labels).to.deep.equal({ __name__: 'up', i: '0' });
    const last = await rows('row=7&count=100');
    expect(last.map(({ row }) => row)).to.deep.equal([7, 8]);
  });

  it('let through the events of a selector, of a fingerprint, and of series that are gone', async () => {
    const { fingerprint } = store.series({ __name__: 'down', i: '1' });
    await store.drop('{__name__="down", i="1"}');
    await store.flush();
    const types = (await rows(match('down{i="1"}'))).map(({ event }) => event.type);
    expect(types[0]).to.equal('seriesCreated');
    expect(types.at(-1)).to.equal('seriesPurged');
    expect((await rows(`match=${fingerprint}`)).map(({ event }) => event.type)).to.deep.equal(types);
    const { count, series } = await summary(match('{__name__=~"down|up"}'));
    expect(series).to.equal(8);
    expect(count).to.equal(7 + types.length);
    expect((await summary(`${match('up')}&types=seriesPurged`)).count).to.equal(0);
  });

  it('give the states before and after an event', async () => {
    const [, , row] = await rows('row=0&count=3');
    const moment = await data<ReplayMoment>(`/ui/replay/moment?position=${row.position}&place=${row.place}`);
    expect(moment.before.counts).to.include({ inMemory: 1 });
    expect(moment.after.counts).to.include({ inMemory: 2 });
    expect(moment.after.store).to.deep.equal({ phase: 'running', pressure: 'normal', health: 'healthy' });
    expect(moment.changes).to.deep.equal([
      {
        fingerprint: store.series({ __name__: 'up', i: '1' }).fingerprint,
        before: 'absent',
        after: 'inMemory',
        labels: { __name__: 'up', i: '1' },
      },
    ]);
  });

  it('give a series as of an event: its state, its events around, its chunks', async () => {
    const { fingerprint } = store.series({ __name__: 'down', i: '1' });
    for (let i = 0; i < 3; i++) await store.maintain();
    await store.flush();
    const list = await rows(`match=${fingerprint}`);
    const at = (row: ReplayRow): Promise<ReplayedSeries> =>
      data(`/ui/replay/series?series=${fingerprint}&position=${row.position}&place=${row.place}`);
    const first = await at(list[0]);
    expect(first).to.include({ state: 'inMemory', eventsUntil: 1, eventsInAll: list.length });
    expect(first.labels).to.deep.equal({ __name__: 'down', i: '1' });
    expect(first).not.to.have.any.keys('previous', 'chunksInFile');
    expect(first.next).to.deep.equal({ position: list[1].position, place: list[1].place });
    const persisted = list.find(({ event }) => event.type === 'chunksPersisted');
    expect(await at(persisted!)).to.include({ chunksInFile: 1 });
  });

  it('find where playing stops', async () => {
    await store.drop('{__name__="down", i="1"}');
    await store.flush();
    const all = await rows('row=0&count=100');
    const purged = all.findIndex(({ event }) => event.type === 'seriesPurged');
    for (const stop of ['stopTypes=seriesPurged', 'stopStates=purged'])
      expect(await data(`/ui/replay/stop?row=0&${stop}`)).to.deep.equal({ row: purged });
    expect(await data(`/ui/replay/stop?row=0&stopTypes=storeClosed`)).to.deep.equal({});
    expect(await data(`/ui/replay/stop?row=3&stopMatch=${encodeURIComponent('up{i="4"}')}`)).to.deep.equal({ row: 5 });
  });

  it('say what is wrong with a request', async () => {
    const errorOf = async (path: string): Promise<readonly [number, string]> => {
      const { status, body } = await get(path);
      return [status, JSON.parse(body).error];
    };
    await summary();
    expect(await errorOf(`/ui/replay?${match('up{')}`)).to.satisfy(
      ([status, error]: [number, string]) => status === 400 && error.includes('selector'),
    );
    expect((await errorOf('/ui/replay/moment?position=1'))[0]).to.equal(404);
    expect((await errorOf('/ui/replay/moment'))[1]).to.equal('The parameter position is missing.');
    expect((await errorOf('/ui/replay/rows?count=9999'))[1]).to.contain('count takes a whole number from 0 to 500');
    expect((await errorOf('/ui/replay/stop?stopStates=gone'))[1]).to.contain('not "gone"');
    expect((await errorOf('/ui/replay?start=2&end=1'))[0]).to.equal(400);
    expect((await errorOf('/ui/replay/series?position=139&series=ffffffffffffffff'))[0]).to.equal(404);
  });
});
