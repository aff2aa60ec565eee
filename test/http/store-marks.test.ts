import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { StoreMarks } from '../../src/http/store-marks.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';

describe('the events that charts mark', () => {
  let directory: string;
  let store: Store;

  const open = async (): Promise<void> => {
    store = await openStore(directory, { retention: 'off' });
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-marks-'));
    await open();
  });

  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const types = async (marks: StoreMarks, from?: number, through?: number): Promise<string[]> =>
    (await marks.between(from, through)).map(({ type, how }) => (how === undefined ? type : `${type} ${how}`));

  it('are restarts, checkpoints and alerts, and not the life of series', async () => {
    store.append({ __name__: 'up' }, 1000, 1);
    await store.checkpoint();
    store.publishAlert({
      type: 'alertFired',
      time: 5000,
      episode: 'a-1',
      group: 'g',
      rule: 'Down',
      labels: { alertname: 'Down' },
      annotations: {},
      value: '1',
      activeAt: 5000,
    });
    await store.flush();
    await store.close();
    await open();
    const marks = new StoreMarks(store, systemClock);
    const found = await types(marks);
    expect(found[0]).to.equal('storeOpened created');
    expect(found.at(-1)).to.equal('storeOpened clean');
    expect(found).to.include('checkpointWritten').and.to.include('alertFired');
    expect(new Set(found.map((text) => text.split(' ')[0]))).to.have.length(3);
    const [alert] = await marks.between(5000, 5000);
    expect(alert).to.include({ type: 'alertFired', time: 5000, rule: 'Down' });
  });

  it('are read on from where the last request ended', async () => {
    const marks = new StoreMarks(store, systemClock);
    expect(await types(marks)).to.deep.equal(['storeOpened created']);
    await store.checkpoint();
    await store.flush();
    expect(await types(marks)).to.deep.equal(['storeOpened created', 'checkpointWritten']);
    expect(await types(marks)).to.have.length(2);
    expect(await types(marks, 0, 1)).to.deep.equal([]);
  });

  it('have positions that ascend', async () => {
    await store.checkpoint();
    await store.flush();
    const positions = (await new StoreMarks(store, systemClock).between()).map(({ position }) => position);
    expect(positions).to.deep.equal(positions.toSorted((a, b) => a - b));
  });
});
