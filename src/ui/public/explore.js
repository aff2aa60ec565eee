/** Explore: pick a metric, draw any selector, follow it live. The address contains the view. */
import { createChart, perSecond } from './chart.js';
import { createSelectorField } from './completion.js';
import { failure, h, panel, segments, setText, toggle } from './dom.js';
import { distinguish, formatClock, formatCount, formatLabels, formatNumber, formatTime } from './format.js';
import { ask, isAbort, listen } from './server.js';

const ranges = /** @type {const} */ ([
  ['1m', '1 min', 60_000],
  ['5m', '5 min', 300_000],
  ['15m', '15 min', 900_000],
  ['1h', '1 h', 3_600_000],
  ['6h', '6 h', 21_600_000],
  ['1d', '1 d', 86_400_000],
  ['7d', '7 d', 604_800_000],
]);
const rangeMs = (/** @type {string} */ name) => ranges.find(([key]) => key === name)?.[2] ?? 300_000;

const firstMetrics = ['node_load1', 'process_cpu_seconds_total', 'nodejs_heap_size_used_bytes'];
const tableRows = 200;
const tableColumns = 8;
const redrawMs = 250;
/** How many samples of a series a live chart keeps. */
const liveSamplesMax = 20_000;

const isCounter = (/** @type {string} */ selector) => /^[^{]*(?:_total|_count|_sum|_bucket)\b/.test(selector);

/** Reads the view from the address. */
const readView = () => {
  const params = new URLSearchParams(location.search);
  const start = Number(params.get('start'));
  const end = Number(params.get('end'));
  const match = params.get('match') ?? '';
  return {
    match,
    range: params.get('range') ?? '5m',
    fixed: start > 0 && end > start ? /** @type {[number, number]} */ ([start, end]) : undefined,
    live: params.get('live') !== '0',
    rate: params.has('rate') ? params.get('rate') === '1' : isCounter(match),
    table: params.get('view') === 'table',
  };
};

const writeView = (/** @type {ReturnType<typeof readView>} */ view) => {
  const params = new URLSearchParams({ match: view.match });
  if (view.fixed === undefined) params.set('range', view.range);
  else {
    params.set('start', String(view.fixed[0]));
    params.set('end', String(view.fixed[1]));
  }
  if (!view.live) params.set('live', '0');
  if (view.rate !== isCounter(view.match)) params.set('rate', view.rate ? '1' : '0');
  if (view.table) params.set('view', 'table');
  history.replaceState(null, '', `./explore?${params}`);
};

/** The newest samples side by side, newest first. */
const sampleTable = (/** @type {import('./chart.js').Series[]} */ list) => {
  const columns = list.slice(0, tableColumns);
  const names = distinguish(columns.map(({ labels }) => labels));
  const byTime = new Map();
  columns.forEach(({ timestamps, values }, i) => {
    for (let at = Math.max(0, timestamps.length - tableRows); at < timestamps.length; at++) {
      const row = byTime.get(timestamps[at]) ?? [];
      row[i] = values[at];
      byTime.set(timestamps[at], row);
    }
  });
  const times = [...byTime.keys()].sort((a, b) => b - a).slice(0, tableRows);
  return h(
    'div',
    { class: 'scroll', tabindex: '0' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', {}, 'Time'),
          ...names.map((name, i) =>
            h('th', { class: 'number clip mono', title: formatLabels(columns[i].labels) }, name),
          ),
        ),
      ),
      h(
        'tbody',
        {},
        ...times.map((time) =>
          h(
            'tr',
            {},
            h('td', { class: 'mono' }, formatTime(time)),
            ...columns.map((_, i) => h('td', { class: 'number' }, formatNumber(byTime.get(time)[i]))),
          ),
        ),
      ),
    ),
    list.length > tableColumns
      ? h('p', { class: 'soft small' }, `The first ${tableColumns} of ${list.length} series.`)
      : undefined,
  );
};

/** A name that may be broken into lines after its underscores. */
const breakable = (/** @type {string} */ name) =>
  name.split(/(?<=_)/).flatMap((part, i) => (i === 0 ? [part] : [h('wbr'), part]));

/** The list of metrics, with a filter. */
const createMetricList = (/** @type {AbortSignal} */ signal, /** @type {(name: string) => void} */ onPick) => {
  /** @type {string[]} */
  let names = [];
  let current = '';
  const list = h('ul', { class: 'list' });
  const filter = h('input', {
    type: 'search',
    placeholder: 'Filter metrics',
    'aria-label': 'Filter metrics',
    oninput: () => show(),
  });
  const count = h('span', { class: 'soft small' });
  const show = () => {
    const wanted = filter.value.trim().toLowerCase();
    const found = names.filter((name) => name.toLowerCase().includes(wanted));
    setText(count, formatCount(found.length));
    list.replaceChildren(
      ...found
        .slice(0, 1000)
        .map((name) =>
          h(
            'li',
            {},
            h(
              'button',
              { type: 'button', title: name, 'aria-current': String(name === current), onclick: () => onPick(name) },
              ...breakable(name),
            ),
          ),
        ),
      ...(found.length === 0
        ? [
            h(
              'li',
              { class: 'empty' },
              names.length === 0 ? 'Nothing is recorded yet.' : 'No metric name contains this text.',
            ),
          ]
        : []),
    );
  };
  const load = async () => {
    names = await ask('/api/v1/label/__name__/values', {}, signal);
    show();
    return names;
  };
  return {
    element: h('aside', { class: 'panel' }, h('header', {}, h('h2', {}, 'Metrics'), count), filter, list),
    load,
    mark(/** @type {string} */ name) {
      current = name;
      show();
    },
  };
};

/** The series just read, extended by newer samples of the live stream. */
const withNewer = (
  /** @type {import('./chart.js').Series[]} */ read,
  /** @type {import('./chart.js').Series[]} */ shown,
) => {
  const byLabels = new Map(shown.map((one) => [formatLabels(one.labels), one]));
  return read.map(({ labels, timestamps, values }) => {
    const known = byLabels.get(formatLabels(labels));
    const last = timestamps.at(-1) ?? 0;
    const first = known?.timestamps.findIndex((time) => time > last) ?? -1;
    if (known === undefined || first < 0) return { labels, timestamps, values };
    return {
      labels,
      timestamps: [...timestamps, ...known.timestamps.slice(first)],
      values: [...values, ...known.values.slice(first)],
    };
  });
};

export const mount = async (/** @type {HTMLElement} */ page, /** @type {{ signal: AbortSignal }} */ { signal }) => {
  let view = readView();
  /** @type {AbortController | undefined} */
  let drawing;
  /** @type {import('./chart.js').Series[]} */
  let list = [];

  const status = h('span', { class: 'soft small', role: 'status' });
  const output = h('div');
  const chart = createChart({
    signal,
    height: 340,
    onZoom: (from, through) => change({ fixed: [from, through], live: false }),
  });

  const field = createSelectorField({
    value: view.match,
    signal,
    onSubmit: (match) => change({ match, rate: isCounter(match) }),
  });
  const rangeButtons = segments(
    'Time range',
    ranges.map(([key, text]) => [key, text]),
    view.fixed ? '' : view.range,
    (range) => change({ range, fixed: undefined, live: true }),
  );
  const liveButton = toggle(
    'Live',
    view.live && !view.fixed,
    (live) => change({ live, fixed: undefined }),
    'Follow samples as they are appended',
  );
  const rateButton = toggle(
    'Per second',
    view.rate,
    (rate) => change({ rate }),
    'Draw the increase per second, for counters',
  );
  const viewButtons = segments(
    'View',
    [
      ['chart', 'Chart'],
      ['table', 'Table'],
    ],
    view.table ? 'table' : 'chart',
    (name) => change({ table: name === 'table' }),
  );
  const metrics = createMetricList(signal, (name) => {
    field.value = name;
    change({ match: name, rate: isCounter(name) });
  });

  const shown = () => (view.rate ? list.map(perSecond) : list);
  const spanNow = () => /** @type {[number, number]} */ (view.fixed ?? [Date.now() - rangeMs(view.range), Date.now()]);

  const render = () => {
    if (list.length === 0) {
      output.replaceChildren(
        h(
          'p',
          { class: 'empty' },
          view.match === ''
            ? 'Pick a metric, or type a selector.'
            : 'No series matches this selector in this time range.',
        ),
      );
      return;
    }
    if (view.table) output.replaceChildren(sampleTable(shown()));
    else {
      if (output.firstChild !== chart.element) output.replaceChildren(chart.element);
      chart.draw(shown(), spanNow());
    }
  };

  const showStatus = (/** @type {number} */ total) => {
    const drawn =
      total > list.length
        ? `${formatCount(list.length)} of ${formatCount(total)} series`
        : `${formatCount(total)} series`;
    const newest = Math.max(...list.map(({ timestamps }) => timestamps.at(-1) ?? 0));
    setText(status, list.length === 0 ? '' : `${drawn}, newest sample ${formatClock(newest)}`);
  };

  const load = async (/** @type {AbortSignal} */ wanted) => {
    const [from, through] = spanNow();
    const params = {
      match: view.match,
      start: from / 1000,
      end: through / 1000,
      buckets: Math.max(100, Math.round(output.clientWidth || 900)),
    };
    const answer = await ask('/ui/range', params, wanted);
    list = withNewer(answer.series, list);
    render();
    showStatus(answer.total);
    return answer.total;
  };

  /** Drops samples that have moved out of the chart. */
  const trim = () => {
    const [from] = spanNow();
    for (const one of list) {
      const first = Math.max(
        one.timestamps.findIndex((time) => time >= from - 10_000),
        one.timestamps.length - liveSamplesMax,
      );
      if (first > 0) {
        one.timestamps.splice(0, first);
        one.values.splice(0, first);
      }
    }
  };

  /** Appends the samples of the live stream. If a series is new, or if samples were left out, loads the range again. */
  const follow = (/** @type {AbortSignal} */ wanted, /** @type {number} */ total) => {
    let dirty = false;
    let reload = false;
    listen(
      '/ui/tail',
      { match: view.match },
      {
        signal: wanted,
        on: {
          samples: ({ series, leftOut }) => {
            const byLabels = new Map(list.map((one) => [formatLabels(one.labels), one]));
            for (const { labels, timestamps, values } of series) {
              const known = byLabels.get(formatLabels(labels));
              if (known === undefined) reload ||= list.length === total;
              else
                timestamps.forEach((/** @type {number} */ time, /** @type {number} */ i) => {
                  if (time <= (known.timestamps.at(-1) ?? 0)) return;
                  known.timestamps.push(time);
                  known.values.push(values[i]);
                });
            }
            reload ||= leftOut > 0;
            dirty = true;
          },
        },
        // On connecting, the range is read again for samples appended before the stream began or while it was broken.
        onState: (connected) => {
          reload ||= connected;
        },
      },
    );
    const timer = setInterval(async () => {
      trim();
      if (document.hidden) return;
      if (reload) {
        reload = false;
        await load(wanted).then(
          (found) => {
            total = found;
          },
          () => {},
        );
        return;
      }
      if (dirty || !view.table) render();
      if (dirty) showStatus(total);
      dirty = false;
    }, redrawMs);
    wanted.addEventListener('abort', () => clearInterval(timer));
  };

  const draw = async () => {
    drawing?.abort();
    const mine = new AbortController();
    drawing = mine;
    metrics.mark(view.match);
    list = [];
    if (view.match === '') return render();
    try {
      const total = await load(mine.signal);
      if (view.live && view.fixed === undefined && !mine.signal.aborted) follow(mine.signal, total);
    } catch (error) {
      if (isAbort(error) || mine.signal.aborted) return;
      setText(status, '');
      output.replaceChildren(failure(error));
    }
  };

  const change = (/** @type {Partial<typeof view>} */ changes) => {
    view = { ...view, ...changes };
    rangeButtons.show(view.fixed ? '' : view.range);
    viewButtons.show(view.table ? 'table' : 'chart');
    liveButton.setAttribute('aria-pressed', String(view.live && view.fixed === undefined));
    rateButton.setAttribute('aria-pressed', String(view.rate));
    writeView(view);
    const onlyLooks = Object.keys(changes).every((name) => name === 'rate' || name === 'table');
    if (onlyLooks) render();
    else void draw();
  };

  signal.addEventListener('abort', () => drawing?.abort());
  page.append(
    h(
      'div',
      { class: 'explore' },
      metrics.element,
      h(
        'div',
        {},
        h(
          'div',
          { class: 'query' },
          field.element,
          h(
            'button',
            { type: 'button', onclick: () => change({ match: field.value, rate: isCounter(field.value) }) },
            'Draw',
          ),
        ),
        h('div', { class: 'query' }, rangeButtons, liveButton, rateButton, viewButtons),
        panel('Samples', [status], output),
      ),
    ),
  );

  const names = await metrics.load().catch(() => /** @type {string[]} */ ([]));
  if (view.match === '') {
    const first = firstMetrics.find((name) => names.includes(name)) ?? names[0] ?? '';
    view = { ...view, match: first, rate: isCounter(first) };
    rateButton.setAttribute('aria-pressed', String(view.rate));
    field.value = first;
  }
  await draw();
  const timer = setInterval(() => {
    if (!document.hidden) metrics.load().catch(() => {});
  }, 10_000);
  signal.addEventListener('abort', () => clearInterval(timer));
};
