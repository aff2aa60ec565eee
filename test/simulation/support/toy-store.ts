/**
 * A toy store: samples in memory, a write-ahead log of JSON lines with checksums, a snapshot now and then. It is small
 * enough to be verified by reading, so that the simulator can be tested on it: the simulator must find nothing in the
 * correct toy store, and must find each defect that is put in.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Subject } from 'rxjs';
import type { SeriesSamples, Store, StoreOptions } from '../../../src/api/api.ts';
import type { FileDescriptor, FileSystem } from '../../../src/files/file-system.ts';
import { ioError } from '../../../src/files/io-error.ts';
import { readFile, removeIfPresent, writeFully } from '../../../src/files/read-write.ts';
import { TidemarkError } from '../../../src/model/errors.ts';
import type { Labels } from '../../../src/model/labels.ts';
import type { OpenStore } from '../life.ts';
import { isSimulatedCrash } from '../simulated-process.ts';
import { keyOf } from '../value-source.ts';

/** A defect of the toy store. */
export type ToyDefect =
  | 'noSync'
  | 'noDirectorySync'
  | 'snapshotNotSynced'
  | 'logRemovedBeforeSnapshot'
  | 'acknowledgesBeforeSync'
  | 'replaysTwice'
  | 'dropsLastOfBatch'
  | 'replaysFromSecondLine'
  | 'retriesFailedSync'
  | 'leaksFiles';

interface ToySeries {
  readonly labels: Labels;
  readonly times: number[];
  readonly words: number[];
}

type Entry =
  | {
      readonly op: 'append';
      readonly labels: Labels;
      readonly time: number;
      readonly high: number;
      readonly low: number;
    }
  | { readonly op: 'drop'; readonly key: string };

const COMMIT_MS = 100;
const scratch = new DataView(new ArrayBuffer(8));

/** Opens toy stores that have this defect, or none. */
export const toyStore =
  (defect?: ToyDefect): OpenStore =>
  async (directory, options) =>
    new ToyStore(directory, options, defect) as unknown as Store;

class ToyStore {
  readonly events$ = new Subject<never>();
  private readonly files: FileSystem;
  /** It never reports that it has recovered from trouble. */
  readonly actor = { getSnapshot: () => ({ hasTag: () => false }) };
  private readonly directory: string;
  private readonly options: StoreOptions;
  private readonly defect: ToyDefect | undefined;
  private readonly content = new Map<string, ToySeries>();
  private generation = 1;
  private log: FileDescriptor | undefined;
  private buffer: string[] = [];
  /** Lines that are written and not known to be synced. */
  private unsynced = 0;
  private logFailed = false;
  private timer: unknown;
  private working: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(directory: string, options: StoreOptions, defect: ToyDefect | undefined) {
    this.directory = directory;
    this.options = options;
    this.defect = defect;
    this.files = options.fileSystem!;
    this.guarded('open', () => this.recover());
  }

  append(labels: Labels, time: number, value: number): void {
    scratch.setFloat64(0, value);
    this.appendBits(labels, time, scratch.getInt32(0), scratch.getInt32(4));
  }

  appendBatch(samples: readonly { labels: Labels; timestamp: number; value: number }[]): unknown {
    const rejected: { index: number; code: string }[] = [];
    for (const [index, { labels, timestamp, value }] of samples.entries()) {
      try {
        this.append(labels, timestamp, value);
      } catch (error) {
        if (!(error instanceof TidemarkError) || isSimulatedCrash(error)) throw error;
        rejected.push({ index, code: error.code });
      }
    }
    if (this.defect === 'dropsLastOfBatch' && samples.length > 5) this.buffer.pop();
    return { accepted: samples.length - rejected.length, rejected };
  }

  series(labels: Labels): unknown {
    return {
      append: (time: number, value: number) => this.append(labels, time, value),
      appendBits: (time: number, high: number, low: number) => this.appendBits(labels, time, high, low),
    };
  }

  ready = async (): Promise<void> => {};
  waitForIndexing = async (): Promise<void> => {};
  maintain = async (): Promise<void> => {};
  rebuildIndexes = async (): Promise<void> => {};
  quarantined = async (): Promise<never[]> => [];

  flush(): Promise<void> {
    return this.alone('flush', () => this.commit());
  }

  checkpoint(): Promise<void> {
    return this.alone('checkpoint', async () => this.writeSnapshot());
  }

  drop(labels: Labels): Promise<number> {
    return this.alone('drop', async () => {
      const key = keyOf(labels);
      if (!this.content.delete(key)) return 0;
      this.buffer.push(lineOf({ op: 'drop', key }));
      await this.commit();
      return 1;
    });
  }

  async *select(selector: unknown, range: { from?: number; through?: number } = {}): AsyncGenerator<SeriesSamples> {
    const { from = Number.NEGATIVE_INFINITY, through = Number.POSITIVE_INFINITY } = range;
    for (const [key, { labels, times, words }] of [...this.content]) {
      if (this.isClosed) throw new TidemarkError('TIDEMARK_CLOSED', 'the toy is closed');
      if (typeof selector === 'object' && !isAllOf(selector as Labels, labels)) continue;
      const first = times.findIndex((time) => time >= from);
      const last = times.findLastIndex((time) => time <= through);
      if (first < 0 || last < first) continue;
      const values = new Float64Array(last - first + 1);
      new Int32Array(values.buffer).set(words.slice(2 * first, 2 * last + 2));
      const timestamps = Float64Array.from(times.slice(first, last + 1));
      yield { labels, fingerprint: crc32(key).toString(16).padStart(16, '0'), timestamps, values };
    }
  }

  async metrics(selector: Labels): Promise<Labels[]> {
    return [...this.content.values()].map(({ labels }) => labels).filter((labels) => isAllOf(selector, labels));
  }

  async labelNames(): Promise<string[]> {
    return [...new Set([...this.content.values()].flatMap(({ labels }) => Object.keys(labels)))];
  }

  async labelValues(name: string): Promise<string[]> {
    return [...new Set([...this.content.values()].map(({ labels }) => labels[name]))];
  }

  async instant(selector: Labels, { at, lookback }: { at: number; lookback: number }): Promise<unknown[]> {
    return this.newest(selector, at).filter(({ timestamp }) => timestamp >= at - lookback);
  }

  async lastSamples(selector: Labels): Promise<unknown[]> {
    return this.newest(selector, Number.POSITIVE_INFINITY);
  }

  close(): Promise<void> {
    return this.alone('close', async () => {
      if (this.isClosed) return;
      await this.commit();
      this.isClosed = true;
      this.options.clock!.clearTimeout(this.timer);
      this.timer = undefined;
      if (this.log !== undefined && this.defect !== 'leaksFiles') this.files.close(this.log);
    });
  }

  private newest(selector: Labels, at: number): { labels: Labels; timestamp: number; value: number }[] {
    return [...this.content.values()]
      .filter(({ labels, times }) => isAllOf(selector, labels) && times[0] <= at)
      .map(({ labels, times, words }) => {
        const index = times.findLastIndex((time) => time <= at);
        scratch.setInt32(0, words[2 * index + 1]);
        scratch.setInt32(4, words[2 * index]);
        return { labels, timestamp: times[index], value: scratch.getFloat64(0) };
      });
  }

  private appendBits(labels: Labels, time: number, high: number, low: number): void {
    if (this.isClosed) throw new TidemarkError('TIDEMARK_CLOSED', 'the toy is closed');
    if (Object.values(labels).some((value) => typeof value !== 'string')) {
      throw new TidemarkError('TIDEMARK_INVALID_LABELS', 'label values are strings');
    }
    if (!Number.isInteger(time)) throw new TidemarkError('TIDEMARK_INVALID_TIMESTAMP', 'timestamps are integers');
    const known = this.content.get(keyOf(labels));
    const last = known?.times[known.times.length - 1];
    if (last !== undefined && time < last) throw new TidemarkError('TIDEMARK_OUT_OF_ORDER', 'out of order');
    if (known !== undefined && time === last) {
      if (known.words.at(-2) === low && known.words.at(-1) === high) return;
      throw new TidemarkError('TIDEMARK_DUPLICATE_TIMESTAMP', 'duplicate');
    }
    const entry: Entry = { op: 'append', labels, time, high, low };
    this.apply(entry);
    this.buffer.push(lineOf(entry));
    if (this.options.durability === 'always') {
      try {
        this.guarded('append', () => this.commitBlocking());
      } catch (error) {
        this.takeBack(entry);
        throw error;
      }
    }
    if (this.options.durability === 'interval') this.armTimer();
  }

  /** Takes back a sample that did not reach the disk. */
  private takeBack({ labels }: { readonly labels: Labels }): void {
    const series = this.content.get(keyOf(labels))!;
    series.times.pop();
    series.words.length -= 2;
    if (series.times.length === 0) this.content.delete(keyOf(labels));
    this.buffer = [];
    this.logFailed = true;
  }

  private armTimer(): void {
    this.timer ??= this.options.clock!.setTimeout(() => {
      this.timer = undefined;
      this.flush().catch(() => {
        if (!this.isClosed) this.armTimer();
      });
    }, COMMIT_MS);
  }

  /** Runs one operation at a time, and translates its errors to the store's. */
  private alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    const done = this.working.then(work).catch((error: unknown) => {
      throw ioError(error, what, this.directory);
    });
    this.working = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  private guarded<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw ioError(error, what, this.directory);
    }
  }

  private async commit(): Promise<void> {
    if (this.isClosed) throw new TidemarkError('TIDEMARK_CLOSED', 'the toy is closed');
    if (this.logFailed) return this.writeSnapshot();
    this.write();
    if (this.defect === 'noSync' || this.unsynced === 0) return;
    const covered = this.unsynced;
    const synced = this.files.dataSync(this.log!);
    if (this.defect === 'acknowledgesBeforeSync') synced.catch(() => {});
    else {
      await synced.catch((error: unknown) => {
        this.logFailed = this.defect !== 'retriesFailedSync';
        throw error;
      });
    }
    this.unsynced -= covered;
  }

  private commitBlocking(): void {
    if (this.logFailed) {
      this.writeSnapshot();
      return;
    }
    this.write();
    if (this.defect === 'noSync') return;
    try {
      this.files.dataSyncBlocking(this.log!);
    } catch (error) {
      this.logFailed = true;
      throw error;
    }
    this.unsynced = 0;
  }

  private write(): void {
    const bytes = Buffer.from(this.buffer.join(''));
    if (bytes.length === 0) return;
    // A write that fails midway leaves a torn line. Nothing may be written after it.
    this.logFailed = true;
    writeFully(this.files, this.log!, bytes, 0, bytes.length, null);
    this.logFailed = false;
    this.unsynced += this.buffer.length;
    this.buffer = [];
  }

  /** Writes everything to a new snapshot, and starts a new log. */
  private writeSnapshot(): void {
    const { files, directory } = this;
    const generation = this.generation + 1;
    const log = this.createLog(generation);
    if (this.defect === 'logRemovedBeforeSnapshot') removeIfPresent(files, this.logPath(this.generation));
    const entries = [...this.content.values()].flatMap(({ labels, times, words }) =>
      times.map((time, i): Entry => ({ op: 'append', labels, time, high: words[2 * i + 1], low: words[2 * i] })),
    );
    const temporary = join(directory, 'heads.db.tmp');
    const bytes = Buffer.from(`${generation}\n${entries.map(lineOf).join('')}`);
    try {
      const fd = files.open(temporary, 'truncate');
      try {
        writeFully(files, fd, bytes, 0, bytes.length, null);
        if (this.defect !== 'snapshotNotSynced') files.syncBlocking(fd);
      } finally {
        files.close(fd);
      }
      files.rename(temporary, join(directory, 'heads.db'));
    } catch (error) {
      quietly(() => files.close(log));
      throw error;
    }
    // From here on the new log counts, even if a later call fails: the snapshot in place may be the one that names it.
    const old = this.generation;
    const oldLog = this.log;
    this.log = log;
    this.generation = generation;
    this.buffer = [];
    this.unsynced = 0;
    this.logFailed = true;
    if (oldLog !== undefined) files.close(oldLog);
    if (this.defect !== 'noDirectorySync') files.syncDirectory(directory);
    this.logFailed = false;
    removeIfPresent(files, this.logPath(old));
  }

  private createLog(generation: number): FileDescriptor {
    const fd = this.files.open(this.logPath(generation), 'truncate');
    try {
      this.files.syncBlocking(fd);
      if (this.defect !== 'noDirectorySync') this.files.syncDirectory(this.directory);
      return fd;
    } catch (error) {
      quietly(() => this.files.close(fd));
      throw error;
    }
  }

  private logPath(generation: number): string {
    return join(this.directory, `journal-${generation}`);
  }

  private recover(): void {
    const { files, directory } = this;
    files.makeDirectory(directory);
    files.syncDirectory('/');
    const snapshot = Buffer.from(readFile(files, join(directory, 'heads.db')) ?? '').toString();
    const [first, ...lines] = snapshot.split('\n');
    this.generation = first === '' ? 0 : Number(first);
    this.replay(lines);
    const log = Buffer.from(readFile(files, this.logPath(this.generation)) ?? '').toString();
    this.replay(log.split('\n'));
    if (this.defect === 'replaysTwice' && log.length > 2_000) this.replay(log.split('\n').slice(-2));
    // The tail may be torn, or not durable. A new snapshot makes everything durable that was read.
    this.writeSnapshot();
  }

  private replay(lines: readonly string[]): void {
    for (const line of this.defect === 'replaysFromSecondLine' ? lines.slice(1) : lines) {
      const entry = entryOf(line);
      if (entry === undefined) return;
      this.apply(entry);
    }
  }

  private apply(entry: Entry): void {
    if (entry.op === 'drop') {
      this.content.delete(entry.key);
      return;
    }
    const key = keyOf(entry.labels);
    const series = this.content.get(key) ?? { labels: entry.labels, times: [], words: [] };
    this.content.set(key, series);
    series.times.push(entry.time);
    series.words.push(entry.low, entry.high);
  }
}
/** Ignores an error of the call, because an earlier error is the one to report. */
const quietly = (call: () => void): void => {
  try {
    call();
  } catch {
    // The descriptor is released even if the close fails.
  }
};

const lineOf = (entry: Entry): string => {
  const text = JSON.stringify(entry);
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
};

const entryOf = (line: string): Entry | undefined => {
  const text = line.slice(9);
  return text !== '' && crc32(text) === Number.parseInt(line.slice(0, 8), 16) ? (JSON.parse(text) as Entry) : undefined;
};

const isAllOf = (wanted: Labels, labels: Labels): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);
