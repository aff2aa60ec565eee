/** The machine's byte order, and where the halves of a 64-bit number are when its memory is read as 32-bit words. */

/** Whether this machine stores the low byte of a number first. */
export const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** Index of the high word of a 64-bit number: of a double, the word with sign and exponent. */
export const HIGH_WORD: 0 | 1 = IS_LITTLE_ENDIAN ? 1 : 0;
/** Index of the low word of a 64-bit number. */
export const LOW_WORD: 0 | 1 = IS_LITTLE_ENDIAN ? 0 : 1;
