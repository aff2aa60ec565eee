import { expect } from 'chai';
import { machines } from '../../machines/export.ts';
import { seriesMachine } from '../../machines/series.machine.ts';
import { seriesStates, seriesTags, valueOfCode } from '../../machines/series-states.ts';
import { seriesTagReaders, storeTagReaders } from '../docs/generators/tag-readers.ts';
import { statesOf } from '../support/machine-table.ts';

const tagsOf = (machine: (typeof machines)[keyof typeof machines]): string[] =>
  [...new Set(statesOf(machine).flatMap(({ tags }) => tags))].sort();

describe('the tags of the statecharts', () => {
  it("of a series are read by the store's code, each of them, and the code reads no other", () => {
    expect([...seriesTagReaders.keys()].sort()).to.deep.equal(tagsOf(machines.series));
    expect(Object.keys(seriesTags).sort()).to.deep.equal(tagsOf(machines.series));
  });

  it('of a series are in the tables as the statechart gives them to its snapshots', () => {
    const context = { row: 1, fingerprint: '0000000000000000', chunksInFile: 0, reason: '' };
    seriesStates.forEach((path, code) => {
      const snapshot = seriesMachine.resolveState({ value: valueOfCode(code), context });
      const inTables = Object.keys(seriesTags).filter((tag) => seriesTags[tag as keyof typeof seriesTags][code] === 1);
      expect(inTables.sort(), path).to.deep.equal([...snapshot.tags].sort());
    });
  });

  it("of the store are read by the store's code, each of them, and the code reads no other", () => {
    expect([...storeTagReaders.keys()].sort()).to.deep.equal(tagsOf(machines.store));
  });
});
