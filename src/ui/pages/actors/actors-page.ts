/** Actors: the statecharts live, and the details of one series. */

import { segments } from '../../parts/controls.ts';
import { h, setText } from '../../parts/elements.ts';
import { panel } from '../../parts/panel.ts';
import { AlertStatechart, hasAlertRules } from '../../parts/statechart/alert-statechart.ts';
import type { ChartLayout } from '../../parts/statechart/chart-layout.ts';
import { Statechart } from '../../parts/statechart/statechart.ts';
import { loadLayout } from '../../parts/statechart/statechart-layout.ts';
import { StoreStatechart } from '../../parts/statechart/store-statechart.ts';
import { listen } from '../../server/live-stream.ts';
import type { ActorsFrame, Labels } from '../../server/server-answers.ts';
import type { Mount } from '../page-mount.ts';
import { SeriesPanels } from './series-detail.ts';
import { SeriesPicker } from './series-picker.ts';

/** Arrows go dark and rates fall at this interval, also if no frame arrives. */
const fadeMs = 100;

const seriesStatechart = (layout: ChartLayout): Statechart =>
  new Statechart(layout, 'Statechart of a series, with the number of series in each state');

export const mount: Mount = async (element, { signal }) => {
  const [seriesLayout, storeLayout, alertLayout] = await Promise.all([
    loadLayout('series', signal),
    loadLayout('store', signal),
    loadLayout('alert', signal),
  ]);
  const detail = new SeriesPanels(seriesLayout.overview, signal);
  const params = new URLSearchParams(location.search);
  let frame: ActorsFrame | undefined;
  let connection: AbortController | undefined;

  let seriesChart = seriesStatechart(seriesLayout.overview);
  const seriesBox = h('div', { class: 'scroll' }, seriesChart.element);
  const storeChart = new StoreStatechart(storeLayout);
  const alertChart = new AlertStatechart(alertLayout.overview);
  // Without rules there are no alerts.
  const alertPanel = panel('Alerts', [], h('div', { class: 'scroll' }, alertChart.element));
  alertPanel.hidden = true;
  const depth = segments(
    'Detail',
    [
      ['overview', 'Overview'],
      ['full', 'Every state'],
    ],
    'overview',
    (name) => {
      seriesChart = seriesStatechart(name === 'full' ? seriesLayout.full : seriesLayout.overview);
      seriesBox.replaceChildren(seriesChart.element);
      if (frame !== undefined) showFrame(frame);
    },
  );
  const liveBadge = h('span', { class: 'badge' }, 'connecting');

  const showFrame = (next: ActorsFrame): void => {
    frame = next;
    seriesChart.showCounts(next.series);
    storeChart.showValue(next.store);
    alertChart.showFrame(next);
    alertPanel.hidden = !hasAlertRules(next);
    if (next.selected !== undefined) detail.showState(next.selected);
  };

  const timer = setInterval(() => {
    if (document.hidden || frame === undefined) return;
    const now = performance.now();
    seriesChart.showTransitions(frame.transitions, now);
    storeChart.showTransitions(frame.transitions, now);
    alertChart.showTransitions(frame.transitions, now);
  }, fadeMs);

  /** Restarts the live stream, with the state of the selected series if there is one. */
  const connect = (labels: Labels | undefined): void => {
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

  const pick = (labels: Labels): void => {
    picker.mark(labels);
    const match = encodeURIComponent(picker.selector);
    history.replaceState(null, '', `./actors?match=${match}&series=${encodeURIComponent(JSON.stringify(labels))}`);
    detail.show(labels);
    connect(labels);
  };
  const picker = new SeriesPicker(params.get('match') ?? '', signal, pick);

  connect(undefined);
  const note = 'the number of series in each state; arrows light up as transitions happen';
  element.append(
    h(
      'div',
      { class: 'stack' },
      panel(
        'Series',
        [liveBadge, h('span', { class: 'soft small' }, note), h('span', { class: 'grow' }), depth.element],
        seriesBox,
      ),
      panel('Store', [], storeChart.element),
      alertPanel,
      h('div', { class: 'picker' }, picker.element, detail.element),
    ),
  );
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    connection?.abort();
  });

  await picker.start();
  const chosen = params.get('series');
  if (chosen !== null) pick(JSON.parse(chosen));
};
