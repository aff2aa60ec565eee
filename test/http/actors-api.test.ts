/** The endpoints of the Actors page: series by state, a quarantined series, and one series followed through its life. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { PagesServer } from '../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { waitUntil } from '../support/wait-until.ts';
import { ask, listen } from './http-client.ts';

const hour = 3_600_000;

interface Listed {
  readonly series: readonly {
    readonly fingerprint: string;
    readonly labels: Record<string, string>;
    readonly reason?: string;
  }[];
  readonly next?: number;
  readonly total: number;
}

describe('the endpoints of the Actors page', () => {
  let directory: string;
  let store: Store;
  let server: PagesServer;

  const asked = async <Data>(path: string): Promise<Data> => {
    const { status, body } = await ask(server.port, path);
    expect(status, body).to.equal(200);
    return JSON.parse(body).data;
  };

  /** Appends noise that a chunk can't compress, far in the past, so that the next visits persist and archive it. */
  const appendOld = (id: string, samples: number): void => {
    const first = systemClock.now() - 10 * hour;
    for (let i = 0; i < samples; i++) store.append({ __name__: 'old', id }, first + i * 1000, Math.sin(i * i));
  };

  beforeEach(async () => {
    directory = temporaryDirectory();
    store = await openStore(directory, { retention: 'off' });
    server = new PagesServer({ port: 0, clock: systemClock, token: false });
    await server.listen();
    server.showStore(store);
  });

  afterEach(async () => {
    await server.close();
    await store.close();
    removeTemporaryDirectories();
  });

  const archive = async (): Promise<void> => {
    await store.maintain();
    await store.maintain();
  };

  it('list the series of a state, a page at a time, with the number of all', async () => {
    for (let i = 0; i < 5; i++) appendOld(String(i), 2);
    await archive();
    store.append({ __name__: 'fresh' }, systemClock.now(), 1);
    const ids: string[] = [];
    let from = 0;
    for (;;) {
      const { series, next, total } = await asked<Listed>(`/ui/states?state=archived&limit=2&from=${from}`);
      expect(total).to.equal(5);
      ids.push(...series.map(({ labels }) => labels['id']));
      if (next === undefined) break;
      from = next;
    }
    expect(ids.sort()).to.deep.equal(['0', '1', '2', '3', '4']);
    const { series } = await asked<Listed>('/ui/states?state=inMemory');
    expect(series.map(({ labels }) => labels)).to.deep.equal([{ __name__: 'fresh' }]);
  });

  it('say what is wrong with a state, a page and a fingerprint', async () => {
    for (const [path, status, text] of [
      ['/ui/states', 400, 'state is missing'],
      [`/ui/actors?labels=${encodeURIComponent('{"":"x"}')}`, 400, 'label'],
      ['/ui/states?state=asleep', 400, 'state is one of inMemory, persisting, archived, quarantined, not \\"asleep\\"'],
      ['/ui/states?state=archived&limit=501', 400, 'limit takes a whole number from 0 to 500'],
      ['/ui/quarantined?fingerprint=../../etc', 400, '16 hex digits'],
      [
        '/ui/quarantined?fingerprint=0123456789abcdef',
        404,
        'Nothing is in quarantine for the fingerprint 0123456789abcdef',
      ],
    ] as const) {
      const { status: answered, body } = await ask(server.port, path);
      expect(answered, path).to.equal(status);
      expect(body, path).to.contain(text);
    }
  });

  it('give the reason of a quarantine, the readable samples, and what became of the labels', async () => {
    appendOld('damaged', 3000);
    await archive();
    const { fingerprint } = store.series({ __name__: 'old', id: 'damaged' });
    const path = join(directory, fingerprint.slice(0, 2), `${fingerprint.slice(2)}.db`);
    const bytes = readFileSync(path);
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 1041);
    writeFileSync(path, bytes);
    for await (const _ of store.select('old')) expect(_.problems).not.to.equal(undefined);
    await waitUntil(() => store.stateCounts().quarantined === 1);
    const { series, total } = await asked<Listed>('/ui/states?state=quarantined');
    expect(total).to.equal(1);
    expect(series[0]).to.deep.include({ fingerprint, labels: { __name__: 'old', id: 'damaged' } });
    await store.flush();
    const detail = await asked<{
      files: { reason: string; file: string }[];
      sampleCount: number;
      series: { timestamps: number[] };
      problems: string[];
      successor: string;
      history: { type: string }[];
    }>(`/ui/quarantined?fingerprint=${fingerprint}&buckets=100`);
    expect(detail.files[0].reason).to.equal(series[0].reason);
    expect(detail.files[0].file).to.match(/^orphaned\//);
    expect(detail.sampleCount).to.be.within(1000, 2999);
    expect(detail.series.timestamps.length).to.be.within(2, 400);
    expect(detail.problems).to.have.length.above(0);
    expect(detail.successor).to.equal('absent');
    expect(detail.history.at(-1)?.type).to.equal('seriesQuarantined');
    const labels = encodeURIComponent('{"__name__":"old","id":"damaged"}');
    expect(await asked<object>(`/ui/series?labels=${labels}`)).to.include({ state: 'quarantined' });
    store.append({ __name__: 'old', id: 'damaged' }, systemClock.now(), 1);
    expect(await asked<object>(`/ui/quarantined?fingerprint=${fingerprint}`)).to.include({ successor: 'inMemory' });
  });

  it('follow one series through being persisted and archived, with totals of all states', async () => {
    appendOld('a', 10);
    appendOld('b', 10);
    const labels = encodeURIComponent('{"__name__":"old","id":"a"}');
    let begun = false;
    const text = await listen(server.port, `/ui/actors?labels=${labels}`, (seen) => {
      if (!begun && seen.includes('"inMemory"')) {
        begun = true;
        void archive();
      }
      return seen.includes('"state":"archived"') && /"series\.archived":2/.test(seen);
    });
    const frame = JSON.parse(
      text
        .trim()
        .split('\n')
        .at(-1)!
        .replace(/^data: /, ''),
    );
    expect(frame.selected.state).to.equal('archived');
    expect(frame.selected.moves.map(({ key }: { key: string }) => key)).to.deep.equal([
      'series.inMemory|maintain|series.persisting',
      'series.persisting|xstate.done.actor.persistChunks|series.inMemory',
      'series.inMemory|maintain|series.archived',
    ]);
    expect(frame.totals).to.include({ 'series.archived': 2, 'store.running': 1, 'store.running.pressure.normal': 1 });
    // Created, and back from being persisted, twice.
    expect(frame.totals['series.inMemory']).to.equal(4);
  });

  it('name the newest checkpoint with its position', async () => {
    store.append({ __name__: 'm' }, systemClock.now(), 1);
    expect(await asked<object>('/ui/storage')).not.to.have.property('checkpoint');
    await store.checkpoint();
    await store.flush();
    const { checkpoint } = await asked<{ checkpoint: { position: number; type: string } }>('/ui/storage');
    expect(checkpoint.type).to.equal('checkpointWritten');
    expect(checkpoint.position).to.be.above(0);
  });
});
