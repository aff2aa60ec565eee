/**
 * Where the creations of series wait for their record: the most frequent event by far, encoded at once, framed and
 * checksummed together. They come before the samples that are staged at the same time.
 */
import { ByteWriter } from '../model/byte-writer.ts';
import type { LabelPairs } from '../model/labels.ts';
import { encodeCreated } from './events-codec.ts';

/** From this size on the record is due: enough that its frame costs nothing per series. */
const FULL_BYTES = 32 * 1024;

export class CreationStage {
  count = 0;
  private readonly writer = new ByteWriter(FULL_BYTES + 1024);

  add(time: number, high: number, low: number, pairs: LabelPairs): void {
    encodeCreated(time, high, low, pairs, this.writer);
    this.count++;
  }

  get isFull(): boolean {
    return this.writer.length >= FULL_BYTES;
  }

  /** Writes the payload of an events record, and is empty afterwards. */
  drainTo(target: ByteWriter): void {
    target.uvarint(this.count);
    target.raw(this.writer.view());
    this.writer.clear();
    this.count = 0;
  }
}
