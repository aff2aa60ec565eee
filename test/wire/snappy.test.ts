/** Snappy blocks: what is compressed comes back, also from other writers' elements; damaged blocks are refused. */
import { expect } from 'chai';
import fc from 'fast-check';
import { compress, TooLargeError, uncompress } from '../../src/wire/snappy.ts';
import { WireError } from '../../src/wire/wire-error.ts';

const MANY = 1 << 20;

describe('snappy blocks', () => {
  it('give back what was compressed', () => {
    const repetitive = fc
      .array(fc.record({ word: fc.uint8Array({ maxLength: 90 }), times: fc.integer({ min: 1, max: 400 }) }))
      .map((parts) => Buffer.concat(parts.flatMap(({ word, times }) => Array<Uint8Array>(times).fill(word))));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 5000 }), repetitive), (content) => {
        expect(uncompress(compress(content), MANY).equals(Buffer.from(content))).to.equal(true);
      }),
    );
  });

  it('are smaller than repetitive content, and little larger than random content', () => {
    const text = Buffer.from('http_requests_total{method="GET"} '.repeat(10_000));
    expect(compress(text).length).to.be.below(text.length / 15);
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => Math.imul(i * i, 0x9e37_79b1) >>> 24));
    expect(compress(noise).length).to.be.below(noise.length * 1.01 + 40);
  });

  it('may have every kind of element: long literals, and copies with one, two and four bytes of distance', () => {
    const literal = Buffer.from('abcdefgh');
    const block = Buffer.concat([
      Buffer.from([8 + 4 + 5 + 6 + 20, 7 << 2]),
      literal,
      Buffer.from([1 | (0 << 2), 8]), // four bytes, eight back: abcd
      Buffer.from([2 | (4 << 2), 4, 0]), // five bytes, four back, with an overlap: abcda
      Buffer.from([3 | (5 << 2), 1, 0, 0, 0]), // six bytes, one back: aaaaaa
      Buffer.from([60 << 2, 19]), // a literal whose length stands in one byte
      Buffer.from('01234567890123456789'),
    ]);
    expect(uncompress(block, 100).toString()).to.equal('abcdefghabcdabcdaaaaaaa01234567890123456789');
  });

  it('that announce too much are refused before memory is taken', () => {
    const bomb = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
    expect(() => uncompress(bomb, 32 << 20)).to.throw(TooLargeError, '4294967295 bytes; at most 33554432');
    expect(() => uncompress(bomb, 2 ** 40)).to.throw(WireError, 'damaged');
  });

  it('that are damaged are refused, whatever byte is wrong and wherever they end', () => {
    const block = compress(Buffer.from('the same words, the same words, the same words and others'));
    for (let length = 0; length < block.length; length++)
      expect(() => uncompress(block.subarray(0, length), MANY), `${length} bytes`).to.throw(WireError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          uncompress(bytes, MANY);
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
