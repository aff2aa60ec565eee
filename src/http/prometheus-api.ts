/**
 * Prometheus' HTTP endpoints that need no query language, for Grafana, scripts and other programs: `/api/v1/series`,
 * `/labels`, `/label/<name>/values`, `/status/…`; an export of a selector as JSON lines, and `/federate`.
 */
import type { InstantSample, Labels, Store } from '../index.ts';
import { version } from '../package.ts';
import { jsonLinePieces } from '../text/json-lines.ts';
import { firstByLabels, formatLabels, sortByLabels, sortedLabels } from '../text/labels.ts';
import { formatValue } from '../text/values.ts';
import { cardinality } from './cardinality.ts';
import { countParam, matchParams, timeParam } from './params.ts';
import { sendData, sendPieces } from './reply.ts';
import type { Route, StoreExchange } from './router.ts';

const limitMax = 1_000_000;

const rangeOf = (params: URLSearchParams) => ({ from: timeParam(params, 'start'), through: timeParam(params, 'end') });

const truncated = 'results truncated due to limit';

/** 0 means none. */
const limitParam = (params: URLSearchParams): number => countParam(params, 'limit', { fallback: 0, maximum: limitMax });

/** Cuts a list at the `limit` parameter, and says so as Prometheus does. */
const limited = <T>(params: URLSearchParams, list: readonly T[]): { list: readonly T[]; warnings: string[] } => {
  const limit = limitParam(params);
  return limit === 0 || list.length <= limit
    ? { list, warnings: [] }
    : { list: list.slice(0, limit), warnings: [truncated] };
};

const sendList = ({ params, response }: StoreExchange, all: readonly unknown[]): void => {
  const { list, warnings } = limited(params, all);
  sendData(response, list, warnings);
};

const matchingLabels = ({ params, store }: StoreExchange, selectors: readonly string[]): Promise<Labels[]> =>
  store.metrics(selectors, rangeOf(params));

const series = async (exchange: StoreExchange): Promise<void> => {
  const { params, response, breathe } = exchange;
  const found = await matchingLabels(exchange, matchParams(params, { required: true }));
  const limit = limitParam(params) || found.length;
  const first = await firstByLabels(found, limit, breathe);
  sendData(response, first.map(sortedLabels), first.length < found.length ? [truncated] : []);
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

const storageStatus = async ({ store, response, signal, breathe }: StoreExchange): Promise<void> => {
  const [info, counts] = await Promise.all([store.info(), cardinality(store, signal, breathe)]);
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
  sendPieces(exchange, 'application/stream+json; charset=utf-8', exportedLines(exchange));

const nameOf = ({ labels }: InstantSample): string => labels['__name__'] ?? '';

/** The newest sample of every matching series that has not ended, once each though several selectors match it. */
const latest = async (store: Store, selectors: readonly string[]): Promise<InstantSample[]> => {
  const found = (await Promise.all(selectors.map((selector) => store.instant(selector)))).flat();
  const each =
    selectors.length === 1
      ? found
      : sortByLabels(
          [...new Map(found.map((sample) => [formatLabels(sample.labels), sample])).values()],
          ({ labels }) => labels,
        );
  // They are sorted by labels. All samples of a metric stand together in the text format, so the name comes first.
  return each.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
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
  sendPieces(exchange, 'text/plain; version=0.0.4; charset=utf-8', federatedLines(exchange));

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
