import { expect } from 'chai';
import type { LabelPairs } from '../../src/model/labels.ts';
import { LabelObjects } from '../../src/series/label-objects.ts';
import { NO_ROW, type Row, SeriesTable } from '../../src/series/table.ts';

const MINUTE_MS = 60_000;

describe('LabelObjects', () => {
  const setUp = (bytesMax = 1 << 20) => {
    const table = new SeriesTable();
    const objects = new LabelObjects(table, bytesMax);
    const add = (id: number): Row => table.add(0, id, ['id', String(id)]);
    const of = (row: Row) => objects.of(row, table.labels[row] as LabelPairs);
    return { table, objects, add, of };
  };

  it('hands out one frozen object for each row', () => {
    const { add, of } = setUp();
    const rows = Array.from({ length: 200 }, (_, id) => add(id));
    const first = rows.map(of);
    expect(first).to.deep.equal(rows.map((_, id) => ({ id: String(id) })));
    expect(rows.map(of).every((labels, i) => labels === first[i])).to.equal(true);
    expect(first.every((labels) => Object.isFrozen(labels))).to.equal(true);
  });

  it('has room for rows that the table gets later, in parts of many rows', () => {
    const { add, of } = setUp(1 << 24);
    const last = 70_000;
    const rows: Row[] = [];
    for (let id = 0; id <= last; id++) {
      rows.push(add(id));
      if (id % 7 === 0) of(rows[id]);
    }
    const first = rows.map(of);
    for (const id of [0, 1, 6, 32_767, 32_768, 65_535, 65_536, last]) {
      expect(first[id]).to.deep.equal({ id: String(id) });
      expect(of(rows[id])).to.equal(first[id]);
    }
  });

  it('keeps nothing for a series without a row', () => {
    const { objects } = setUp();
    const pairs = ['id', '1'];
    expect(objects.of(NO_ROW, pairs)).to.deep.equal({ id: '1' });
    expect(objects.bytes).to.equal(0);
  });

  it('never gives a series the labels of another one that has had its row', () => {
    const { table, objects, add, of } = setUp();
    const row = add(1);
    const found = table.labels[row] as LabelPairs;
    const first = of(row);
    table.remove(row);
    expect(add(2)).to.equal(row);
    // A query that found the first series before it was removed.
    expect(objects.of(row, found)).to.deep.equal({ id: '1' });
    expect(objects.of(row, found)).not.to.equal(first);
    expect(of(row)).to.deep.equal({ id: '2' });
    expect(of(row)).to.deep.equal({ id: '2' });
  });

  it('counts the bytes of what it keeps', () => {
    const { table, objects, add, of } = setUp();
    const rows = Array.from({ length: 64 }, (_, id) => add(id));
    for (const row of rows) of(row);
    const { bytes } = objects;
    expect(bytes).to.be.within(64 * 40, 64 * 48);
    for (const row of rows) of(row);
    expect(objects.bytes).to.equal(bytes);
    for (const row of rows) table.remove(row);
    // The part of 64 rows stays.
    expect(objects.bytes).to.be.within(1, bytes - 64 * 24);
    objects.clear();
    expect(objects.bytes).to.equal(0);
  });

  it('counts an object once that was used in two generations, and forgets it in each', () => {
    const { table, objects, add, of } = setUp();
    const [kept, removed] = [add(1), add(2)];
    of(removed);
    const before = of(kept);
    const { bytes } = objects;
    objects.releaseUnused(MINUTE_MS);
    expect(of(kept)).to.equal(before);
    expect(objects.bytes).to.be.within(bytes, 2 * bytes - 24);
    table.remove(removed);
    const again = add(3);
    expect(again).to.equal(removed);
    expect(of(again)).to.deep.equal({ id: '3' });
  });

  it('releases what was not used for two minutes, and keeps what was', () => {
    const { objects, add, of } = setUp();
    const [used, unused] = [add(1), add(2)];
    const first = [of(used), of(unused)];
    for (let minute = 1; minute <= 4; minute++) {
      objects.releaseUnused(minute * MINUTE_MS);
      expect(of(used)).to.equal(first[0]);
    }
    expect(of(unused)).to.deep.equal({ id: '2' });
    expect(of(unused)).not.to.equal(first[1]);
  });

  it('releases nothing within a minute', () => {
    const { objects, add, of } = setUp();
    objects.releaseUnused(MINUTE_MS);
    const row = add(1);
    const first = of(row);
    for (let ms = 0; ms < MINUTE_MS; ms += 250) objects.releaseUnused(MINUTE_MS + ms);
    expect(of(row)).to.equal(first);
  });

  it('keeps nothing more when it has reached its bound', () => {
    const { objects, add, of } = setUp(1);
    const [first, second] = [add(1), add(2)];
    const kept = of(first);
    expect(of(first)).to.equal(kept);
    expect(of(second)).to.deep.equal({ id: '2' });
    expect(of(second)).not.to.equal(of(second));
    const { objects: none, add: addTo, of: ofNone } = setUp(0);
    const row = addTo(1);
    expect(ofNone(row)).not.to.equal(ofNone(row));
    expect(none.bytes).to.equal(0);
    expect(objects.bytes).to.be.greaterThan(0);
  });
});
