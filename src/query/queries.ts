/**
 * The queries of the store. Each answers from what existed when it was called, while samples go on arriving; answers
 * are sorted by labels.
 */
import type { Duration, InstantSample, SelectOptions, Selector, SeriesSamples, TimeRange } from '../api.ts';
import type { Clock } from '../clock.ts';
import { TidemarkError } from '../errors.ts';
import { parseDuration } from '../model/duration.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { compareLabelPairs, type Labels, toLabels } from '../model/labels.ts';
import type { CompiledMatcher } from '../model/matcher.ts';
import { parseSelector } from '../model/selector.ts';
import { isStaleAt } from '../model/staleness.ts';
import { LAST_HIGH, LAST_LOW, NO_ROW, ROW_SHIFT, VALUE_KNOWN } from '../series/table.ts';
import { type FindParts, type FoundSeries, findSeries } from './find-series.ts';
import type { SeriesReader } from './read-series.ts';

/** Series whose files are read by one message to the worker. */
const BATCH_SERIES = 64;
/** Series read from memory between two looks at the clock, and how long a stretch may be. */
const SERIES_PER_LOOK = 64;
const SLICE_MS = 8;

const DEFAULT_LOOKBACK_MS = 5 * 60_000;

export interface QueryParts extends Omit<FindParts, 'onStrays'> {
  readonly reader: SeriesReader;
  readonly clock: Clock;
  /** Samples before this time are past retention and hidden; -Infinity shows everything. */
  readonly visibleFrom: () => number;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

interface Range {
  readonly from: number;
  readonly through: number;
}

export class Queries {
  private readonly parts: QueryParts;
  /** Fingerprints that an index gave and that stand for no series. */
  strayMatches = 0;

  private readonly findParts: FindParts;

  constructor(parts: QueryParts) {
    this.parts = parts;
    this.findParts = {
      ...parts,
      onStrays: (count) => {
        this.strayMatches += count;
      },
    };
  }

  async *select(selector: Selector, options: SelectOptions = {}): AsyncGenerator<SeriesSamples> {
    const { signal } = options;
    this.check(signal);
    const range = this.rangeOf(options);
    const found = await this.find(selector, range);
    found.sort((a, b) => compareLabelPairs(a.pairs, b.pairs));
    let sliceEnd = this.parts.clock.monotonic() + SLICE_MS;
    for (let start = 0; start < found.length; ) {
      this.check(signal);
      const { answers, next } = await this.readFrom(found, start, range);
      for (const answer of answers) {
        this.check(signal);
        yield answer;
      }
      start = next;
      if (start % SERIES_PER_LOOK === 0 && this.parts.clock.monotonic() >= sliceEnd) {
        await this.parts.clock.breathe();
        sliceEnd = this.parts.clock.monotonic() + SLICE_MS;
      }
    }
  }

  /** For each series its newest sample at `at`, not older than `lookback`; none for a series that has ended by then. */
  async instant(selector: Selector, options: { at?: number; lookback?: Duration } = {}): Promise<InstantSample[]> {
    const at = options.at ?? this.parts.clock.now();
    checkTime('at', at);
    const lookback =
      options.lookback === undefined ? DEFAULT_LOOKBACK_MS : durationOption('lookback', options.lookback);
    const samples: InstantSample[] = [];
    for await (const { labels, timestamps, values } of this.select(selector, { from: at - lookback, through: at })) {
      const last = timestamps.length - 1;
      if (!isStaleAt(values, last)) samples.push({ labels, timestamp: timestamps[last], value: values[last] });
    }
    return samples;
  }

  /** For each series its newest sample, however old. */
  async lastSamples(selector: Selector): Promise<InstantSample[]> {
    this.check(undefined);
    const range = this.rangeOf({});
    const found = await this.find(selector, range);
    found.sort((a, b) => compareLabelPairs(a.pairs, b.pairs));
    const samples: (InstantSample | undefined)[] = found.map((series) => this.lastInMemory(series));
    const missing = found.flatMap((_, index) => (samples[index] === undefined ? [index] : []));
    for (let start = 0; start < missing.length; start += BATCH_SERIES) {
      this.check(undefined);
      const indexes = missing.slice(start, start + BATCH_SERIES);
      const read = await this.lastOnDisk(
        indexes.map((index) => found[index]),
        range,
      );
      for (const [i, index] of indexes.entries()) samples[index] = read[i];
    }
    return samples.filter((sample) => sample !== undefined && sample.timestamp >= range.from) as InstantSample[];
  }

  /** Labels of the series that match any of the selectors and may have samples in the range; in no particular order. */
  async metrics(selectors: Selector | readonly string[], range: TimeRange = {}): Promise<Labels[]> {
    this.check(undefined);
    const { from, through } = this.rangeOf(range);
    const list = isTextList(selectors) ? selectors : [selectors];
    if (list.length === 1) return (await this.find(list[0], { from, through })).map(({ pairs }) => toLabels(pairs));
    const byFingerprint = new Map<string, FoundSeries>();
    for (const selector of list) {
      for (const series of await this.find(selector, { from, through })) {
        byFingerprint.set(fingerprintText(series.high, series.low), series);
      }
    }
    return [...byFingerprint.values()].map(({ pairs }) => toLabels(pairs));
  }

  async labelNames(): Promise<string[]> {
    await this.settleIndex();
    return (await this.parts.labels.names()).sort();
  }

  async labelValues(name: string): Promise<string[]> {
    await this.settleIndex();
    return [...(await this.parts.labels.valuesOf(name))].sort();
  }

  /** The series that a selector matches, with samples in the range or not. */
  find(selector: Selector, range: Range): Promise<FoundSeries[]> {
    return findSeries(this.findParts, matchersFor(selector), range.from, range.through);
  }

  private async settleIndex(): Promise<void> {
    this.check(undefined);
    if (this.parts.indexer.queued > 0) await this.parts.indexer.flush();
  }

  /** Answers from `start` on: one series from memory, or a batch of those that need their files. */
  private async readFrom(
    found: readonly FoundSeries[],
    start: number,
    { from, through }: Range,
  ): Promise<{ answers: SeriesSamples[]; next: number }> {
    const { reader } = this.parts;
    const answers: SeriesSamples[] = [];
    const inMemory = reader.readMemory(found[start], from, through);
    if (inMemory !== undefined) {
      if (inMemory.timestamps.length > 0) answers.push(answerOf(found[start], inMemory));
      return { answers, next: start + 1 };
    }
    const batch = found.slice(start, start + BATCH_SERIES);
    const samples = await reader.readBatch(batch, from, through);
    for (const [index, series] of batch.entries()) {
      if (samples[index].timestamps.length > 0) answers.push(answerOf(series, samples[index]));
    }
    return { answers, next: start + batch.length };
  }

  private lastInMemory(series: FoundSeries): InstantSample | undefined {
    const { table } = this.parts;
    const row = table.findFingerprint(series.high, series.low);
    if (row === NO_ROW || (table.flags(row) & VALUE_KNOWN) === 0) return undefined;
    const view = new DataView(new ArrayBuffer(8));
    view.setInt32(0, table.ints[(row << ROW_SHIFT) + LAST_HIGH]);
    view.setInt32(4, table.ints[(row << ROW_SHIFT) + LAST_LOW]);
    return { labels: toLabels(series.pairs), timestamp: table.lastTime(row), value: view.getFloat64(0) };
  }

  /** The newest samples of series whose rows do not know them. What can't be read is reported, and left out. */
  private async lastOnDisk(batch: readonly FoundSeries[], range: Range): Promise<(InstantSample | undefined)[]> {
    const { reader, table, archived } = this.parts;
    const from = batch.map(({ high, low }) => {
      const row = table.findFingerprint(high, low);
      return Math.max(range.from, row === NO_ROW ? archived.lastTimeOf(high, low) : table.lastTime(row));
    });
    const earliest = Math.min(...from.map((time) => (Number.isNaN(time) ? range.from : time)));
    const answers = await reader.readBatch(batch, earliest, range.through);
    return answers.map(({ timestamps, values }, index) => {
      const last = timestamps.length - 1;
      if (last < 0) return undefined;
      return { labels: toLabels(batch[index].pairs), timestamp: timestamps[last], value: values[last] };
    });
  }

  private rangeOf({ from, through }: TimeRange): Range {
    if (from !== undefined) checkTime('from', from);
    if (through !== undefined) checkTime('through', through);
    return {
      from: Math.max(from ?? Number.NEGATIVE_INFINITY, this.parts.visibleFrom()),
      through: through ?? Number.POSITIVE_INFINITY,
    };
  }

  private check(signal: AbortSignal | undefined): void {
    this.parts.assertOpen();
    if (signal?.aborted === true) {
      throw new TidemarkError('TIDEMARK_ABORTED', 'the query was aborted', { cause: signal.reason });
    }
  }
}

/** A list without matchers asks for everything, in so many words; text that would match everything is refused. */
const matchersFor = (selector: Selector): readonly CompiledMatcher[] =>
  parseSelector(selector, { allowEmpty: Array.isArray(selector) && selector.length === 0 });

const answerOf = (
  series: FoundSeries,
  { timestamps, values }: { timestamps: Float64Array; values: Float64Array },
): SeriesSamples => ({
  labels: toLabels(series.pairs),
  fingerprint: fingerprintText(series.high, series.low),
  timestamps,
  values,
});

const isTextList = (selectors: Selector | readonly string[]): selectors is readonly string[] =>
  Array.isArray(selectors) && selectors.length > 0 && selectors.every((selector) => typeof selector === 'string');

const checkTime = (name: string, value: number): void => {
  if (typeof value === 'number' && !Number.isNaN(value)) return;
  throw new TidemarkError(
    'TIDEMARK_INVALID_TIMESTAMP',
    `${name} is ${String(value)}; allowed: milliseconds since the epoch`,
    {
      details: { name, value },
    },
  );
};

const durationOption = (name: string, value: Duration): number => {
  try {
    return parseDuration(value);
  } catch (cause) {
    throw new TidemarkError(
      'TIDEMARK_INVALID_OPTION',
      `${name} is ${String(value)}; allowed: a duration such as '5m'`,
      {
        cause,
        details: { option: name, value },
      },
    );
  }
};
