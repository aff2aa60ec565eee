/** Actors: both statecharts live, and the details of one series: its state, samples, chunks and history. */
import { createChart } from './chart.js';
import { drawChunks } from './chunk-axis.js';
import { createSelectorField } from './completion.js';
import { failure, h, panel, segments, setText } from './dom.js';
import { formatCount, formatLabels, formatTime } from './format.js';
import { ask, isAbort, listen, repeat } from './server.js';
import { activeIds, drawStatechart, drawStoreStatechart, loadLayouts } from './statechart.js';

const listedMax = 200;
const detailMs = 2000;
const chartBuckets = 500;

const describe = (/** @type {any} */ { type, time, fingerprint, fingerprints, labels, position, ...rest }) =>
  Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${/time$/i.test(name) ? formatTime(/** @type {number} */ (value)) : value}`)
    .join(', ');

const historyTable = (/** @type {any[]} */ history) =>
  history.length === 0
    ? h('p', { class: 'empty' }, 'The journal has no events of this series.')
    : h(
        'div',
        { class: 'scroll events', tabindex: '0' },
        h(
          'table',
          {},
          h('thead', {}, h('tr', {}, h('th', {}, 'Time'), h('th', {}, 'Event'), h('th', {}, 'Details'))),
          h(
            'tbody',
            {},
            ...history
              .toReversed()
              .map((event) =>
                h(
                  'tr',
                  {},
                  h('td', { class: 'mono' }, formatTime(event.time)),
                  h('td', {}, event.type),
                  h('td', { class: 'soft small' }, describe(event)),
                ),
              ),
          ),
        ),
      );

/** The part of the page that shows one series. */
const createDetail = (/** @type {AbortSignal} */ signal, /** @type {any} */ layout) => {
  const element = h(
    'div',
    { class: 'detail' },
    h('p', { class: 'empty panel' }, 'Pick a series to see its state, its samples, its chunks and its events.'),
  );
  /** @type {AbortController | undefined} */
  let showing;

  const show = (/** @type {Record<string, string>} */ labels) => {
    showing?.abort();
    const mine = new AbortController();
    showing = mine;
    const name = formatLabels(labels);
    const state = h('span', { class: 'badge', role: 'status' });
    const fingerprint = h('span', { class: 'mono soft' });
    const statechart = drawStatechart(layout.overview, `State of ${name}`);
    const chart = createChart({ signal: mine.signal, height: 200, legend: 'none' });
    const chunks = h('div');
    const history = h('div');
    const drawn = h('div', {}, chart.element);
    element.replaceChildren(
      panel(
        'Series',
        [
          state,
          fingerprint,
          h('span', { class: 'grow' }),
          h('a', { href: `./explore?match=${encodeURIComponent(name)}` }, 'Open in Explore'),
        ],
        h('p', { class: 'mono', title: name }, name),
        statechart.element,
      ),
      panel('Samples', [], drawn),
      panel('Chunks', [], chunks),
      panel('History', [], history),
    );
    let shownState = '';
    const showState = (/** @type {string} */ next) => {
      if (next === shownState) return;
      if (shownState !== '') statechart.lightBetween([[`series.${shownState}`, `series.${next}`]]);
      shownState = next;
      setText(state, next);
      state.className = `badge ${next === 'inMemory' ? 'good' : next === 'quarantined' ? 'bad' : next === 'persisting' ? 'warn' : ''}`;
      statechart.showActive(activeIds('series', next));
    };
    repeat(
      async () => {
        try {
          const [detail, range] = await Promise.all([
            ask('/ui/series', { labels: JSON.stringify(labels) }, mine.signal),
            ask('/ui/range', { match: name, buckets: chartBuckets }, mine.signal),
          ]);
          setText(fingerprint, detail.fingerprint);
          showState(detail.state);
          const own = range.series.filter((/** @type {any} */ one) => formatLabels(one.labels) === name);
          if (own.length > 0) chart.draw(own, undefined);
          else drawn.replaceChildren(h('p', { class: 'empty' }, 'No readable samples.'));
          chunks.replaceChildren(drawChunks(detail.chunks));
          history.replaceChildren(historyTable(detail.history));
        } catch (error) {
          if (!isAbort(error) && !mine.signal.aborted) chunks.replaceChildren(failure(error));
        }
      },
      detailMs,
      mine.signal,
    );
    return showState;
  };

  signal.addEventListener('abort', () => showing?.abort());
  return { element, show };
};

export const mount = async (/** @type {HTMLElement} */ page, /** @type {{ signal: AbortSignal }} */ { signal }) => {
  const layouts = await loadLayouts(signal);
  const detail = createDetail(signal, layouts.series);
  const params = new URLSearchParams(location.search);

  let seriesChart = drawStatechart(
    layouts.series.overview,
    'Statechart of a series, with the number of series in each state',
  );
  const seriesBox = h('div', { class: 'scroll' }, seriesChart.element);
  const depth = segments(
    'Detail',
    [
      ['overview', 'Overview'],
      ['full', 'Every state'],
    ],
    'overview',
    (name) => {
      seriesChart = drawStatechart(
        layouts.series[name],
        'Statechart of a series, with the number of series in each state',
      );
      seriesBox.replaceChildren(seriesChart.element);
      if (frame !== undefined) showFrame(frame);
    },
  );
  const storeChart = drawStoreStatechart(layouts.store);
  const liveBadge = h('span', { class: 'badge' }, 'connecting');
  /** @type {any} */
  let frame;
  /** @type {((state: string) => void) | undefined} */
  let showSelected;
  /** @type {AbortController | undefined} */
  let connection;

  const showFrame = (/** @type {any} */ next) => {
    frame = next;
    seriesChart.showCounts(next.series);
    storeChart.showValue(next.store);
    if (next.selected !== undefined) showSelected?.(next.selected);
  };

  /** Arrows go dark and rates fall even if no frame arrives. */
  const timer = setInterval(() => {
    if (document.hidden || frame === undefined) return;
    const now = performance.now();
    seriesChart.showTransitions(frame.transitions, now);
    storeChart.showTransitions(frame.transitions, now);
  }, 100);

  /** Restarts the live stream, with the state of the selected series if there is one. */
  const connect = (/** @type {Record<string, string> | undefined} */ labels) => {
    connection?.abort();
    connection = new AbortController();
    listen(
      '/ui/actors',
      { labels: labels === undefined ? undefined : JSON.stringify(labels) },
      {
        signal: connection.signal,
        on: { frame: showFrame },
        onState: (connected) => {
          setText(liveBadge, connected ? 'live' : 'reconnecting');
          liveBadge.className = `badge ${connected ? 'good' : 'warn'}`;
        },
      },
    );
  };
  connect(undefined);

  const list = h('ul', { class: 'list' });
  const found = h('span', { class: 'soft small' });
  const pick = (/** @type {Record<string, string>} */ labels) => {
    const name = formatLabels(labels);
    for (const button of list.querySelectorAll('button'))
      button.setAttribute('aria-current', String(button.title === name));
    history.replaceState(
      null,
      '',
      `./actors?match=${encodeURIComponent(field.value)}&series=${encodeURIComponent(JSON.stringify(labels))}`,
    );
    showSelected = detail.show(labels);
    connect(labels);
  };
  const search = async (/** @type {string} */ match) => {
    if (match === '') return;
    try {
      const series = await ask('/api/v1/series', { 'match[]': match, limit: listedMax }, signal);
      setText(
        found,
        series.length < listedMax ? `${formatCount(series.length)} series` : `the first ${listedMax} series`,
      );
      list.replaceChildren(
        ...series.map((/** @type {Record<string, string>} */ labels) =>
          h(
            'li',
            {},
            h(
              'button',
              { type: 'button', class: 'mono', title: formatLabels(labels), onclick: () => pick(labels) },
              formatLabels(labels),
            ),
          ),
        ),
        ...(series.length === 0 ? [h('li', { class: 'empty' }, 'No series matches.')] : []),
      );
    } catch (error) {
      if (!isAbort(error)) list.replaceChildren(h('li', {}, failure(error)));
    }
  };
  const field = createSelectorField({
    value: params.get('match') ?? '',
    signal,
    onSubmit: search,
    label: 'Which series',
  });

  page.append(
    h(
      'div',
      { class: 'stack' },
      panel(
        'Series',
        [
          liveBadge,
          h(
            'span',
            { class: 'soft small' },
            'the number of series in each state; arrows light up as transitions happen',
          ),
          h('span', { class: 'grow' }),
          depth,
        ],
        seriesBox,
      ),
      panel('Store', [], storeChart.element),
      h(
        'div',
        { class: 'picker' },
        panel('Pick a series', [found], h('div', { class: 'row' }, field.element), list),
        detail.element,
      ),
    ),
  );
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    connection?.abort();
  });

  if (field.value === '') field.value = (await ask('/api/v1/label/__name__/values', {}, signal))[0] ?? '';
  await search(field.value);
  const chosen = params.get('series');
  if (chosen !== null) pick(JSON.parse(chosen));
};
