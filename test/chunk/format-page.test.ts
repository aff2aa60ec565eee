/** The worked examples of docs/formats/chunks.md are what the code writes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Encoding } from '../../src/chunk/chunk.ts';
import { usedBytesOf } from '../../src/chunk/decode.ts';
import { hexOf, Series, sampleOf } from './support.ts';

const start = 1_735_689_600_000;
const FOOTER = 1015;

/** The bytes of the page's blocks of hex: of each line the pairs of digits up to the first word. */
const examples = [
  ...readFileSync(join('docs', 'formats', 'chunks.md'), 'utf8').matchAll(/^```hex\n([\s\S]*?)^```/gm),
].map(([, block]) => block.replace(/ {3,}.*$/gm, '').replaceAll(/\s/g, ''));

const chunkOf = (encoding: Encoding, values: readonly number[], lastTime?: number): Uint8Array => {
  const samples = values.map((value, i) => sampleOf(start + i * 15_000, value));
  if (lastTime !== undefined) samples[samples.length - 1] = sampleOf(lastTime, values[values.length - 1]);
  return new Series(encoding, true).appendAll(samples).chunks()[0].bytes;
};

const used = (encoding: Encoding, bytes: Uint8Array): string =>
  hexOf(bytes.subarray(0, usedBytesOf(bytes, 0, encoding)));

/** Bytes 32 to the end of the payload, and the footer; what is between must be zeros. */
const varbit = (bytes: Uint8Array): string => {
  const end = Math.ceil(((bytes[36] << 8) | bytes[37]) / 8);
  const payload = bytes.subarray(32, end);
  const last = payload.findLastIndex((byte) => byte !== 0);
  expect(bytes.subarray(end, FOOTER).every((byte) => byte === 0)).to.equal(true);
  return hexOf(payload.subarray(0, last + 1)) + hexOf(bytes.subarray(FOOTER));
};

describe('docs/formats/chunks.md', () => {
  it('has examples that are what is written', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i);
    expect(examples).to.deep.equal([
      used(0, chunkOf(0, [7, 9])),
      used(1, chunkOf(1, [1, 2, 2.5])),
      varbit(chunkOf(2, new Array<number>(10).fill(5))),
      varbit(chunkOf(2, hundred)),
      varbit(chunkOf(2, [1, 2, 2.5])),
      varbit(chunkOf(2, [9, 10, 12], start + 15_000 + 2 ** 24 + 1)),
    ]);
  });
});
