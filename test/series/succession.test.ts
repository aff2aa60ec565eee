import { expect } from 'chai';
import { toLabelPairs } from '../../src/model/labels.ts';
import { Succession } from '../../src/series/succession.ts';
import { NO_ROW, SeriesTable } from '../../src/series/table.ts';

const labelsOf = (id: number) => ({ __name__: 'up', id: String(id) });

const open = (count: number) => {
  const table = new SeriesTable();
  const rows = Array.from({ length: count }, (_, id) => table.add(0, id, toLabelPairs(labelsOf(id))));
  const succession = new Succession(table);
  /** Guesses, and learns where the guess was no help; returns the guess. */
  const append = (id: number): number => {
    const guess = succession.guess(labelsOf(id));
    if (guess === NO_ROW) succession.learn(rows[id]);
    return guess;
  };
  return { table, rows, append };
};

describe('Succession', () => {
  it('guesses every series of a second round in the same order', () => {
    const { rows, append } = open(3000);
    for (const [id] of rows.entries()) expect(append(id)).to.equal(NO_ROW);
    append(0);
    for (let id = 1; id < rows.length; id++) expect(append(id)).to.equal(rows[id]);
  });

  it('never guesses a series with other labels, whatever the order', () => {
    const { rows, append } = open(50);
    for (let n = 0; n < 5000; n++) {
      const id = (n * 7919 + (n >> 3)) % 50;
      expect(append(id)).to.be.oneOf([NO_ROW, rows[id]]);
    }
  });

  it('finds the order again after a time without one', () => {
    const { rows, append } = open(50);
    for (let n = 0; n < 5000; n++) append((n * n) % 50);
    for (let round = 0; round < 20; round++) for (const [id] of rows.entries()) append(id);
    const guesses = rows.map((_, id) => append(id));
    expect(guesses).to.deep.equal(rows);
  });

  it('notices that the labels of an object that was kept have changed', () => {
    const table = new SeriesTable();
    const kept = [1001, 1002].map(labelsOf);
    const rows = kept.map((labels, low) => table.add(0, low, toLabelPairs(labels)));
    const succession = new Succession(table);
    for (const row of [...rows, ...rows]) succession.learn(row);
    expect(succession.guess(kept[0], true)).to.equal(rows[0]);
    kept[1].id = '1003';
    expect(succession.guess(kept[1], true)).to.equal(NO_ROW);
    kept[1].id = ['10', '02'].join('');
    expect(succession.guess(kept[1], true)).to.equal(rows[1]);
  });

  it('does not guess a row that is no longer found by its labels', () => {
    const { table, rows, append } = open(2);
    for (let n = 0; n < 4; n++) append(n % 2);
    table.detach(rows[0]);
    expect(append(0)).to.equal(NO_ROW);
  });
});
