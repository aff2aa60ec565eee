/**
 * Chunks in memory that queries decode again and again: a dashboard asks for the same series every few seconds. The
 * samples of a chunk are kept as columns from the second time on that it is decoded, so that a query that reads
 * everything once keeps nothing. They are released when they were not used for a minute, when memory is short, and when
 * the chunk's slot is freed or takes samples again.
 *
 * Times are kept as the interval of a regular series, or as 32-bit differences from the first one.
 */
import type { SampleColumns } from '../chunk/chunk.ts';
import type { Slab, Slot } from '../chunk/slab.ts';
import { firstAtOrAfter } from '../model/search-times.ts';

/** How long unused samples are kept. */
const UNUSED_MS = 60_000;
/** Chunks of which it is noted that they were decoded once, and how long that is remembered. */
const NOTED_MAX = 1 << 16;
const NOTED_MS = 5 * 60_000;
/** The largest time of a chunk that is kept, in milliseconds. */
const TIME_MAX = 2 ** 52;
/** Bytes of a kept chunk beside its columns. */
const ENTRY_BYTES = 300;

interface Decoded {
  readonly firstTime: number;
  readonly lastTime: number;
  /** The values as words, so that the payloads of NaN survive. */
  readonly words: Int32Array;
  /** Milliseconds between the samples; 0 if they are not regular. */
  readonly interval: number;
  /** Milliseconds since the first time; empty for regular samples. */
  readonly offsets: Uint32Array;
  usedAt: number;
}

export class DecodedChunks {
  /** Bytes of everything that is kept. */
  bytes = 0;
  private readonly bytesMax: number;
  private readonly kept = new Map<Slot, Decoded>();
  /** Chunks that were decoded once, lately. */
  private readonly noted = new Set<Slot>();
  /** No chunk is unused for long enough before this time. */
  private unusedFrom = 0;
  /** When `noted` was empty. */
  private notedSince = 0;
  /** Milliseconds of a monotonic clock, as of the last {@link releaseUnused}. */
  private now = 0;

  /** `slab` has the chunks. `bytesMax` 0 keeps nothing. */
  constructor(slab: Slab, bytesMax: number) {
    this.bytesMax = bytesMax;
    slab.onContentGone = (slot) => this.forget(slot);
  }

  /** Adds the samples of a chunk in a time range, if they are kept. Returns whether they are. */
  addTo(columns: SampleColumns, slot: Slot, from: number, through: number): boolean {
    const decoded = this.kept.get(slot);
    if (decoded === undefined) return false;
    decoded.usedAt = this.now;
    const { firstTime, lastTime, words, interval, offsets } = decoded;
    const length = words.length >> 1;
    let start = 0;
    let end = length;
    if (firstTime < from || lastTime > through) {
      if (offsets.length > 0) {
        start = firstAtOrAfter(offsets, from - firstTime, 0, length);
        end = firstAtOrAfter(offsets, Math.floor(through - firstTime) + 1, start, length);
      } else {
        start = clamped(Math.ceil((from - firstTime) / interval), 0, length);
        end = clamped(Math.floor((through - firstTime) / interval) + 1, start, length);
      }
    }
    columns.reserve(end - start);
    const { count, timestamps } = columns;
    if (start === 0 && end === length) columns.words.set(words, 2 * count);
    else columns.words.set(words.subarray(2 * start, 2 * end), 2 * count);
    const shift = count - start;
    if (offsets.length > 0) {
      columns.cutRegular(count);
      for (let i = start; i < end; i++) timestamps[shift + i] = firstTime + offsets[i];
    } else if (end > start) writeRegular(columns, firstTime + start * interval, interval, end - start);
    columns.count = count + end - start;
    return true;
  }

  /** Notes that a chunk is decoded. Returns whether it was decoded before, so that its samples should be kept. */
  noteDecoding(slot: Slot): boolean {
    if (this.bytes >= this.bytesMax) return false;
    if (this.noted.delete(slot)) return true;
    if (this.noted.size < NOTED_MAX) this.noted.add(slot);
    return false;
  }

  /** Keeps the samples from `start` on, which are all samples of a chunk that takes no more. */
  keep(slot: Slot, { timestamps, words, count }: SampleColumns, start: number): void {
    const length = count - start;
    if (length === 0) return;
    const firstTime = timestamps[start];
    const lastTime = timestamps[count - 1];
    // Differences of larger times are not exact.
    if (Math.max(Math.abs(firstTime), Math.abs(lastTime)) > TIME_MAX) return;
    // Damaged chunks, and those of the original, may have times in any order.
    if (lastTime - firstTime > 0xffffffff || !areAscending(timestamps, start, count)) return;
    const interval = length === 1 ? 1 : timestamps[start + 1] - firstTime;
    const isRegular = areRegular(timestamps, start, count, interval);
    const offsets = isRegular ? noOffsets : new Uint32Array(length);
    for (let i = 0; i < offsets.length; i++) offsets[i] = timestamps[start + i] - firstTime;
    const decoded = {
      firstTime,
      lastTime,
      words: words.slice(2 * start, 2 * count),
      interval: isRegular ? interval : 0,
      offsets,
      usedAt: this.now,
    };
    this.bytes += bytesOf(decoded);
    this.kept.set(slot, decoded);
  }

  /** The slot is free, or takes samples again. */
  forget(slot: Slot): void {
    this.noted.delete(slot);
    const decoded = this.kept.get(slot);
    if (decoded === undefined) return;
    this.kept.delete(slot);
    this.bytes -= bytesOf(decoded);
  }

  releaseUnused(now: number): void {
    this.now = now;
    if (now - this.notedSince > NOTED_MS || this.noted.size === NOTED_MAX) {
      this.noted.clear();
      this.notedSince = now;
    }
    // This is called four times a second. The oldest use tells when the next chunk can be released.
    if (now <= this.unusedFrom) return;
    let oldest = now;
    for (const [slot, { usedAt }] of this.kept) {
      if (now - usedAt > UNUSED_MS) this.forget(slot);
      else if (usedAt < oldest) oldest = usedAt;
    }
    this.unusedFrom = oldest + UNUSED_MS;
  }

  clear(): void {
    this.kept.clear();
    this.noted.clear();
    this.bytes = 0;
  }
}

/** Writes `length` times behind the samples, unless the series before has left just these there. */
const writeRegular = (columns: SampleColumns, firstTime: number, interval: number, length: number): void => {
  const { count, timestamps, regular } = columns;
  const end = count + length;
  const isKnown = interval === regular.interval && count >= regular.start;
  if (isKnown && end <= regular.end && timestamps[count] === firstTime) return;
  const isContinued =
    isKnown && count > regular.start && count <= regular.end && timestamps[count - 1] + interval === firstTime;
  let time = firstTime;
  for (let i = count; i < end; i++) {
    timestamps[i] = time;
    time += interval;
  }
  if (!isContinued) regular.start = count;
  regular.interval = interval;
  regular.end = end;
};

const noOffsets = new Uint32Array(0);

const bytesOf = ({ words, offsets }: Decoded): number => ENTRY_BYTES + words.byteLength + offsets.byteLength;

const clamped = (index: number, least: number, most: number): number => Math.min(Math.max(index, least), most);

const areAscending = (timestamps: Float64Array, start: number, end: number): boolean => {
  for (let i = start + 1; i < end; i++) if (!(timestamps[i] > timestamps[i - 1])) return false;
  return true;
};

const areRegular = (timestamps: Float64Array, start: number, end: number, interval: number): boolean => {
  for (let i = start + 1; i < end; i++) if (timestamps[i] - timestamps[i - 1] !== interval) return false;
  return true;
};
