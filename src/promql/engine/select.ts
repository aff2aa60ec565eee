/**
 * Reads series from the source. Selectors with the same matchers and the same time range share one reading: the first
 * one keeps the series for the others, and the last one lets them go.
 */
import type { Matcher } from '../../model/matcher.ts';
import type { SeriesSource, SourceSeries } from '../source.ts';
import type { Execution } from './execution.ts';

export class Selects {
  private readonly source: SeriesSource;
  private readonly execution: Execution;
  private readonly byKey = new Map<string, Select>();

  constructor(source: SeriesSource, execution: Execution) {
    this.source = source;
    this.execution = execution;
  }

  /** Announces one reading. Each announced reading happens once. */
  announce(matchers: readonly Matcher[], from: number, through: number): Select {
    const texts = matchers.flatMap(({ name, op, value }) => [name, op, value]);
    const key = JSON.stringify([from, through, ...texts]);
    const known = this.byKey.get(key) ?? new Select(this.source, this.execution, matchers, from, through);
    this.byKey.set(key, known);
    known.readers++;
    return known;
  }
}

export class Select {
  /** Announced readings that have not ended. */
  readers = 0;
  private readonly source: SeriesSource;
  private readonly execution: Execution;
  private readonly matchers: readonly Matcher[];
  private readonly from: number;
  private readonly through: number;
  private kept: SourceSeries[] | undefined;
  private keptSamples = 0;

  constructor(source: SeriesSource, execution: Execution, matchers: readonly Matcher[], from: number, through: number) {
    this.source = source;
    this.execution = execution;
    this.matchers = matchers;
    this.from = from;
    this.through = through;
  }

  /** Calls `take` with each series, in the order of their labels. */
  async read(take: (series: SourceSeries) => void | Promise<void>): Promise<void> {
    const { budget } = this.execution;
    const isLast = --this.readers === 0;
    if (this.kept === undefined && isLast) {
      for await (const batch of this.batches()) {
        const samples = countSamples(batch);
        budget.hold(samples, 16 * samples);
        await this.each(batch, take);
        budget.release(samples, 16 * samples);
      }
      return;
    }
    const kept = this.kept ?? (await this.keep());
    await this.each(kept, take);
    if (!isLast) return;
    this.kept = undefined;
    budget.release(this.keptSamples, 16 * this.keptSamples);
  }

  private async keep(): Promise<readonly SourceSeries[]> {
    const kept: SourceSeries[] = [];
    this.kept = kept;
    for await (const batch of this.batches()) {
      const samples = countSamples(batch);
      this.execution.budget.hold(samples, 16 * samples);
      this.keptSamples += samples;
      for (const series of batch) {
        kept.push({ ...series, timestamps: series.timestamps.slice(), values: series.values.slice() });
      }
    }
    return kept;
  }

  private async *batches(): AsyncIterable<readonly SourceSeries[]> {
    const { budget, problems, request } = this.execution;
    const { matchers, from, through } = this;
    budget.check();
    for await (const batch of this.source.select({ matchers, from, through, signal: request.signal })) {
      budget.check();
      budget.countSeries(batch.length, countSamples(batch));
      for (const series of batch) {
        if (series.problems !== undefined) for (const problem of series.problems) problems.add(problem);
      }
      yield batch;
    }
  }

  private async each(
    batch: readonly SourceSeries[],
    take: (series: SourceSeries) => void | Promise<void>,
  ): Promise<void> {
    const { budget } = this.execution;
    for (const series of batch) {
      const waiting = take(series);
      if (waiting !== undefined) await waiting;
      // Reading a sample and passing a series on cost about one unit and a hundred.
      if (budget.spend(series.timestamps.length + 100)) await budget.breathe();
    }
  }
}

const countSamples = (batch: readonly SourceSeries[]): number => {
  let count = 0;
  for (const series of batch) count += series.timestamps.length;
  return count;
};
