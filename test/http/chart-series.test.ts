import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { chosenSeries, extentOf, selectSeries } from '../../src/http/chart-series.ts';
import { type Labels, openStore, type Store } from '../../src/index.ts';

const breathe = async (): Promise<void> => {};

describe('the series of a chart', () => {
  let directory: string;
  let store: Store;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-chart-'));
    store = await openStore(directory, { retention: 'off' });
    for (let i = 99; i >= 0; i--) store.append({ __name__: 'many', id: String(100 + i) }, 1000, i);
    store.append({ __name__: 'few', 'the room': 'attic' }, 2000, 1);
    store.append({ __name__: 'few', 'the room': 'attic' }, 9000, 1);
  });

  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const chosen = async (through: number): Promise<readonly Labels[] | 'all'> =>
    chosenSeries(store, 'many', await store.metrics('many'), {
      through,
      signal: AbortSignal.timeout(60_000),
      breathe,
    });

  const drawn = async (through: number): Promise<number[]> => {
    const ids: number[] = [];
    for await (const { labels } of selectSeries(store, 'many', await chosen(through), {}))
      ids.push(Number(labels['id']));
    return ids;
  };

  it('are those with the highest values at the end of the range, of many', async () => {
    expect(await drawn(1000)).to.deep.equal(Array.from({ length: 50 }, (_, i) => 150 + i));
  });

  it('are the first ones by name if none has a value at the end of the range', async () => {
    expect(await drawn(1e9)).to.deep.equal(Array.from({ length: 50 }, (_, i) => 100 + i));
  });

  it('are all of them if they are few', async () => {
    const all = await store.metrics('few');
    const context = { through: 1e9, signal: AbortSignal.timeout(60_000), breathe };
    expect(await chosenSeries(store, 'few', all, context)).to.equal('all');
  });

  it('have samples from when through when', async () => {
    expect(await extentOf(store, 'few', breathe)).to.deep.equal({ from: 2000, through: 9000 });
    expect(await extentOf(store, '{id="nothing"}', breathe)).to.deep.equal({});
  });
});
