/**
 * The queries of the store. A query covers the series and samples that existed when it was called; samples may be
 * appended meanwhile. Results are sorted by labels.
 */
import type { Duration, InstantSample, SelectOptions, Selector, SeriesSamples, TimeRange } from '../api/api.ts';
import type { Slices } from '../async/slices.ts';
import type { Turn } from '../async/turn.ts';
import { parseDuration } from '../model/duration.ts';
import { TidemarkError } from '../model/errors.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { invalidOption } from '../model/invalid-option.ts';
import type { LabelPairs, Labels } from '../model/labels.ts';
import { parseSelector } from '../model/selector.ts';
import { detailOf, shownValue } from '../model/shown-value.ts';
import { isStaleAt } from '../model/staleness.ts';
import type { Clock } from '../ports/clock.ts';
import type { LabelObjects } from '../series/label-objects.ts';
import { LAST_HIGH, LAST_LOW, NO_ROW, ROW_SHIFT, type Row, VALUE_KNOWN } from '../series/table.ts';
import { type FindParts, type FoundSeries, findLabels, findSeries, type Sought } from './find-series.ts';
import { ReadAhead } from './read-ahead.ts';
import type { Range, SeriesReader } from './read-series.ts';
import { type ReadSamples, type SampleCollector, withoutOlder } from './samples.ts';
import { settleIndex } from './settle-index.ts';
import { sortByLabels } from './sort-by-labels.ts';
import { onWholeIndexes } from './whole-indexes.ts';

/** How many series' newest samples one message to the worker reads. */
const BATCH_SERIES = 64;
/** Samples returned between two looks at the clock. */
const SAMPLES_PER_LOOK = 4096;
/** Samples for which the columns of a batch may have room to be used again; 2 MiB. */
const COLUMNS_KEPT_MAX = 1 << 17;
/** The cost of a series itself, counted in samples. */
const SAMPLES_PER_SERIES = 64;
/** Series that are visited, or merged with those of other selectors, between two looks at the clock. */
const SERIES_PER_LOOK = 256;

const DEFAULT_LOOKBACK_MS = 5 * 60_000;

export interface QueryParts extends Omit<FindParts, 'onStrays'> {
  readonly reader: SeriesReader;
  readonly labelObjects: LabelObjects;
  /** Whether the row's last time is only a bound: the series may have no sample at this time. */
  readonly isLastTimeBound: (row: Row) => boolean;
  readonly clock: Clock;
  /** What queries share of the turns of the event loop. */
  readonly turn: Turn;
  /** Samples before this time are past retention and hidden; -Infinity shows everything. */
  readonly visibleFrom: () => number;
  /**
   * The same for a series with these labels, when series have different limits. `visibleFrom` is then the earliest.
   */
  readonly visibleFromOf?: ((pairs: LabelPairs) => number) | undefined;
  /** Throws if the store is closed. */
  readonly assertOpen: () => void;
}

export class Queries {
  private readonly parts: QueryParts;
  /** Number of fingerprints from an index for which there was no series. */
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
    checkOptions('options', options);
    const { signal } = options;
    this.check(signal);
    const range = this.rangeOf(options);
    for await (const batch of this.batches(selector, range, signal)) {
      for (const [series, samples] of batch) {
        this.check(signal);
        yield this.answerOf(series, samples);
      }
    }
  }

  /**
   * The matching series with their samples in the range, sorted by labels, in batches of series that could be read
   * without waiting. With `reusesColumns`, the samples of a batch are valid until the next batch is asked for.
   */
  async *batches(
    selector: Selector,
    range: Range,
    signal: AbortSignal | undefined,
    reusesColumns = false,
  ): AsyncGenerator<readonly (readonly [FoundSeries, ReadSamples])[]> {
    this.check(signal);
    const { reader } = this.parts;
    const slices = await this.beginSlices();
    const found = await this.findSorted(selector, range, slices);
    let batch: (readonly [FoundSeries, ReadSamples])[] = [];
    const ahead = new ReadAhead(reader, found, range, () =>
      slices.isOver ? slices.breathe().then(() => this.check(signal)) : undefined,
    );
    let collectors: SampleCollector[] = [];
    let sampleCount = 0;
    for (let i = 0; i < found.length; i++) {
      this.check(signal);
      if (reusesColumns && collectors.length === batch.length) collectors.push(reader.newCollector());
      const collector = reusesColumns ? collectors[batch.length] : undefined;
      const read = ahead.take(i) ?? reader.readMemory(found[i], range, collector) ?? (await ahead.read(i));
      const samples = this.visible(found[i], read);
      if (samples.timestamps.length > 0 || samples.problems !== undefined) batch.push([found[i], samples]);
      sampleCount += samples.timestamps.length + SAMPLES_PER_SERIES;
      if (sampleCount < SAMPLES_PER_LOOK) continue;
      sampleCount = 0;
      if (batch.length > 0) yield batch;
      batch = [];
      if (capacityOf(collectors) > COLUMNS_KEPT_MAX) collectors = [];
      if (slices.isOver) await slices.breathe();
    }
    if (batch.length > 0) yield batch;
  }

  /**
   * For each series, the newest sample at `at`, at most `lookback` old. A series that ended before `at` is left out.
   */
  async instant(selector: Selector, options: { at?: number; lookback?: Duration } = {}): Promise<InstantSample[]> {
    checkOptions('options', options);
    const at = options.at ?? this.parts.clock.now();
    checkFiniteTime('at', at);
    const lookback =
      options.lookback === undefined ? DEFAULT_LOOKBACK_MS : durationOption('lookback', options.lookback);
    const samples: InstantSample[] = [];
    for await (const { labels, timestamps, values, ...rest } of this.select(selector, {
      from: at - lookback,
      through: at,
    })) {
      const last = timestamps.length - 1;
      if (last < 0 || isStaleAt(values, last)) continue;
      const sample = { labels, timestamp: timestamps[last], value: values[last] };
      samples.push(rest.problems === undefined ? sample : { ...sample, problems: rest.problems });
    }
    return samples;
  }

  /** For each series, its newest sample of any age. */
  async lastSamples(selector: Selector): Promise<InstantSample[]> {
    this.check(undefined);
    const range = this.rangeOf({});
    const found = await this.findSorted(selector, range, await this.beginSlices());
    const samples: (InstantSample | undefined)[] = found.map((series) => this.lastInMemory(series));
    const missing = found.flatMap((_, index) => (samples[index] === undefined ? [index] : []));
    for (let start = 0; start < missing.length; ) {
      this.check(undefined);
      const indexes = missing.slice(start, start + BATCH_SERIES);
      const read = await this.lastOnDisk(
        indexes.map((index) => found[index]),
        range,
      );
      for (const [i, sample] of read.entries()) samples[indexes[i]] = sample;
      start += read.length;
    }
    return samples.filter(
      (sample, index) => sample !== undefined && sample.timestamp >= this.visibleFrom(found[index], range.from),
    ) as InstantSample[];
  }

  /** Labels of the series that match any of the selectors and may have samples in the range, in no particular order. */
  async metrics(selectors: Selector | readonly string[], range: TimeRange = {}): Promise<Labels[]> {
    this.check(undefined);
    checkOptions('range', range);
    const sought = this.rangeOf(range);
    const list = isTextList(selectors) ? selectors : [selectors];
    const slices = await this.beginSlices();
    const { labelObjects } = this.parts;
    if (list.length === 1) return findLabels(this.findParts, labelObjects, this.soughtVisible(list[0], sought));
    const byFingerprint = new Map<string, Labels>();
    let looked = 0;
    for (const selector of list) {
      for (const { high, low, pairs, row } of await this.findVisible(selector, sought)) {
        byFingerprint.set(fingerprintText(high, low), labelObjects.of(row, pairs));
        if (++looked % SERIES_PER_LOOK === 0 && slices.isOver) await slices.breathe();
      }
    }
    return [...byFingerprint.values()];
  }

  async labelNames(): Promise<string[]> {
    return onWholeIndexes(this.parts, async () => {
      const isIndexed = await this.settleIndex();
      const names = new Set(await this.parts.labels.names());
      if (!isIndexed) await this.eachPair((name) => names.add(name));
      return [...names].sort();
    });
  }

  async labelValues(name: string): Promise<string[]> {
    if (typeof name !== 'string') {
      throw new TidemarkError('TIDEMARK_INVALID_LABELS', `the name of a label is ${shownValue(name)}; allowed: text`);
    }
    return onWholeIndexes(this.parts, async () => {
      const isIndexed = await this.settleIndex();
      const values = new Set(await this.parts.labels.valuesOf(name));
      if (!isIndexed) {
        await this.eachPair((other, value) => {
          if (other === name) values.add(value);
        });
      }
      return [...values].sort();
    });
  }

  /** The series that match a selector and may have samples in the range, also hidden ones. */
  find(selector: Selector, range: Range): Promise<FoundSeries[]> {
    return findSeries(this.findParts, soughtBy(selector, range));
  }

  /** The series that match a selector and may have samples in the range that are not hidden. */
  private findVisible(selector: Selector, range: Range): Promise<FoundSeries[]> {
    return findSeries(this.findParts, this.soughtVisible(selector, range));
  }

  private async findSorted(selector: Selector, range: Range, slices: Slices): Promise<readonly FoundSeries[]> {
    const found = await this.findVisible(selector, range);
    // Queries that began together have all got here in one turn.
    if (slices.isOver) await slices.breathe();
    return sortByLabels(found, () => (slices.isOver ? slices.breathe() : undefined));
  }

  private soughtVisible(selector: Selector, range: Range): Sought {
    return { ...soughtBy(selector, range), visibleFromOf: this.parts.visibleFromOf };
  }

  private visibleFrom({ pairs }: FoundSeries, earliest: number): number {
    const { visibleFromOf } = this.parts;
    return visibleFromOf === undefined ? earliest : Math.max(earliest, visibleFromOf(pairs));
  }

  /** Hides samples that are past the retention of their series. */
  private visible({ pairs }: FoundSeries, samples: ReadSamples): ReadSamples {
    const { visibleFromOf } = this.parts;
    return visibleFromOf === undefined ? samples : withoutOlder(samples, visibleFromOf(pairs));
  }

  /** The slices of a query. Queries that follow each other in one turn of the event loop share the first slice. */
  private async beginSlices(): Promise<Slices> {
    const slices = this.parts.turn.slices();
    if (slices.isOver) {
      await slices.breathe();
      this.check(undefined);
    }
    return slices;
  }

  private async settleIndex(): Promise<boolean> {
    this.check(undefined);
    return settleIndex(this.parts.indexer, this.parts.isJournalRefused);
  }

  /** Visits every label of every series in memory. */
  private async eachPair(take: (name: string, value: string) => void): Promise<void> {
    const { table } = this.parts;
    const slices = await this.beginSlices();
    let looked = 0;
    for (const row of table.rows()) {
      if (++looked % SERIES_PER_LOOK === 0 && slices.isOver) await slices.breathe();
      const pairs = table.labels[row] ?? [];
      for (let i = 0; i < pairs.length; i += 2) take(pairs[i], pairs[i + 1]);
    }
  }

  private lastInMemory(series: FoundSeries): InstantSample | undefined {
    const { table } = this.parts;
    const row = table.findFingerprint(series.high, series.low);
    if (row === NO_ROW || (table.flags(row) & VALUE_KNOWN) === 0) return undefined;
    const view = new DataView(new ArrayBuffer(8));
    view.setInt32(0, table.ints[(row << ROW_SHIFT) + LAST_HIGH]);
    view.setInt32(4, table.ints[(row << ROW_SHIFT) + LAST_LOW]);
    return { labels: this.labelsOf(series), timestamp: table.lastTime(row), value: view.getFloat64(0) };
  }

  /**
   * The newest samples of series whose rows do not have them. Reads as many of the first series as one batch can.
   * Samples that can't be read are left out and reported.
   */
  private async lastOnDisk(batch: readonly FoundSeries[], range: Range): Promise<(InstantSample | undefined)[]> {
    const { reader, table, archived, isLastTimeBound } = this.parts;
    const from = batch.map(({ high, low }) => {
      const row = table.findFingerprint(high, low);
      if (row !== NO_ROW && isLastTimeBound(row)) return range.from;
      return Math.max(range.from, row === NO_ROW ? archived.lastTimeOf(high, low) : table.lastTime(row));
    });
    const earliest = Math.min(...from.map((time) => (Number.isNaN(time) ? range.from : time)));
    const answers = await reader.readBatch(batch, { from: earliest, through: range.through });
    return answers.map(({ timestamps, values, problems }, index) => {
      const last = timestamps.length - 1;
      if (last < 0) return undefined;
      const sample = { labels: this.labelsOf(batch[index]), timestamp: timestamps[last], value: values[last] };
      return problems === undefined ? sample : { ...sample, problems };
    });
  }

  /** The range of a query: what retention hides is outside. */
  rangeOf(range: TimeRange): Range {
    const { from, through } = checkedRange(range);
    return { from: Math.max(from, this.parts.visibleFrom()), through };
  }

  private answerOf(series: FoundSeries, { timestamps, values, problems }: ReadSamples): SeriesSamples {
    return {
      labels: this.labelsOf(series),
      fingerprint: fingerprintText(series.high, series.low),
      timestamps,
      values,
      ...(problems === undefined ? {} : { problems }),
    };
  }

  private labelsOf({ row, pairs }: FoundSeries): Labels {
    return this.parts.labelObjects.of(row, pairs);
  }

  private check(signal: AbortSignal | undefined): void {
    this.parts.assertOpen();
    if (signal?.aborted === true) {
      throw new TidemarkError('TIDEMARK_ABORTED', 'the query was aborted', { cause: signal.reason });
    }
  }
}

const capacityOf = (collectors: readonly SampleCollector[]): number => {
  let capacity = 0;
  for (const collector of collectors) capacity += collector.capacity;
  return capacity;
};

/** An empty list of matchers selects every series explicitly. Text that would match every series is refused. */
const soughtBy = (selector: Selector, { from, through }: Range): Sought => ({
  matchers: parseSelector(selector, { allowEmpty: Array.isArray(selector) && selector.length === 0 }),
  from,
  through,
});

const isTextList = (selectors: Selector | readonly string[]): selectors is readonly string[] =>
  Array.isArray(selectors) && selectors.length > 0 && selectors.every((selector) => typeof selector === 'string');

/** A range with both ends; infinite where none is given. Throws `TIDEMARK_INVALID_TIMESTAMP`. */
export const checkedRange = ({ from, through }: TimeRange): Range => {
  if (from !== undefined) checkTime('from', from, Number.POSITIVE_INFINITY);
  if (through !== undefined) checkTime('through', through, Number.NEGATIVE_INFINITY);
  if (from !== undefined && through !== undefined && from > through) {
    throw new TidemarkError(
      'TIDEMARK_INVALID_TIMESTAMP',
      `from is ${from}, which is after through, ${through}; allowed: a time that is not later`,
      { details: { from, through } },
    );
  }
  return { from: from ?? Number.NEGATIVE_INFINITY, through: through ?? Number.POSITIVE_INFINITY };
};

/** Throws `TIDEMARK_INVALID_TIMESTAMP` unless the value is a finite number. */
export const checkFiniteTime = (name: string, value: unknown): void => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidTime(name, value);
};

/** `never` is the infinite value that would make the range empty. */
const checkTime = (name: string, value: number, never: number): void => {
  if (typeof value === 'number' && !Number.isNaN(value) && value !== never) return;
  throw invalidTime(name, value);
};

const invalidTime = (name: string, value: unknown): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_INVALID_TIMESTAMP',
    `${name} is ${shownValue(value)}; allowed: milliseconds since the epoch`,
    { details: { name, value: detailOf(value) } },
  );

/** Checks that an argument is an object of options. */
export const checkOptions = (name: string, value: unknown): void => {
  if (typeof value !== 'object' || value === null) throw invalidOption(name, value, 'an object');
};

export const durationOption = (name: string, value: Duration): number => {
  try {
    return parseDuration(value);
  } catch (cause) {
    throw invalidOption(name, value, "a duration such as '5m'", cause);
  }
};
