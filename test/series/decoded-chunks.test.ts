import { expect } from 'chai';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { SampleColumns } from '../../src/chunk/chunk.ts';
import { Slab, type Slot } from '../../src/chunk/slab.ts';
import { DecodedChunks } from '../../src/series/decoded-chunks.ts';
import { MemoryChunks } from '../../src/series/memory-chunks.ts';
import { SeriesTable } from '../../src/series/table.ts';
import { seeded } from '../support/seeded.ts';

const columnsOf = (times: readonly number[]): SampleColumns => {
  const columns = new SampleColumns(times.length);
  times.forEach((time, i) => {
    columns.timestamps[i] = time;
    columns.values[i] = 2 * time;
  });
  columns.count = times.length;
  return columns;
};

const regular = [1000, 1015, 1030, 1045];
const jittered = [1000, 1016, 1029, 1045];

describe('DecodedChunks', () => {
  const setUp = (bytesMax = 1 << 20): { slab: Slab; decoded: DecodedChunks; slot: Slot } => {
    const slab = new Slab();
    return { slab, decoded: new DecodedChunks(slab, bytesMax), slot: slab.allocate(2) };
  };
  /** The times of the chunk in a range, after one sample that was there; `undefined` if the chunk is not kept. */
  const timesIn = (decoded: DecodedChunks, slot: Slot, from = -Infinity, through = Infinity): number[] | undefined => {
    const columns = columnsOf([7]);
    if (!decoded.addTo(columns, slot, from, through)) return undefined;
    const times = [...columns.timestamps.subarray(0, columns.count)];
    expect([...columns.values.subarray(0, columns.count)]).to.deep.equal(times.map((time) => 2 * time));
    expect(times[0]).to.equal(7);
    return times.slice(1);
  };

  it('wants a chunk the second time', () => {
    const { decoded, slot } = setUp();
    expect(decoded.noteDecoding(slot)).to.equal(false);
    expect(decoded.noteDecoding(slot)).to.equal(true);
    expect(timesIn(decoded, slot)).to.equal(undefined);
  });

  for (const [name, times] of Object.entries({ regular, jittered, single: [1000] })) {
    it(`gives ${name} samples back, all or those in a range`, () => {
      const { decoded, slot } = setUp();
      const columns = columnsOf([1, 2, ...times]);
      decoded.keep(slot, columns, 2);
      expect(timesIn(decoded, slot)).to.deep.equal(times);
      for (let from = 998; from < 1048; from += 0.5)
        for (let through = from - 1; through < 1048; through += 0.5)
          expect(timesIn(decoded, slot, from, through), `${from} to ${through}`).to.deep.equal(
            times.filter((time) => time >= from && time <= through),
          );
    });
  }

  it('keeps the bits of values', () => {
    const { decoded, slot } = setUp();
    const columns = columnsOf(regular);
    columns.words.set([1, 0x7ff00000, 2, 0x7ff40000]);
    decoded.keep(slot, columns, 0);
    const copy = new SampleColumns(1);
    decoded.addTo(copy, slot, 1000, 1015);
    expect([...copy.words.subarray(0, 4)]).to.deep.equal([1, 0x7ff00000, 2, 0x7ff40000]);
  });

  it('leaves out chunks whose times do not ascend, or are too far apart', () => {
    const { decoded, slot } = setUp();
    for (const times of [[2, 1], [1, 1], [0, 2 ** 33], []]) {
      decoded.keep(slot, columnsOf(times), 0);
      expect(timesIn(decoded, slot)).to.equal(undefined);
    }
  });

  it('forgets a chunk when its slot is freed', () => {
    const { slab, decoded, slot } = setUp();
    decoded.keep(slot, columnsOf(regular), 0);
    slab.retain(slot);
    slab.release(slot);
    expect(timesIn(decoded, slot)).to.deep.equal(regular);
    slab.release(slot);
    expect(timesIn(decoded, slot)).to.equal(undefined);
    expect(decoded.bytes).to.equal(0);
  });

  it('forgets a chunk that is the head again after a drop of the newest samples', () => {
    const slab = new Slab();
    const decoded = new DecodedChunks(slab, 1 << 20);
    const table = new SeriesTable();
    const chunks = new MemoryChunks(table, slab, new ChunkAppender(slab, { defaultEncoding: 2 }));
    const row = table.add(0, 1, ['a', 'b']);
    for (let k = 0; k < 200; k++) chunks.append(row, 1000 + k, Math.imul(k, 2654435761), k);
    const [first, second] = chunks.allSlots(row);
    decoded.keep(first, columnsOf(regular), 0);
    chunks.erase(row, { from: chunks.firstTimeOf(second), through: Infinity });
    expect(table.headSlot(row)).to.equal(first);
    expect(table.headOpen(row)).to.equal(true);
    expect(timesIn(decoded, first)).to.equal(undefined);
  });

  it('gives the times of each of many series that are read into the same columns', () => {
    const random = seeded(11);
    const slab = new Slab();
    const decoded = new DecodedChunks(slab, 1 << 24);
    const columns = new SampleColumns(4);
    for (let series = 0; series < 3000; series++) {
      columns.count = 0;
      const expected: number[] = [];
      let time = 1000 + 15 * random.int(3);
      for (let chunk = random.int(5); chunk >= 0; chunk--) {
        const interval = [15, 15, 15, 30][random.int(4)];
        const length = 1 + random.int(6);
        const times = Array.from({ length }, (_, i) => time + i * interval);
        time = times[length - 1] + [15, 15, 30, 7][random.int(4)];
        const [from, through] = random.int(4) === 0 ? [times[0] + 1, time - 8] : [-Infinity, Infinity];
        expected.push(...times.filter((each) => each >= from && each <= through));
        if (random.int(5) === 0) {
          // As a decoder does for a chunk that is not kept.
          columns.cutRegular(columns.count);
          columns.reserve(length);
          for (const each of times) if (each >= from && each <= through) columns.timestamps[columns.count++] = each;
          continue;
        }
        const slot = slab.allocate(2);
        decoded.keep(slot, columnsOf(times), 0);
        expect(decoded.addTo(columns, slot, from, through)).to.equal(true);
        slab.release(slot);
      }
      expect([...columns.timestamps.subarray(0, columns.count)], `series ${series}`).to.deep.equal(expected);
    }
  });

  it('keeps no more than a chunk beyond its bound', () => {
    const { slab, decoded, slot } = setUp(100);
    decoded.keep(slot, columnsOf(regular), 0);
    const other = slab.allocate(2);
    expect([decoded.noteDecoding(other), decoded.noteDecoding(other)]).to.deep.equal([false, false]);
    const nothing = new DecodedChunks(slab, 0);
    expect([nothing.noteDecoding(other), nothing.noteDecoding(other)]).to.deep.equal([false, false]);
  });

  it('forgets after a while which chunks were decoded once', () => {
    const { slab, decoded, slot } = setUp();
    expect(decoded.noteDecoding(slot)).to.equal(false);
    decoded.releaseUnused(301_000);
    expect(decoded.noteDecoding(slot)).to.equal(false);
    expect(decoded.noteDecoding(slot)).to.equal(true);
    // A query of very many chunks must not keep it from noting others for good.
    for (let other = slot + 1; other < slot + 70_000; other++) decoded.noteDecoding(other);
    expect([decoded.noteDecoding(slot), decoded.noteDecoding(slot)]).to.deep.equal([false, false]);
    decoded.releaseUnused(302_000);
    expect([decoded.noteDecoding(slot), decoded.noteDecoding(slot)]).to.deep.equal([false, true]);
    expect(slab.used).to.equal(1);
  });

  it('leaves out chunks with times that doubles can not add', () => {
    const { decoded, slot } = setUp();
    decoded.keep(slot, columnsOf([2 ** 60, 2 ** 60 + 1024]), 0);
    expect(timesIn(decoded, slot)).to.equal(undefined);
  });

  it('releases what was not used for a minute, and everything at once', () => {
    const { slab, decoded, slot } = setUp();
    const other = slab.allocate(2);
    for (const one of [slot, other]) decoded.keep(one, columnsOf(regular), 0);
    decoded.releaseUnused(30_000);
    expect(timesIn(decoded, other)).to.deep.equal(regular);
    decoded.releaseUnused(60_001);
    expect(timesIn(decoded, slot)).to.equal(undefined);
    expect(timesIn(decoded, other)).to.deep.equal(regular);
    decoded.clear();
    expect(timesIn(decoded, other)).to.equal(undefined);
    expect(decoded.bytes).to.equal(0);
  });
});
