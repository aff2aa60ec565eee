import { expect } from 'chai';
import { SampleColumns } from '../../src/chunk/chunk.ts';
import { Slab, type Slot } from '../../src/chunk/slab.ts';
import { DecodedChunks } from '../../src/series/decoded-chunks.ts';

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
    expect(decoded.wants(slot)).to.equal(false);
    expect(decoded.wants(slot)).to.equal(true);
    expect(timesIn(decoded, slot)).to.equal(undefined);
  });

  for (const [name, times] of Object.entries({ regular, jittered, single: [1000] })) {
    it(`gives ${name} samples back, all or those in a range`, () => {
      const { decoded, slot } = setUp();
      const columns = columnsOf([1, 2, ...times]);
      decoded.keep(slot, columns, 2);
      expect(timesIn(decoded, slot)).to.deep.equal(times);
      for (let from = 998; from < 1048; from++)
        for (let through = from - 1; through < 1048; through++)
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

  it('keeps no more than a chunk beyond its bound', () => {
    const { slab, decoded, slot } = setUp(100);
    decoded.keep(slot, columnsOf(regular), 0);
    const other = slab.allocate(2);
    expect([decoded.wants(other), decoded.wants(other)]).to.deep.equal([false, false]);
    const nothing = new DecodedChunks(slab, 0);
    expect([nothing.wants(other), nothing.wants(other)]).to.deep.equal([false, false]);
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
