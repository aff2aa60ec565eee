/** The store's current figures, by metric name and, if the metric has a label, by label value. */
import type { MetricFigures } from '../../server/server-answers.ts';

export class Figures {
  private readonly values: ReadonlyMap<string, MetricFigures['values']>;

  constructor(metrics: readonly MetricFigures[]) {
    this.values = new Map(metrics.map(({ name, values }) => [name, values]));
  }

  /** The values of a metric with their labels. */
  all(name: string): MetricFigures['values'] {
    return this.values.get(name) ?? [];
  }

  /** The sum over all label values; `undefined` if there is no such metric. */
  get(name: string): number | undefined {
    const values = this.all(name);
    return values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0);
  }
}
