/**
 * The answer to remote read that streams chunks: frames, each with some chunks of one series. A reader needs no more
 * memory than for one frame.
 *
 *   frame                uvarint length of the message   4 bytes CRC-32C of it, high byte first   the message
 *
 *   ChunkedReadResponse  1 repeated ChunkedSeries, here one   2 query_index
 *   ChunkedSeries        1 repeated Label   2 repeated Chunk, in the order of time
 *   Chunk                1 min_time_ms   2 max_time_ms   3 type: 1 XOR   4 data
 *
 * Fields with their default value are left out, as Prometheus does.
 */
import { crc32c } from './crc32c.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import { type ReadSeries, wordsOf, writeLabels } from './read-messages.ts';
import { CHUNK_BYTES_MAX, XorChunkWriter } from './xor-chunk.ts';

const XOR = 1;

/** A message is at most this long. */
export const FRAME_BYTES_MAX = 1024 * 1024;

/** A chunk with its tags, its two times, its type and all lengths. */
const CHUNK_FIELD_BYTES_MAX = CHUNK_BYTES_MAX + 40;
/** The query's index and the length of the series, which is inserted at the end. */
const END_BYTES_MAX = 20;

export class ChunkFrames {
  private readonly message = new ProtobufWriter(65_536);
  private readonly header = new ProtobufWriter(16);
  private readonly xor = new XorChunkWriter();

  /** Begins a frame. */
  begin(pairs: readonly string[]): void {
    this.message.reset();
    this.message.begin(1);
    writeLabels(this.message, pairs);
  }

  /** Whether the frame has room for another chunk. */
  get hasRoom(): boolean {
    return this.message.length + CHUNK_FIELD_BYTES_MAX + END_BYTES_MAX <= FRAME_BYTES_MAX;
  }

  /** Adds the samples from index `start` on as a chunk; returns the index of the first sample that is not in it. */
  addChunk({ timestamps, values }: ReadSeries, start: number): number {
    const { message, xor } = this;
    const end = xor.write(timestamps, wordsOf(values), start);
    message.begin(2);
    if (timestamps[start] !== 0) message.int64(1, timestamps[start]);
    if (timestamps[end - 1] !== 0) message.int64(2, timestamps[end - 1]);
    message.uint(3, XOR);
    message.blob(4, xor.chunk);
    message.end();
    return end;
  }

  /** Ends the frame: its bytes, which belong to the caller. */
  end(queryIndex: number): Buffer {
    const { message, header } = this;
    message.end();
    if (queryIndex !== 0) message.uint(2, queryIndex);
    const content = message.finish();
    header.reset();
    header.packed(content.length);
    const frame = Buffer.allocUnsafe(header.length + 4 + content.length);
    frame.set(header.finish(), 0);
    frame.writeUInt32BE(crc32c(content), header.length);
    frame.set(content, header.length + 4);
    return frame;
  }
}
