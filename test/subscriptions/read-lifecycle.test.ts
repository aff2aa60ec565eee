import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type JournalEvent, openStore, readEvents, type Store, systemClock } from '../../src/index.ts';
import {
  type LifecycleRecord,
  type ReadLifecycleOptions,
  readLifecycle,
} from '../../src/subscriptions/read-lifecycle.ts';

describe('reading lifecycle events at any place', () => {
  let directory: string;
  let store: Store;

  const open = async (): Promise<void> => {
    store = await openStore(directory, { retention: 'off', checkpointJournalBytes: 1024 * 1024 });
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-lifecycle-'));
    await open();
    // Several sessions and checkpoints: the first segments are removed, and their events are in the history.
    for (let session = 0; session < 3; session++) {
      for (let i = 0; i < 50; i++) {
        store.append({ __name__: 'up', session: String(session), i: String(i) }, 1000, i);
        if (i % 7 === 0) await store.flush();
      }
      await store.flush();
      await store.checkpoint();
      await store.close();
      await open();
    }
    store.append({ __name__: 'late' }, 1000, 1);
    await store.flush();
  });

  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const collect = async (options: Partial<ReadLifecycleOptions> = {}): Promise<LifecycleRecord[]> => {
    const list: LifecycleRecord[] = [];
    for await (const record of readLifecycle(directory, { clock: systemClock, ...options })) list.push(record);
    return list;
  };

  const placed = (records: readonly LifecycleRecord[]): object[] =>
    records.flatMap(({ position, events }) => events.map((event) => ({ ...event, position })));

  it('reads the same events as readEvents, from the beginning and from any position', async () => {
    const expected: JournalEvent[] = [];
    for await (const event of readEvents(directory, { lifecycle: true })) expected.push(event);
    const records = await collect();
    expect(readdirSync(join(directory, 'journal', 'history'))).not.to.deep.equal([]);
    expect(placed(records)).to.deep.equal(expected);
    for (const after of [records[3].position, records.at(-2)!.position, records.at(-1)!.position])
      expect(placed(await collect({ after }))).to.deep.equal(expected.filter(({ position }) => position > after));
  });

  it('reads only the records that are asked for', async () => {
    const records = await collect();
    const asked = [0, 1, 9, records.length - 2, records.length - 1];
    for (const hint of [true, false]) {
      const at = asked.map((i) => ({
        position: records[i].position,
        after: hint && i > 0 ? records[i - 1].position : 0,
      }));
      expect(await collect({ at })).to.deep.equal(asked.map((i) => records[i]));
    }
    expect(await collect({ at: [{ position: 1, after: 0 }] })).to.deep.equal([]);
  });

  it('says up to where it has read, samples included, so that reading can go on there', async () => {
    let reached = 0;
    const onReached = (position: number): void => {
      reached = position;
    };
    const records = await collect({ onReached });
    expect(reached).to.be.greaterThan(records.at(-1)!.position);
    expect(await collect({ after: reached })).to.deep.equal([]);
    store.append({ __name__: 'new' }, 1000, 1);
    await store.flush();
    const [added, ...none] = placed(await collect({ after: reached }));
    expect(added).to.deep.include({ type: 'seriesCreated', labels: { __name__: 'new' } });
    expect(none).to.deep.equal([]);
  });

  it('ends when it is aborted', async () => {
    const abort = new AbortController();
    const seen: LifecycleRecord[] = [];
    for await (const record of readLifecycle(directory, { clock: systemClock, signal: abort.signal })) {
      seen.push(record);
      abort.abort();
    }
    expect(seen).to.have.length(1);
  });
});
