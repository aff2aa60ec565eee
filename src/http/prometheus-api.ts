/**
 * Prometheus' HTTP endpoints that need no query language, for Grafana, scripts and other programs: `/api/v1/series`,
 * `/labels`, `/label/<name>/values`, `/status/…`. Also an export of a selector as JSON lines, and `/federate`.
 */
import type { Labels, TimeRange } from '../index.ts';
import { version } from '../ports/package.ts';
import { unescapeName } from '../text/escape-names.ts';
import { jsonLinePieces } from '../text/json-lines.ts';
import { firstByLabels, sortedLabels } from '../text/label-text.ts';
import { cardinality } from './cardinality.ts';
import { federate } from './federate.ts';
import { countParam, matchParams, quoteParam, rangeParams } from './params.ts';
import { badData, sendData, sendPieces } from './reply.ts';
import type { Route, StoreExchange } from './router.ts';
import { warningsOf } from './warnings.ts';

const limitMax = 1_000_000;

const truncated = 'results truncated due to limit';

/** The `limit` parameter; 0 means no limit. */
const limitParam = (params: URLSearchParams): number => countParam(params, 'limit', { fallback: 0, maximum: limitMax });

/** Cuts a list at the `limit` parameter, with a warning as in Prometheus. */
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

const isBounded = (range: TimeRange): boolean => range.from !== undefined || range.through !== undefined;

/** The label sets that match the selectors, or those of every series if there is no selector. */
const matchingLabels = ({ store }: StoreExchange, selectors: readonly string[], range: TimeRange): Promise<Labels[]> =>
  store.metrics(selectors, range);

const series = async (exchange: StoreExchange): Promise<void> => {
  const { params, response, breathe } = exchange;
  const found = await matchingLabels(exchange, matchParams(params, { required: true }), rangeParams(params));
  const limit = limitParam(params) || found.length;
  const first = await firstByLabels(found, limit, breathe);
  sendData(response, first.map(sortedLabels), first.length < found.length ? [truncated] : []);
};

const labelNames = async (exchange: StoreExchange): Promise<void> => {
  const selectors = matchParams(exchange.params, { required: false });
  const range = rangeParams(exchange.params);
  if (selectors.length === 0 && !isBounded(range))
    return sendList(exchange, (await exchange.store.labelNames()).sort());
  const names = new Set<string>();
  for (const labels of await matchingLabels(exchange, selectors, range))
    for (const name of Object.keys(labels)) names.add(name);
  sendList(exchange, [...names].sort());
};

/** The label name in the address. Prometheus' clients escape names that are not in the classic form. */
const labelOfPath = ({ path }: StoreExchange): string => {
  const name = unescapeName(path['name']) ?? path['name'];
  if (name === '') throw badData(`invalid label name: ${quoteParam(path['name'])}`);
  return name;
};

const labelValues = async (exchange: StoreExchange): Promise<void> => {
  const { store, params } = exchange;
  const name = labelOfPath(exchange);
  const selectors = matchParams(params, { required: false });
  const range = rangeParams(params);
  if (selectors.length === 0 && !isBounded(range)) return sendList(exchange, (await store.labelValues(name)).sort());
  const values = new Set<string>();
  // A label may have the same name as an inherited property of every object.
  for (const labels of await matchingLabels(exchange, selectors, range))
    if (Object.hasOwn(labels, name) && labels[name] !== '') values.add(labels[name]);
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

/** The trailer that lists what is missing from an export: damage is found only after the body has begun. */
const warningsTrailer = 'Tidemark-Warnings';
const trailerWarningsMax = 20;

async function* exportedLines({ store, params, signal, response }: StoreExchange): AsyncIterable<string> {
  const bits = params.get('bits') === '1';
  const warnings: string[] = [];
  for (const selector of matchParams(params, { required: true })) {
    for await (const one of store.select(selector, { ...rangeParams(params), signal })) {
      if (warnings.length < trailerWarningsMax) warnings.push(...warningsOf(one));
      if (one.timestamps.length > 0) yield* jsonLinePieces(one, { bits });
    }
  }
  if (warnings.length > 0) response.addTrailers({ [warningsTrailer]: encodeURI(JSON.stringify(warnings)) });
}

const exportLines = (exchange: StoreExchange): Promise<void> => {
  const { request, response } = exchange;
  // Only a chunked response can have a trailer, so there is none for HEAD and in HTTP/1.0.
  if (request.httpVersion === '1.1' && request.method !== 'HEAD') response.setHeader('Trailer', warningsTrailer);
  return sendPieces(exchange, 'application/stream+json; charset=utf-8', exportedLines(exchange));
};

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
