/**
 * Splits a stream of bytes into lines of text, independent of the sizes of its chunks. A line ends with a line feed; a
 * carriage return before it belongs to the line end. The text must be UTF-8: any other line is returned as a
 * {@link BadLine}.
 */
import { isUtf8 } from 'node:buffer';

/** A longer line is not read into memory: 256 MiB, or about ten million samples of one series. */
export const lineBytesMax = 256 * 1024 * 1024;

/** Lines above this size stay bytes, because a string is in the JavaScript heap. A parser can read bytes in slices. */
export const longLineBytes = 1024 * 1024;

/** A line that can't be read as text, with the reason. */
export class BadLine {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A line of more than {@link longLineBytes}; its bytes are valid UTF-8. */
export class LongLine {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

export type Line = string | LongLine | BadLine;

/** The whole input is not UTF-8 text. The message says what it is and what to do. */
export class UnreadableInputError extends Error {
  override readonly name = 'UnreadableInputError';
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const notUtf8 = 'it is not valid UTF-8';

/** The first bytes of other formats. */
const signatures: readonly (readonly [bytes: readonly number[], problem: string])[] = [
  [[0x1f, 0x8b], 'The input is compressed with gzip twice: decompress it first, for example with zcat.'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'The input is compressed with zstd: decompress it first, for example with zstdcat.'],
  [[0xfd, 0x37, 0x7a, 0x58], 'The input is compressed with xz: decompress it first, for example with xzcat.'],
  [[0x42, 0x5a, 0x68, 0x39], 'The input is compressed with bzip2: decompress it first, for example with bzcat.'],
  [[0x50, 0x4b, 0x03, 0x04], 'The input is a ZIP archive: unpack it first.'],
  [[0xff, 0xfe], 'The input is UTF-16: convert it to UTF-8 first, for example with iconv -f UTF-16 -t UTF-8.'],
  [[0xfe, 0xff], 'The input is UTF-16: convert it to UTF-8 first, for example with iconv -f UTF-16 -t UTF-8.'],
];
const signatureBytesMax = 4;
const byteOrderMark = [0xef, 0xbb, 0xbf];

const startsWith = (bytes: Uint8Array, beginning: readonly number[]): boolean =>
  bytes.length >= beginning.length && beginning.every((byte, i) => bytes[i] === byte);

/** Refuses input in another format, and removes a byte order mark. */
const withoutMark = (head: Buffer): Buffer => {
  for (const [beginning, problem] of signatures)
    if (startsWith(head, beginning)) throw new UnreadableInputError(problem);
  return startsWith(head, byteOrderMark) ? head.subarray(byteOrderMark.length) : head;
};

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

const toLine = (bytes: Buffer): Line => {
  const line = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
  if (!isUtf8(line)) return new BadLine(notUtf8);
  return line.length > longLineBytes ? new LongLine(line) : line.toString();
};

/** The lines of `bytes`, which end at a line feed that is not included. */
const splitLines = (bytes: Buffer): Line[] => {
  if (bytes.length <= longLineBytes && isUtf8(bytes)) return bytes.toString().split('\n').map(withoutReturn);
  const lines: Line[] = [];
  let start = 0;
  for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
    lines.push(toLine(bytes.subarray(start, end)));
    start = end + 1;
  }
  lines.push(toLine(bytes.subarray(start)));
  return lines;
};

const toBuffer = (piece: Uint8Array | string): Buffer =>
  typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece.buffer, piece.byteOffset, piece.length);

/** The bytes of a line whose end has not arrived yet. */
class UnfinishedLine {
  private parts: Buffer[] = [];
  private byteCount = 0;
  /** Whether the line is too long. The rest of it is skipped. */
  private isTooLong = false;
  private readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.byteCount === 0 && !this.isTooLong;
  }

  add(bytes: Buffer): void {
    if (bytes.length === 0 || this.isTooLong) return;
    this.byteCount += bytes.length;
    if (this.byteCount > this.bytesMax) {
      this.isTooLong = true;
      this.parts = [];
    } else this.parts.push(bytes);
  }

  take(): Line {
    const line = this.isTooLong
      ? new BadLine(`it is longer than ${this.bytesMax} bytes; a long series can be given in several lines`)
      : toLine(this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts));
    this.parts = [];
    this.byteCount = 0;
    this.isTooLong = false;
    return line;
  }
}

/** The same bytes, with a first chunk that is long enough to recognise the input's format. */
async function* withHead(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const piece of input) {
    const chunk = toBuffer(piece);
    if (head === undefined) yield chunk;
    else {
      head = Buffer.concat([head, chunk]);
      if (head.length < signatureBytesMax) continue;
      yield withoutMark(head);
      head = undefined;
    }
  }
  if (head !== undefined) yield withoutMark(head);
}

/**
 * The lines of `input` without their line ends. Each step yields the lines that one chunk completes. The last line may
 * lack a line end. Memory is bounded by the longest line, `bytesMax`. Throws {@link UnreadableInputError} for input that is
 * compressed or UTF-16.
 */
export async function* readLines(
  input: AsyncIterable<Uint8Array | string>,
  { bytesMax = lineBytesMax }: { readonly bytesMax?: number } = {},
): AsyncGenerator<readonly Line[]> {
  const unfinished = new UnfinishedLine(bytesMax);
  for await (const chunk of withHead(input)) {
    const last = chunk.lastIndexOf(lineFeed);
    if (last < 0) {
      unfinished.add(chunk);
      continue;
    }
    const lines: Line[] = [];
    let start = 0;
    if (!unfinished.isEmpty) {
      const first = chunk.indexOf(lineFeed);
      unfinished.add(chunk.subarray(0, first));
      lines.push(unfinished.take());
      start = first + 1;
    }
    // No spread here: a chunk may have more lines than a call may have arguments.
    if (start <= last) for (const line of splitLines(chunk.subarray(start, last))) lines.push(line);
    yield lines;
    unfinished.add(chunk.subarray(last + 1));
  }
  if (!unfinished.isEmpty) yield [unfinished.take()];
}
