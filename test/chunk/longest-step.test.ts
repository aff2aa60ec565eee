/** Intervals of exactly 2^24 ms, which the original stores as 0 (docs/formats/chunks.md, "Limits"). */
import { expect } from 'chai';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { DELTA, DOUBLE_DELTA, type Encoding, SampleColumns, VARBIT } from '../../src/chunk/chunk.ts';
import { decodeStored, decodeStoredRange } from '../../src/chunk/decode.ts';
import { Slab, type Slot } from '../../src/chunk/slab.ts';

const START = 1_735_689_600_000;
const STEP = 2 ** 24;

/** The chunks that the original makes of samples at these times. */
const chunksOf = (slab: Slab, encoding: Encoding, times: readonly number[], lossless: boolean): Slot[] => {
  const appender = new ChunkAppender(slab, { defaultEncoding: encoding, lossless });
  let head = -1;
  const slots: Slot[] = [];
  for (const [i, time] of times.entries()) {
    head = i === 0 ? appender.start(time, i << 20, 0) : appender.append(head, time, i << 20, 0);
    if (i === 0) slots.push(head);
  }
  for (let slot = slots[0]; slot !== head; ) {
    slot = slab.next[slot];
    slots.push(slot);
  }
  return slots;
};

const timesOf = (slab: Slab, slots: readonly Slot[], from = -Infinity, through = Infinity): number[] => {
  const columns = new SampleColumns();
  for (const slot of slots)
    decodeStoredRange(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], from, through, columns);
  return [...columns.timestamps.subarray(0, columns.count)];
};

const sums = (steps: readonly number[]): number[] => {
  const times = [START];
  for (const step of steps) times.push(times[times.length - 1] + step);
  return times;
};

describe('an interval of 2^24 ms in a chunk of the original', () => {
  const streams = {
    'the first one': [STEP, 1000, 1000, 1000],
    'the only one': [STEP],
    'the first one, and more of the longest': [STEP, STEP, STEP, 15_000],
    'a later one': [STEP - 1000, STEP, 15_000, 15_000, 15_001],
    'the last one': [STEP - 1000, STEP - 999, STEP],
    'two later ones': [STEP - 5, STEP, 4_000_000, STEP - 400_000, STEP, 9, 9, 9],
  };
  for (const [title, steps] of Object.entries(streams)) {
    for (const encoding of [DELTA, DOUBLE_DELTA, VARBIT] as const) {
      for (const lossless of [false, true]) {
        it(`is read right: ${title}, encoding ${encoding}, ${lossless ? 'written by Tidemark' : 'by the original'}`, () => {
          const slab = new Slab();
          const times = sums(steps);
          const slots = chunksOf(slab, encoding, times, lossless);
          expect(timesOf(slab, slots)).to.deep.equal(times);
          expect(timesOf(slab, slots, times[1], times[1])).to.deep.equal([times[1]]);
          const columns = new SampleColumns();
          for (const slot of slots) decodeStored(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], columns);
          expect(columns.count).to.equal(times.length);
        });
      }
    }
  }
});
