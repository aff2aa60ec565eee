/**
 * Collects `seriesCreated` events for one record. They are by far the most frequent events: each is encoded at once,
 * and all of them get one frame and one checksum. Their record comes before the samples staged at the same time.
 */
import { ByteWriter } from '../../model/byte-writer.ts';
import type { LabelPairs } from '../../model/labels.ts';
import { encodeCreated } from '../format/events-codec.ts';

/** The record is due at this size. It is so large that the frame costs next to nothing per series. */
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

  /** Writes the payload of an events record. The stage is empty afterwards. */
  drainTo(target: ByteWriter): void {
    target.uvarint(this.count);
    target.raw(this.writer.view());
    this.writer.clear();
    this.count = 0;
  }
}
