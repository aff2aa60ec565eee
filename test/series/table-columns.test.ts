import { expect } from 'chai';
import { longerColumn, newColumn } from '../../src/series/table-columns.ts';

describe('columns of the series table', () => {
  it('grow in place, and keep what they have', () => {
    const column = newColumn(Float64Array, 1024);
    expect(column).to.have.length(1024);
    column.fill(1.5);
    const longer = longerColumn(Float64Array, column, 100_000);
    expect(longer).to.have.length(100_000);
    expect(longer.buffer).to.equal(column.buffer);
    expect([longer[1023], longer[1024], longer[99_999]]).to.deep.equal([1.5, 0, 0]);
    longer[99_999] = 2;
    expect(longerColumn(Float64Array, longer, 200_000)[99_999]).to.equal(2);
  });

  it('are copied when they outgrow the addresses that were reserved', () => {
    const column = newColumn(Int32Array, 16);
    column.fill(7);
    const longer = longerColumn(Int32Array, column, 16 * 2048 + 1);
    expect(longer.buffer).not.to.equal(column.buffer);
    expect([longer[15], longer[16], longer.length]).to.deep.equal([7, 0, 16 * 2048 + 1]);
    expect(longerColumn(Int32Array, longer, 100_000).buffer).to.equal(longer.buffer);
  });
});
