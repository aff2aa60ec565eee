/** Splits a stream of bytes into lines of text, whatever the sizes of its chunks; `\r\n` counts as a line end too. */

/** A longer line is not read into memory. 256 MiB: about ten million samples of one series. */
export const lineBytesMax = 256 * 1024 * 1024;

export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const toText = (parts: readonly Uint8Array[]): string => {
  const bytes =
    parts.length === 1 ? Buffer.from(parts[0].buffer, parts[0].byteOffset, parts[0].length) : Buffer.concat(parts);
  const end = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
  return bytes.toString('utf8', 0, end);
};

/**
 * The lines of `input` without their line ends, as many at a time as a chunk of it completes; the last line also when it
 * has no line end.
 */
export async function* readLines(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<readonly string[]> {
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  for await (const piece of input) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      parts.push(chunk.subarray(start, end));
      lines.push(toText(parts));
      parts = [];
      partBytes = 0;
      start = end + 1;
    }
    if (lines.length > 0) yield lines;
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      partBytes += chunk.length - start;
      if (partBytes > lineBytesMax) throw new LineTooLongError(`a line is longer than ${lineBytesMax} bytes`);
    }
  }
  if (partBytes > 0) yield [toText(parts)];
}
