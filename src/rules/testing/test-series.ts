/** The series of a unit test in memory, which the rules under test read and write. */
import { compareLabelPairs, type LabelPairs, type Labels, toLabelPairs } from '../../model/labels.ts';
import { compileMatcher, matchesPairs } from '../../model/matcher.ts';
import { firstAtOrAfter } from '../../model/search-times.ts';
import type { SeriesSource, SourceRequest, SourceSeries } from '../../promql/source.ts';
import { FLOAT, type SeriesLine } from '../../promql/testing/series-line.ts';
import type { RuleSeries } from '../rule-storage.ts';
import { seriesKey } from '../series-key.ts';

const STALE_BITS = 0x7ff0000000000002n;
const BATCH_LENGTH = 256;

/** Samples of one series, in columns that grow. */
class TestColumn implements RuleSeries {
  readonly labels: LabelPairs;
  private timestamps = new Float64Array(16);
  private bits = new BigUint64Array(16);
  private length = 0;

  constructor(labels: LabelPairs) {
    this.labels = labels;
  }

  append(timestamp: number, value: number): void {
    this.appendBits(timestamp, new BigUint64Array(Float64Array.of(value).buffer)[0]);
  }

  appendStale(timestamp: number): void {
    this.appendBits(timestamp, STALE_BITS);
  }

  /** As Prometheus' storage: an older sample, and another one of the same time, is refused. */
  appendBits(timestamp: number, bits: bigint): void {
    const { length } = this;
    if (length > 0 && timestamp <= this.timestamps[length - 1]) {
      if (timestamp === this.timestamps[length - 1] && bits === this.bits[length - 1]) return;
      throw new Error(`out of order: ${timestamp} after ${this.timestamps[length - 1]}`);
    }
    if (length === this.timestamps.length) this.grow();
    this.timestamps[length] = timestamp;
    this.bits[length] = bits;
    this.length++;
  }

  between(from: number, through: number): SourceSeries | undefined {
    const start = firstAtOrAfter(this.timestamps, from, 0, this.length);
    const end = firstAtOrAfter(this.timestamps, through + 1, start, this.length);
    if (start === end) return undefined;
    const values = new Float64Array(this.bits.buffer, this.bits.byteOffset, this.length).subarray(start, end);
    return { labels: this.labels, timestamps: this.timestamps.subarray(start, end), values };
  }

  private grow(): void {
    const timestamps = new Float64Array(2 * this.length);
    const bits = new BigUint64Array(2 * this.length);
    timestamps.set(this.timestamps);
    bits.set(this.bits);
    this.timestamps = timestamps;
    this.bits = bits;
  }
}

/** A line of the test file, with the place of its next value. */
interface LoadingLine {
  readonly line: SeriesLine;
  readonly bits: BigUint64Array;
  readonly column: TestColumn;
  next: number;
}

export class TestSeries {
  private readonly columns = new Map<string, TestColumn>();
  private sorted: TestColumn[] | undefined;
  private readonly lines: LoadingLine[] = [];
  private readonly intervalMs: number;

  constructor(lines: readonly SeriesLine[], intervalMs: number) {
    this.intervalMs = intervalMs;
    for (const line of lines) {
      const { values } = line;
      const bits = new BigUint64Array(values.buffer, values.byteOffset, values.length);
      this.lines.push({ line, bits, column: this.columnOf(line.labels), next: 0 });
    }
  }

  /** Loads the values up to a time, so that rules do not see what comes later. */
  loadThrough(time: number): void {
    for (const loading of this.lines) {
      const { line, bits, column } = loading;
      for (; loading.next < line.values.length && loading.next * this.intervalMs <= time; loading.next++) {
        if (line.kinds[loading.next] === FLOAT) column.appendBits(loading.next * this.intervalMs, bits[loading.next]);
      }
    }
  }

  series(labels: Labels): RuleSeries {
    return this.columnOf(toLabelPairs(labels));
  }

  get source(): SeriesSource {
    return { select: (request) => this.select(request) };
  }

  private columnOf(labels: LabelPairs): TestColumn {
    const key = seriesKey(Object.fromEntries(pairsOf(labels)));
    let column = this.columns.get(key);
    if (column === undefined) {
      column = new TestColumn(labels);
      this.columns.set(key, column);
      this.sorted = undefined;
    }
    return column;
  }

  private async *select({ matchers, from, through, signal }: SourceRequest): AsyncGenerator<readonly SourceSeries[]> {
    this.sorted ??= [...this.columns.values()].sort((a, b) => compareLabelPairs(a.labels, b.labels));
    const compiled = matchers.map(compileMatcher);
    let batch: SourceSeries[] = [];
    for (const column of this.sorted) {
      signal?.throwIfAborted();
      if (!matchesPairs(compiled, column.labels)) continue;
      const series = column.between(from, through);
      if (series !== undefined) batch.push(series);
      if (batch.length < BATCH_LENGTH) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  }
}

const pairsOf = (labels: LabelPairs): [string, string][] => {
  const pairs: [string, string][] = [];
  for (let i = 0; i < labels.length; i += 2) pairs.push([labels[i], labels[i + 1]]);
  return pairs;
};
