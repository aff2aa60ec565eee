/** A drop that takes all samples out of a series file, so that the file is removed. */
import { expect } from 'chai';
import { MINUTE_MS, openMachine, START_MS, samplesOf } from './support.ts';

const labels = { __name__: 'm', id: '0' };

describe('A file whose samples were all dropped', () => {
  it('stays gone when its removal could not be synced, also from what queries have kept of it', async () => {
    const { store, fileSystem, events, pass } = await openMachine({
      retention: 'off',
      headChunkTimeout: '1m',
      futureTolerance: 'off',
    });
    for (let k = 0; k < 1000; k++) store.append(labels, START_MS + k * 1000, Math.sin(k));
    while (!events.some(({ type }) => type === 'chunksPersisted')) await pass(1000, 1000);
    expect((await samplesOf(store, 'm')).size).to.equal(1000);
    const newest = START_MS + 30 * MINUTE_MS;
    store.append(labels, newest, 1);
    await store.drop('m', { through: newest - 1 });
    let failures = 0;
    fileSystem.onCall = (operation) => {
      if (operation !== 'remove' || failures > 0) return;
      fileSystem.fail('syncDirectory', 'EIO');
      failures++;
    };
    while (!events.some(({ type }) => type === 'lateSamplesMerged')) await pass(1000, 1000);
    expect(failures, 'removals whose sync failed').to.equal(1);
    expect(events.findLast(({ type }) => type === 'lateSamplesMerged')).to.include({ chunksInFile: 0 });
    expect([...(await samplesOf(store, 'm')).keys()]).to.deep.equal([`0@${newest}`]);
    await store.close();
  });
});
