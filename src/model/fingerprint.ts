/**
 * 64-bit fingerprints as two 32-bit halves: the high half first, both signed as in an Int32Array. BigInt would cost
 * ten times as much in the paths that need one per series.
 */

/** The text of a fingerprint: exactly 16 lower-case hex digits. It names files and is the key in events and listings. */
export type Fingerprint = string;
