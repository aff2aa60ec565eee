/**
 * The WebAssembly module that decodes the payloads of varbit chunks, and its memory. JavaScript would interpret the loop at
 * first, at a microsecond a sample, until it is optimized; WebAssembly takes some ten nanoseconds from the first sample on.
 */
import { IS_LITTLE_ENDIAN } from '../model/byte-order.ts';
import { TidemarkError, textOf } from '../model/errors.ts';
import type { SampleColumns } from './chunk.ts';
import { CHUNK_BYTES } from './slab.ts';
import { PAYLOAD_BIT } from './varbit-layout.ts';
import { varbitModule } from './varbit-module.ts';

/** How decoding ended, as assembly/varbit-loop.ts has it. */
export const COMPLETE = 0;
export const BEYOND_CHUNK = 2;
const ENDING_BITS = 2;

/** The places in the module's memory, as assembly/varbit-loop.ts has them. */
const TIMES = 2_048;
const VALUES = 1_050_624;
const SAMPLES_MAX = (VALUES - TIMES) / 8;

/**
 * The bits behind `end` that may be read: those of two samples, because a damaged chunk can go so far beyond its end, and
 * the words that a field at their end is read from.
 */
const MARGIN_BITS = 512;

interface VarbitExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  decode(encoding: number, end: number, firstTime: number, from: number, through: number, mendsSteps: boolean): number;
}

export class VarbitDecoder {
  private readonly exports: VarbitExports;
  private readonly chunk: Buffer;
  private readonly times: Float64Array;
  private readonly values: Float64Array;
  private readonly valueWords: Int32Array;

  constructor(exports: VarbitExports) {
    const { buffer } = exports.memory;
    this.exports = exports;
    this.chunk = Buffer.from(buffer, 0, CHUNK_BYTES);
    this.times = new Float64Array(buffer, TIMES, SAMPLES_MAX);
    this.values = new Float64Array(buffer, VALUES, SAMPLES_MAX);
    this.valueWords = new Int32Array(buffer, VALUES, 2 * SAMPLES_MAX);
  }

  /**
   * Copies a chunk into the module's memory, as far as its payload up to bit `end` is read: a young head is a few cache
   * lines of its slot.
   */
  load(block: Uint8Array, offset: number, end: number): void {
    const bytes = Math.min((Math.max(end, PAYLOAD_BIT) + MARGIN_BITS) >> 3, CHUNK_BYTES);
    this.chunk.set(block.subarray(offset, offset + bytes));
    // Of all words, in one call; those behind the copied ones are never read.
    this.chunk.swap64();
  }

  /**
   * Decodes the payload of the loaded chunk up to bit `end`. A time is `firstTime` plus the intervals; samples with
   * `from <= time <= through` are added to the columns. `mendsSteps`: an interval of 0 is read as 2^24 ms. Returns how it
   * ended.
   */
  decode(
    encoding: number,
    end: number,
    firstTime: number,
    from: number,
    through: number,
    mendsSteps: boolean,
    into: SampleColumns,
  ): number {
    const result = this.exports.decode(encoding, end, firstTime, from, through, mendsSteps);
    this.add(result >>> ENDING_BITS, into);
    return result & ((1 << ENDING_BITS) - 1);
  }

  private add(found: number, into: SampleColumns): void {
    if (!IS_LITTLE_ENDIAN) this.swapDecoded(found);
    into.reserve(found);
    into.timestamps.set(this.times.subarray(0, found), into.count);
    // As words, so that NaN payloads survive.
    into.words.set(this.valueWords.subarray(0, 2 * found), 2 * into.count);
    into.count += found;
  }

  /** WebAssembly stores the low byte of a number first, whatever the machine does. */
  private swapDecoded(found: number): void {
    for (const { buffer, byteOffset } of [this.times, this.values]) Buffer.from(buffer, byteOffset, 8 * found).swap64();
  }
}

/** The part of the platform's WebAssembly that is used. The types of Node.js have none. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
}

let decoder: VarbitDecoder | undefined;

/**
 * The decoder of this thread. Throws `TIDEMARK_INVALID_OPTION` in a process without WebAssembly, or where it has no room: an
 * opening asks for it, so that no read and no append meets that later.
 */
export const varbitDecoder = (): VarbitDecoder => {
  decoder ??= createDecoder();
  return decoder;
};

const createDecoder = (): VarbitDecoder => {
  const { WebAssembly: api } = globalThis as unknown as { readonly WebAssembly?: WebAssemblyApi };
  if (api === undefined) throw unavailable('start Node.js without --jitless', '--jitless');
  try {
    const { exports } = new api.Instance(new api.Module(Buffer.from(varbitModule, 'base64')));
    return new VarbitDecoder(exports as VarbitExports);
  } catch (cause) {
    // The platform reserves gigabytes of addresses for the memory of a module, of which only what is used takes room.
    const remedy = `allow it and, where the address space is limited (ulimit -v), at least 16 GB: ${textOf(cause)}`;
    throw unavailable(remedy, 'ulimit -v', cause);
  }
};

const unavailable = (remedy: string, option: string, cause?: unknown): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_INVALID_OPTION',
    `Tidemark reads chunks with WebAssembly, which this process can't use: ${remedy}`,
    { cause, details: { option } },
  );
