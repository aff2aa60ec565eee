/**
 * The bytes of one file in two versions: *live*, which a read returns (the page cache), and *durable*, which remains
 * after a loss of power. A write changes the live bytes and marks their 4 KiB pages dirty; a sync copies dirty pages to
 * the durable bytes.
 *
 * On loss of power each dirty page is lost, kept, or torn at 512-byte sectors. The new size is any that the file had
 * since its last sync, or a page boundary in between. A lost page beyond the old size reads as zeros. docs/testing.md
 * says why real disks do this.
 */
import type { Prng } from './prng.ts';

export const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;

/** Modification times advance in ticks of the kernel's clock, so two changes within one tick look the same. */
const MTIME_TICK_MS = 4;

/** Number of sizes since the last sync that are remembered: one of them may be the size after a loss of power. */
const SIZES_KEPT = 64;

/** A size that the file had, and the version that gave it this size. */
interface SizeChange {
  readonly version: number;
  readonly size: number;
}

/** What a sync covers: the state of the file when the sync began. It does not cover later writes. */
export interface SyncInFlight {
  readonly version: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly pages: readonly { readonly page: number; readonly version: number; readonly bytes: Uint8Array }[];
}

/** Which dirty pages of one file survive a loss of power. */
type Survival = 'none' | 'all' | 'some' | 'firstOnes';

export class SimulatedFile {
  private live: Uint8Array = new Uint8Array(0);
  private liveSize = 0;
  private liveMtimeNs: bigint;
  private durable: Uint8Array = new Uint8Array(0);
  private durableSize = 0;
  private durableMtimeNs: bigint;
  /** Pages that differ from the disk, with the version of each. */
  private readonly dirty = new Map<number, number>();
  /** The newest version of each page that reached the disk. */
  private readonly durableVersions = new Map<number, number>();
  private sizes: SizeChange[] = [];
  private version = 0;
  private durableSizeVersion = 0;

  constructor(wallMs: number) {
    this.liveMtimeNs = mtimeNs(wallMs);
    this.durableMtimeNs = this.liveMtimeNs;
  }

  get size(): number {
    return this.liveSize;
  }

  get mtimeNs(): bigint {
    return this.liveMtimeNs;
  }

  /** Whether a loss of power now could change the file. */
  get isDirty(): boolean {
    return this.dirty.size > 0 || this.liveSize !== this.durableSize;
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.liveSize - position));
    if (count > 0) buffer.set(this.live.subarray(position, position + count), offset);
    return count;
  }

  write(bytes: Uint8Array, position: number, wallMs: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.live = withCapacity(this.live, end);
    if (position > this.liveSize) this.markDirty(this.liveSize, position);
    this.live.set(bytes, position);
    this.markDirty(position, end);
    if (end > this.liveSize) this.resize(end);
    this.liveMtimeNs = mtimeNs(wallMs);
  }

  truncate(size: number, wallMs: number): void {
    if (size < this.liveSize) {
      this.live.fill(0, size, this.liveSize);
      this.markDirty(size, this.liveSize);
    } else {
      this.live = withCapacity(this.live, size);
      this.markDirty(this.liveSize, size);
    }
    if (size !== this.liveSize) this.resize(size);
    this.liveMtimeNs = mtimeNs(wallMs);
  }

  /** Begins a sync, which covers everything that is written by now. */
  beginSync(): SyncInFlight {
    const pages = [...this.dirty].map(([page, version]) => {
      const start = page * PAGE_BYTES;
      this.live = withCapacity(this.live, start + PAGE_BYTES);
      return { page, version, bytes: this.live.slice(start, start + PAGE_BYTES) };
    });
    return { version: this.version, size: this.liveSize, mtimeNs: this.liveMtimeNs, pages };
  }

  /** Completes a sync. With `metadata` the modification time becomes durable too; a data sync does not write it. */
  completeSync(sync: SyncInFlight, metadata: boolean): void {
    for (const { page, version, bytes } of sync.pages) {
      if (version > (this.durableVersions.get(page) ?? 0) && this.dirty.has(page)) {
        const start = page * PAGE_BYTES;
        this.durable = withCapacity(this.durable, start + PAGE_BYTES);
        this.durable.set(bytes, start);
        this.durableVersions.set(page, version);
      }
      if (this.dirty.get(page) === version) this.dirty.delete(page);
    }
    if (sync.version >= this.durableSizeVersion) {
      // Pages that a failed sync has forgotten read as zeros, because only the size becomes durable.
      this.durable = withCapacity(this.durable, sync.size);
      this.durableSize = sync.size;
      this.durableSizeVersion = sync.version;
      this.sizes = this.sizes.filter((change) => change.version > sync.version);
    }
    if (metadata && sync.mtimeNs > this.durableMtimeNs) this.durableMtimeNs = sync.mtimeNs;
  }

  /**
   * Fails a sync. The kernel marks the pages clean although they did not reach the disk, so a later sync reports
   * success without making them durable.
   */
  failSync(prng: Prng): void {
    for (const page of this.dirty.keys()) if (prng.chance(0.3)) this.copyPage(page);
    this.dirty.clear();
  }

  /** Writes some dirty pages back, as the kernel does without being asked. */
  writeBack(prng: Prng): void {
    for (const page of [...this.dirty.keys()]) {
      if (!prng.chance(0.5)) continue;
      this.copyPage(page);
      this.durableSize = Math.max(this.durableSize, Math.min(this.liveSize, (page + 1) * PAGE_BYTES));
      this.dirty.delete(page);
    }
  }

  /** Loses power: the file becomes what is durable, plus a random part of the rest. */
  losePower(prng: Prng): void {
    if (this.isDirty) {
      const survival = prng.weighted<Survival>({ none: 2, all: 1, some: 3, firstOnes: 2 });
      const size = this.sizeAfterPowerLoss(survival, prng);
      this.durable = withCapacity(this.durable, size);
      const pages = [...this.dirty.keys()].sort((a, b) => a - b);
      const firstCount = prng.below(pages.length + 1);
      for (const [index, page] of pages.entries()) {
        if (survival === 'all' || (survival === 'firstOnes' && index < firstCount)) this.copyPage(page);
        else if (survival === 'some' && prng.chance(0.5)) this.copyPage(page, prng.chance(0.5) ? prng : undefined);
      }
      if (size < this.durableSize) this.durable.fill(0, size, this.durableSize);
      this.durableSize = size;
    }
    if (prng.chance(0.5)) this.durableMtimeNs = this.liveMtimeNs;
    this.live = this.durable.slice(0, this.durableSize);
    this.liveSize = this.durableSize;
    this.liveMtimeNs = this.durableMtimeNs;
    this.dirty.clear();
    this.sizes = [];
  }

  /** Flips one bit, both in the cache and on the disk. */
  flipBit(bit: number): void {
    const byte = Math.floor(bit / 8);
    this.live[byte] ^= 1 << (bit % 8);
    if (byte < this.durableSize) this.durable[byte] ^= 1 << (bit % 8);
  }

  private sizeAfterPowerLoss(survival: Survival, prng: Prng): number {
    if (survival === 'all') return this.liveSize;
    if (survival === 'none' && prng.chance(0.5)) return this.durableSize;
    const boundaries = this.liveSize - this.durableSize > PAGE_BYTES ? 1 : 0;
    const choice = prng.below(2 + this.sizes.length + boundaries);
    if (choice === 0) return this.durableSize;
    if (choice === 1) return this.liveSize;
    if (choice < 2 + this.sizes.length) return this.sizes[choice - 2].size;
    const first = Math.ceil(this.durableSize / PAGE_BYTES);
    const last = Math.floor(this.liveSize / PAGE_BYTES);
    return prng.between(first, last) * PAGE_BYTES;
  }

  /** Copies a page from live to durable, completely or only a random part of its sectors. */
  private copyPage(page: number, tornBy?: Prng): void {
    const start = page * PAGE_BYTES;
    const end = start + PAGE_BYTES;
    this.durableVersions.set(page, this.dirty.get(page) ?? this.version);
    this.durable = withCapacity(this.durable, end);
    this.live = withCapacity(this.live, end);
    for (let at = start; at < end; at += tornBy === undefined ? PAGE_BYTES : SECTOR_BYTES) {
      if (tornBy?.chance(0.5)) continue;
      const until = tornBy === undefined ? end : at + SECTOR_BYTES;
      this.durable.set(this.live.subarray(at, until), at);
    }
  }

  private markDirty(start: number, end: number): void {
    const version = ++this.version;
    for (let page = Math.floor(start / PAGE_BYTES); page * PAGE_BYTES < end; page++) this.dirty.set(page, version);
  }

  private resize(size: number): void {
    if (this.sizes.length === SIZES_KEPT) this.sizes.shift();
    this.sizes.push({ version: ++this.version, size });
    this.liveSize = size;
  }
}

const mtimeNs = (wallMs: number): bigint => BigInt(Math.floor(wallMs / MTIME_TICK_MS) * MTIME_TICK_MS) * 1_000_000n;

const withCapacity = (bytes: Uint8Array, needed: number): Uint8Array => {
  if (bytes.length >= needed) return bytes;
  const capacity = Math.max(PAGE_BYTES, bytes.length * 2, Math.ceil(needed / PAGE_BYTES) * PAGE_BYTES);
  const grown = new Uint8Array(capacity);
  grown.set(bytes);
  return grown;
};
