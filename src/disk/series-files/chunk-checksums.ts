/**
 * A CRC-32 for every chunk of the series files. The checksums have their own files in `checksums/`, one file for each
 * series directory (docs/formats/checksums.md). The original has no checksums in its chunks and ignores the folder.
 *
 * Changes are collected in memory. They are written when 4 KiB of them have accumulated for a series directory, and at
 * every checkpoint. The checkpoint syncs them before the journal forgets which series files were changed. A crash can
 * only lose changes for series that recovery examines anyway. So every stored checksum belongs to the chunk that is in
 * the file; where that is not certain, no checksum is stored.
 *
 * A damaged checksum file does not make any chunk damaged. Its checksums are ignored, the damage is reported, and the
 * next checkpoint writes a new file.
 */
import { join } from 'node:path';
import type { FileSystem } from '../../files/file-system.ts';
import { ioError, isMissing } from '../../files/io-error.ts';
import {
  closeAfter,
  closeQuietly,
  discard,
  entriesOf,
  openIfPresent,
  readFully,
  removeIfPresent,
  writeFully,
} from '../../files/read-write.ts';
import { isDiskFull, textOf } from '../../model/errors.ts';
import { seriesDirectoryName } from '../series-path.ts';
import {
  BLOCK_HEADER_BYTES,
  blockBytes,
  CHANGES,
  type ChecksumChange,
  changeBytes,
  checksumKey,
  type Sums,
  sealBlock,
  writeChange,
} from './checksum-block.ts';
import { BucketSums } from './checksum-bucket.ts';
import {
  BUCKETS,
  CHECKSUMS,
  HEADS_SUMS,
  MANIFEST,
  type ManifestEntry,
  readManifest,
  writeManifest,
} from './checksum-manifest.ts';

/** Pending changes of one series directory are written when they reach this size. That is 1 MiB for all directories. */
const PENDING_BYTES = 4096;
/** If pending changes can't be written, the directory's checksums are given up beyond this size. */
const PENDING_BYTES_MAX = 1 << 18;
/** Memory for decoded checksum files. */
const CACHE_BYTES = 32 << 20;
/** Changes may reach this share of the base before them. Then the next checkpoint writes both as a new base. */
const CHANGES_SHARE = 0.25;
const FINDINGS_MAX = 20;
const PERMISSIONS = 0o640;

interface Bucket {
  readonly index: number;
  generation: number;
  /** Length of the sound part of the file. */
  size: number;
  /** Length of the base block; `undefined` until it was read. */
  baseBytes: number | undefined;
  /**
   * Whether bytes after `size` must be cut off, or a file of an earlier attempt removed, before anything is written.
   */
  hasLeftover: boolean;
  isUnsynced: boolean;
}

/** Encoded changes that are not in a file yet. */
interface Pending {
  bytes: Buffer;
  length: number;
  /**
   * Whether one of the changes is about a series file that was rewritten. It must not be on the disk before the
   * rewritten series file is.
   */
  hasRewrite: boolean;
}

export interface ChecksumReport {
  /** Problems found in checksum files since the last report. */
  readonly findings: readonly string[];
  /** Memory that decoded checksum files take. */
  readonly cachedBytes: number;
}

export class ChunkChecksums {
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  /** Makes the names in a series directory durable. */
  private readonly syncNames: (path: string) => void;
  private manifest: ManifestEntry[] | undefined;
  /** No sound manifest names the files that exist. They are ignored, and removed before anything is written. */
  private hasUnnamedFiles = false;
  /** Series directories whose changes were dropped before their checksum file was examined. */
  private readonly givenUp = new Set<number>();
  private readonly buckets = new Map<number, Bucket>();
  private readonly pending = new Map<number, Pending>();
  /** Least recently used first. */
  private readonly cache = new Map<number, BucketSums>();
  private cachedBytes = 0;
  private findings: string[] = [];
  /** The checksums were given up, but the manifest could not be removed yet. Until it is, no checksum is valid. */
  private isDiscardDue = false;

  constructor(fileSystem: FileSystem, directory: string, syncNames: (path: string) => void) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.syncNames = syncNames;
  }

  /** The checksums of a series' chunks; `undefined` when there are none, or when they can't be read now. */
  of(high: number, low: number): Sums | undefined {
    if (this.isDiscardDue) return undefined;
    try {
      return this.sumsOf(high >>> 24).find(checksumKey(high, low));
    } catch (error) {
      this.note(`The checksums of series directory ${nameOf(high >>> 24)} can't be read: ${textOf(error)}`);
      return undefined;
    }
  }

  /**
   * Records a change that was made to a series file. `isRewritten`: a new file was renamed over the old one. Never
   * throws.
   */
  change(high: number, low: number, change: ChecksumChange, isRewritten = change.kind === 'trim'): void {
    const index = high >>> 24;
    const pending = this.pendingOf(index, changeBytes(change));
    pending.length = writeChange(pending.bytes, pending.length, { high, low }, change);
    if (isRewritten) pending.hasRewrite = true;
    const cached = this.cache.get(index);
    if (cached !== undefined) {
      const before = cached.bytes;
      cached.apply(checksumKey(high, low), change);
      this.cachedBytes += cached.bytes - before;
    }
    if (pending.length < PENDING_BYTES) return;
    try {
      this.write(this.bucketAt(index), pending);
    } catch (error) {
      // The next change or the next checkpoint tries again.
      if (pending.length > PENDING_BYTES_MAX) this.giveUp(index, textOf(error));
    }
  }

  /**
   * Makes all changes so far durable and returns the findings. When the disk refuses a write, checksums are given up:
   * those of one series directory, or all. Throws `TIDEMARK_DISK_FULL` when the disk is full, and `TIDEMARK_IO` when
   * the checksums can't be given up either. After an error the old checksums are still valid on disk, so the journal
   * must still name the files that were changed.
   */
  sync(): ChecksumReport {
    if (this.isDiscardDue) this.discardAll();
    try {
      this.syncChanges();
    } catch (error) {
      if (isDiskFull(error)) throw ioError(error, 'write', join(this.directory, CHECKSUMS));
      this.discardAll();
      this.note(`The checksums of all series files were given up: ${textOf(error)}`);
    }
    const { findings, cachedBytes } = this;
    this.findings = [];
    return { findings, cachedBytes };
  }

  private syncChanges(): void {
    const outdated: string[] = [];
    this.removeUnnamedFiles();
    for (const index of this.givenUp) this.bucketAt(index);
    for (const [index, pending] of this.pending) if (pending.length > 0) this.writeOrGiveUp(index, pending);
    const changed = [...this.buckets.values()].filter((bucket) => this.isChanged(bucket));
    for (const bucket of changed) {
      this.settleOrGiveUp(bucket);
      const before = this.recorded(bucket.index);
      if (before.generation !== bucket.generation) outdated.push(this.pathOf({ ...bucket, ...before }));
    }
    if (changed.length > 0) this.writeManifest();
    // The new manifest does not name these files. A file that can't be removed now is removed when its name is needed.
    for (const path of outdated) discard(this.fileSystem, path);
  }

  /** Durably forgets all checksums, because files may have changed without them. */
  discardAll(): void {
    this.forgetState();
    this.isDiscardDue = true;
    const folder = join(this.directory, CHECKSUMS);
    try {
      const isThere = this.fileSystem.stat(folder) !== undefined;
      if (isThere) {
        removeIfPresent(this.fileSystem, join(folder, MANIFEST));
        this.fileSystem.syncDirectory(folder);
      }
      this.isDiscardDue = false;
      if (!isThere) return;
    } catch (error) {
      throw ioError(error, 'clear', folder);
    }
    try {
      this.removeFiles();
    } catch (error) {
      // No manifest names these files, so they are ignored.
      this.note(`Outdated files can't be removed: ${textOf(error)}`);
    }
  }

  /** Forgets everything that is decoded or not yet written. The files stay valid. */
  forgetState(): void {
    this.manifest = undefined;
    this.hasUnnamedFiles = false;
    this.givenUp.clear();
    this.buckets.clear();
    this.pending.clear();
    this.cache.clear();
    this.cachedBytes = 0;
  }

  /** Reads every checksum file to its end; returns what is wrong. */
  verifyAll(): readonly string[] {
    for (let index = 0; index < BUCKETS; index++) {
      try {
        this.sumsOf(index);
      } catch (error) {
        this.note(`The checksums of series directory ${nameOf(index)} can't be read: ${textOf(error)}`);
      }
    }
    const { findings } = this;
    this.findings = [];
    return findings;
  }

  private sumsOf(index: number): BucketSums {
    const cached = this.cache.get(index);
    if (cached !== undefined) {
      this.cache.delete(index);
      this.cache.set(index, cached);
      return cached;
    }
    const bucket = this.bucketAt(index);
    const sums = this.decode(bucket);
    const pending = this.pending.get(index);
    if (pending !== undefined) sums.applyAll(pending.bytes, 0, pending.length);
    this.cache.set(index, sums);
    this.cachedBytes += sums.bytes;
    for (const [oldest, { bytes }] of this.cache) {
      if (this.cachedBytes <= CACHE_BYTES || oldest === index) break;
      this.cache.delete(oldest);
      this.cachedBytes -= bytes;
    }
    return sums;
  }

  private decode(bucket: Bucket): BucketSums {
    const { fileSystem } = this;
    const sums = new BucketSums(bucket.index);
    if (bucket.size === 0) return sums;
    const bytes = this.readRange(bucket, 0, bucket.size);
    let sound = 0;
    try {
      sound = sums.load(bytes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (sound === bucket.size) return sums;
    const found = fileSystem.stat(this.pathOf(bucket))?.size ?? 0;
    this.renew(bucket, `${this.pathOf(bucket)}, byte ${sound} of ${found}: a block of checksums is damaged`);
    return new BucketSums(bucket.index);
  }

  private bucketAt(index: number): Bucket {
    const known = this.buckets.get(index);
    if (known !== undefined) return known;
    const { generation, size } = this.recorded(index);
    const bucket: Bucket = {
      index,
      generation,
      size,
      baseBytes: undefined,
      hasLeftover: false,
      isUnsynced: false,
    };
    const found = this.hasUnnamedFiles ? 0 : (this.fileSystem.stat(this.pathOf(bucket))?.size ?? 0);
    if (found > size) {
      const tail = this.readRange(bucket, size, found);
      let sound = 0;
      for (let length = 0; length >= 0; length = blockBytes(tail, sound, index)) sound += length;
      bucket.size += sound;
      bucket.hasLeftover = sound < tail.length;
      bucket.isUnsynced = true;
    }
    this.buckets.set(index, bucket);
    if (this.givenUp.delete(index))
      this.renew(bucket, `The checksums of series directory ${nameOf(index)} are outdated`);
    else if (found < size) this.renew(bucket, `${this.pathOf(bucket)} has ${found} bytes, expected ${size}`);
    return bucket;
  }

  private recorded(index: number): ManifestEntry {
    return this.entries()[index];
  }

  private entries(): ManifestEntry[] {
    if (this.manifest !== undefined) return this.manifest;
    const { status, entries } = readManifest(this.fileSystem, this.directory);
    if (status === 'damaged') {
      this.note(`${join(this.directory, CHECKSUMS, MANIFEST)} is damaged; the chunks are read without a checksum`);
    }
    this.hasUnnamedFiles = status !== 'ok';
    this.manifest = [...entries];
    return this.manifest;
  }

  private removeUnnamedFiles(): void {
    this.entries();
    if (!this.hasUnnamedFiles) return;
    this.removeFiles();
    this.hasUnnamedFiles = false;
  }

  private removeFiles(): void {
    const folder = join(this.directory, CHECKSUMS);
    const names = this.namesIn(folder).filter((name) => name !== HEADS_SUMS);
    for (const name of names) removeIfPresent(this.fileSystem, join(folder, name));
    if (names.length > 0) this.fileSystem.syncDirectory(folder);
  }

  private namesIn(folder: string): string[] {
    return entriesOf(this.fileSystem, folder).flatMap(({ name, isDirectory }) => (isDirectory ? [] : [name]));
  }

  /** Appends the pending changes to the file. They stay pending until that succeeds. */
  private write(bucket: Bucket, pending: Pending): void {
    if (pending.hasRewrite) this.syncNames(join(this.directory, nameOf(bucket.index)));
    const block = Buffer.alloc(BLOCK_HEADER_BYTES + pending.length);
    pending.bytes.copy(block, BLOCK_HEADER_BYTES, 0, pending.length);
    sealBlock(block, CHANGES, bucket.index);
    const { fileSystem } = this;
    this.removeUnnamedFiles();
    const fd = this.openForWriting(bucket);
    closeAfter(fileSystem, fd, () => {
      if (bucket.hasLeftover) fileSystem.truncate(fd, bucket.size);
      bucket.hasLeftover = true;
      writeFully(fileSystem, fd, block, 0, block.length, bucket.size);
    });
    bucket.hasLeftover = false;
    bucket.isUnsynced = true;
    bucket.size += block.length;
    pending.length = 0;
    pending.hasRewrite = false;
  }

  private writeOrGiveUp(index: number, pending: Pending): void {
    try {
      this.write(this.bucketAt(index), pending);
    } catch (error) {
      if (isDiskFull(error)) throw error;
      this.giveUp(index, textOf(error));
      this.bucketAt(index);
    }
  }

  /**
   * After a failed sync the operating system may have discarded data that it had not written. So the whole file is
   * written again.
   */
  private settleOrGiveUp(bucket: Bucket): void {
    try {
      this.settle(bucket);
    } catch (error) {
      bucket.baseBytes = 0;
      if (isDiskFull(error)) throw error;
      this.giveUp(bucket.index, textOf(error));
      this.settle(bucket);
    }
  }

  /** Makes the file durable, unchanged or with a new base. */
  private settle(bucket: Bucket): void {
    const { fileSystem } = this;
    if (bucket.size === 0) {
      // The checksums were given up. A file of the new name may be left from a failed attempt; it must not be used.
      removeIfPresent(fileSystem, this.pathOf(bucket));
    } else if (bucket.size > this.baseBytesOf(bucket) * (1 + CHANGES_SHARE)) {
      this.compact(bucket);
    } else if (bucket.isUnsynced) {
      const fd = fileSystem.open(this.pathOf(bucket), 'readWrite');
      closeAfter(fileSystem, fd, () => {
        if (bucket.hasLeftover) fileSystem.truncate(fd, bucket.size);
        fileSystem.syncBlocking(fd);
      });
      bucket.hasLeftover = false;
    }
    bucket.isUnsynced = false;
  }

  /** Writes all checksums of the series directory as one base, to a file of the next generation. */
  private compact(bucket: Bucket): void {
    const { fileSystem } = this;
    const block = this.sumsOf(bucket.index).encode() ?? Buffer.alloc(0);
    const next: Bucket = { ...bucket, generation: bucket.generation + 1 };
    // The manifest does not name the file of a failed attempt, so no other code removes it.
    const abandoned = bucket.generation === this.recorded(bucket.index).generation ? undefined : this.pathOf(bucket);
    if (block.length > 0) {
      const fd = fileSystem.open(this.pathOf(next), 'truncate', PERMISSIONS);
      closeAfter(fileSystem, fd, () => {
        writeFully(fileSystem, fd, block, 0, block.length, 0);
        fileSystem.syncBlocking(fd);
      });
    } else removeIfPresent(fileSystem, this.pathOf(next));
    if (abandoned !== undefined) discard(fileSystem, abandoned);
    bucket.generation = next.generation;
    bucket.size = block.length;
    bucket.baseBytes = block.length;
    bucket.hasLeftover = false;
  }

  private writeManifest(): void {
    const entries = [...this.entries()];
    for (const { index, generation, size } of this.buckets.values()) entries[index] = { generation, size };
    this.fileSystem.makeDirectory(join(this.directory, CHECKSUMS), 0o700);
    writeManifest(this.fileSystem, this.directory, entries);
    this.fileSystem.syncDirectory(this.directory);
    this.manifest = entries;
  }

  private isChanged(bucket: Bucket): boolean {
    const { generation, size } = this.recorded(bucket.index);
    return bucket.isUnsynced || bucket.generation !== generation || bucket.size !== size;
  }

  /** Discards all checksums of the series directory. New ones go to a file of the next generation. */
  private renew(bucket: Bucket, reason: string): void {
    this.note(`${reason}; the chunks are read without a checksum`);
    bucket.generation = this.recorded(bucket.index).generation + 1;
    bucket.size = 0;
    bucket.baseBytes = 0;
    bucket.hasLeftover = true;
    bucket.isUnsynced = false;
  }

  private giveUp(index: number, reason: string): void {
    const pending = this.pending.get(index);
    if (pending !== undefined) pending.length = 0;
    const cached = this.cache.get(index);
    if (cached !== undefined) this.cachedBytes -= cached.bytes;
    this.cache.delete(index);
    const bucket = this.buckets.get(index);
    if (bucket === undefined) this.givenUp.add(index);
    else this.renew(bucket, `The checksums of series directory ${nameOf(index)} can't be written: ${reason}`);
  }

  private openForWriting(bucket: Bucket): number {
    const path = this.pathOf(bucket);
    try {
      return this.fileSystem.open(path, 'create', PERMISSIONS);
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.fileSystem.makeDirectory(join(this.directory, CHECKSUMS), 0o700);
      return this.fileSystem.open(path, 'create', PERMISSIONS);
    }
  }

  private baseBytesOf(bucket: Bucket): number {
    if (bucket.baseBytes !== undefined) return bucket.baseBytes;
    const header = this.readRange(bucket, 0, BLOCK_HEADER_BYTES);
    // A file that begins with changes has no base.
    bucket.baseBytes = header[4] === CHANGES ? 0 : BLOCK_HEADER_BYTES + header.readUInt32LE(8);
    return bucket.baseBytes;
  }

  private readRange(bucket: Bucket, begin: number, end: number): Buffer {
    const fd = openIfPresent(this.fileSystem, this.pathOf(bucket));
    const bytes = Buffer.alloc(end - begin);
    if (fd === undefined) return bytes.subarray(0, 0);
    try {
      return bytes.subarray(0, readFully(this.fileSystem, fd, bytes, 0, bytes.length, begin));
    } finally {
      closeQuietly(this.fileSystem, fd);
    }
  }

  private pendingOf(index: number, more: number): Pending {
    let pending = this.pending.get(index);
    if (pending === undefined) {
      pending = { bytes: Buffer.alloc(256), length: 0, hasRewrite: false };
      this.pending.set(index, pending);
    }
    if (pending.length + more > pending.bytes.length) {
      const grown = Buffer.alloc(Math.max(2 * pending.bytes.length, pending.length + more));
      pending.bytes.copy(grown, 0, 0, pending.length);
      pending.bytes = grown;
    }
    return pending;
  }

  private pathOf({ index, generation }: Pick<Bucket, 'index' | 'generation'>): string {
    return join(this.directory, CHECKSUMS, `${nameOf(index)}-${generation}`);
  }

  private note(finding: string): void {
    if (this.findings.length < FINDINGS_MAX) this.findings.push(finding);
  }
}

const nameOf = (index: number): string => seriesDirectoryName(index);
