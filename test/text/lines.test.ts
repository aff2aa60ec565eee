import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  BadLine,
  type Line,
  LongLine,
  lineBytesMax,
  longLineBytes,
  readLines,
  UnreadableInputError,
} from '../../src/text/lines.ts';

async function* pieces(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}

/** Lines as text; a bad line as its reason in angle brackets, a long one as its size. */
const linesOf = async (chunks: readonly Uint8Array[]): Promise<string[]> => {
  const lines: string[] = [];
  for await (const more of readLines(pieces(chunks)))
    for (const line of more)
      if (line instanceof BadLine) lines.push(`<${line.reason}>`);
      else if (line instanceof LongLine) lines.push(`<${line.bytes.length} bytes>`);
      else lines.push(line);
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
    const batches: (readonly Line[])[] = [];
    for await (const lines of readLines(pieces([Buffer.from('a\nb\nc'), Buffer.from('d\ne')]))) batches.push(lines);
    expect(batches).to.deep.equal([['a', 'b'], ['cd'], ['e']]);
  });

  it('refuses a line that is not UTF-8, wherever the chunks are cut, and keeps its neighbours', async () => {
    const bytes = Buffer.concat([
      Buffer.from('a\ncaf'),
      Buffer.from([0xe9]),
      Buffer.from('\nb\ncaf'),
      Buffer.from([0xe8]),
    ]);
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(await linesOf([bytes.subarray(0, cut), bytes.subarray(cut)])).to.deep.equal([
        'a',
        '<it is not valid UTF-8>',
        'b',
        '<it is not valid UTF-8>',
      ]);
  });

  it('leaves out a byte order mark at the beginning only', async () => {
    const mark = Buffer.from('\ufeff');
    const chunks = [mark.subarray(0, 1), mark.subarray(1), Buffer.from('a\n'), mark, Buffer.from('b\n')];
    expect(await linesOf(chunks)).to.deep.equal(['a', '\ufeffb']);
  });

  const foreign: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['gzip', gzipSync('up 1\n'), /gzip.*zcat/],
    ['UTF-16', Buffer.from('\ufeffup 1\n', 'utf16le'), /UTF-16.*iconv/],
    ['UTF-16 with the high byte first', Buffer.from([0xfe, 0xff, 0, 0x75, 0, 0x70]), /UTF-16.*iconv/],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]), /zstd/],
  ];
  for (const [title, bytes, message] of foreign)
    it(`says that the input is ${title}`, async () => {
      const error = await linesOf([bytes.subarray(0, 1), bytes.subarray(1)]).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(UnreadableInputError).with.property('message').that.matches(message);
    });

  it('gives a long line as bytes, and refuses one above the limit without losing the next', async () => {
    const long = Buffer.alloc(longLineBytes + 1, 0x61);
    expect(await linesOf([long, Buffer.from('\nb\n')])).to.deep.equal([`<${long.length} bytes>`, 'b']);
    const quarter = Buffer.alloc(lineBytesMax / 4, 0x61);
    const lines = await linesOf([quarter, quarter, quarter, quarter, Buffer.from('a'), Buffer.from('\nb\n')]);
    expect(lines).to.deep.equal([
      '<it is longer than 268435456 bytes; a long series can be given in several lines>',
      'b',
    ]);
  });
});
