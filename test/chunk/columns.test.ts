/** Whole columns: sorting them, encoding them, and how full the chunks are. */
import { expect } from 'chai';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { DELTA, DOUBLE_DELTA, SampleColumns, VARBIT } from '../../src/chunk/chunk.ts';
import { decodeChunk, filledShareOf, isClosedForGood } from '../../src/chunk/decode.ts';
import { appendColumns, encodeColumns } from '../../src/chunk/encode-columns.ts';
import { NO_SLOT, Slab, type Slot } from '../../src/chunk/slab.ts';
import { isAscending, sortedByTime } from '../../src/chunk/sort-columns.ts';

const columnsOf = (times: readonly number[], valueAt: (index: number) => number): SampleColumns => {
  const columns = new SampleColumns(times.length);
  times.forEach((time, i) => {
    columns.timestamps[i] = time;
    columns.values[i] = valueAt(i);
  });
  columns.count = times.length;
  return columns;
};

const shareOf = (slab: Slab, slot: Slot): number =>
  filledShareOf(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot]);

const chain = (slab: Slab, first: Slot): Slot[] => {
  const slots: Slot[] = [];
  for (let slot = first; slot !== NO_SLOT; slot = slab.next[slot]) slots.push(slot);
  return slots;
};

describe('columns of samples', () => {
  for (const encoding of [DELTA, DOUBLE_DELTA, VARBIT] as const) {
    it(`are encoded into a chain of chunks and appended to its head, encoding ${encoding}`, () => {
      const slab = new Slab();
      const appender = new ChunkAppender(slab, { defaultEncoding: encoding });
      const times = Array.from({ length: 3000 }, (_, i) => i * 1000 + (i % 7));
      const columns = columnsOf(times, (i) => Math.sin(i));
      const { first, head } = encodeColumns(appender, columns, 10, 1500);
      const last = appendColumns(appender, head, columns, 1500, 2990);
      const slots = chain(slab, first);
      expect(slots.at(-1)).to.equal(last);
      expect(slots.length).to.be.greaterThan(5);
      const decoded = new SampleColumns();
      for (const slot of slots) decodeChunk(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], decoded);
      expect(decoded.count).to.equal(2980);
      expect(decoded.timestamps.subarray(0, 2980)).to.deep.equal(columns.timestamps.subarray(10, 2990));
      expect(decoded.words.subarray(0, 5960)).to.deep.equal(columns.words.subarray(20, 5980));
      for (const slot of slots.slice(0, -1)) expect(shareOf(slab, slot)).to.be.within(0.5, 1);
    });
  }

  it('fill a chunk more and more; a varbit chunk that is closed is full', () => {
    for (const encoding of [DELTA, DOUBLE_DELTA, VARBIT] as const) {
      const slab = new Slab();
      const appender = new ChunkAppender(slab, { defaultEncoding: encoding });
      const columns = columnsOf([0, 7, 20, 31, 48, 50], (i) => Math.sin(i));
      const { head } = encodeColumns(appender, columns, 0, 3);
      const before = shareOf(slab, head);
      appendColumns(appender, head, columns, 3, 6);
      expect(shareOf(slab, head)).to.be.within(before + 0.001, 0.2);
      const far = columnsOf([2 ** 25], () => 1);
      appendColumns(appender, head, far, 0, 1);
      const isClosed = isClosedForGood(slab.blockOf(head), slab.offsetOf(head), slab.encoding[head]);
      expect(isClosed).to.equal(encoding === VARBIT);
      if (isClosed) expect(shareOf(slab, head)).to.equal(1);
      else expect(shareOf(slab, head)).to.be.lessThan(0.5);
    }
  });

  it('are sorted by time, and of the same time the first stays', () => {
    const columns = columnsOf([30, 10, 20, 10, 30, 5], (i) => i);
    expect(isAscending(columns)).to.equal(false);
    const sorted = sortedByTime(columns);
    expect(isAscending(sorted)).to.equal(true);
    expect([...sorted.timestamps.subarray(0, sorted.count)]).to.deep.equal([5, 10, 20, 30]);
    expect([...sorted.values.subarray(0, sorted.count)]).to.deep.equal([5, 1, 2, 0]);
    expect(isAscending(columnsOf([1, 1], () => 0))).to.equal(false);
  });
});
