/**
 * Adds samples to chunks in slots of a slab, in any encoding. A slot is in its serialised form after every sample:
 * heads.db stores its 1,024 bytes as they are.
 *
 * When a chunk is full, the next sample starts a new chunk of the default encoding. When a chunk's fields are too
 * narrow for a sample, the chunk is rewritten in its own slot with wider fields. The rewritten samples may not fit one
 * chunk any more, so a single sample can lead to more than two chunks. The chunks form a chain through `slab.next`.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { highHalf, lowHalf } from '../model/int64.ts';
import { DELTA, DOUBLE_DELTA, type Encoding, VARBIT } from './chunk.ts';
import { decodeChunkExactly } from './decode.ts';
import { addToDelta, beginDelta } from './delta.ts';
import { addToDoubleDelta, beginDoubleDelta } from './double-delta.ts';
import { ExactColumns } from './exact-columns.ts';
import { ADDED, OVERFLOW, TRANSCODE_PARAMETERS } from './outcome.ts';
import { NARROWEST } from './residuals.ts';
import { CHUNK_BYTES, NO_SLOT, type Slab, type Slot, ZEROS } from './slab.ts';
import { addToVarbit, beginVarbit } from './varbit.ts';
import { ZERO } from './varbit-layout.ts';

export interface ChunkAppenderOptions {
  /** Encoding of new chunks. */
  readonly defaultEncoding: Encoding;
  /**
   * Whether every sample decodes to the bits that were appended; default true. With false, the chunks are those of the
   * original, bit for bit, and lose bits where the original loses them.
   */
  readonly lossless?: boolean;
}

/** A chunk that is being rewritten: its bytes before, and its samples. */
interface Rewriting {
  readonly before: Uint8Array;
  readonly columns: ExactColumns;
}

export class ChunkAppender {
  private readonly slab: Slab;
  private readonly defaultEncoding: Encoding;
  private readonly lossless: boolean;
  /** Memory for rewriting chunks. Rewriting can nest, so each rewrite takes memory of its own and returns it here. */
  private readonly spare: Rewriting[] = [];

  constructor(slab: Slab, options: ChunkAppenderOptions) {
    this.slab = slab;
    this.defaultEncoding = options.defaultEncoding;
    this.lossless = options.lossless ?? true;
  }

  /**
   * Starts a chunk of the default encoding with its first sample and returns its slot. The time is in milliseconds, the
   * value is given as the two halves of its IEEE bits.
   */
  start(timestamp: number, high: number, low: number): Slot {
    return this.startWide(highHalf(timestamp), lowHalf(timestamp), high, low);
  }

  /**
   * The same as {@link start}, but in a small slot if the encoding is varbit, whose header holds the first sample. The
   * caller must then append to the head in registers, or move it to a full slot (varbit-head.ts).
   */
  startSmall(timestamp: number, high: number, low: number): Slot {
    if (this.defaultEncoding !== VARBIT) return this.start(timestamp, high, low);
    const slot = this.slab.allocateSmall(VARBIT);
    this.begin(slot, ZERO);
    return this.appendWide(slot, highHalf(timestamp), lowHalf(timestamp), high, low);
  }

  /** The same as {@link start} for a time given as the two halves of an int64. */
  startWide(timeHigh: number, timeLow: number, high: number, low: number): Slot {
    const slot = this.slab.allocate(this.defaultEncoding);
    this.begin(slot, this.defaultEncoding === VARBIT ? ZERO : NARROWEST);
    return this.appendWide(slot, timeHigh, timeLow, high, low);
  }

  /**
   * Adds a sample to the open chunk in `slot` and returns the slot of the head afterwards. This is usually the same
   * slot, otherwise the end of the chain that begins at `slot`. Throws `TIDEMARK_CORRUPT_CHUNK` and changes nothing if
   * the chunk is damaged, or if the sample is before the chunk's newest sample and the encoding can tell. A chunk that
   * was read from disk must have passed validateChunk (decode.ts).
   */
  append(slot: Slot, timestamp: number, high: number, low: number): Slot {
    return this.appendWide(slot, highHalf(timestamp), lowHalf(timestamp), high, low);
  }

  /** The same as {@link append} for a time given as the two halves of an int64. */
  appendWide(slot: Slot, timeHigh: number, timeLow: number, high: number, low: number): Slot {
    const outcome = this.add(slot, timeHigh, timeLow, high, low);
    if (outcome === ADDED) return slot;
    if (outcome !== OVERFLOW) return this.transcode(slot, outcome & TRANSCODE_PARAMETERS, timeHigh, timeLow, high, low);
    const head = this.startWide(timeHigh, timeLow, high, low);
    this.slab.next[slot] = head;
    return head;
  }

  private begin(slot: Slot, parameters: number): void {
    const block = this.slab.blockOf(slot);
    const offset = this.slab.offsetOf(slot);
    const encoding = this.slab.encoding[slot];
    if (encoding === VARBIT) beginVarbit(block, offset, parameters);
    else if (encoding === DELTA) beginDelta(block, offset, parameters);
    else beginDoubleDelta(block, offset, parameters);
  }

  private add(slot: Slot, timeHigh: number, timeLow: number, high: number, low: number): number {
    const { slab, lossless } = this;
    const block = slab.blockOf(slot);
    const offset = slab.offsetOf(slot);
    const encoding = slab.encoding[slot];
    if (encoding === VARBIT) return addToVarbit(block, offset, timeHigh, timeLow, high, low, lossless);
    if (encoding === DOUBLE_DELTA) return addToDoubleDelta(block, offset, timeHigh, timeLow, high, low, lossless);
    return addToDelta(block, offset, timeHigh, timeLow, high, low, lossless);
  }

  /** Rewrites the chunk with wider parameters, then adds the sample. The slot is a full one. */
  private transcode(
    slot: Slot,
    parameters: number,
    timeHigh: number,
    timeLow: number,
    high: number,
    low: number,
  ): Slot {
    const bytes = this.slab.bytesOf(slot);
    const rewriting = this.spare.pop() ?? { before: new Uint8Array(CHUNK_BYTES), columns: new ExactColumns() };
    const { before, columns } = rewriting;
    before.set(bytes);
    columns.clear();
    try {
      decodeChunkExactly(before, 0, this.slab.encoding[slot], columns);
      bytes.set(ZEROS);
      this.begin(slot, parameters);
      let head = slot;
      const { timeWords } = columns;
      const { words } = columns.samples;
      for (let word = 0; word < 2 * columns.count; word += 2) {
        head = this.appendWide(
          head,
          timeWords[word + HIGH_WORD],
          timeWords[word + LOW_WORD],
          words[word + HIGH_WORD],
          words[word + LOW_WORD],
        );
      }
      return this.appendWide(head, timeHigh, timeLow, high, low);
    } catch (error) {
      bytes.set(before);
      this.dropChainAfter(slot);
      throw error;
    } finally {
      this.spare.push(rewriting);
    }
  }

  private dropChainAfter(slot: Slot): void {
    const { slab } = this;
    let dropped = slab.next[slot];
    slab.next[slot] = NO_SLOT;
    while (dropped !== NO_SLOT) {
      const next = slab.next[dropped];
      slab.next[dropped] = NO_SLOT;
      slab.release(dropped);
      dropped = next;
    }
  }
}
