/**
 * What the chunk layer costs per sample: appending one sample to each of many series in turn, in the slot and in registers,
 * and reading full chunks. Rounds over 100,000 series touch 100 MB of slots, so appending is bound by memory.
 *
 * Measured on two shared, busy cores, so trust the ratios more than the figures, and those within a third: 100,000 series
 * in turn 250 ns/sample in slots, 105 in registers (2.4; from 1.5 to 2.6 over the runs); 2,000 series, where memory counts
 * little, 123 and 71 (1.7). With 64 waiting bits, leaving out the stores to the slots made 50 of 119: touching slots costs
 * more than all arithmetic. 512 waiting bits in rows of 128 bytes, as now, were 10 to 29 % faster than 128 in rows of 64.
 * Decoding: 6–12 ns/sample for delta and double-delta; for varbit 12–13 where values are constant, 17–31 for others.
 *
 *     npm run build && node dist/test/bench/micro/chunk.js [SERIES [ROUNDS]]
 */

import { bench, do_not_optimize, run, summary } from 'mitata';
import { ChunkAppender } from '../../../src/chunk/append.ts';
import { DELTA, DOUBLE_DELTA, type Encoding, SampleColumns, VARBIT } from '../../../src/chunk/chunk.ts';
import { decodeChunk, encodingName } from '../../../src/chunk/decode.ts';
import { highWordOf, lowWordOf } from '../../../src/chunk/float-bits.ts';
import { CHUNK_BYTES, Slab } from '../../../src/chunk/slab.ts';
import { appendToHead, loadHead, storeHead } from '../../../src/chunk/varbit-head.ts';
import { HIGH_WORD, LOW_WORD } from '../../../src/model/byte-order.ts';
import { sampleCountOf } from '../../chunk/support.ts';
import { Rounds } from '../workload.ts';

const seriesCount = Number(process.argv[2] ?? 100_000);
const roundCount = Number(process.argv[3] ?? 60);
const base = 1_700_000_000_000;

/** The row of a series as src/series/table.ts lays it out, as far as appending needs it: 32 int32s, two cache lines. */
const ROW_INTS = 32;
const SLOT = 1;
const TIME_DOUBLE = 1;
const HIGH = 4;
const LOW = 5;
const REGISTERS = 8;

interface Round {
  readonly timestamps: Float64Array;
  readonly words: Int32Array;
}

type Append = (slab: Slab, appender: ChunkAppender, rows: Int32Array, times: Float64Array, round: Round) => void;

const appendToSlots: Append = (_slab, appender, rows, _times, { timestamps, words }) => {
  for (let series = 0; series < seriesCount; series++) {
    const row = series * ROW_INTS;
    const high = words[2 * series + HIGH_WORD];
    const low = words[2 * series + LOW_WORD];
    rows[row + SLOT] = appender.append(rows[row + SLOT], timestamps[series], high, low);
  }
};

const appendToRegisters: Append = (slab, appender, rows, times, { timestamps, words }) => {
  for (let series = 0; series < seriesCount; series++) {
    const row = series * ROW_INTS;
    const high = words[2 * series + HIGH_WORD];
    const low = words[2 * series + LOW_WORD];
    const timestamp = timestamps[series];
    const slot = rows[row + SLOT];
    const block = slab.blockOf(slot);
    const offset = slab.offsetOf(slot);
    const timeAt = (row >> 1) + TIME_DOUBLE;
    const time = times[timeAt];
    const registers = row + REGISTERS;
    if (!appendToHead(rows, registers, block, offset, time, rows[row + HIGH], rows[row + LOW], timestamp, high, low)) {
      storeHead(rows, registers, block, offset, time, rows[row + HIGH], rows[row + LOW]);
      const head = appender.append(slot, timestamp, high, low);
      rows[row + SLOT] = head;
      loadHead(rows, registers, slab.blockOf(head), slab.offsetOf(head), CHUNK_BYTES);
      slowAppends++;
    }
    times[timeAt] = timestamp;
    rows[row + HIGH] = high;
    rows[row + LOW] = low;
  }
};

let slowAppends = 0;

const rounds = (): Round[] => {
  const made = new Rounds({ seriesCount, rounds: roundCount, base });
  return Array.from({ length: roundCount }, () => {
    made.next();
    return { timestamps: made.timestamps.slice(), words: new Int32Array(made.values.slice().buffer) };
  });
};

/** Nanoseconds per sample of a good round, the lower quartile, without the first one, which starts the chunks. */
const measureAppend = (append: Append, [first, ...rest]: readonly Round[]): number => {
  const slab = new Slab();
  const appender = new ChunkAppender(slab, { defaultEncoding: VARBIT });
  const rows = new Int32Array(seriesCount * ROW_INTS);
  const times = new Float64Array(rows.buffer);
  for (let series = 0; series < seriesCount; series++) {
    const row = series * ROW_INTS;
    const high = first.words[2 * series + HIGH_WORD];
    const low = first.words[2 * series + LOW_WORD];
    const slot = appender.start(first.timestamps[series], high, low);
    rows[row + SLOT] = slot;
    rows[row + HIGH] = high;
    rows[row + LOW] = low;
    times[(row >> 1) + TIME_DOUBLE] = first.timestamps[series];
    loadHead(rows, row + REGISTERS, slab.blockOf(slot), slab.offsetOf(slot), CHUNK_BYTES);
  }
  slowAppends = 0;
  const durations = rest.map((round) => {
    const start = performance.now();
    append(slab, appender, rows, times, round);
    return performance.now() - start;
  });
  durations.sort((a, b) => a - b);
  return (durations[durations.length >> 3] * 1e6) / seriesCount;
};

/** One full chunk of the given kind of values. */
const fullChunk = (encoding: Encoding, valueAt: (i: number) => number, jitterMs: number): Uint8Array => {
  const slab = new Slab();
  const appender = new ChunkAppender(slab, { defaultEncoding: encoding });
  const first = appender.start(base, highWordOf(valueAt(0)), lowWordOf(valueAt(0)));
  let head = first;
  for (let i = 1; head === first && i < 2000; i++) {
    const timestamp = base + i * 15_000 + ((i * 7919) % (jitterMs + 1));
    head = appender.append(head, timestamp, highWordOf(valueAt(i)), lowWordOf(valueAt(i)));
  }
  return slab.bytesOf(first).slice();
};

const kinds: Record<string, (i: number) => number> = {
  constant: () => 1,
  counter: (i) => i * 50 + ((i * 7919) % 101),
  gauge: (i) => ((i * 7919) % 2001) / 100,
};

const samples = rounds();
const inSlots = measureAppend(appendToSlots, samples);
const inRegisters = measureAppend(appendToRegisters, samples);
console.log(`append, ${seriesCount} series x ${roundCount} rounds`);
console.log(`  in slots      ${inSlots.toFixed(1)} ns/sample`);
console.log(`  in registers  ${inRegisters.toFixed(1)} ns/sample, ratio ${(inSlots / inRegisters).toFixed(2)}`);
console.log(`  slow appends  ${((100 * slowAppends) / (seriesCount * (roundCount - 1))).toFixed(2)} %`);

if (process.argv[4] !== 'append') {
  for (const encoding of [DELTA, DOUBLE_DELTA, VARBIT] as const) {
    summary(() => {
      for (const [kind, valueAt] of Object.entries(kinds)) {
        const chunk = fullChunk(encoding, valueAt, 6);
        const columns = new SampleColumns(4096);
        bench(`decode ${encodingName(encoding)}, ${kind}, ${sampleCountOf(chunk, 0, encoding)} samples`, () => {
          columns.count = 0;
          decodeChunk(chunk, 0, encoding, columns);
          do_not_optimize(columns.count);
        });
      }
    });
  }
  await run({ format: 'mitata', colors: false });
}
