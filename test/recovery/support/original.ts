/**
 * A double of Prometheus 1.8.2's local storage. It does to a directory what the original does when it starts, recovers,
 * takes samples, persists, archives, writes checkpoints, closes, and is killed. It has the shortcomings of the original
 * on purpose; docs/recovery.md and the fixtures describe them. It has no mappings, so fingerprints must not collide.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ChunkAppender } from '../../../src/chunk/append.ts';
import { type Encoding, SampleColumns } from '../../../src/chunk/chunk.ts';
import { decodeChunk, firstTimeOf, lastTimeOf } from '../../../src/chunk/decode.ts';
import { Slab, type Slot } from '../../../src/chunk/slab.ts';
import { readHeads } from '../../../src/disk/heads/heads-reader.ts';
import { nodeFileSystem } from '../../../src/files/node-file-system.ts';
import { databaseFolders } from '../../../src/indexes/database-folders.ts';
import { levelStores } from '../../../src/indexes/level-stores.ts';
import { ByteReader } from '../../../src/model/byte-reader.ts';
import { ByteWriter } from '../../../src/model/byte-writer.ts';
import { fastFingerprint, fingerprintText, parseFingerprint } from '../../../src/model/fingerprint.ts';
import { EARLIEST } from '../../../src/model/int64.ts';
import { type LabelPairs, type Labels, toLabelPairs } from '../../../src/model/labels.ts';
import { metricText } from '../../../src/model/metric-text.ts';
import { TextTable } from '../../../src/model/text-table.ts';
import { writeGolevel } from './golevel.ts';

const RECORD_BYTES = 1041;

/** A chunk. `slot` is `undefined` if the chunk is only in the series file. */
interface Descriptor {
  readonly firstTime: number;
  lastTime: number;
  readonly slot: Slot | undefined;
}

interface Series {
  readonly fp: string;
  readonly pairs: LabelPairs;
  descriptors: Descriptor[];
  watermark: number;
  offset: number;
  savedFirstTime: number;
  mtimeNs: bigint;
  lastTime: number;
  isHeadClosed: boolean;
}

export interface OriginalOptions {
  readonly encoding?: Encoding;
}

export class Original {
  private readonly directory: string;
  private readonly slab = new Slab();
  private readonly appender: ChunkAppender;
  private readonly series = new Map<string, Series>();
  private readonly metrics = new Map<string, LabelPairs>();
  private readonly ranges = new Map<string, { first: number; last: number }>();
  private areLabelsNew = false;
  private isArchiveNew = false;
  /** Whether the start needed a recovery. */
  hasRecovered = false;

  private constructor(directory: string, { encoding = 1 }: OriginalOptions) {
    this.directory = directory;
    this.appender = new ChunkAppender(this.slab, { defaultEncoding: encoding, lossless: false });
  }

  static async start(directory: string, options: OriginalOptions = {}): Promise<Original> {
    const original = new Original(directory, options);
    await original.open();
    return original;
  }

  private async open(): Promise<void> {
    const { directory } = this;
    mkdirSync(directory, { recursive: true });
    if (!existsSync(join(directory, 'VERSION'))) writeFileSync(join(directory, 'VERSION'), '1\n');
    const dirtyPath = join(directory, 'DIRTY');
    let isDirty = existsSync(dirtyPath);
    // A DIRTY that exists keeps its content.
    if (!isDirty) writeFileSync(dirtyPath, '');
    await this.loadArchive();
    if (isDirty) this.areLabelsNew = true;
    const areHeadsWhole = await this.loadHeads();
    isDirty ||= !areHeadsWhole;
    if (isDirty) this.recover();
    this.hasRecovered = isDirty;
    this.writeIndexes();
  }

  private async loadArchive(): Promise<void> {
    this.isArchiveNew = !existsSync(join(this.directory, databaseFolders.metric));
    for (const [key, value] of await this.entriesOf('metric')) {
      const reader = new ByteReader(new TextTable(0), value);
      this.metrics.set(key.toString('hex'), reader.metric());
    }
    for (const [key, value] of await this.entriesOf('timeRange')) {
      const reader = new ByteReader(new TextTable(0), value);
      this.ranges.set(key.toString('hex'), { first: reader.svarint(), last: reader.svarint() });
    }
  }

  private async entriesOf(name: 'metric' | 'timeRange'): Promise<[Buffer, Uint8Array][]> {
    const store = await levelStores.openCopy(join(this.directory, databaseFolders[name]));
    const entries: [Buffer, Uint8Array][] = [];
    for await (const page of store.entries()) {
      for (const [key, value] of page) if (key.length === 8) entries.push([Buffer.from(key), value]);
    }
    await store.close();
    return entries;
  }

  /** Returns false if the file is damaged. A missing file does not count as damaged. */
  private async loadHeads(): Promise<boolean> {
    const { status } = await readHeads(nodeFileSystem, this.directory, this.slab, (record) => {
      const fp = fingerprintText(record.high, record.low);
      const descriptors: Descriptor[] = [];
      const { descriptorTimes: times } = record;
      for (let i = 0; i < times.length; i += 2) {
        descriptors.push({ firstTime: times[i], lastTime: times[i + 1], slot: undefined });
      }
      for (const slot of record.slots) descriptors.push(this.describe(slot));
      this.series.set(fp, {
        fp,
        pairs: record.pairs,
        descriptors,
        watermark: record.watermark,
        offset: record.chunkDescsOffset,
        savedFirstTime: record.savedFirstTime,
        mtimeNs: record.mtimeNs,
        lastTime: descriptors[descriptors.length - 1].lastTime,
        isHeadClosed: record.slots.length === 0,
      });
    });
    return status !== 'damaged';
  }

  private recover(): void {
    rmSync(join(this.directory, 'mappings.db'), { force: true });
    const seen = new Set<string>();
    for (let index = 0; index < 256; index++) {
      const digits = index.toString(16).padStart(2, '0');
      const folder = join(this.directory, digits);
      if (!existsSync(folder)) continue;
      for (const name of readdirSync(folder)) if (this.recoverFile(digits, name)) seen.add(digits + name.slice(0, 14));
    }
    for (const series of [...this.series.values()]) this.recoverWithoutFile(series, seen);
    for (const fp of [...this.metrics.keys()]) {
      if (!seen.has(fp) || this.series.has(fp)) {
        this.metrics.delete(fp);
        this.ranges.delete(fp);
      } else if (!this.ranges.has(fp)) {
        const headers = this.headersOf(fp);
        this.series.set(fp, this.fromFile(fp, this.metrics.get(fp) as LabelPairs, headers));
        this.metrics.delete(fp);
      }
    }
    for (const fp of [...this.ranges.keys()]) if (!this.metrics.has(fp)) this.ranges.delete(fp);
  }

  /** Recovers one file of a series folder. Returns whether it counts as seen. */
  private recoverFile(digits: string, name: string): boolean {
    const path = join(this.directory, digits, name);
    if (!/^[0-9a-fA-F]{14}\.db$/.test(name)) {
      rmSync(path, { recursive: true, force: true });
      return false;
    }
    const fp = digits + name.slice(0, 14);
    const { size } = statSync(path);
    const { mtimeNs } = statSync(path, { bigint: true });
    const count = Math.floor(size / RECORD_BYTES);
    const trailing = size % RECORD_BYTES;
    if (trailing !== 0) truncateSync(path, count * RECORD_BYTES);
    if (count === 0) return this.purge(fp);
    const series = this.series.get(fp);
    if (series === undefined) return this.metrics.has(fp) ? true : this.purge(fp);
    const isAsKnown = trailing === 0 && series.offset !== -1 && count === series.offset + series.watermark;
    if (isAsKnown && series.mtimeNs === mtimeNs) return true;
    const headers = this.headersOf(fp);
    series.mtimeNs = mtimeNs;
    series.savedFirstTime = headers[0].firstTime;
    const unpersisted = series.descriptors.slice(series.watermark);
    const end = headers[headers.length - 1].lastTime;
    if (series.isHeadClosed) {
      series.lastTime = end;
      this.keepNewest(series, headers);
      return true;
    }
    const kept = unpersisted.findIndex(({ firstTime }) => firstTime >= end);
    if (kept < 0) {
      // The last time stays as in heads.db, so samples older than the newest in the file will be accepted.
      series.isHeadClosed = true;
      this.keepNewest(series, headers);
      return true;
    }
    series.descriptors = unpersisted.slice(kept);
    series.watermark = 0;
    series.offset = count;
    return true;
  }

  private keepNewest(series: Series, headers: readonly Descriptor[]): void {
    series.descriptors = [headers[headers.length - 1]];
    series.watermark = 1;
    series.offset = headers.length - 1;
  }

  private recoverWithoutFile(series: Series, seen: ReadonlySet<string>): void {
    if (seen.has(series.fp)) return;
    if (series.watermark >= series.descriptors.length) {
      this.series.delete(series.fp);
      this.metrics.delete(series.fp);
      this.ranges.delete(series.fp);
      return;
    }
    series.descriptors = series.descriptors.slice(series.watermark);
    series.watermark = 0;
    series.offset = 0;
  }

  private purge(fp: string): false {
    const orphaned = join(this.directory, 'orphaned', fp.slice(0, 2));
    mkdirSync(orphaned, { recursive: true });
    renameSync(this.path(fp), join(orphaned, `${fp.slice(2)}.db`));
    writeFileSync(join(orphaned, `${fp.slice(2)}.hint`), '[UNKNOWN METRIC]\npurge during crash recovery\n');
    return false;
  }

  private fromFile(fp: string, pairs: LabelPairs, headers: Descriptor[]): Series {
    const newest = headers[headers.length - 1];
    return {
      fp,
      pairs,
      descriptors: [newest],
      watermark: 1,
      offset: headers.length - 1,
      savedFirstTime: headers[0].firstTime,
      mtimeNs: statSync(this.path(fp), { bigint: true }).mtimeNs,
      lastTime: newest.lastTime,
      isHeadClosed: true,
    };
  }

  /** Appends a sample. Returns whether it was accepted. */
  append(labels: Labels, timestamp: number, value: number): boolean {
    const pairs = toLabelPairs(labels);
    const halves = new Int32Array(2);
    fastFingerprint(pairs, halves);
    const fp = fingerprintText(halves[0], halves[1]);
    const series = this.series.get(fp) ?? this.unarchive(fp) ?? this.create(fp, pairs);
    if (timestamp <= series.lastTime) return false;
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(value);
    const [high, low] = [bits.readInt32BE(0), bits.readInt32BE(4)];
    const head = series.isHeadClosed ? undefined : series.descriptors[series.descriptors.length - 1]?.slot;
    if (head === undefined) {
      series.descriptors.push(this.describe(this.appender.start(timestamp, high, low)));
      series.isHeadClosed = false;
    } else {
      series.descriptors.pop();
      const end = this.appender.append(head, timestamp, high, low);
      for (let slot = head; ; slot = this.slab.next[slot]) {
        series.descriptors.push(this.describe(slot));
        if (slot === end) break;
      }
    }
    series.lastTime = timestamp;
    return true;
  }

  private create(fp: string, pairs: LabelPairs): Series {
    const series: Series = {
      fp,
      pairs,
      descriptors: [],
      watermark: 0,
      offset: 0,
      savedFirstTime: EARLIEST,
      mtimeNs: -1n,
      lastTime: EARLIEST,
      isHeadClosed: true,
    };
    this.series.set(fp, series);
    return series;
  }

  /** Appending to an archived series, or reading it, takes it out of the archive at once. */
  private unarchive(fp: string): Series | undefined {
    const pairs = this.metrics.get(fp);
    if (pairs === undefined) return undefined;
    const headers = this.headersOf(fp);
    const series = { ...this.fromFile(fp, pairs, headers), descriptors: headers, watermark: headers.length, offset: 0 };
    series.lastTime = this.ranges.get(fp)?.last ?? series.lastTime;
    this.series.set(fp, series);
    this.metrics.delete(fp);
    this.ranges.delete(fp);
    return series;
  }

  /** Reads a series as a query does. */
  touch(labels: Labels): void {
    const halves = new Int32Array(2);
    fastFingerprint(toLabelPairs(labels), halves);
    const fp = fingerprintText(halves[0], halves[1]);
    if (!this.series.has(fp)) this.unarchive(fp);
  }

  /** Persists complete chunks; with `closeHeads` the open ones too. */
  persist({ closeHeads = false } = {}): void {
    for (const series of this.series.values()) {
      if (closeHeads) series.isHeadClosed = true;
      const end = series.descriptors.length - (series.isHeadClosed ? 0 : 1);
      if (end <= series.watermark) continue;
      mkdirSync(dirname(this.path(series.fp)), { recursive: true });
      for (const descriptor of series.descriptors.slice(series.watermark, end)) {
        appendFileSync(this.path(series.fp), this.recordOf(descriptor.slot as Slot));
      }
      series.watermark = end;
      series.mtimeNs = statSync(this.path(series.fp), { bigint: true }).mtimeNs;
      series.savedFirstTime = series.offset === 0 ? series.descriptors[0].firstTime : series.savedFirstTime;
    }
  }

  /** Archives the series that are completely on the disk and that `isIdle` accepts. */
  archive(isIdle: (text: string) => boolean): void {
    for (const series of [...this.series.values()]) {
      const { fp, pairs, descriptors, watermark, isHeadClosed } = series;
      if (!isHeadClosed || watermark < descriptors.length || !isIdle(metricText(pairs))) continue;
      this.metrics.set(fp, pairs);
      const first = series.offset === 0 ? descriptors[0].firstTime : series.savedFirstTime;
      this.ranges.set(fp, { first, last: series.lastTime });
      this.series.delete(fp);
    }
  }

  checkpoint(): void {
    const writer = new ByteWriter(1 << 16);
    writer.raw(Buffer.from('PrometheusHeads'));
    writer.svarint(2);
    const all = [...this.series.values()].filter(({ descriptors }) => descriptors.length > 0).reverse();
    writer.halvesBE(0, all.length);
    for (const { fp, pairs, descriptors, watermark, offset, mtimeNs, savedFirstTime } of all) {
      const { high, low } = parseFingerprint(fp) ?? { high: 0, low: 0 };
      writer.byte(0);
      writer.halvesBE(high, low);
      writer.metric([...pairs]);
      const unpersisted = descriptors.slice(watermark);
      writer.svarint(unpersisted.length > 0 ? 0 : 1);
      writer.svarintBig(mtimeNs);
      writer.svarint(unpersisted.length > 0 ? offset + watermark : offset + watermark - 1);
      writer.svarint(savedFirstTime);
      writer.svarint(Math.max(1, unpersisted.length));
      if (unpersisted.length === 0) {
        const newest = descriptors[descriptors.length - 1];
        writer.svarint(newest.firstTime);
        writer.svarint(newest.lastTime);
      }
      for (const { slot } of unpersisted) {
        writer.byte(this.slab.encoding[slot as Slot]);
        writer.raw(this.slab.bytesOf(slot as Slot));
      }
    }
    writeFileSync(join(this.directory, 'heads.db.tmp'), writer.copy());
    renameSync(join(this.directory, 'heads.db.tmp'), join(this.directory, 'heads.db'));
  }

  /** Kills the process: everything that was written stays, everything that was only in memory is lost. */
  kill(): void {
    this.writeIndexes();
  }

  close(): void {
    this.checkpoint();
    writeFileSync(join(this.directory, 'mappings.db'), Buffer.from('PrometheusMappings\x01\x00', 'latin1'));
    this.writeIndexes();
    rmSync(join(this.directory, 'DIRTY'));
  }

  /** Times of all samples of all series that the storage knows, by metric text. */
  read(): Map<string, Set<number>> {
    const all = new Map<string, Set<number>>();
    for (const fp of [...this.metrics.keys()]) this.unarchive(fp);
    for (const { fp, pairs, descriptors, watermark } of this.series.values()) {
      const columns = new SampleColumns();
      const bytes = existsSync(this.path(fp)) ? readFileSync(this.path(fp)) : Buffer.alloc(0);
      for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES)
        decodeChunk(bytes, at + 17, bytes[at], columns);
      for (const { slot } of descriptors.slice(watermark)) {
        if (slot === undefined) continue;
        decodeChunk(this.slab.blockOf(slot), this.slab.offsetOf(slot), this.slab.encoding[slot], columns);
      }
      all.set(metricText(pairs), new Set(columns.timestamps.subarray(0, columns.count)));
    }
    return all;
  }

  private describe(slot: Slot): Descriptor {
    const { slab } = this;
    return {
      firstTime: firstTimeOf(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot]),
      lastTime: lastTimeOf(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot]),
      slot,
    };
  }

  private recordOf(slot: Slot): Buffer {
    const { firstTime, lastTime } = this.describe(slot);
    const record = Buffer.alloc(RECORD_BYTES);
    record[0] = this.slab.encoding[slot];
    record.writeBigInt64LE(BigInt(firstTime), 1);
    record.writeBigInt64LE(BigInt(lastTime), 9);
    record.set(this.slab.bytesOf(slot), 17);
    return record;
  }

  private headersOf(fp: string): Descriptor[] {
    const bytes = readFileSync(this.path(fp));
    const headers: Descriptor[] = [];
    for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
      const [firstTime, lastTime] = [bytes.readBigInt64LE(at + 1), bytes.readBigInt64LE(at + 9)];
      headers.push({ firstTime: Number(firstTime), lastTime: Number(lastTime), slot: undefined });
    }
    return headers;
  }

  private path(fp: string): string {
    return join(this.directory, fp.slice(0, 2), `${fp.slice(2)}.db`);
  }

  /** Replaces the indexes with files as goleveldb writes them: the labels of all series, and the archive as it is. */
  private writeIndexes(): void {
    const { directory } = this;
    const metric = new Map<string, Uint8Array>();
    const timeRange = new Map<string, Uint8Array>();
    const pairsOf = new Map<string, Set<string>>();
    const valuesOf = new Map<string, Set<string>>();
    const index = (fp: string, pairs: LabelPairs): void => {
      for (let i = 0; i < pairs.length; i += 2) {
        const key = encoded((writer) => {
          writer.string(pairs[i]);
          writer.string(pairs[i + 1]);
        });
        pairsOf.set(key, (pairsOf.get(key) ?? new Set()).add(fp));
        valuesOf.set(pairs[i], (valuesOf.get(pairs[i]) ?? new Set()).add(pairs[i + 1]));
      }
    };
    for (const [fp, pairs] of this.metrics) {
      metric.set(
        keyOf(fp),
        Buffer.from(
          encoded((writer) => writer.metric([...pairs])),
          'latin1',
        ),
      );
      index(fp, pairs);
    }
    for (const [fp, { first, last }] of this.ranges) {
      const value = encoded((writer) => {
        writer.svarint(first);
        writer.svarint(last);
      });
      timeRange.set(keyOf(fp), Buffer.from(value, 'latin1'));
    }
    for (const { fp, pairs } of this.series.values()) index(fp, pairs);
    const pairs = new Map<string, Uint8Array>();
    for (const [key, fps] of pairsOf) {
      const value = encoded((writer) => {
        writer.svarint(fps.size);
        for (const fp of fps) writer.raw(Buffer.from(fp, 'hex'));
      });
      pairs.set(key, Buffer.from(value, 'latin1'));
    }
    const names = new Map<string, Uint8Array>();
    for (const [name, values] of valuesOf) {
      const value = encoded((writer) => {
        writer.svarint(values.size);
        for (const text of values) writer.string(text);
      });
      names.set(
        encoded((writer) => writer.string(name)),
        Buffer.from(value, 'latin1'),
      );
    }
    writeGolevel(join(directory, databaseFolders.metric), metric, this.isArchiveNew);
    writeGolevel(join(directory, databaseFolders.timeRange), timeRange, this.isArchiveNew);
    writeGolevel(join(directory, databaseFolders.names), names, this.areLabelsNew);
    writeGolevel(join(directory, databaseFolders.pairs), pairs, this.areLabelsNew);
  }
}

const keyOf = (fp: string): string => Buffer.from(fp, 'hex').toString('latin1');

const encoded = (write: (writer: ByteWriter) => void): string => {
  const writer = new ByteWriter();
  write(writer);
  return writer.copy().toString('latin1');
};
