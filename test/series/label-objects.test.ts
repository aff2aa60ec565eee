import { expect } from 'chai';
import type { LabelPairs, Labels } from '../../src/model/labels.ts';
import { LabelObjects } from '../../src/series/label-objects.ts';
import { NO_ROW, type Row, SeriesTable } from '../../src/series/table.ts';
import { seeded } from '../support/seeded.ts';

const MINUTE_MS = 60_000;

describe('LabelObjects', () => {
  const setUp = (bytesMax = 1 << 20) => {
    const table = new SeriesTable();
    const objects = new LabelObjects(table, bytesMax);
    const add = (id: number): Row => table.add(0, id, ['id', String(id)]);
    const of = (row: Row): Labels => objects.of(row, table.labels[row] as LabelPairs);
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

  it('releases nothing within a minute, and everything when nothing is used', () => {
    const { objects, add, of } = setUp();
    objects.releaseUnused(MINUTE_MS);
    const row = add(1);
    const first = of(row);
    for (let ms = 0; ms < MINUTE_MS; ms += 250) objects.releaseUnused(MINUTE_MS + ms);
    expect(of(row)).to.equal(first);
    for (let ms = 0; ms <= 2 * MINUTE_MS; ms += 250) objects.releaseUnused(2 * MINUTE_MS + ms);
    expect(objects.bytes).to.equal(0);
    expect(of(row)).not.to.equal(first);
  });

  it('never takes more than its bound, and keeps what it has while that is used', () => {
    const { objects, add, of } = setUp(30_000);
    const rows = Array.from({ length: 5000 }, (_, id) => add(id));
    const first = rows.map(of);
    expect(objects.bytes).to.equal(0);
    const { objects: some, add: addTo, of: ofSome } = setUp(30_000);
    const few = Array.from({ length: 600 }, (_, id) => addTo(id));
    const kept = few.map(ofSome);
    const again = few.map((row) => addTo(row + 10_000));
    for (const row of again) ofSome(row);
    expect(some.bytes).to.be.within(20_000, 30_000);
    for (let minute = 1; minute <= 3; minute++) {
      some.releaseUnused(minute * MINUTE_MS);
      expect(few.map(ofSome).filter((labels, i) => labels !== kept[i])).to.deep.equal([]);
    }
    expect(first[7]).to.deep.equal({ id: '7' });
    const { objects: none, add: addNone, of: ofNone } = setUp(0);
    const row = addNone(1);
    expect(ofNone(row)).not.to.equal(ofNone(row));
    expect(none.bytes).to.equal(0);
  });

  it('counts the bytes of what it keeps, whatever becomes of the rows', () => {
    const random = seeded(11);
    const { table, objects, add, of } = setUp(40_000);
    const live: Row[] = [];
    let now = 0;
    for (let step = 0; step < 20_000; step++) {
      const what = random.int(10);
      if (what < 3 || live.length === 0) live.push(add(step));
      else if (what < 5 && live.length > 100) table.remove(live.splice(random.int(live.length), 1)[0]);
      else if (what < 9) {
        const row = live[random.int(live.length)];
        expect(of(row)).to.deep.equal({ id: (table.labels[row] as LabelPairs)[1] });
      } else {
        now += 20_000;
        objects.releaseUnused(now);
      }
      expect(objects.bytes, `step ${step}`).to.be.within(0, 40_000);
    }
    expect(objects.bytes).to.be.greaterThan(0);
    for (const row of live) table.remove(row);
    objects.releaseUnused(now + MINUTE_MS);
    expect(objects.bytes, 'nothing is left').to.equal(0);
  });
});
