/** `/api/v1/status/…`: what this server is, and how it is. */
import { availableParallelism, hostname } from 'node:os';
import { version as ownVersion } from '../../ports/version.ts';
import { formatDuration } from '../../text/durations.ts';
import { cardinality } from '../cardinality.ts';
import { badData, sendData } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import { numberParam } from './query-params.ts';

/**
 * The version of Prometheus whose language and API this server has. Grafana and other clients decide by it which
 * endpoints they use.
 */
const PROMETHEUS_VERSION = '3.14.0';

export const tellBuild = ({ response }: StoreExchange): Promise<void> =>
  sendData(response, {
    version: PROMETHEUS_VERSION,
    revision: '',
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
    application: 'tidemark',
    applicationVersion: ownVersion,
  });

/** RFC 3339 with milliseconds. */
const timeText = (milliseconds: number): string => new Date(milliseconds).toISOString();

export const tellRuntime = async ({ store, response }: StoreExchange): Promise<void> => {
  const { retention, seriesQuarantined } = await store.info();
  const startTime = timeText(performance.timeOrigin);
  const limits = [
    ...(typeof retention?.time === 'number' ? [formatDuration(retention.time)] : []),
    ...(retention?.bytes === undefined ? [] : [`${retention.bytes}B`]),
  ];
  await sendData(response, {
    startTime,
    CWD: process.cwd(),
    hostname: hostname(),
    serverTime: timeText(Date.now()),
    reloadConfigSuccess: true,
    lastConfigTime: startTime,
    corruptionCount: seriesQuarantined,
    goroutineCount: 0,
    GOMAXPROCS: availableParallelism(),
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: limits.join(' or '),
  });
};

/** There is no configuration file. */
export const tellConfig = ({ response }: StoreExchange): Promise<void> => sendData(response, { yaml: '' });

/** The flags of Prometheus that clients look at, with what holds here. */
export const tellFlags = ({ store, response }: StoreExchange): Promise<void> =>
  sendData(response, {
    'enable-feature': '',
    'query.lookback-delta': '5m',
    'query.max-concurrency': '2',
    'query.max-samples': '50000000',
    'query.timeout': '2m',
    'storage.tsdb.path': store.directory,
  });

/** A store answers only when its journal has been replayed. */
export const tellReplay = ({ response }: StoreExchange): Promise<void> =>
  sendData(response, { min: 0, max: 0, current: 0 });

export const tellStorage = async (exchange: StoreExchange): Promise<void> => {
  const { store, params, response, signal, breathe } = exchange;
  const limit = numberParam(params, 'limit') ?? 10;
  if (limit < 1) throw badData('limit must be a positive number');
  const [info, counts] = await Promise.all([store.info(), cardinality(store, signal, breathe)]);
  await sendData(response, {
    headStats: {
      numSeries: info.seriesInMemory + info.seriesArchived,
      numLabelPairs: counts.labelPairs,
      chunkCount: info.chunksInMemory,
      minTime: info.firstTime ?? 0,
      maxTime: info.lastTime ?? 0,
    },
    seriesCountByMetricName: counts.seriesByMetric.slice(0, limit),
    labelValueCountByLabelName: counts.valuesByLabel.slice(0, limit),
    memoryInBytesByLabelName: [],
    seriesCountByLabelValuePair: counts.seriesByPair.slice(0, limit),
  });
};
