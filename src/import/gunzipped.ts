/** Undoes gzip, which is recognised by its first bytes, in a stream of bytes. Other input is unchanged. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { codeOf, messageOf } from '../text/error-text.ts';
import type { ImportInput } from './sample-source.ts';

/** The gzip data are damaged, or end too early. What came before has been read. */
export class BrokenGzipError extends Error {
  override readonly name = 'BrokenGzipError';
}

const MAGIC = [0x1f, 0x8b] as const;
const OUTPUT_BYTES = 64 * 1024;

const toBytes = (piece: Uint8Array | string): Uint8Array => (typeof piece === 'string' ? Buffer.from(piece) : piece);

export async function* gunzipped(input: ImportInput): AsyncGenerator<Uint8Array> {
  const iterator = input[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < MAGIC.length) {
    const { done, value } = await iterator.next();
    if (done) break;
    head = head.length === 0 ? toBytes(value) : Buffer.concat([head, toBytes(value)]);
  }
  const whole = resumed(head, iterator);
  if (head[0] !== MAGIC[0] || head[1] !== MAGIC[1]) {
    yield* whole;
    return;
  }
  const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES });
  // An error of the input destroys the decoder with it, so the loop below throws it.
  pipeline(Readable.from(whole, { objectMode: false }), gunzip, () => {});
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    if (codeOf(error)?.startsWith('Z_') !== true) throw error;
    throw new BrokenGzipError(`the gzip data are damaged or cut off here: ${messageOf(error)}`, { cause: error });
  }
}

/** The pieces of an input whose first bytes were read. */
async function* resumed(head: Uint8Array, iterator: AsyncIterator<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield toBytes(next.value);
  } finally {
    await iterator.return?.();
  }
}
