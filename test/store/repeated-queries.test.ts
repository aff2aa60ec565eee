/** Queries that are repeated while what they read changes: chunks that are cached or decoded must not outlive it. */
import { expect } from 'chai';
import type { Labels } from '../../src/model/labels.ts';
import { type Machine, openMachine, START_MS } from './support.ts';

const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

describe('a query that is repeated', () => {
  /** A series whose samples are in two chunks of its file, without checksums. */
  const inFile = async (): Promise<Machine> => {
    const machine = await openMachine({ retention: 'off', futureTolerance: 'off', headChunkTimeout: '1m' });
    for (let k = 0; k < 200; k++) machine.store.append({ __name__: 'm', id: '0' }, START_MS + k, noise(k));
    await machine.pass(90_000, 1000);
    await machine.store.maintain();
    await machine.store.maintain();
    await machine.store.close();
    const { fileSystem } = machine;
    for (const path of fileSystem.paths()) if (path.startsWith('/store/checksums')) fileSystem.remove(path);
    return machine.reopen({ retention: 'off', futureTolerance: 'off', headChunkTimeout: '1m' });
  };

  it('does not take the chunks of a file that has gone to quarantine for those of the next one', async () => {
    const machine = await inFile();
    const { store, fileSystem, pass } = machine;
    const [path] = fileSystem.paths().filter((each) => /^\/store\/[0-9a-f]{2}\/[0-9a-f]{14}\.db$/.test(each));
    const bytes = fileSystem.content(path);
    expect(bytes.length).to.equal(2 * 1041);
    // The second chunk says that its samples end behind it. Only reading them tells.
    bytes.set([0xff, 0xff], 1041 + 17 + 36);
    fileSystem.put(path, bytes);
    const count = async (range: { from?: number; through?: number }): Promise<number> => {
      let length = 0;
      for await (const { timestamps } of store.select('m', range)) length += timestamps.length;
      return length;
    };
    await Promise.all([count({}), count({ through: START_MS + 3 })]);
    await pass(1000);
    expect(await store.quarantined()).to.have.length(1);
    // Two full chunks go to the new file, the rest stays in memory.
    for (let k = 0; k < 260; k++) store.append({ __name__: 'm', id: '0' }, START_MS + 200_000 + k * 1000, noise(k));
    await store.maintain();
    expect(fileSystem.content(path).length).to.equal(2 * 1041);
    for (let i = 0; i < 3; i++) {
      expect(await count({})).to.equal(260);
      expect(await count({ from: START_MS + 280_000 })).to.equal(180);
    }
    await store.close();
  });

  it('hands out the same frozen labels while the series is there, and never those of a series that is gone', async () => {
    const { store, pass } = await openMachine({ retention: 'off' });
    const labelsOf = async (): Promise<Labels[]> => {
      const seen: Labels[] = [];
      for await (const { labels } of store.select('m')) seen.push(labels);
      const [instant] = await store.instant('m');
      const [last] = await store.lastSamples('m');
      return [...seen, instant.labels, last.labels, ...(await store.metrics('m'))];
    };
    const watched: Labels[] = [];
    const watching = store.watch('m').subscribe(({ labels }) => watched.push(labels));
    store.append({ __name__: 'm', id: '1' }, START_MS, 1);
    const first = await labelsOf();
    expect(new Set([...first, ...watched]).size).to.equal(1);
    expect(watched).to.deep.equal([{ __name__: 'm', id: '1' }]);
    expect(Object.isFrozen(first[0])).to.equal(true);
    expect(() => Object.assign(first[0], { id: '2' })).to.throw(TypeError);
    await store.drop('m');
    expect(await store.metrics('m')).to.deep.equal([]);
    store.append({ __name__: 'm', id: '3' }, START_MS, 1);
    expect(new Set((await labelsOf()).map((labels) => labels['id']))).to.deep.equal(new Set(['3']));
    await pass(1000);
    watching.unsubscribe();
    await store.close();
  });
});
