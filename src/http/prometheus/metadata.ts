/**
 * `/api/v1/metadata`: type, help and unit of metrics. The answer has what the store was told (`describe`, recorded
 * registries, senders that bring metadata), and the metrics of the registries that the server shows.
 */
import { Registry } from 'prom-client';
import { byCodeUnits } from '../../text/label-text.ts';
import { sendData } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import { numberParam } from './query-params.ts';

interface Metadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** The name under which the metric is stored: registries of OpenMetrics add the suffix of counters. */
const storedName = (registry: Registry, name: string, type: string): string =>
  type === 'counter' &&
  (registry.contentType as string) === Registry.OPENMETRICS_CONTENT_TYPE &&
  !name.endsWith('_total')
    ? `${name}_total`
    : name;

/** Metadata by metric name. Sources that disagree about a metric give several entries. */
class MetadataByName {
  readonly all = new Map<string, Metadata[]>();

  add(name: string, one: Metadata): void {
    const known = this.all.get(name) ?? [];
    if (!known.some(({ type, help }) => type === one.type && help === one.help)) known.push(one);
    this.all.set(name, known);
  }
}

const collect = ({ store, registries }: StoreExchange): Map<string, Metadata[]> => {
  const found = new MetadataByName();
  for (const { metric, type, help, unit } of store.metadata()) found.add(metric, { type, help, unit });
  for (const registry of new Set([store.registry, ...(registries ?? [])])) {
    for (const { name, help, type } of registry.getMetricsAsArray())
      found.add(storedName(registry, name, String(type)), { type: String(type), help, unit: '' });
  }
  return found.all;
};

export const listMetadata = (exchange: StoreExchange): Promise<void> => {
  const { params, response } = exchange;
  const limit = numberParam(params, 'limit') ?? -1;
  const perMetric = numberParam(params, 'limit_per_metric') ?? 0;
  const wanted = params.get('metric') || undefined;
  const all = collect(exchange);
  const names = [...all.keys()].filter((name) => wanted === undefined || name === wanted).sort(byCodeUnits);
  const listed = limit >= 0 ? names.slice(0, limit) : names;
  return sendData(
    response,
    Object.fromEntries(
      listed.map((name) => [name, perMetric > 0 ? all.get(name)?.slice(0, perMetric) : all.get(name)]),
    ),
  );
};
