/**
 * How samples and labels are laid out in a sorted key-value store: `s`, series, time -> value for a sample; `l`, label,
 * value, series -> nothing for finding; `m`, series -> labels. Series and times are big-endian, so that byte order is
 * their order.
 */
import { labelsOf } from '../workload.ts';
import { conditions, type PeerStore } from './peer.ts';

export type Entry = readonly [key: Buffer, value: Buffer];

/** What lmdb and level have in common here. */
export interface SortedStore {
  put(entries: readonly Entry[]): Promise<void>;
  scan(from: Buffer, to: Buffer): AsyncIterable<Entry> | Iterable<Entry>;
  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

const entriesPerBatch = 10_000;

const sampleKey = (series: number, time: number): Buffer => {
  const key = Buffer.allocUnsafe(13);
  key[0] = 0x73;
  key.writeUInt32BE(series, 1);
  key.writeUInt32BE(Math.floor(time / 2 ** 32), 5);
  key.writeUInt32BE(time % 2 ** 32, 9);
  return key;
};

const sampleValue = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(value, 0);
  return bytes;
};

const timeOf = (key: Buffer): number => key.readUInt32BE(5) * 2 ** 32 + key.readUInt32BE(9);

const numbered = (prefix: string, series: number): Buffer => {
  const key = Buffer.alloc(Buffer.byteLength(prefix) + 4);
  key.write(prefix);
  key.writeUInt32BE(series, key.length - 4);
  return key;
};

const labelKey = (name: string, value: string, series: number): Buffer => numbered(`l${name}\0${value}\0`, series);
const indexed = ['__name__', 'job', 'path', 'status'];

export class SortedKeysPeer implements PeerStore {
  readonly #store: SortedStore;

  constructor(store: SortedStore) {
    this.#store = store;
  }

  async createSeries(seriesCount: number): Promise<void> {
    for (let i = 0; i < seriesCount; i++) {
      const labels = labelsOf(i);
      const entries: Entry[] = indexed.map((name) => [labelKey(name, labels[name], i), Buffer.alloc(0)]);
      await this.#store.put([...entries, [numbered('m', i), Buffer.from(JSON.stringify(labels))]]);
    }
  }

  async appendRound(timestamps: Float64Array, values: Float64Array): Promise<void> {
    for (let from = 0; from < timestamps.length; from += entriesPerBatch) {
      const length = Math.min(entriesPerBatch, timestamps.length - from);
      await this.#store.put(
        Array.from({ length }, (_, n): Entry => {
          const i = from + n;
          return [sampleKey(i, timestamps[i]), sampleValue(values[i])];
        }),
      );
    }
  }

  flush(): Promise<void> {
    return this.#store.flush();
  }

  async range(): Promise<number> {
    const named = await this.#seriesWith('__name__', 'metric_7');
    const labels = await this.#labels(named);
    const found = named.filter((_, n) => conditions.rangeJob.test(labels[n]['job']));
    let sum = 0;
    for (const series of found) for (const value of (await this.read(series)).values) sum += value;
    if (Number.isNaN(sum)) throw new Error('a value is not a number');
    return found.length;
  }

  async lookup(): Promise<number> {
    const excluded = new Set(await this.#seriesWith('job', 'job-3'));
    const found = (await this.#seriesWith('status', '202')).filter((series) => !excluded.has(series));
    return (await this.#labels(found)).length;
  }

  async regex(): Promise<number> {
    const found: number[] = [];
    for await (const [key] of this.#store.scan(Buffer.from('lpath\0'), Buffer.from('lpath\x01'))) {
      const path = key.toString('latin1', 'lpath\0'.length, key.length - 5);
      if (conditions.regexPath.test(path)) found.push(key.readUInt32BE(key.length - 4));
    }
    return (await this.#labels(found)).filter((labels) => !conditions.regexNotJob.test(labels['job'])).length;
  }

  async read(series: number) {
    const timestamps: number[] = [];
    const values: number[] = [];
    for await (const [key, value] of this.#store.scan(sampleKey(series, 0), sampleKey(series, 2 ** 52))) {
      timestamps.push(timeOf(key));
      values.push(value.readDoubleLE(0));
    }
    return { timestamps: Float64Array.from(timestamps), values: Float64Array.from(values) };
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #seriesWith(name: string, value: string): Promise<number[]> {
    const found: number[] = [];
    for await (const [key] of this.#store.scan(labelKey(name, value, 0), labelKey(name, value, 2 ** 32 - 1))) {
      found.push(key.readUInt32BE(key.length - 4));
    }
    return found;
  }

  async #labels(series: readonly number[]): Promise<Record<string, string>[]> {
    const texts = await this.#store.getMany(series.map((one) => numbered('m', one)));
    return texts.map((text) => JSON.parse(String(text)) as Record<string, string>);
  }
}
