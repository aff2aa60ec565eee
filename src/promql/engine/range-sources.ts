/** Where range functions get their series: from `x[5m]`, or from a subquery. */
import type { SourceSeries } from '../source.ts';
import type { Execution, VectorOperator } from './execution.ts';
import { hasBit, type Row, type Steps } from './rows.ts';
import type { Select } from './select.ts';
import { StaleMarkers } from './stale.ts';
import type { RangeSeries, WindowOptions } from './windows.ts';

export type RangeSink = (series: RangeSeries) => void | Promise<void>;

export interface RangeSource {
  readonly isDistinct: boolean;
  readonly window: WindowOptions;
  /** The series with their samples. A series is valid until the sink has taken it. */
  run(sink: RangeSink): Promise<void>;
}

/** `x[5m]`. */
export class SelectorRange implements RangeSource {
  readonly isDistinct: boolean;
  readonly window: WindowOptions;
  private readonly select: Select;

  constructor(select: Select, window: WindowOptions, isDistinct: boolean) {
    this.select = select;
    this.window = window;
    this.isDistinct = isDistinct;
  }

  async run(sink: RangeSink): Promise<void> {
    const stale = new StaleMarkers();
    await this.select.read((series) =>
      series.timestamps.length === 0 ? undefined : sink(withoutStale(series, stale)),
    );
  }
}

/** The columns as they are if there is no stale marker, otherwise copies without them. */
const withoutStale = (series: SourceSeries, stale: StaleMarkers): RangeSeries => {
  const { labels, timestamps, values } = series;
  const { length } = timestamps;
  let index = 0;
  while (index < length && !(Number.isNaN(values[index]) && stale.isMarker(values, index))) index++;
  if (index === length) return { labels, dropName: false, timestamps, values, length };
  const keptTimestamps = timestamps.slice();
  const keptValues = values.slice();
  let kept = index;
  for (; index < length; index++) {
    if (Number.isNaN(values[index]) && stale.isMarker(values, index)) continue;
    keptTimestamps[kept] = timestamps[index];
    keptValues[kept] = values[index];
    kept++;
  }
  return { labels, dropName: false, timestamps: keptTimestamps, values: keptValues, length: kept };
};

/**
 * `expr[1h:5m]`: the inner expression is evaluated once over all inner steps that any window needs. Its rows become
 * samples at the inner steps.
 */
export class SubqueryRange implements RangeSource {
  readonly isDistinct: boolean;
  readonly window: WindowOptions;
  private readonly execution: Execution;
  private readonly inner: VectorOperator;
  private readonly innerSteps: Steps;

  constructor(execution: Execution, inner: VectorOperator, innerSteps: Steps, window: WindowOptions) {
    this.execution = execution;
    this.inner = inner;
    this.innerSteps = innerSteps;
    this.window = window;
    this.isDistinct = inner.isDistinct;
  }

  async run(sink: RangeSink): Promise<void> {
    const steps = this.innerSteps;
    if (steps.count === 0) return;
    const times = steps.column();
    for (let step = 0; step < steps.count; step++) times[step] = steps.timeAt(step);
    // Where a row has gaps, its values and their times are copied here without them.
    const timestamps = steps.column();
    const values = steps.column();
    await this.inner.run((row) => {
      const { labels, dropName, present } = row;
      const series = steps.isFull(present)
        ? { labels, dropName, timestamps: times, values: row.values, length: steps.count }
        : { labels, dropName, timestamps, values, length: compact(row, times, timestamps, values) };
      const waiting = sink(series);
      return waiting === undefined ? steps.release(row) : waiting.then(() => steps.release(row));
    });
    this.execution.budget.release(3 * steps.count, 24 * steps.count);
  }
}

/** Copies the present values and their times. Returns how many there are. */
const compact = (row: Row, times: Float64Array, timestamps: Float64Array, values: Float64Array): number => {
  let length = 0;
  for (let step = 0; step < times.length; step++) {
    if (!hasBit(row.present, step)) continue;
    timestamps[length] = times[step];
    values[length] = row.values[step];
    length++;
  }
  return length;
};
