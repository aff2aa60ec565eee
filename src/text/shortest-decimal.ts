/**
 * Writes numbers as decimal text into bytes. `String(number)` makes an object for each number and takes several times as
 * long; in a large answer it would be most of the work.
 *
 * A double is written in the shortest form that reads back to it, the nearest one of that length, as `String` does. Its
 * 17 digits are an integer, the double times a power of ten up to 10^22, which doubles hold exactly. The product of the
 * two is computed exactly as a sum of two doubles (T. J. Dekker, "A floating-point technique for extending the available
 * precision", 1971). Then the least number of digits is taken that stays within half a unit of the double's last bit.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;

/** The longest text that {@link writeDouble} writes, in bytes: `-1.2345678901234567e-308`, with room. */
export const DOUBLE_BYTES_MAX = 32;

/** The two digits of 0 to 99. */
const tens = Uint8Array.from({ length: 100 }, (_, i) => ZERO + Math.floor(i / 10));
const ones = Uint8Array.from({ length: 100 }, (_, i) => ZERO + (i % 10));

/** Writes exactly `count` digits of an integer below 10^9, with zeros in front. Returns the position behind them. */
const writeDigits = (bytes: Uint8Array, at: number, count: number, integer: number): number => {
  let left = integer;
  let position = at + count;
  while (position - at >= 2) {
    const next = (left / 100) | 0;
    const pair = left - next * 100;
    position -= 2;
    bytes[position] = tens[pair];
    bytes[position + 1] = ones[pair];
    left = next;
  }
  if (position > at) bytes[at] = ZERO + left;
  return at + count;
};

/** Digits of an integer below 10^9. */
const digitCount = (integer: number): number => {
  if (integer < 10_000) {
    if (integer < 100) return integer < 10 ? 1 : 2;
    return integer < 1000 ? 3 : 4;
  }
  if (integer < 1_000_000) return integer < 100_000 ? 5 : 6;
  if (integer < 100_000_000) return integer < 10_000_000 ? 7 : 8;
  return 9;
};

const MILLION = 1_000_000;

/** Writes an integer from 0 to 10^16. Returns the position behind it. */
export const writeInteger = (bytes: Uint8Array, at: number, integer: number): number => {
  if (integer < 1_000_000_000) return writeDigits(bytes, at, digitCount(integer), integer);
  const high = Math.floor(integer / MILLION);
  return writeDigits(bytes, writeInteger(bytes, at, high), 6, integer - high * MILLION);
};

/** Ten to the power of 0 to 22, which doubles hold exactly, each also as the sum of two numbers of at most 27 bits. */
const powers = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);
const SPLITTER = 2 ** 27 + 1;
const upperPart = (number: number): number => {
  const scaled = SPLITTER * number;
  return scaled - (scaled - number);
};
const upperPowers = powers.map(upperPart);
const lowerPowers = powers.map((power, i) => power - upperPowers[i]);

/** Finite numbers in between are written here. Beyond, the power of ten would not be exact. */
const LEAST = 1e-6;
const LIMIT = 1e15;
/** The exponent of 2 of {@link LEAST}. */
const LEAST_EXPONENT = -20;
/** By exponent of 2 from {@link LEAST_EXPONENT} on: the exponent of 10 of the power of 2. */
const tenExponents = Int8Array.from({ length: 71 }, (_, i) => Math.floor(Math.log10(2 ** (i + LEAST_EXPONENT))));
/** By exponent of 10 from -7 on: the least double of the next one. */
const nextTens = Float64Array.from({ length: 24 }, (_, i) => Number(`1e${i - 6}`));
/** Half of the last bit, by exponent of 2 from {@link LEAST_EXPONENT} on. */
const halfUnits = Float64Array.from({ length: 71 }, (_, i) => 2 ** (i + LEAST_EXPONENT - 53));

const BILLION = 1_000_000_000;
/** How exactly the position between two candidates is known, with room. Closer decisions are left to `String`. */
const TOLERANCE = 1e-6;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/** Writes a finite number. Returns the position behind it. */
export const writeDouble = (bytes: Uint8Array, at: number, value: number): number => {
  let position = at;
  let size = value;
  if (value < 0) {
    bytes[position++] = MINUS;
    size = -value;
  }
  if ((size | 0) === size && size > 0) return writeInteger(bytes, position, size);
  // Most measured values have at most two digits after the point. Below 1e7, the hundredths are exact in 32 bits, and at
  // most one decimal of up to 15 digits reads back to a double, so this is the shortest one.
  if (size < 1e7) {
    const hundredths = (size * 100 + 0.5) | 0;
    if (hundredths / 100 === size)
      return hundredths === 0 ? writeAscii(bytes, at, zeroText(value)) : writeHundredths(bytes, position, hundredths);
  }
  if (size >= LEAST && size < LIMIT) {
    const end = writeShortest(bytes, position, size);
    if (end > 0) return end;
  }
  return writeAscii(bytes, at, String(value));
};

const zeroText = (zero: number): string => (Object.is(zero, -0) ? '-0' : '0');

/** Writes text of ASCII characters. Returns the position behind it. */
export const writeAscii = (bytes: Uint8Array, at: number, text: string): number => {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
};

const writeHundredths = (bytes: Uint8Array, at: number, hundredths: number): number => {
  const whole = (hundredths / 100) | 0;
  const rest = hundredths - whole * 100;
  let position = writeDigits(bytes, at, digitCount(whole), whole);
  if (rest === 0) return position;
  bytes[position++] = POINT;
  bytes[position++] = tens[rest];
  if (ones[rest] !== ZERO) bytes[position++] = ones[rest];
  return position;
};

/** The 17 digits of the number that is being written. */
const digits = new Uint8Array(17);

/** Writes a positive number from {@link LEAST} to below {@link LIMIT}. Returns 0 if rounding is too close to decide here. */
const writeShortest = (bytes: Uint8Array, at: number, value: number): number => {
  double[0] = value;
  const high = words[HIGH_WORD];
  // A power of two has neighbours at different distances.
  if ((high & 0xfffff) === 0 && words[LOW_WORD] === 0) return 0;
  const exponentIndex = (high >>> 20) - 1023 - LEAST_EXPONENT;
  let exponent = tenExponents[exponentIndex];
  if (value >= nextTens[exponent + 7]) exponent++;
  const powerIndex = 16 - exponent;
  const power = powers[powerIndex];

  const product = value * power;
  const upper = upperPart(value);
  const lower = value - upper;
  const upperPower = upperPowers[powerIndex];
  const lowerPower = lowerPowers[powerIndex];
  const error = upper * upperPower - product + upper * lowerPower + lower * upperPower + lower * lowerPower;

  // The first eight digits, and the other nine with what is beyond them.
  let top = Math.floor(product / BILLION);
  let rest = product - top * BILLION + error;
  if (rest < 0) {
    top--;
    rest += BILLION;
  }
  const half = halfUnits[exponentIndex] * power;
  let rounded = Math.round(rest / 100) * 100;
  let distance = Math.abs(rest - rounded) - half;
  if (distance >= -TOLERANCE) {
    if (distance < TOLERANCE) return 0;
    rounded = Math.round(rest / 10) * 10;
    distance = Math.abs(rest - rounded) - half;
    const isMiddle = Math.abs(Math.abs(rest - rounded) - 5) < TOLERANCE;
    if (Math.abs(distance) < TOLERANCE || (distance < 0 && isMiddle)) return 0;
    if (distance > 0) {
      rounded = Math.round(rest);
      if (Math.abs(Math.abs(rest - rounded) - 0.5) < TOLERANCE) return 0;
    }
  }
  if (rounded >= BILLION) {
    top++;
    rounded -= BILLION;
  }
  if (top < 10_000_000 || top >= 100_000_000) return 0;
  writeDigits(digits, 0, 8, top);
  writeDigits(digits, 8, 9, rounded);
  let count = 17;
  while (digits[count - 1] === ZERO) count--;
  return placePoint(bytes, at, count, exponent);
};

/** Writes the first `count` digits as a number whose first digit counts 10^exponent. */
const placePoint = (bytes: Uint8Array, at: number, count: number, exponent: number): number => {
  let position = at;
  let i = 0;
  if (exponent < 0) {
    bytes[position++] = ZERO;
    bytes[position++] = POINT;
    for (let zeros = -1 - exponent; zeros > 0; zeros--) bytes[position++] = ZERO;
  } else {
    for (; i <= exponent; i++) bytes[position++] = i < count ? digits[i] : ZERO;
    if (i >= count) return position;
    bytes[position++] = POINT;
  }
  for (; i < count; i++) bytes[position++] = digits[i];
  return position;
};
