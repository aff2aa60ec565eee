/** The endpoints of the Actors page: live frames of the statecharts, the series in a state, and a quarantined series. */
import type { Clock, ListedState, QuarantinedSeries, SeriesPage, Store } from '../index.ts';
import { sortedLabels } from '../text/label-text.ts';
import { EventStream } from './event-stream.ts';
import { ActorFrames } from './live-frames.ts';
import { labelsParam, requiredParam } from './page-params.ts';
import { countParam, quoteParam } from './params.ts';
import { badData, HttpError, sendData } from './reply.ts';
import type { Route, StoreExchange } from './router.ts';
import { thinOut } from './thin-out.ts';

const listedMax = 500;
/** Of a longer quarantined series, the newest samples are drawn. */
const drawnMax = 500_000;
const bucketsMax = 4000;
const problemsMax = 100;

const states = ['inMemory', 'persisting', 'archived', 'quarantined'] as const;

interface ListedSeries extends Partial<QuarantinedSeries> {
  readonly fingerprint: string;
}

interface StatePage {
  readonly series: readonly ListedSeries[];
  readonly next?: number | undefined;
}

const quarantinedPage = async (store: Store, from: number, limit: number): Promise<StatePage> => {
  const all = (await store.quarantined()).toSorted((a, b) => b.time - a.time);
  const end = from + limit;
  return { series: all.slice(from, end), next: end < all.length ? end : undefined };
};

const pageOf = async (store: Store, state: ListedState, from: number, limit: number): Promise<SeriesPage> => {
  const page = await store.seriesIn(state, { from, limit });
  return { ...page, series: page.series.map((one) => ({ ...one, labels: sortedLabels(one.labels) })) };
};

/** The series in a state: a page of them, where the next one begins, and how many there are. */
const listState = async ({ store, params, response }: StoreExchange): Promise<void> => {
  const name = requiredParam(params, 'state');
  const state = states.find((one) => one === name);
  if (state === undefined) throw badData(`state is one of ${states.join(', ')}, not ${quoteParam(name)}.`);
  const from = countParam(params, 'from', { fallback: 0, maximum: Number.MAX_SAFE_INTEGER });
  const limit = countParam(params, 'limit', { fallback: 100, maximum: listedMax });
  const page = state === 'quarantined' ? quarantinedPage(store, from, limit) : pageOf(store, state, from, limit);
  await sendData(response, { ...(await page), total: store.stateCounts()[state] });
};

const fingerprintParam = (params: URLSearchParams): string => {
  const fingerprint = requiredParam(params, 'fingerprint');
  if (!/^[0-9a-f]{16}$/.test(fingerprint))
    throw badData(`fingerprint takes 16 hex digits, lower case, not ${quoteParam(fingerprint)}.`);
  return fingerprint;
};

/** Why a series is in quarantine, its files, and what can be read of them. */
const quarantinedDetail = async ({ store, params, response }: StoreExchange): Promise<void> => {
  const fingerprint = fingerprintParam(params);
  const buckets = countParam(params, 'buckets', { fallback: 800, maximum: bucketsMax });
  const files = (await store.quarantined()).filter((one) => one.fingerprint === fingerprint);
  if (files.length === 0)
    throw new HttpError(404, 'not_found', `Nothing is in quarantine for the fingerprint ${fingerprint}.`);
  const labels = files.find((one) => one.labels !== undefined)?.labels;
  const read = await store.readQuarantined(fingerprint);
  const newest = (column: Float64Array): Float64Array => column.subarray(-drawnMax);
  await sendData(response, {
    fingerprint,
    labels: labels === undefined ? undefined : sortedLabels(labels),
    files: files.map(({ reason, time, file }) => ({ reason, time, file })),
    sampleCount: read.timestamps.length,
    drawnCount: Math.min(drawnMax, read.timestamps.length),
    series: { labels: labels ?? {}, ...thinOut(newest(read.timestamps), newest(read.values), buckets) },
    problems: read.problems.slice(0, problemsMax),
    problemCount: read.problems.length,
    // New samples of the same labels make a new series.
    successor: labels === undefined ? 'absent' : store.series(labels).state,
    history: labels === undefined ? [] : (await store.history(labels)).slice(-listedMax),
  });
};

/** The routes share one counter of transitions per store. */
export const actorRoutes = (clock: Clock): readonly Route[] => {
  const frames = new WeakMap<Store, ActorFrames>();
  const framesOf = ({ store, rules }: StoreExchange): ActorFrames => {
    const known = frames.get(store) ?? new ActorFrames(store, rules);
    frames.set(store, known);
    return known;
  };

  const actors = async (exchange: StoreExchange): Promise<void> => {
    const { store, params, response, signal } = exchange;
    const labels = params.has('labels') ? labelsParam(params) : undefined;
    // Labels that no series can have are refused before the stream begins.
    if (labels !== undefined) store.series(labels);
    await framesOf(exchange).stream(new EventStream(response), { clock, signal, labels });
  };

  return [
    { methods: ['GET'], path: '/ui/actors', streams: true, handle: actors },
    { methods: ['GET'], path: '/ui/states', handle: listState },
    { methods: ['GET'], path: '/ui/quarantined', handle: quarantinedDetail },
  ];
};
