/**
 * Writes heads.db, version 2, in these steps: write `heads.db.tmp`, sync it, rename it over the old file, sync the
 * directory. Until the rename the old checkpoint stays valid. A failure removes the tmp file.
 *
 * Adding a record copies it, with its chunks, into a buffer without waiting for anything, so each record is a snapshot
 * of one moment. The caller decides how many records it adds before it yields the thread.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Slices } from '../../async/slices.ts';
import { writeForSeriesFile } from '../../chunk/decode.ts';
import { CHUNK_BYTES, type Slab, type Slot } from '../../chunk/slab.ts';
import { writeWhole } from '../../chunk/small-head.ts';
import { combineCrc32 } from '../../files/crc32.ts';
import type { FileDescriptor, FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import { closeQuietly, discard, writeFully } from '../../files/read-write.ts';
import { ByteWriter } from '../../model/byte-writer.ts';
import { TidemarkError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  COUNT_OFFSET,
  encodeTrailer,
  HEADER_BYTES,
  HEADS_FILE,
  HEADS_MAGIC,
  HEADS_VERSION,
  type HeadsRecord,
  type HeadsTrailer,
} from './heads.ts';
import { HeadsSumsWriter, writeHeadsSums } from './heads-sums.ts';

/** The buffer is written to the file when it has grown to this size. */
const BUFFER_BYTES_MAX = 1 << 20;

/** Describes the finished file. */
export interface HeadsWritten {
  readonly series: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly crc32: number;
  /** Size and CRC-32 of the part before the trailer. */
  readonly recordsBytes: number;
  readonly recordsCrc32: number;
}

export class HeadsWriter {
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  private readonly path: string;
  private readonly temporary: string;
  private readonly slab: Slab;
  private readonly clock: Clock;
  private readonly buffer = new ByteWriter(BUFFER_BYTES_MAX / 4);
  private readonly sums = new HeadsSumsWriter();
  private fd: FileDescriptor | undefined;
  /** Whether a tmp file may exist. */
  private hasBegun = false;
  private seriesAnnounced = 0;
  private series = 0;
  private chunks = 0;
  /** Bytes after the header that were written to the file. */
  private bodyBytes = 0;
  /** CRC-32 of all records that were added. */
  private bodyCrc = 0;

  constructor(fileSystem: FileSystem, directory: string, slab: Slab, clock: Clock) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.path = join(directory, HEADS_FILE);
    this.temporary = `${this.path}.tmp`;
    this.slab = slab;
    this.clock = clock;
  }

  /** Starts the file. The count may be wrong: `finish` corrects it. */
  begin(seriesCount: number): void {
    try {
      this.hasBegun = true;
      this.fd = this.fileSystem.open(this.temporary, 'truncate');
      this.seriesAnnounced = seriesCount;
      const header = headerFor(seriesCount);
      writeFully(this.fileSystem, this.fd, header, 0, header.length, 0);
    } catch (error) {
      throw this.failed(error);
    }
  }

  /**
   * Adds a series. A record without chunk descriptors is left out, and false is returned: it has nothing to save, and
   * reading it crashes the original.
   */
  add(record: HeadsRecord): boolean {
    const persisted = record.descriptorTimes.length / 2;
    if (record.watermark !== persisted) {
      throw new TidemarkError('TIDEMARK_INTERNAL', `watermark ${record.watermark} with times of ${persisted} chunks`);
    }
    const descriptors = persisted + record.slots.length;
    if (descriptors === 0) return false;
    const { buffer } = this;
    const start = buffer.length;
    buffer.byte(0);
    buffer.halvesBE(record.high, record.low);
    buffer.metric(record.pairs);
    buffer.svarint(record.watermark);
    buffer.svarintBig(record.mtimeNs);
    buffer.svarint(record.chunkDescsOffset);
    buffer.svarint(record.savedFirstTime);
    buffer.svarint(descriptors);
    for (let i = 0; i < record.descriptorTimes.length; i++) buffer.svarint(record.descriptorTimes[i]);
    for (let i = 0; i < record.slots.length; i++) this.addChunk(record.slots[i]);
    const added = buffer.view().subarray(start);
    this.bodyCrc = crc32(added, this.bodyCrc);
    this.sums.add(added.length, this.bodyCrc);
    this.series++;
    this.chunks += record.slots.length;
    if (buffer.length >= BUFFER_BYTES_MAX) this.writeBuffered();
    return true;
  }

  /** Writes the buffered records to the file, so that `finish` has little left to do. */
  writeBuffered(): void {
    if (this.fd === undefined) throw new TidemarkError('TIDEMARK_INTERNAL', 'no checkpoint has begun');
    try {
      const bytes = this.buffer.view();
      writeFully(this.fileSystem, this.fd, bytes, 0, bytes.length, HEADER_BYTES + this.bodyBytes);
      this.bodyBytes += bytes.length;
      this.buffer.clear();
    } catch (error) {
      throw this.failed(error);
    }
  }

  /**
   * Completes the file and puts it in place; resolves when it would survive a loss of power. `beforeReplacing` is
   * awaited when the new file is on the disk and the old one is still in place.
   */
  async finish(
    trailer?: HeadsTrailer,
    beforeReplacing?: (written: HeadsWritten) => Promise<unknown>,
  ): Promise<HeadsWritten> {
    this.writeBuffered();
    const fd = this.fd!;
    try {
      const header = headerFor(this.series);
      if (this.series !== this.seriesAnnounced) {
        writeFully(this.fileSystem, fd, header, COUNT_OFFSET, HEADER_BYTES - COUNT_OFFSET, COUNT_OFFSET);
      }
      const recordsBytes = HEADER_BYTES + this.bodyBytes;
      const recordsCrc32 = combineCrc32(crc32(header), this.bodyCrc, this.bodyBytes);
      const end = trailer === undefined ? new Uint8Array(0) : encodeTrailer(trailer, recordsCrc32);
      writeFully(this.fileSystem, fd, end, 0, end.length, recordsBytes);
      await this.fileSystem.sync(fd);
      this.fd = undefined;
      this.fileSystem.close(fd);
      const written = {
        series: this.series,
        chunks: this.chunks,
        bytes: recordsBytes + end.length,
        crc32: crc32(end, recordsCrc32),
        recordsBytes,
        recordsCrc32,
      };
      await beforeReplacing?.(written);
      await this.fileSystem.replace(this.temporary, this.path);
      this.hasBegun = false;
      // A crash before this point leaves the checksums of an earlier heads.db, which are then ignored.
      const sums = this.sums.encode({ bytes: recordsBytes, crc32: recordsCrc32 });
      await writeHeadsSums(this.fileSystem, this.directory, sums, new Slices(this.clock));
      return written;
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** Gives up: closes and removes the tmp file. Does nothing when nothing has begun or all is done. */
  abort(): void {
    if (!this.hasBegun) return;
    this.hasBegun = false;
    if (this.fd !== undefined) {
      closeQuietly(this.fileSystem, this.fd);
      this.fd = undefined;
    }
    discard(this.fileSystem, this.temporary);
  }

  private addChunk(slot: Slot): void {
    const { buffer } = this;
    const encoding = this.slab.encoding[slot];
    buffer.byte(encoding);
    const start = buffer.room(CHUNK_BYTES);
    const block = this.slab.blockOf(slot);
    const offset = this.slab.offsetOf(slot);
    if (this.slab.sizeOf(slot) === CHUNK_BYTES) writeForSeriesFile(block, offset, encoding, buffer.target, start);
    else writeWhole(block, offset, buffer.target, start);
  }

  private failed(error: unknown): TidemarkError {
    this.abort();
    return ioError(error, 'write', this.temporary);
  }
}

const headerFor = (seriesCount: number): Buffer => {
  const writer = new ByteWriter(HEADER_BYTES);
  writer.raw(HEADS_MAGIC);
  writer.svarint(HEADS_VERSION);
  writer.halvesBE(Math.floor(seriesCount / 4294967296), seriesCount);
  return writer.copy();
};
