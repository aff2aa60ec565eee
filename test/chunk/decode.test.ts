import { expect } from 'chai';
import { SampleColumns, VARBIT } from '../../src/chunk/chunk.ts';
import { decodeChunk, decodeStoredRange, encodingName, encodingOf, validateChunk } from '../../src/chunk/decode.ts';
import { CHUNK_BYTES } from '../../src/chunk/slab.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { Series, sampleOf } from './support.ts';

describe('decodeChunk', () => {
  it('reads the densest bytes there can be to their end: 126,211 samples', () => {
    const bytes = new Uint8Array(CHUNK_BYTES).fill(0x7f, 38);
    bytes[34] = 1;
    bytes[35] = 0x80;
    bytes[36] = 8192 >> 8;
    const columns = new SampleColumns();
    decodeChunk(bytes, 0, VARBIT, columns);
    expect(columns.count).to.equal(126_211);
  });

  it('reads no further than the last time asked for', () => {
    const samples = Array.from({ length: 50 }, (_, i) => sampleOf(i * 1000, i / 3));
    const { bytes } = new Series(VARBIT, true).appendAll(samples).chunks()[0];
    // What is behind the first samples is not even looked at: its damage is not noticed.
    bytes.fill(0xff, 200);
    bytes[36] = 0xff;
    const columns = new SampleColumns();
    decodeStoredRange(bytes, 0, VARBIT, -Infinity, 5000, columns);
    expect([...columns.timestamps.subarray(0, columns.count)]).to.deep.equal([0, 1000, 2000, 3000, 4000, 5000]);
    expect(() => decodeChunk(bytes, 0, VARBIT, columns)).to.throw(TidemarkError, 'outside of chunk boundaries');
    expect(columns.count).to.be.greaterThan(12);
  });

  it('refuses numbers that are no encoding, and too few bytes', () => {
    const bytes = new Uint8Array(CHUNK_BYTES);
    expect(() => decodeChunk(bytes, 0, 9, new SampleColumns())).to.throw(TidemarkError, 'unknown chunk encoding: 9');
    expect(() => validateChunk(bytes, 1, VARBIT)).to.throw(TidemarkError, 'unexpected EOF');
  });
});

describe('names of encodings', () => {
  it('are delta, double-delta and varbit for 0, 1 and 2', () => {
    expect([0, 1, 2].map(encodingName)).to.deep.equal(['delta', 'double-delta', 'varbit']);
    expect((['delta', 'double-delta', 'varbit'] as const).map(encodingOf)).to.deep.equal([0, 1, 2]);
    expect(() => encodingName(3)).to.throw(TidemarkError, 'unknown chunk encoding: 3');
  });
});
