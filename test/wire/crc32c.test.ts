import { expect } from 'chai';
import { crc32c } from '../../src/wire/crc32c.ts';

describe('CRC-32C', () => {
  it('has the values of RFC 3720, and those of parts', () => {
    const digits = Buffer.from('123456789');
    expect(crc32c(digits)).to.equal(0xe3069283);
    expect(crc32c(Buffer.from(`--${digits}--`), 2, 11)).to.equal(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).to.equal(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).to.equal(0x62a8ab43);
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).to.equal(0x46dd794e);
    expect(crc32c(Buffer.alloc(0))).to.equal(0);
  });

  it('goes on from the value of what comes before', () => {
    const digits = Buffer.from('123456789');
    for (let cut = 0; cut <= 9; cut++) expect(crc32c(digits, cut, 9, crc32c(digits, 0, cut))).to.equal(0xe3069283);
  });
});
