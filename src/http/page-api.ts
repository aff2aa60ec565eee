/** The pages' own endpoints beside Prometheus': chart data, details of a series, figures, and live streams. */
import { isAbsolute, relative, sep } from 'node:path';
import type { Clock, Labels, LifecycleEvent, SeriesState, Store } from '../index.ts';
import { sortedLabels } from '../text/label-text.ts';
import { actorRoutes } from './actors-api.ts';
import { chosenSeries, extentOf, selectSeries } from './chart-series.ts';
import { dashboardRoutes } from './dashboards-api.ts';
import { EventStream } from './event-stream.ts';
import { labelsParam, requiredParam } from './page-params.ts';
import { countParam, rangeParams } from './params.ts';
import { replayRoutes } from './replay/replay-api.ts';
import { sendData } from './reply.ts';
import type { Route, StoreExchange } from './router.ts';
import { ruleRoutes } from './rules-api.ts';
import { StoreMarks } from './store-marks.ts';
import { samplesBefore, streamTail } from './tail.ts';
import { type ChartSamples, thinOut } from './thin-out.ts';
import { warningsOf } from './warnings.ts';

const bucketsMax = 4000;
const eventsPerPageMax = 2000;
/** The newest series in quarantine are listed on the page Storage. */
const quarantinedMax = 100;

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

/** What became of a series that is neither in memory nor archived. */
const endOf = (history: readonly LifecycleEvent[]): SeriesState => {
  const type = history.findLast((event) => event.type !== 'seriesFilesChanging')?.type;
  if (type === 'seriesQuarantined') return 'quarantined';
  return type === 'seriesPurged' ? 'purged' : 'absent';
};

const seriesDetail = async ({ store, params, response }: StoreExchange): Promise<void> => {
  const labels = labelsParam(params);
  const handle = store.series(labels);
  const [chunks, history] = await Promise.all([store.chunks(labels), store.history(labels)]);
  await sendData(response, {
    labels: sortedLabels(labels),
    fingerprint: handle.fingerprint,
    state: handle.state === 'absent' ? endOf(history) : handle.state,
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

/** The directory relative to the server's working directory, if it is inside it. */
const shortName = (directory: string): string => {
  const path = relative(process.cwd(), directory);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? directory : `.${sep}${path}`;
};

/** The routes of the pages. They share the clock, and the marks that were read of a store. */
export const pageRoutes = (clock: Clock): readonly Route[] => {
  const tail = async ({ store, params, response, signal }: StoreExchange): Promise<void> => {
    const selector = requiredParam(params, 'match');
    const narrowestMs = countParam(params, 'narrowest', { fallback: 0, maximum: Number.MAX_SAFE_INTEGER });
    // Before the stream begins: the page reads the range when it has begun, and samples from then on are in the stream.
    const last = await samplesBefore(store, selector);
    await streamTail(new EventStream(response), store, { selector, last, narrowestMs, clock, signal });
  };

  const marksByStore = new WeakMap<Store, StoreMarks>();
  const marksOf = (store: Store): StoreMarks => {
    const known = marksByStore.get(store) ?? new StoreMarks(store, clock);
    marksByStore.set(store, known);
    return known;
  };

  const marks = async ({ store, params, response }: StoreExchange): Promise<void> => {
    const { from, through } = rangeParams(params);
    await sendData(response, await marksOf(store).between(from, through));
  };

  const storage = async ({ store, response }: StoreExchange): Promise<void> => {
    const [info, quarantined, checkpoint] = await Promise.all([
      store.info(),
      store.quarantined(),
      marksOf(store).last('checkpointWritten'),
    ]);
    await sendData(response, {
      info,
      quarantined: quarantined.toSorted((a, b) => b.time - a.time).slice(0, quarantinedMax),
      quarantinedCount: quarantined.length,
      checkpoint,
      subscriptions: store.subscriptions(),
      state: store.actor.getSnapshot().value,
    });
  };

  const store = ({ store: { directory, readOnly }, response }: StoreExchange): Promise<void> =>
    sendData(response, { directory, name: shortName(directory), readOnly, now: clock.now() });

  return [
    { methods: ['GET'], path: '/ui/store', handle: store },
    { methods: ['GET'], path: '/ui/range', handle: range },
    { methods: ['GET'], path: '/ui/extent', handle: extent },
    { methods: ['GET'], path: '/ui/marks', handle: marks },
    { methods: ['GET'], path: '/ui/tail', streams: true, handle: tail },
    ...actorRoutes(clock),
    { methods: ['GET'], path: '/ui/series', handle: seriesDetail },
    { methods: ['GET'], path: '/ui/figures', handle: figures },
    { methods: ['GET'], path: '/ui/storage', handle: storage },
    ...replayRoutes(clock),
    ...ruleRoutes,
    ...dashboardRoutes(),
  ];
};
