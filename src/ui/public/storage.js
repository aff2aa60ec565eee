/**
 * Storage: current pressure, journal, checkpoint, indexing, memory and quarantine, and the store's metrics over time.
 */
import { createChart, perSecond } from './chart.js';
import { failure, h, panel, segments, setText } from './dom.js';
import {
  distinguish,
  formatBytes,
  formatCount,
  formatLabels,
  formatNumber,
  formatSeconds,
  formatTime,
} from './format.js';
import { ask, isAbort, repeat } from './server.js';

const figuresMs = 1000;
const storageMs = 5000;
const chartsMs = 5000;

/** The store's current figures, by metric name and, if the metric has a label, by label value. */
class Figures {
  constructor(/** @type {any[]} */ metrics) {
    /** @type {Map<string, any[]>} */
    this.values = new Map(metrics.map(({ name, values }) => [name, values]));
  }

  /** The values of a metric with their labels. */
  all(/** @type {string} */ name) {
    return this.values.get(name) ?? [];
  }

  /** The sum over all label values; `undefined` if there is no such metric. */
  get(/** @type {string} */ name) {
    const values = this.values.get(name);
    return values === undefined || values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0);
  }

  quantile(/** @type {string} */ name, /** @type {number} */ quantile) {
    return this.values.get(name)?.find(({ labels }) => Number(labels?.quantile) === quantile)?.value;
  }
}

const meter = (/** @type {number | undefined} */ share) => {
  const filled = h('div');
  const part = Math.max(0, Math.min(1, share ?? 0));
  filled.style.width = `${part * 100}%`;
  return h(
    'div',
    {
      class: `meter ${part >= 1 ? 'bad' : part > 0.8 ? 'warn' : ''}`,
      role: 'img',
      'aria-label': `${Math.round(part * 100)} %`,
    },
    filled,
  );
};

const tile = (
  /** @type {string} */ title,
  /** @type {string} */ value,
  /** @type {string} */ note,
  /** @type {number | undefined} */ share = undefined,
) =>
  h(
    'div',
    { class: 'tile' },
    h('div', { class: 'soft small' }, title),
    h('div', { class: 'value', title: value }, value),
    h('div', { class: 'soft small clip', title: note }, note || '\u00a0'),
    share === undefined ? undefined : meter(share),
  );

const ratio = (/** @type {number | undefined} */ part, /** @type {number | undefined} */ whole) =>
  part === undefined || !whole ? undefined : part / whole;

const stateText = (/** @type {any} */ value) => {
  const running = value?.running;
  if (running === undefined) return typeof value === 'string' ? value : Object.keys(value ?? {}).join(', ');
  const health = typeof running.health === 'string' ? running.health : Object.keys(running.health ?? {})[0];
  return `${running.pressure ?? 'running'}${health === undefined || health === 'healthy' ? '' : `, ${health}`}`;
};

const tiles = (/** @type {Figures} */ figures, /** @type {any} */ state) => {
  const get = (/** @type {string} */ name) => figures.get(name);
  const local = (/** @type {string} */ name) => get(`prometheus_local_storage_${name}`);
  const score = local('persistence_urgency_score');
  const behind = (get('tidemark_journal_position') ?? 0) - (get('tidemark_journal_durable_position') ?? 0);
  const lastBytes = local('checkpoint_last_size_bytes');
  const hits = get('tidemark_chunk_cache_hits_total') ?? 0;
  const misses = get('tidemark_chunk_cache_misses_total') ?? 0;
  return [
    tile('Pressure', stateText(state), `urgency score ${formatNumber(score)}`, score),
    tile(
      'Waiting chunks',
      formatCount(local('chunks_to_persist')),
      `of at most ${formatCount(local('max_chunks_to_persist'))}`,
      ratio(local('chunks_to_persist'), local('max_chunks_to_persist')),
    ),
    tile(
      'Memory',
      formatBytes(get('tidemark_memory_used_bytes')),
      `target ${formatBytes(local('target_heap_size_bytes'))}`,
      ratio(get('tidemark_memory_used_bytes'), local('target_heap_size_bytes')),
    ),
    tile(
      'Series in memory',
      formatCount(local('memory_series')),
      `${formatCount(get('tidemark_archived_series'))} archived, ${formatCount(get('tidemark_quarantined_series'))} quarantined`,
    ),
    tile(
      'Open chunks',
      formatCount(local('open_head_chunks')),
      `of ${formatCount(local('memory_chunks'))} chunks in memory`,
    ),
    tile(
      'Actors awake',
      formatCount(get('tidemark_live_actors')),
      `${formatCount(get('tidemark_busy_series'))} series busy with their file`,
    ),
    tile(
      'Journal',
      formatBytes(get('tidemark_journal_bytes')),
      `${formatCount(get('tidemark_journal_segments'))} segment${get('tidemark_journal_segments') === 1 ? '' : 's'}, ${formatBytes(behind)} to sync`,
    ),
    tile(
      'Checkpoint',
      local('checkpointing') === 1 ? 'being written' : lastBytes === 0 ? 'none yet' : formatBytes(lastBytes),
      `${lastBytes === 0 ? '' : `took ${formatSeconds(local('checkpoint_last_duration_seconds'))}; `}${formatCount(local('memory_dirty_series'))} series changed since`,
    ),
    tile(
      'Indexing queue',
      formatCount(local('indexing_queue_length')),
      `of at most ${formatCount(local('indexing_queue_capacity'))}`,
      ratio(local('indexing_queue_length'), local('indexing_queue_capacity')),
    ),
    tile(
      'Event loop, 99th percentile',
      formatSeconds(get('tidemark_event_loop_delay_p99_seconds')),
      `longest ${formatSeconds(get('tidemark_event_loop_delay_max_seconds'))}`,
    ),
    tile(
      'Samples taken',
      formatCount(local('ingested_samples_total')),
      `${formatCount(local('out_of_order_samples_total') ?? 0)} rejected because of their time`,
    ),
    tile(
      'Chunk cache',
      hits + misses === 0 ? '–' : `${Number(((100 * hits) / (hits + misses)).toPrecision(3))} %`,
      `of ${formatCount(hits + misses)} chunks read`,
    ),
  ];
};

const bars = (/** @type {(readonly [string, number | undefined])[]} */ rows) => {
  const known = rows.filter(([, bytes]) => bytes !== undefined);
  const largest = Math.max(1, ...known.map(([, bytes]) => bytes ?? 0));
  return h(
    'div',
    { class: 'bars' },
    ...known.flatMap(([name, bytes]) => [
      h('span', {}, name),
      meterOf((bytes ?? 0) / largest),
      h('span', { class: 'mono' }, formatBytes(bytes)),
    ]),
  );
};

const meterOf = (/** @type {number} */ share) => {
  const element = meter(share);
  element.className = 'meter';
  return element;
};

/** Display names of the parts of `tidemark_memory_bytes`. @type {Record<string, string>} */
const partNames = {
  chunks: 'Chunks',
  chunk_cache: 'Chunk cache',
  series_table: 'Series and labels',
  archive_directory: 'Archived series',
  index_caches: 'Index caches',
  indexing_queue: 'Indexing queue',
  journal: 'Journal',
};

const memoryBars = (/** @type {Figures} */ figures) =>
  bars([
    ...figures
      .all('tidemark_memory_bytes')
      .map(({ labels, value }) => /** @type {const} */ ([partNames[labels.part] ?? labels.part, value])),
    ['In all', figures.get('tidemark_memory_used_bytes')],
  ]);

const diskBars = (/** @type {any} */ { bytes }) =>
  bars([
    ['Series files', bytes.seriesFiles],
    ['Journal', bytes.journal],
    ['Checkpoint', bytes.heads],
    ['Indexes', bytes.indexes],
    ['Quarantine', bytes.quarantine],
    ['In all', bytes.total],
  ]);

const quarantineTable = (/** @type {any[]} */ list) =>
  list.length === 0
    ? h('p', { class: 'empty' }, 'Nothing is quarantined.')
    : h(
        'div',
        { class: 'scroll events', tabindex: '0' },
        h(
          'table',
          {},
          h('thead', {}, h('tr', {}, ...['Since', 'Series', 'Reason', 'File'].map((text) => h('th', {}, text)))),
          h(
            'tbody',
            {},
            ...list.map(({ time, labels, fingerprint, reason, file }) => {
              const name = labels === undefined ? fingerprint : formatLabels(labels);
              return h(
                'tr',
                {},
                h('td', { class: 'mono' }, formatTime(time)),
                h('td', { class: 'mono', title: fingerprint }, name),
                h('td', { class: 'wrap small' }, reason),
                h('td', { class: 'mono' }, file ?? '–'),
              );
            }),
          ),
        ),
      );

const subscriptionTable = (/** @type {any[]} */ list) =>
  list.length === 0
    ? h('p', { class: 'empty' }, 'No durable subscriptions.')
    : h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', {}, 'Name'),
            h('th', { class: 'number' }, 'Position'),
            h('th', { class: 'number' }, 'Behind'),
          ),
        ),
        h(
          'tbody',
          {},
          ...list.map(({ name, position, lagBytes }) =>
            h(
              'tr',
              {},
              h('td', { class: 'clip', title: name }, name),
              h('td', { class: 'number mono' }, formatCount(position)),
              h('td', { class: 'number' }, formatBytes(lagBytes)),
            ),
          ),
        ),
      );

/** The dashboard: title, selectors, whether to draw increases per second, and how to format values. */
const dashboard = /** @type {const} */ ([
  ['Samples per second', ['prometheus_local_storage_ingested_samples_total'], true, formatNumber],
  [
    'Series in memory',
    ['prometheus_local_storage_memory_series', 'prometheus_local_storage_memory_dirty_series'],
    false,
    formatNumber,
  ],
  [
    'Chunks',
    [
      'prometheus_local_storage_memory_chunks',
      'prometheus_local_storage_chunks_to_persist',
      'prometheus_local_storage_open_head_chunks',
    ],
    false,
    formatNumber,
  ],
  ['Chunk operations per second', ['prometheus_local_storage_chunk_ops_total'], true, formatNumber],
  ['Series operations per second', ['prometheus_local_storage_series_ops_total'], true, formatNumber],
  [
    'Urgency score',
    ['prometheus_local_storage_persistence_urgency_score', 'prometheus_local_storage_rushed_mode'],
    false,
    formatNumber,
  ],
  [
    'Memory',
    [
      'tidemark_memory_used_bytes',
      'tidemark_memory_slab_bytes',
      'tidemark_memory_table_bytes',
      'nodejs_heap_size_used_bytes',
    ],
    false,
    formatBytes,
  ],
  ['Journal bytes per second', ['tidemark_journal_written_bytes_total'], true, formatBytes],
  ['Checkpoint duration', ['prometheus_local_storage_checkpoint_last_duration_seconds'], false, formatSeconds],
  ['Indexing queue', ['prometheus_local_storage_indexing_queue_length'], false, formatNumber],
  [
    'Event loop delay',
    ['tidemark_event_loop_delay_p99_seconds', 'tidemark_event_loop_delay_max_seconds'],
    false,
    formatSeconds,
  ],
  ['Lifecycle events per second', ['tidemark_events_total'], true, formatNumber],
]);

/** Names without the common prefix of the store's metrics, and without labels that are the same for all. */
const shortNames = (/** @type {Record<string, string>[]} */ list) => {
  const [{ __name__: first }] = list;
  const isOneMetric = list.every(({ __name__: name }) => name === first);
  if (isOneMetric && list.length > 1) return distinguish(list);
  return list.map(({ __name__: name }) => name.replace(/^(?:prometheus_local_storage|tidemark)_/, ''));
};

const createDashboard = (/** @type {AbortSignal} */ signal) => {
  let spanMs = 900_000;
  const charts = dashboard.map(([title, metrics, rate, format]) => {
    const chart = createChart({ signal, height: 150, format, legend: 'short', namesOf: shortNames });
    const box = h('div', {}, chart.element);
    const empty = h('p', { class: 'empty' }, 'Not recorded in this time range.');
    const load = async () => {
      const now = Date.now();
      const answers = await Promise.all(
        metrics.map((match) =>
          ask('/ui/range', { match, start: (now - spanMs) / 1000, end: now / 1000, buckets: 300 }, signal),
        ),
      );
      const series = answers.flatMap((answer) => answer.series);
      const drawn = rate ? series.map(perSecond) : series;
      box.replaceChildren(drawn.length === 0 ? empty : chart.element);
      if (drawn.length > 0) chart.draw(drawn, [now - spanMs, now]);
    };
    return { element: panel(title, [], box), load };
  });
  const load = async () => {
    for (const chart of charts) {
      if (signal.aborted) return;
      await chart.load().catch(() => {});
    }
  };
  const range = segments(
    'Time range',
    [
      ['300000', '5 min'],
      ['900000', '15 min'],
      ['3600000', '1 h'],
      ['21600000', '6 h'],
    ],
    '900000',
    (value) => {
      spanMs = Number(value);
      void load();
    },
  );
  return {
    element: h(
      'section',
      { class: 'stack', 'aria-label': 'Over time' },
      h('div', { class: 'row' }, h('h2', {}, 'Over time'), h('span', { class: 'grow' }), range),
      h('div', { class: 'columns' }, ...charts.map(({ element }) => element)),
    ),
    load,
  };
};

export const mount = async (/** @type {HTMLElement} */ page, /** @type {{ signal: AbortSignal }} */ { signal }) => {
  const now = h('div', { class: 'tiles' });
  const memory = h('div');
  const disk = h('div');
  const quarantine = h('div');
  const subscriptions = h('div');
  const count = h('span', { class: 'badge' });
  const condition = h('span', { class: 'soft small' });
  const trouble = h('div', { 'aria-live': 'polite' });
  const charts = createDashboard(signal);
  /** @type {any} */
  let state;

  const guarded = (/** @type {() => Promise<void>} */ task) => async () => {
    try {
      await task();
      trouble.replaceChildren();
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) trouble.replaceChildren(failure(error));
    }
  };

  page.append(
    h(
      'div',
      { class: 'stack' },
      trouble,
      now,
      h('div', { class: 'columns' }, panel('Memory by part', [], memory), panel('On disk', [condition], disk)),
      panel('Quarantine', [count], quarantine),
      panel('Subscriptions', [], subscriptions),
      charts.element,
    ),
  );

  repeat(
    guarded(async () => {
      const storage = await ask('/ui/storage', {}, signal);
      state = storage.state;
      disk.replaceChildren(diskBars(storage.info));
      setText(
        condition,
        `first sample ${formatTime(storage.info.firstTime)}, last ${formatTime(storage.info.lastTime)}`,
      );
      setText(count, formatCount(storage.quarantined.length));
      count.className = `badge ${storage.quarantined.length > 0 ? 'bad' : 'good'}`;
      quarantine.replaceChildren(quarantineTable(storage.quarantined));
      subscriptions.replaceChildren(subscriptionTable(storage.subscriptions));
    }),
    storageMs,
    signal,
  );
  repeat(
    guarded(async () => {
      const figures = new Figures(await ask('/ui/figures', {}, signal));
      now.replaceChildren(...tiles(figures, state));
      memory.replaceChildren(memoryBars(figures));
    }),
    figuresMs,
    signal,
  );
  repeat(charts.load, chartsMs, signal);
};
