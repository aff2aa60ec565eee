/** What the tests of merging share: samples with all bits, a store in memory, an obvious model. */
import { expect } from 'chai';
import { ChunkAppender } from '../../../src/chunk/append.ts';
import { DOUBLE_DELTA, type Encoding, SampleColumns } from '../../../src/chunk/chunk.ts';
import { decodeStored } from '../../../src/chunk/decode.ts';
import { highWordOf, lowWordOf } from '../../../src/chunk/float-bits.ts';
import { NO_SLOT, Slab, type Slot } from '../../../src/chunk/slab.ts';
import type { MergeRecords, MergeResult, TimeRange } from '../../../src/disk/series-files/merge-records.ts';
import { SeriesFiles } from '../../../src/disk/series-files/series-file.ts';
import { RECORD_BYTES } from '../../../src/disk/series-files/series-record.ts';
import { seriesPath } from '../../../src/disk/series-path.ts';
import { HIGH_WORD, LOW_WORD } from '../../../src/model/byte-order.ts';
import { MemoryFileSystem } from '../../support/memory-file-system.ts';
import { encodingsOf } from '../support.ts';

export const HIGH = 0x2594aa1d;
export const LOW = 0xe82dbd87 | 0;
export const PATH = `/store/${seriesPath(HIGH, LOW)}`;

/** A sample with the halves of its value's bits. */
export interface Sample {
  readonly time: number;
  readonly high: number;
  readonly low: number;
}

export const sample = (time: number, value: number): Sample => ({
  time,
  high: highWordOf(value),
  low: lowWordOf(value),
});

/** Equal texts are equal samples, bit for bit. */
export const textOf = ({ time, high, low }: Sample): string =>
  `${time} ${(high >>> 0).toString(16).padStart(8, '0')}${(low >>> 0).toString(16).padStart(8, '0')}`;

/** The columns of a merge request. */
export const columnsOf = (samples: readonly Sample[]): { timestamps: Float64Array; words: Int32Array } => {
  const words = new Int32Array(2 * samples.length);
  samples.forEach(({ high, low }, i) => {
    words[2 * i + HIGH_WORD] = high;
    words[2 * i + LOW_WORD] = low;
  });
  return { timestamps: Float64Array.from(samples, ({ time }) => time), words };
};

/** What a file's content is after a merge, by the rules: of samples with the same time, the first stays. */
export const modelOf = (
  inFile: readonly Sample[],
  { late = [], erased = [], inMemory = [] }: { late?: Sample[]; erased?: TimeRange[]; inMemory?: Sample[] },
): {
  readonly samples: string[];
  readonly counts: Pick<MergeResult, 'added' | 'repeated' | 'conflicting' | 'erasedSamples'>;
} => {
  const content = new Map<number, string>();
  const put = (given: Sample): void => {
    if (!content.has(given.time)) content.set(given.time, textOf(given));
  };
  inFile.forEach(put);
  const before = content.size;
  for (const time of [...content.keys()]) {
    if (erased.some(({ from, through }) => from <= time && time <= through)) content.delete(time);
  }
  const erasedSamples = before - content.size;
  inMemory.forEach(put);
  let [added, repeated, conflicting] = [0, 0, 0];
  for (const given of late) {
    const there = content.get(given.time);
    if (there === undefined) added++;
    else if (there === textOf(given)) repeated++;
    else conflicting++;
    put(given);
  }
  const samples = [...content.entries()].sort(([a], [b]) => a - b).map(([, text]) => text);
  return { samples, counts: { added, repeated, conflicting, erasedSamples } };
};

export class World {
  readonly slab = new Slab();
  fileSystem: MemoryFileSystem;
  files: SeriesFiles;

  constructor(fileSystem = new MemoryFileSystem()) {
    fileSystem.makeDirectory('/store');
    this.fileSystem = fileSystem;
    this.files = new SeriesFiles(fileSystem, '/store', this.slab);
  }

  /** Another process opens what is there now. */
  reopen(fileSystem = this.fileSystem): void {
    this.fileSystem = fileSystem;
    this.files = new SeriesFiles(fileSystem, '/store', this.slab);
  }

  /** Chunks with these samples; more than one when they don't fit. Without `lossless`, those of the original. */
  encode(samples: readonly Sample[], encoding: Encoding = DOUBLE_DELTA, lossless = true): Slot[] {
    const appender = new ChunkAppender(this.slab, { defaultEncoding: encoding, lossless });
    let first = NO_SLOT;
    let head = NO_SLOT;
    for (const { time, high, low } of samples) {
      if (head === NO_SLOT) first = head = appender.start(time, high, low);
      else head = appender.append(head, time, high, low);
    }
    const slots: Slot[] = [];
    for (let slot = first; slot !== NO_SLOT; slot = this.slab.next[slot]) slots.push(slot);
    return slots;
  }

  /** Appends chunks to the file, each group of samples in chunks of its own. */
  persist(groups: readonly (readonly Sample[])[], encoding?: Encoding, lossless?: boolean): void {
    const slots = groups.flatMap((samples) => this.encode(samples, encoding, lossless));
    if (slots.length > 0) this.files.persist(HIGH, LOW, slots, encodingsOf(this.slab, slots), true);
  }

  merge({
    late = [],
    erased = [],
    slots = [],
    encoding = DOUBLE_DELTA,
  }: {
    readonly late?: readonly Sample[];
    readonly erased?: readonly TimeRange[];
    readonly slots?: readonly Slot[];
    readonly encoding?: Encoding;
  }): MergeResult {
    const request: MergeRecords = {
      high: HIGH,
      low: LOW,
      ...columnsOf(late),
      erased,
      slots,
      encodings: encodingsOf(this.slab, slots),
      encoding,
    };
    return this.files.merge(request);
  }

  get bytes(): Buffer {
    return this.fileSystem.paths().includes(PATH) ? this.fileSystem.content(PATH) : Buffer.alloc(0);
  }

  record(index: number): Buffer {
    return this.bytes.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES);
  }

  flip(offset: number): void {
    const { bytes } = this;
    bytes[offset] ^= 1;
    this.fileSystem.put(PATH, bytes);
  }

  damaged(): readonly number[] | undefined {
    return this.files.loadDescriptors(HIGH, LOW, 0, false, 'all').damaged;
  }

  /** The samples of each chunk, in the order of the file. */
  chunks(): string[][] {
    const { encodings } = this.files.loadDescriptors(HIGH, LOW);
    if (encodings.length === 0) return [];
    const slots = Array.from(encodings, (encoding) => this.slab.allocate(encoding));
    this.files.load(HIGH, LOW, 0, slots);
    const chunks = slots.map((slot, i) => {
      const columns = new SampleColumns();
      decodeStored(this.slab.blockOf(slot), this.slab.offsetOf(slot), encodings[i], columns);
      const { count, timestamps, words } = columns;
      return Array.from({ length: count }, (_, k) =>
        textOf({ time: timestamps[k], high: words[2 * k + HIGH_WORD], low: words[2 * k + LOW_WORD] }),
      );
    });
    for (const slot of slots) this.slab.release(slot);
    return chunks;
  }

  /** The content, chunk after chunk. Chunks in order, without overlap, are asserted. */
  samples(): string[] {
    const samples = this.chunks().flat();
    const times = samples.map((text) => Number.parseInt(text, 10));
    expect(
      times.findIndex((time, i) => i > 0 && time <= times[i - 1]),
      'a time that is not later than the one before',
    ).to.equal(-1);
    return samples;
  }
}
