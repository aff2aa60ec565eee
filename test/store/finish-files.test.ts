/** What a clean close does with files that still have to be moved to quarantine or deleted. */

import { expect } from 'chai';
import { codeOfPath, type SeriesStatePath, seriesStates } from '../../machines/series-states.ts';
import { ErasedRanges } from '../../src/series/erased-ranges.ts';
import { LateSamples } from '../../src/series/late-samples.ts';
import { type Row, SeriesTable } from '../../src/series/table.ts';
import { finishFiles } from '../../src/store/finish-files.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { codeOf, openMachine, START_MS, samplesOf } from './support.ts';

const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

describe('the files of series that leave', () => {
  const leaving = ['quarantined.isolating', 'quarantined.unmoved', 'purging.deleting', 'purging.waiting'];

  /** A table with one series in each state, the row of which is the state's number. */
  const oneOfEach = (chunksInFile: number): SeriesTable => {
    const table = new SeriesTable();
    for (const code of seriesStates.keys())
      table.chunksInFile[table.add(0, code, ['id', String(code)], code)] = chunksInFile;
    return table;
  };

  const late = async (): Promise<void> => {};
  const parts = {
    actors: { allSettled: async () => {} },
    late: new LateSamples(),
    erased: new ErasedRanges(),
    merging: { mergeAll: () => {} },
    clock: new ManualClock(0),
  };

  it('are tried once more, those and no others, as the states of their series say', async () => {
    const table = oneOfEach(1);
    const visited: SeriesStatePath[] = [];
    const again = (row: Row): void => {
      visited.push(seriesStates[table.stateCode(row)]);
      table.setState(row, codeOfPath('purged'), false);
    };
    await finishFiles({ table, ...parts, visits: { again, late } });
    expect(visited).to.deep.equal(leaving);
  });

  it('are visited with the series that take samples and have none', async () => {
    const table = oneOfEach(0);
    const visited: SeriesStatePath[] = [];
    const again = (row: Row): void => {
      visited.push(seriesStates[table.stateCode(row)]);
      table.setState(row, codeOfPath('purged'), false);
    };
    await finishFiles({ table, ...parts, visits: { again, late } });
    expect(visited).to.include.members(['inMemory', ...leaving]);
    expect(visited).not.to.include('archived.resting');
  });

  it('are named by the error when they remain', async () => {
    const table = oneOfEach(1);
    const error: unknown = await finishFiles({ table, ...parts, visits: { again: () => {}, late } }).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.have.property('code', 'TIDEMARK_IO');
    const fingerprints = leaving.map((path) =>
      codeOfPath(path as SeriesStatePath)
        .toString(16)
        .padStart(16, '0'),
    );
    expect(error).to.have.nested.property('details.fingerprints').that.deep.equals(fingerprints);
  });

  it('keep the directory from being closed in order while the disk refuses to delete one', async () => {
    const machine = await openMachine({ retention: 'off', headChunkTimeout: '1m' });
    const { store, fileSystem, pass } = machine;
    for (let k = 0; k < 500; k++) store.append({ __name__: 'm', id: '0' }, START_MS + k, noise(k));
    await pass(90_000, 1000);
    await store.maintain();
    fileSystem.onCall = (operation, path) => {
      if (operation !== 'remove' || !/\/[0-9a-f]{14}\.db$/.test(path)) return;
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    expect(await codeOf(() => store.drop('m'))).to.equal('TIDEMARK_IO');
    expect(await codeOf(() => store.close())).to.equal('TIDEMARK_IO');
    fileSystem.onCall = () => {};
    expect(fileSystem.paths()).to.include('/store/DIRTY');
  });

  it('are moved by the close also when the actor was stopped before it could begin', async () => {
    const machine = await openMachine({ retention: 'off', headChunkTimeout: '1m' });
    const { store, clock } = machine;
    for (let k = 0; k < 500; k++) store.append({ __name__: 'm', id: '0' }, START_MS + k, noise(k));
    clock.step(90_000);
    const actor = store.series({ __name__: 'm', id: '0' }).actor();
    const visit = store.maintain();
    while (store.stateCounts().persisting === 0) await new Promise((resolve) => setImmediate(resolve));
    actor.send({ type: 'damage', reason: 'found by a reader' });
    expect(actor.getSnapshot().value).to.deep.equal({ persisting: 'isolateAfter' });
    actor.stop();
    await visit;
    const reopened = await machine.reopen();
    expect((await reopened.store.quarantined()).map(({ reason }) => reason)).to.deep.equal(['found by a reader']);
    expect((await samplesOf(reopened.store, 'm')).size).to.equal(0);
    await reopened.store.close();
  });
});
