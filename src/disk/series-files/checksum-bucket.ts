/** The chunk checksums of one series directory, decoded only as far as a look-up needs. */
import { ChecksumBase, encodeBase } from './checksum-base.ts';
import {
  BASE,
  BLOCK_HEADER_BYTES,
  blockBytes,
  blockKind,
  CHANGES,
  type ChecksumChange,
  eachChange,
  type Sums,
} from './checksum-block.ts';

/** Approximate memory of a series in the map. */
const ENTRY_BYTES = 150;

const NONE: Sums = new Uint32Array(0);

export class BucketSums {
  readonly bucket: number;
  private base: ChecksumBase | undefined;
  /** Series with changes: their sums replace those of the base. */
  private readonly changed = new Map<string, Sums>();
  private changedBytes = 0;

  constructor(bucket: number) {
    this.bucket = bucket;
  }

  /** Approximate memory in bytes. */
  get bytes(): number {
    return (this.base?.bytes ?? 0) + this.changedBytes;
  }

  /** Loads the blocks of a file; returns the length of its sound part in bytes. */
  load(file: Buffer): number {
    let at = 0;
    while (at < file.length) {
      const length = blockBytes(file, at, this.bucket);
      if (length < 0) break;
      const kind = blockKind(file, at);
      if (kind === BASE && at === 0) this.base = new ChecksumBase(file.subarray(0, length));
      else if (kind === CHANGES) this.applyAll(file, at + BLOCK_HEADER_BYTES, at + length);
      else break;
      at += length;
    }
    return at;
  }

  /** Applies the changes in `bytes` from `start` to `end`. */
  applyAll(bytes: Buffer, start: number, end: number): void {
    eachChange(bytes, start, end, (key, change) => this.apply(key, change));
  }

  apply(key: string, change: ChecksumChange): void {
    const before = this.changed.get(key);
    const after = changedSums(before ?? this.inBase(key) ?? NONE, change);
    this.changed.set(key, after);
    this.changedBytes += 4 * (after.length - (before?.length ?? 0)) + (before === undefined ? ENTRY_BYTES : 0);
  }

  find(key: string): Sums | undefined {
    return this.changed.get(key) ?? this.inBase(key);
  }

  /** Encodes all sums as one base block; `undefined` when there are none. */
  encode(): Buffer | undefined {
    const series: [string, Sums][] = [];
    this.base?.each((key, sums) => {
      if (!this.changed.has(key)) series.push([key, sums]);
    });
    for (const [key, sums] of this.changed) if (sums.length > 0) series.push([key, sums]);
    if (series.length === 0) return undefined;
    series.sort(([a], [b]) => (a < b ? -1 : 1));
    return encodeBase(this.bucket, series);
  }

  private inBase(key: string): Sums | undefined {
    return this.base?.find(key);
  }
}

const changedSums = (sums: Sums, change: ChecksumChange): Sums => {
  switch (change.kind) {
    case 'trim':
      return sums.slice(change.count);
    case 'cut':
      return sums.slice(0, change.from);
    case 'set': {
      const after = new Uint32Array(change.first + change.sums.length);
      after.set(sums.subarray(0, change.first));
      after.set(change.sums, change.first);
      return after;
    }
    case 'fill': {
      const after = new Uint32Array(Math.max(sums.length, change.first + change.sums.length));
      after.set(sums);
      for (let i = 0; i < change.sums.length; i++) after[change.first + i] ||= change.sums[i];
      return after;
    }
  }
};
