import { expect } from 'chai';
import { parseSize } from '../../src/cli/units.ts';

describe('a size on the command line', () => {
  const read: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['1048576', 1_048_576],
    ['12k', 12_288],
    ['256M', 268_435_456],
    ['256MiB', 268_435_456],
    ['1g', 1_073_741_824],
    ['2T', 2_199_023_255_552],
  ];
  for (const [text, bytes] of read)
    it(`${text} is ${bytes} bytes`, () => {
      expect(parseSize(text)).to.equal(bytes);
    });

  // 8192T is 2^53 bytes, the first number that is not exact.
  for (const text of ['', 'M', '-1', '1.5G', '1e9', '256MB', '256 M', '256M ', '1P', '8192T', '9'.repeat(400)])
    it(`${JSON.stringify(text.slice(0, 20))} is none`, () => {
      expect(parseSize(text)).to.equal(undefined);
    });
});
