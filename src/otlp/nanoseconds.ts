/**
 * Times of OTLP, nanoseconds since the epoch, as milliseconds, truncated as Prometheus does. A double can't hold the
 * nanoseconds of this century exactly, so they are never in one.
 */

const NANOSECONDS_PER_MILLISECOND = 1_000_000;
/** 2^32 nanoseconds are this many milliseconds and nanoseconds. */
const WORD_MILLISECONDS = 4294;
const WORD_NANOSECONDS = 967_296;

/** Milliseconds of a time given by the halves of its 64 bits, without a sign. */
export const millisecondsOfHalves = (high: number, low: number): number => {
  const upper = high >>> 0;
  return upper * WORD_MILLISECONDS + Math.floor((upper * WORD_NANOSECONDS + (low >>> 0)) / NANOSECONDS_PER_MILLISECOND);
};

/** Milliseconds of a time given by its decimal digits. */
export const millisecondsOfDigits = (digits: string): number => Number(digits.slice(0, -6));
