/**
 * Decodes the payload of a varbit chunk: the samples from the second one on, without the newest one that only the header
 * has. ../varbit-layout.ts describes the bytes.
 *
 * This is AssemblyScript, compiled to WebAssembly: a loop of a few dozen operations per sample that JavaScript would
 * interpret, a hundred times slower, in the first queries of a program. `node .ci/assembly.mjs` writes the result to
 * ../varbit-module.ts.
 *
 * Memory, in bytes from its start:
 *
 *          0   1,024   the chunk, as 64-bit words in the machine's order
 *      1,024      64   zeros, for fields that end beyond the chunk
 *      2,048   1 MiB   times of the decoded samples, float64
 *  1,050,624   1 MiB   their values, float64
 *
 * The loop terminates on any input: every group of samples but the first takes at least a bit, and a bit stands for at
 * most 16 samples. So a chunk has at most 126,211 samples, for which there is room.
 */

const TIMES: usize = 2_048;
const VALUES: usize = 1_050_624;

const CHUNK_BITS: i32 = 8_192;
const PAYLOAD_BIT: i32 = 304;
const FIRST_VALUE_BIT: i32 = 64;
const FIRST_DELTA_BIT: i32 = 256;

const ZERO: i32 = 0;
const INTEGER: i32 = 1;
const XOR: i32 = 2;

const LONGEST_STEP: i32 = 0x1000000;

/** How the decoding ended. */
const COMPLETE: i32 = 0;
/** A sample was after the time range, or a damaged payload went beyond its end. */
const STOPPED: i32 = 1;
/** A damaged payload went beyond the chunk. */
const BEYOND_CHUNK: i32 = 2;

/** Returns how it ended in the two lowest bits, and above them the number of samples with `from <= time <= through`. */
export function decode(encoding: i32, end: i32, firstTime: f64, from: f64, through: f64, mendsSteps: bool): i32 {
  let count = 0;
  let time = firstTime;
  let delta = i32(bits(FIRST_DELTA_BIT) >>> 40);
  let value = bits(FIRST_VALUE_BIT);
  let number = reinterpret<f64>(value);
  let step = 0.0;
  let leading: u64 = 0;
  let significant: u64 = 1;
  let position = PAYLOAD_BIT;
  // The second sample has no time field: its interval is the header's, so it is a run of one.
  let run = 1;
  let isSecond = true;
  if (encoding === INTEGER) {
    step = f64(i64(bits(position)) >> 32);
    position += 32;
  }
  do {
    if (!isSecond) {
      const field = i64(bits(position));
      if (field >= 0) {
        position += 8;
        run = i32(field >>> 56) + 1;
      } else {
        run = 1;
        if (field << 1 >= 0) {
          position += 8;
          delta += i32((field << 2) >> 58);
        } else if (field << 2 >= 0) {
          position += 20;
          delta += i32((field << 3) >> 47);
        } else {
          position += 26;
          delta += i32((field << 3) >> 41);
        }
      }
    }
    // The writer stored 2^24 as 0 in 24 bits and computed the next difference from that 0.
    let interval = f64(delta);
    if (mendsSteps && (delta === 0 || delta === LONGEST_STEP)) {
      interval = f64(LONGEST_STEP);
      delta = 0;
    }
    do {
      time += interval;
      if (encoding === XOR) {
        const field = bits(position);
        if (i64(field) >= 0) {
          position += 1;
        } else {
          if (i64(field << 1) >= 0) {
            position += 2;
          } else {
            leading = (field >>> 57) & 0x1f;
            significant = ((field >>> 51) & 0x3f) + 1;
            position += 13;
          }
          // A window wider than the number has no bits to apply: the original shifts them all out.
          if (leading + significant <= 64) {
            value ^= (bits(position) >>> (64 - significant)) << (64 - leading - significant);
          }
          position += i32(significant);
        }
      } else if (encoding === INTEGER) {
        if (!isSecond) {
          const field = i64(bits(position));
          if (field >= 0) {
            position += 1;
          } else if (field << 1 >= 0) {
            step += f64((field << 2) >> 58);
            position += 8;
          } else if (field << 2 >= 0) {
            step += f64((field << 3) >> 51);
            position += 16;
          } else if (field << 3 >= 0) {
            step += f64((field << 4) >> 44);
            position += 24;
          } else {
            step += f64((field << 4) >> 31);
            position += 37;
          }
        }
        number += step;
        value = reinterpret<u64>(number);
      } else if (encoding !== ZERO) {
        value = bits(position);
        position += 64;
      }
      isSecond = false;
      if (position > CHUNK_BITS) return (count << 2) | BEYOND_CHUNK;
      if (time > through) return (count << 2) | STOPPED;
      if (time >= from) {
        store<f64>(TIMES + ((<usize>count) << 3), time);
        store<u64>(VALUES + ((<usize>count) << 3), value);
        count++;
      }
    } while (--run > 0 && position <= end);
  } while (position < end);
  return (count << 2) | (position === end ? COMPLETE : STOPPED);
}

/** The 64 bits from `position` on. */
function bits(position: i32): u64 {
  const word = (<usize>position >> 6) << 3;
  const shift = <u64>(position & 63);
  return (load<u64>(word) << shift) | ((load<u64>(word, 8) >>> 1) >>> (63 - shift));
}
