import { expect } from 'chai';
import fc from 'fast-check';
import { readLines } from '../../src/text/lines.ts';

async function* pieces(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}

const linesOf = async (chunks: readonly Uint8Array[]): Promise<string[]> => {
  const lines: string[] = [];
  for await (const more of readLines(pieces(chunks))) lines.push(...more);
  return lines;
};

describe('reading lines from a stream', () => {
  it('finds the same lines wherever the chunks are cut, also inside a character', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }).map((s) => s.replace(/[\r\n]/g, ''))),
        fc.array(fc.nat({ max: 7 }), { minLength: 1 }),
        async (lines, sizes) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const chunks: Buffer[] = [];
          for (let start = 0, i = 0; start < bytes.length; i++) {
            const end = start + sizes[i % sizes.length] + 1;
            chunks.push(bytes.subarray(start, end));
            start = end;
          }
          expect(await linesOf(chunks)).to.deep.equal(lines);
        },
      ),
    );
  });

  it('takes carriage return and line feed as one line end, and a last line without any', async () => {
    expect(await linesOf([Buffer.from('a\r\nb\n\nc')])).to.deep.equal(['a', 'b', '', 'c']);
  });

  it('gives the lines that each chunk completes together', async () => {
    const batches: (readonly string[])[] = [];
    for await (const lines of readLines(pieces([Buffer.from('a\nb\nc'), Buffer.from('d\ne')]))) batches.push(lines);
    expect(batches).to.deep.equal([['a', 'b'], ['cd'], ['e']]);
  });
});
