/**
 * CRC-32 (zlib's) of two consecutive byte sequences, computed from the CRC-32 of each. A checksum over a file whose
 * beginning is known only at the end then needs no second pass over the file.
 *
 * A CRC is a polynomial over GF(2) modulo P, stored with its bits reversed. Appending n bytes multiplies it by x^(8n).
 */

const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;
const X = 0x40000000;
const BITS_PER_BYTE_LOG2 = 3;

/** The CRC of `a` followed by `b`, where `b` has `byteCountB` bytes. */
export const combineCrc32 = (crcA: number, crcB: number, byteCountB: number): number =>
  (multiply(powerOfX(byteCountB, BITS_PER_BYTE_LOG2), crcA) ^ crcB) >>> 0;

/** x^(count * 2^log2) modulo P, by squaring. */
const powerOfX = (count: number, log2: number): number => {
  let square = X;
  for (let i = 0; i < log2; i++) square = multiply(square, square);
  let power = ONE;
  for (let rest = count; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(square, power);
    square = multiply(square, square);
  }
  return power;
};

/** a * b modulo P. */
const multiply = (a: number, b: number): number => {
  let product = 0;
  let term = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= term;
    term = term & 1 ? (term >>> 1) ^ POLYNOMIAL : term >>> 1;
  }
  return product >>> 0;
};
