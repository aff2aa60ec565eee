import { expect } from 'chai';
import { machines } from '../../machines/export.ts';
import { seriesTags } from '../../machines/series-states.ts';
import { seriesTagReaders, storeTagReaders } from '../docs/generators/tag-readers.ts';
import { statesOf } from '../support/machine-table.ts';

const tagsOf = (machine: (typeof machines)[keyof typeof machines]): string[] =>
  [...new Set(statesOf(machine).flatMap(({ tags }) => tags))].sort();

describe('the tags of the statecharts', () => {
  it("of a series are read by the store's code, each of them, and the code reads no other", () => {
    expect([...seriesTagReaders.keys()].sort()).to.deep.equal(tagsOf(machines.series));
    expect(Object.keys(seriesTags).sort()).to.deep.equal(tagsOf(machines.series));
  });

  it("of the store are read by the store's code, each of them, and the code reads no other", () => {
    expect([...storeTagReaders.keys()].sort()).to.deep.equal(tagsOf(machines.store));
  });
});
