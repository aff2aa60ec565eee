import { expect } from 'chai';
import fc from 'fast-check';
import { NO_ROW, type Row } from '../../src/series/row.ts';
import { RowIndex } from '../../src/series/row-index.ts';

/** All rows that a search for the hash passes. */
const passed = (index: RowIndex, hash: number): Row[] => {
  const places = index.placesFor(hash);
  const mask = places.length - 1;
  const rows: Row[] = [];
  for (let place = hash & mask; places[place] !== NO_ROW; place = (place + 1) & mask) rows.push(places[place]);
  return rows;
};

describe('RowIndex', () => {
  it('passes every row with a hash, whatever was inserted and erased before', () => {
    // Few hashes, so that rows collide and searches go past the end.
    const hashes = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
    fc.assert(
      fc.property(fc.array(hashes, { minLength: 1, maxLength: 400 }), fc.infiniteStream(fc.boolean()), (of, keeps) => {
        const index = new RowIndex((row) => of[row]);
        const listed = new Set<Row>();
        for (const [row, hash] of of.entries()) {
          index.insert(row, hash);
          listed.add(row);
          const other = row >> 1;
          if (keeps.next().value || !listed.has(other)) continue;
          index.erase(other, of[other]);
          listed.delete(other);
        }
        for (const [row, hash] of of.entries()) expect(passed(index, hash).includes(row)).to.equal(listed.has(row));
      }),
    );
  });

  it('finds the same rows after room was made for more', () => {
    const hashOf = (row: Row): number => Math.imul(row, 0x9e3779b1);
    const index = new RowIndex(hashOf);
    for (let row = 0; row < 5000; row++) index.insert(row, hashOf(row));
    index.reserve(100_000);
    const { bytes } = index;
    for (let row = 5000; row < 80_000; row++) index.insert(row, hashOf(row));
    expect(index.bytes).to.be.at.most(2 * bytes);
    for (let row = 0; row < 80_000; row++) if (!passed(index, hashOf(row)).includes(row)) expect.fail(`row ${row}`);
  });

  it('takes rows whose hashes are all in one part', () => {
    const index = new RowIndex((row) => row);
    for (let row = 0; row < 50_000; row++) index.insert(row, row);
    for (let row = 0; row < 50_000; row += 2) index.erase(row, row);
    for (let row = 0; row < 50_000; row++) expect(passed(index, row).includes(row)).to.equal(row % 2 === 1);
  });
});
