/**
 * What metrics are: type, help text and unit, by name. Kept in memory while the store is open, for `store.metadata()`
 * and Prometheus' `/api/v1/metadata`. Nothing of it is on disk: programs describe their metrics whenever they start.
 *
 * Bound: {@link METRICS_MAX} descriptions of at most {@link TEXT_MAX} characters a text. Beyond it, the description that
 * was given least recently is dropped.
 */
import type { MetricMetadata } from '../api/api.ts';
import { invalidOption } from '../model/invalid-option.ts';

const METRICS_MAX = 10_000;
/** Longer help texts and units are cut. */
const TEXT_MAX = 1024;

export class MetricDescriptions {
  /** By metric, in the order in which they were given. */
  private readonly byMetric = new Map<string, MetricMetadata>();

  /** Number of metrics with a description. */
  get size(): number {
    return this.byMetric.size;
  }

  /** Remembers a description instead of the last one of the same metric. Throws `TIDEMARK_INVALID_OPTION`. */
  describe({ metric, type, help = '', unit = '' }: Partial<MetricMetadata>): void {
    if (typeof metric !== 'string' || metric === '' || metric.length > TEXT_MAX)
      throw invalidOption('metric', metric, `the name of a metric, at most ${TEXT_MAX} characters`);
    if (typeof type !== 'string' || type === '' || type.length > TEXT_MAX)
      throw invalidOption('type', type, 'text such as counter, gauge, histogram, summary or unknown');
    if (typeof help !== 'string') throw invalidOption('help', help, 'text');
    if (typeof unit !== 'string') throw invalidOption('unit', unit, 'text');
    this.byMetric.delete(metric);
    this.byMetric.set(metric, { metric, type, help: help.slice(0, TEXT_MAX), unit: unit.slice(0, TEXT_MAX) });
    if (this.byMetric.size <= METRICS_MAX) return;
    const [oldest] = this.byMetric.keys();
    this.byMetric.delete(oldest);
  }

  /** All descriptions, sorted by metric. */
  list(): MetricMetadata[] {
    return [...this.byMetric.values()].sort((a, b) => (a.metric < b.metric ? -1 : 1));
  }
}
