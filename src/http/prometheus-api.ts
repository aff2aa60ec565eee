/**
 * Prometheus' HTTP endpoints that need no query language, for Grafana, scripts and other programs: `/api/v1/series`,
 * `/labels`, `/label/<name>/values`, `/status/…`; an export of a selector as JSON lines, and `/federate`.
 */
import type { InstantSample, Labels, Store } from '../index.ts';
import { version } from '../package.ts';
import { jsonLinePieces } from '../text/json-lines.ts';
import { compareLabels, formatLabels, sortByLabels, sortedLabels } from '../text/labels.ts';
import { formatValue } from '../text/values.ts';
import { cardinality } from './cardinality.ts';
import { countParam, matchParams, timeParam } from './params.ts';
import { sendData, sendPieces } from './reply.ts';
import type { Route, StoreExchange } from './router.ts';

const limitMax = 1_000_000;

const rangeOf = (params: URLSearchParams) => ({ from: timeParam(params, 'start'), through: timeParam(params, 'end') });

/** Cuts a list at the `limit` parameter, 0 meaning none, and says so as Prometheus does. */
const limited = <T>(params: URLSearchParams, list: readonly T[]): { list: readonly T[]; warnings: string[] } => {
  const limit = countParam(params, 'limit', { fallback: 0, maximum: limitMax });
  return limit === 0 || list.length <= limit
    ? { list, warnings: [] }
    : { list: list.slice(0, limit), warnings: ['results truncated due to limit'] };
};

const sendList = ({ params, response }: StoreExchange, all: readonly unknown[]): void => {
  const { list, warnings } = limited(params, all);
  sendData(response, list, warnings);
};

const matchingLabels = ({ params, store }: StoreExchange, selectors: readonly string[]): Promise<Labels[]> =>
  store.metrics(selectors, rangeOf(params));

const series = async (exchange: StoreExchange): Promise<void> => {
  const found = await matchingLabels(exchange, matchParams(exchange.params, { required: true }));
  const sorted = sortByLabels(found, (labels) => labels);
  sendList(exchange, sorted.map(sortedLabels));
};

const labelNames = async (exchange: StoreExchange): Promise<void> => {
  const selectors = matchParams(exchange.params, { required: false });
  if (selectors.length === 0) return sendList(exchange, (await exchange.store.labelNames()).sort());
  const names = new Set((await matchingLabels(exchange, selectors)).flatMap((labels) => Object.keys(labels)));
  sendList(exchange, [...names].sort());
};

const labelValues = async (exchange: StoreExchange): Promise<void> => {
  const { store, params, path } = exchange;
  const selectors = matchParams(params, { required: false });
  if (selectors.length === 0) return sendList(exchange, (await store.labelValues(path['name'])).sort());
  const found = await matchingLabels(exchange, selectors);
  const values = new Set(found.map((labels) => labels[path['name']] ?? '').filter((value) => value !== ''));
  sendList(exchange, [...values].sort());
};

const buildInfo = ({ response }: StoreExchange): void =>
  sendData(response, {
    version,
    revision: '',
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
    application: 'tidemark',
  });

const storageStatus = async ({ store, response, signal }: StoreExchange): Promise<void> => {
  const [info, counts] = await Promise.all([store.info(), cardinality(store, signal)]);
  sendData(response, {
    headStats: {
      numSeries: info.seriesInMemory + info.seriesArchived,
      numLabelPairs: counts.labelPairs,
      chunkCount: info.chunksInMemory,
      minTime: info.firstTime ?? 0,
      maxTime: info.lastTime ?? 0,
    },
    seriesCountByMetricName: counts.seriesByMetric,
    labelValueCountByLabelName: counts.valuesByLabel,
    seriesCountByLabelValuePair: counts.seriesByPair,
  });
};

async function* exportedLines({ store, params, signal }: StoreExchange): AsyncIterable<string> {
  const bits = params.get('bits') === '1';
  for (const selector of matchParams(params, { required: true }))
    for await (const one of store.select(selector, { ...rangeOf(params), signal }))
      if (one.timestamps.length > 0) yield* jsonLinePieces(one, { bits });
}

const exportLines = (exchange: StoreExchange): Promise<void> =>
  sendPieces(exchange.response, 'application/stream+json; charset=utf-8', exportedLines(exchange));

/** The newest sample of every matching series that is not stale, once each though several selectors match it. */
const latest = async (store: Store, selectors: readonly string[]): Promise<InstantSample[]> => {
  const found = await Promise.all(selectors.map((selector) => store.instant(selector)));
  const byLabels = new Map(found.flat().map((sample) => [formatLabels(sample.labels), sample]));
  return [...byLabels.values()].sort(byMetric);
};

/** All samples of a metric stand together in the text format. */
const byMetric = (a: InstantSample, b: InstantSample): number => {
  const nameA = a.labels['__name__'] ?? '';
  const nameB = b.labels['__name__'] ?? '';
  return nameA < nameB ? -1 : nameA > nameB ? 1 : compareLabels(a.labels, b.labels);
};

const withInstance = (labels: Labels): string => {
  const text = formatLabels(labels);
  if (labels['instance']) return text;
  return text.endsWith('}') ? `${text.slice(0, -1)},instance=""}` : `${text}{instance=""}`;
};

/**
 * As the original's: one sample a series, the newest of the last five minutes, unless the series has ended. A series
 * without `instance` says so, lest its scraper put its own there; one without a name can't be written, and is left out.
 */
async function* federatedLines({ store, params }: StoreExchange): AsyncIterable<string> {
  let previous: string | undefined;
  for (const { labels, value, timestamp } of await latest(store, matchParams(params, { required: true }))) {
    const name = labels['__name__'] ?? '';
    if (name === '') continue;
    const type = name === previous ? '' : `# TYPE ${formatLabels({ __name__: name })} untyped\n`;
    previous = name;
    yield `${type}${withInstance(labels)} ${formatValue(value)} ${timestamp}\n`;
  }
}

const federate = (exchange: StoreExchange): Promise<void> =>
  sendPieces(exchange.response, 'text/plain; version=0.0.4; charset=utf-8', federatedLines(exchange));

const both = ['GET', 'POST'] as const;

export const prometheusRoutes: readonly Route[] = [
  { methods: both, path: '/api/v1/series', handle: series },
  { methods: both, path: '/api/v1/labels', handle: labelNames },
  { methods: both, path: '/api/v1/label/<name>/values', handle: labelValues },
  { methods: ['GET'], path: '/api/v1/status/buildinfo', handle: buildInfo },
  { methods: ['GET'], path: '/api/v1/status/tsdb', handle: storageStatus },
  { methods: both, path: '/api/v1/export', handle: exportLines },
  { methods: ['GET'], path: '/federate', handle: federate },
];
