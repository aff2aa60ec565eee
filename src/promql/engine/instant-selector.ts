/**
 * `x`, `x offset 5m`, `x @ 100`: for each step the newest sample that is not older than the lookback. One pass over the
 * samples and the steps. If the newest sample is a stale marker, the series has no value at that step.
 */
import type { SourceSeries } from '../source.ts';
import type { Execution, VectorOperator } from './execution.ts';
import { isEmpty, type Row, type RowSink, type Steps, setBit } from './rows.ts';
import type { Select } from './select.ts';
import { StaleMarkers } from './stale.ts';

/** Where a selector looks at each step: at `first + step * stepMs`. A selector with `@` has a `stepMs` of 0. */
export interface References {
  readonly first: number;
  readonly stepMs: number;
}

export class InstantSelector implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly select: Select;
  private readonly steps: Steps;
  private readonly references: References;
  /** Gives the times of the samples, in seconds, instead of their values: `timestamp(x)`. */
  private readonly givesTimes: boolean;
  private readonly stale = new StaleMarkers();

  constructor(
    execution: Execution,
    select: Select,
    steps: Steps,
    references: References,
    options: { readonly isDistinct: boolean; readonly givesTimes: boolean },
  ) {
    this.execution = execution;
    this.select = select;
    this.steps = steps;
    this.references = references;
    this.isDistinct = options.isDistinct;
    this.givesTimes = options.givesTimes;
  }

  async run(sink: RowSink): Promise<void> {
    await this.select.read((series) => {
      if (series.timestamps.length === 0) return;
      const row = this.steps.take(series.labels, false);
      this.fill(series, row);
      if (isEmpty(row.present)) return this.steps.release(row);
      return sink(row);
    });
  }

  private fill(series: SourceSeries, row: Row): void {
    const { timestamps, values } = series;
    const { first, stepMs } = this.references;
    const { count } = this.steps;
    const { lookbackMs, closedRanges } = this.execution.options;
    // The oldest time that still counts is `reference - lookback`, or just after it.
    const oldestAge = closedRanges ? lookbackMs : lookbackMs - MS_STEP;
    const { values: results, present } = row;
    const last = timestamps.length - 1;
    let index = -1;
    // Most series are recorded at an interval: as many samples further as the time before is tried first.
    let moved = 0;
    for (let step = 0; step < count; step++) {
      const reference = first + step * stepMs;
      const next = index + moved;
      if (next >= 0 && next < last && timestamps[next] <= reference && timestamps[next + 1] > reference) {
        index = next;
      } else {
        const before = index;
        while (index < last && timestamps[index + 1] <= reference) index++;
        moved = index - before;
      }
      if (index < 0 || reference - timestamps[index] > oldestAge) continue;
      const value = values[index];
      if (Number.isNaN(value) && this.stale.isMarker(values, index)) continue;
      results[step] = this.givesTimes ? timestamps[index] / 1000 : value;
      setBit(present, step);
    }
  }
}

/** Timestamps are whole milliseconds. */
const MS_STEP = 1;
