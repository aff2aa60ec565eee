import { expect } from 'chai';
import fc from 'fast-check';
import type { LabelPairs } from '../../src/model/labels.ts';
import {
  DIRTY,
  EARLIEST,
  FILE_UNSYNCED,
  HEAD,
  HEAD_OPEN,
  NO_ROW,
  NOT_WRITABLE,
  OLDEST,
  ROW_SHIFT,
  type Row,
  SeriesTable,
} from '../../src/series/table.ts';

/** The flags' low byte is the state's code plus one; 0 for a free row. */
const STATE_MASK = 0xff;

const pairsOf = (id: number): LabelPairs => ['id', String(id)];

describe('SeriesTable', () => {
  it('finds each series by labels and by fingerprint through any adding, detaching and removing', () => {
    // Few hashes and few halves, so that most places of both hash tables are taken by another series.
    const step = fc.record({ what: fc.constantFrom('add', 'detach', 'remove'), id: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.nat(5), (steps, hashes) => {
        const table = new SeriesTable();
        const hashOf = (id: number): number => id % (hashes + 1);
        const found = new Map<number, Row>();
        const detached: Row[] = [];
        for (const { what, id } of steps) {
          const row = found.get(id);
          if (what === 'add' && row === undefined) found.set(id, table.add(id % 2, id, pairsOf(id), 0, hashOf(id)));
          if (what === 'add' || row === undefined) continue;
          found.delete(id);
          if (what === 'remove') table.remove(row);
          else {
            table.detach(row);
            detached.push(row);
          }
        }
        for (let id = 0; id <= 40; id++) {
          const row = found.get(id) ?? NO_ROW;
          expect(table.findPairsHashed(pairsOf(id), hashOf(id))).to.equal(row);
          expect(table.findHashed({ id: String(id) }, hashOf(id))).to.equal(row);
          expect(table.findFingerprint(id % 2, id)).to.equal(row);
        }
        expect(table.live).to.equal(found.size);
        expect([...table.rows()]).to.deep.equal([...found.values()].sort((a, b) => a - b));
        for (const row of detached) expect(table.isLive(row)).to.equal(true);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('gives a freed row to another series without anything of the former one', () => {
    const table = new SeriesTable();
    const row = table.add(1, 2, pairsOf(1), 3);
    const generation = table.generation(row);
    table.setFlag(row, DIRTY | HEAD_OPEN | FILE_UNSYNCED);
    table.setLastTime(row, 1000);
    table.setLastValue(row, 7, 8);
    table.ints[(row << ROW_SHIFT) + HEAD] = 5;
    table.ints[(row << ROW_SHIFT) + OLDEST] = 5;
    table.chunksInFile[row] = 3;
    table.chunksUnpersisted[row] = 2;
    table.firstTime[row] = table.keptUntil[row] = table.lastChunkFirstTime[row] = table.lastChunkLastTime[row] = 9;
    table.mtimeNs[row] = 5n;
    table.remove(row);
    expect(table.labels[row]).to.equal(undefined);
    expect(table.isLive(row)).to.equal(false);

    expect(table.add(3, 4, pairsOf(2))).to.equal(row);
    const fresh = new SeriesTable();
    fresh.add(3, 4, pairsOf(2));
    expect(table.flags(row)).to.equal(fresh.flags(0));
    for (const read of [
      (of: SeriesTable, at: Row) => of.lastTime(at),
      (of: SeriesTable, at: Row) => of.headSlot(at),
      (of: SeriesTable, at: Row) => of.oldestSlot(at),
      (of: SeriesTable, at: Row) => of.chunksWaiting(at),
      (of: SeriesTable, at: Row) => of.chunksInFile[at],
      (of: SeriesTable, at: Row) => of.firstTime[at],
      (of: SeriesTable, at: Row) => of.keptUntil[at],
      (of: SeriesTable, at: Row) => of.lastChunkFirstTime[at],
      (of: SeriesTable, at: Row) => of.lastChunkLastTime[at],
      (of: SeriesTable, at: Row) => of.mtimeNs[at],
      (of: SeriesTable) => of.bytes,
    ])
      expect(read(table, row), String(read)).to.equal(read(fresh, 0));
    expect(table.lastTime(row)).to.equal(EARLIEST);
    expect(table.generation(row)).to.not.equal(generation);
  });

  it('changes the generation of a row when it is detached, so that a handle looks its series up again', () => {
    const table = new SeriesTable();
    const row = table.add(1, 2, pairsOf(1));
    const generation = table.generation(row);
    expect(table.matches(row, { id: '1' })).to.equal(true);
    table.detach(row);
    expect(table.matches(row, { id: '1' })).to.equal(false);
    expect(table.generation(row)).to.not.equal(generation);
    const once = table.generation(row);
    table.detach(row);
    expect([table.live, table.generation(row)], 'detached twice').to.deep.equal([0, once]);
    expect([table.isLive(row), table.isListed(row)]).to.deep.equal([true, false]);
    const successor = table.add(1, 2, pairsOf(1));
    expect(successor).to.not.equal(row);
    table.remove(row);
    expect(table.findPairs(pairsOf(1))).to.equal(successor);
    expect(table.findFingerprint(1, 2)).to.equal(successor);
  });

  it('keeps every column when it grows', () => {
    const table = new SeriesTable();
    const before = table.capacity();
    for (let id = 0; id < before; id++) {
      const row = table.add(id, -id, pairsOf(id), id % 5);
      table.setLastTime(row, id + 0.5);
      table.chunksInFile[row] = id + 1;
      table.chunksUnpersisted[row] = id + 2;
      table.firstTime[row] = id + 3;
      table.keptUntil[row] = id + 4;
      table.lastChunkFirstTime[row] = id + 5;
      table.lastChunkLastTime[row] = id + 6;
      table.mtimeNs[row] = BigInt(id);
    }
    table.add(-1, -1, pairsOf(-1));
    expect(table.capacity()).to.be.greaterThan(before);
    for (let id = 0; id < before; id++) {
      const row = table.findPairs(pairsOf(id));
      expect(table.findFingerprint(id, -id)).to.equal(row);
      const { chunksInFile, chunksUnpersisted, firstTime, keptUntil, lastChunkFirstTime, lastChunkLastTime } = table;
      expect([
        table.stateCode(row),
        table.lastTime(row),
        ...[chunksInFile, chunksUnpersisted, firstTime, keptUntil, lastChunkFirstTime, lastChunkLastTime].map(
          (column) => column[row],
        ),
        table.mtimeNs[row],
      ]).to.deep.equal([id % 5, id + 0.5, id + 1, id + 2, id + 3, id + 4, id + 5, id + 6, BigInt(id)]);
    }
  });

  it('reserves rows for an announced number of series, and not more than a bound for one from a damaged file', () => {
    const table = new SeriesTable();
    const row = table.add(1, 2, pairsOf(1));
    table.reserve(5000);
    const { ints } = table;
    for (let id = 2; id <= 5000; id++) table.add(1, id + 1, pairsOf(id));
    expect(table.ints, 'no further growth').to.equal(ints);
    expect(table.findPairs(pairsOf(1))).to.equal(row);
    const damaged = new SeriesTable();
    damaged.reserve(Number.MAX_SAFE_INTEGER);
    expect(damaged.capacity()).to.be.at.most(2 ** 21);
  });

  it('keeps the other flags when the state changes', () => {
    const table = new SeriesTable();
    const row = table.add(1, 2, pairsOf(1), 2);
    table.setFlag(row, DIRTY | HEAD_OPEN);
    table.setState(row, 4, false);
    expect(table.stateCode(row)).to.equal(4);
    expect(table.flags(row) & ~STATE_MASK).to.equal(DIRTY | HEAD_OPEN | NOT_WRITABLE);
    table.setState(row, 0, true);
    table.clearFlag(row, DIRTY);
    expect(table.flags(row) & ~STATE_MASK).to.equal(HEAD_OPEN);
    expect(table.isLive(row)).to.equal(true);
  });

  it('counts the chunks that wait to be persisted without an open head', () => {
    const table = new SeriesTable();
    const row = table.add(1, 2, pairsOf(1));
    table.chunksUnpersisted[row] = 3;
    expect(table.chunksWaiting(row)).to.equal(3);
    table.setFlag(row, HEAD_OPEN);
    expect(table.chunksWaiting(row)).to.equal(2);
  });
});
