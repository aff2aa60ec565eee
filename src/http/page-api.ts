/** The pages' own endpoints beside Prometheus': chart data, details of a series, figures, and live streams. */
import { isAbsolute, relative, sep } from 'node:path';
import { type Clock, type JournalEvent, type Labels, readEvents, type Store } from '../index.ts';
import { sortedLabels } from '../text/label-text.ts';
import { chosenSeries, extentOf, selectSeries } from './chart-series.ts';
import { dashboardRoutes } from './dashboards-api.ts';
import { EventStream } from './event-stream.ts';
import { ActorFrames } from './live-frames.ts';
import { countParam, rangeParams } from './params.ts';
import { badData, sendData } from './reply.ts';
import type { Route, StoreExchange } from './router.ts';
import { ruleRoutes } from './rules-api.ts';
import { StoreMarks } from './store-marks.ts';
import { samplesBefore, streamTail } from './tail.ts';
import { type ChartSamples, thinOut } from './thin-out.ts';
import { warningsOf } from './warnings.ts';

const bucketsMax = 4000;
const eventsPerPageMax = 2000;

const requiredParam = (params: URLSearchParams, name: string): string => {
  const text = params.get(name);
  if (text === null || text.trim() === '') throw badData(`The parameter ${name} is missing.`);
  return text;
};

/** The labels of one series, as a JSON object. */
const labelsParam = (params: URLSearchParams): Labels => {
  const text = requiredParam(params, 'labels');
  let labels: unknown;
  try {
    labels = JSON.parse(text);
  } catch {
    throw badData('labels must be a JSON object.');
  }
  if (typeof labels !== 'object' || labels === null || Object.values(labels).some((value) => typeof value !== 'string'))
    throw badData('labels must be a JSON object whose values are strings.');
  return labels as Labels;
};

const range = async ({ store, params, response, signal, breathe }: StoreExchange): Promise<void> => {
  const selector = requiredParam(params, 'match');
  const buckets = countParam(params, 'buckets', { fallback: 800, maximum: bucketsMax });
  const limits = rangeParams(params);
  const all = await store.metrics(selector, limits);
  const series: (ChartSamples & { readonly labels: Labels })[] = [];
  const warnings: string[] = [];
  const chosen = await chosenSeries(store, selector, all, { ...limits, signal, breathe });
  for await (const one of selectSeries(store, selector, chosen, { ...limits, signal })) {
    warnings.push(...warningsOf(one));
    if (one.timestamps.length === 0) continue;
    series.push({ labels: sortedLabels(one.labels), ...thinOut(one.timestamps, one.values, buckets) });
  }
  await sendData(response, { series, total: all.length }, warnings);
};

/** When a selector has samples: `from` and `through`, milliseconds; empty if it has none. */
const extent = async ({ store, params, response, breathe }: StoreExchange): Promise<void> =>
  sendData(response, await extentOf(store, requiredParam(params, 'match'), breathe));

const seriesDetail = async ({ store, params, response }: StoreExchange): Promise<void> => {
  const labels = labelsParam(params);
  const handle = store.series(labels);
  const [chunks, history] = await Promise.all([store.chunks(labels), store.history(labels)]);
  await sendData(response, {
    labels: sortedLabels(labels),
    fingerprint: handle.fingerprint,
    state: handle.state,
    chunks,
    history: history.slice(-eventsPerPageMax),
  });
};

/** Every value of the store's own metrics, by name and labels. */
const figures = async ({ store, response }: StoreExchange): Promise<void> => {
  const metrics = await store.registry.getMetricsAsJSON();
  await sendData(
    response,
    metrics.map(({ name, help, type, values }) => ({
      name,
      help,
      type,
      values: values.map((one) => ({
        labels: one.labels,
        value: one.value,
        name: (one as { metricName?: string }).metricName ?? name,
      })),
    })),
  );
};

const storage = async ({ store, response }: StoreExchange): Promise<void> => {
  const [info, quarantined] = await Promise.all([store.info(), store.quarantined()]);
  await sendData(response, {
    info,
    quarantined,
    subscriptions: store.subscriptions(),
    state: store.actor.getSnapshot().value,
  });
};

/** Lifecycle events from a position on, a page at a time; `next` is the position at which the following page begins. */
const journal = async ({ store, params, response, signal }: StoreExchange): Promise<void> => {
  const limit = countParam(params, 'limit', { fallback: 500, maximum: eventsPerPageMax });
  const from = countParam(params, 'from', { fallback: 0, maximum: Number.MAX_SAFE_INTEGER });
  const events: JournalEvent[] = [];
  let next: number | undefined;
  for await (const event of readEvents(store.directory, { lifecycle: true, from, signal })) {
    // Events of one record have the same position, so a page ends between records.
    if (events.length >= limit && event.position !== events.at(-1)?.position) {
      next = events.at(-1)?.position;
      break;
    }
    events.push(event);
  }
  await sendData(response, { events, next });
};

/** The directory relative to the server's working directory, if it is inside it. */
const shortName = (directory: string): string => {
  const path = relative(process.cwd(), directory);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? directory : `.${sep}${path}`;
};

/** The routes of the pages. They share the clock, and one counter of transitions per store. */
export const pageRoutes = (clock: Clock): readonly Route[] => {
  const frames = new WeakMap<Store, ActorFrames>();
  const framesOf = ({ store, rules }: StoreExchange): ActorFrames => {
    const known = frames.get(store) ?? new ActorFrames(store, rules);
    frames.set(store, known);
    return known;
  };

  const actors = async (exchange: StoreExchange): Promise<void> => {
    const { params, response, signal } = exchange;
    const labels = params.has('labels') ? labelsParam(params) : undefined;
    await framesOf(exchange).stream(new EventStream(response), { clock, signal, labels });
  };

  const tail = async ({ store, params, response, signal }: StoreExchange): Promise<void> => {
    const selector = requiredParam(params, 'match');
    const narrowestMs = countParam(params, 'narrowest', { fallback: 0, maximum: Number.MAX_SAFE_INTEGER });
    // Before the stream begins: the page reads the range when it has begun, and samples from then on are in the stream.
    const last = await samplesBefore(store, selector);
    await streamTail(new EventStream(response), store, { selector, last, narrowestMs, clock, signal });
  };

  const marksByStore = new WeakMap<Store, StoreMarks>();
  const marks = async ({ store, params, response }: StoreExchange): Promise<void> => {
    const known = marksByStore.get(store) ?? new StoreMarks(store);
    marksByStore.set(store, known);
    const { from, through } = rangeParams(params);
    await sendData(response, await known.between(from, through));
  };

  const store = ({ store: { directory, readOnly }, response }: StoreExchange): Promise<void> =>
    sendData(response, { directory, name: shortName(directory), readOnly, now: clock.now() });

  return [
    { methods: ['GET'], path: '/ui/store', handle: store },
    { methods: ['GET'], path: '/ui/range', handle: range },
    { methods: ['GET'], path: '/ui/extent', handle: extent },
    { methods: ['GET'], path: '/ui/marks', handle: marks },
    { methods: ['GET'], path: '/ui/tail', streams: true, handle: tail },
    { methods: ['GET'], path: '/ui/actors', streams: true, handle: actors },
    { methods: ['GET'], path: '/ui/series', handle: seriesDetail },
    { methods: ['GET'], path: '/ui/figures', handle: figures },
    { methods: ['GET'], path: '/ui/storage', handle: storage },
    { methods: ['GET'], path: '/ui/journal', handle: journal },
    ...ruleRoutes,
    ...dashboardRoutes(),
  ];
};
