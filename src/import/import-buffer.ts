/**
 * Samples that are older than the newest one of their series, gathered until many can be merged into the series files
 * together: a file is rewritten once for all of its samples. The memory is reserved once and does not grow.
 */
import type { Labels, SeriesColumns } from '../index.ts';

/** Samples and series that are gathered before they are merged; a sample takes 24 bytes. */
const samplesMax = 768 * 1024;
const seriesMax = 50_000;

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export class ImportBuffer {
  /** Samples in the buffer. */
  count = 0;
  private readonly capacity: number;
  private timestamps = new Float64Array(0);
  private values = new Float64Array(0);
  /** The series of each sample: an index of `labels`. */
  private series = new Uint32Array(0);
  private words = new Uint32Array(0);
  private order = new Uint32Array(0);
  private column = new Float64Array(0);
  private columnValues = new Float64Array(0);
  private readonly ids = new Map<string, number>();
  private readonly labels: Labels[] = [];
  private counts: number[] = [];

  constructor(capacity = samplesMax) {
    this.capacity = capacity;
  }

  get isFull(): boolean {
    return this.count === this.capacity || this.labels.length >= seriesMax;
  }

  /** The number that {@link add} needs. It is valid until {@link clear}. */
  idOf(key: string, labels: Labels): number {
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.labels.length;
    this.ids.set(key, id);
    this.labels.push(labels);
    this.counts.push(0);
    return id;
  }

  add(id: number, timestamp: number, value: number): void {
    const at = this.next(id, timestamp);
    this.values[at] = value;
  }

  /** Adds a value by the high and low half of its bits. */
  addBits(id: number, timestamp: number, high: number, low: number): void {
    const at = this.next(id, timestamp);
    this.words[2 * at] = isLittleEndian ? low : high;
    this.words[2 * at + 1] = isLittleEndian ? high : low;
  }

  /**
   * The samples by series, each series in the order in which its samples were added. The arrays of a series are used
   * again for the next one.
   */
  *columns(): Iterable<SeriesColumns> {
    const { count, counts, series, timestamps, words } = this;
    // The samples of series i are those at order[starts[i]] to before order[starts[i + 1]].
    const starts = new Uint32Array(counts.length + 1);
    for (const [id, number] of counts.entries()) starts[id + 1] = starts[id] + number;
    const next = starts.slice();
    const { order } = this;
    for (let at = 0; at < count; at++) order[next[series[at]]++] = at;
    const longest = counts.reduce((most, number) => Math.max(most, number), 0);
    if (this.column.length < longest) {
      this.column = new Float64Array(longest);
      this.columnValues = new Float64Array(longest);
    }
    const columnWords = new Uint32Array(this.columnValues.buffer);
    for (const [id, labels] of this.labels.entries()) {
      const number = counts[id];
      const column = {
        labels,
        timestamps: this.column.subarray(0, number),
        values: this.columnValues.subarray(0, number),
      };
      for (let i = 0; i < number; i++) {
        const at = order[starts[id] + i];
        column.timestamps[i] = timestamps[at];
        columnWords[2 * i] = words[2 * at];
        columnWords[2 * i + 1] = words[2 * at + 1];
      }
      yield column;
    }
  }

  clear(): void {
    this.count = 0;
    this.ids.clear();
    this.labels.length = 0;
    this.counts = [];
  }

  private next(id: number, timestamp: number): number {
    if (this.timestamps.length === 0) this.reserve();
    const at = this.count++;
    this.series[at] = id;
    this.timestamps[at] = timestamp;
    this.counts[id]++;
    return at;
  }

  private reserve(): void {
    this.timestamps = new Float64Array(this.capacity);
    this.values = new Float64Array(this.capacity);
    this.words = new Uint32Array(this.values.buffer);
    this.series = new Uint32Array(this.capacity);
    this.order = new Uint32Array(this.capacity);
  }
}
