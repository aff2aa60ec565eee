/** Actors: the statecharts live, the series in each state, and one series that is followed. */

import { h, setText } from '../../parts/elements.ts';
import { panel } from '../../parts/panel.ts';
import { AlertStatechart, hasAlertRules } from '../../parts/statechart/alert-statechart.ts';
import { loadLayout } from '../../parts/statechart/statechart-layout.ts';
import { StoreStatechart } from '../../parts/statechart/store-statechart.ts';
import { listen } from '../../server/live-stream.ts';
import type { ActorsFrame, Labels } from '../../server/server-answers.ts';
import type { Mount } from '../page-mount.ts';
import { type ActorsView, addressOfView, viewOfAddress } from './actors-address.ts';
import { SeriesDetail } from './series-detail.ts';
import type { PickableSeries } from './series-names-list.ts';
import { SeriesPanel } from './series-panel.ts';
import { SeriesPicker } from './series-picker.ts';
import { StateList } from './state-list.ts';

/** Arrows go dark and rates fall at this interval, also if no frame arrives. */
const fadeMs = 100;

export const mount: Mount = async (element, { signal }) => {
  const [seriesLayout, storeLayout, alertLayout] = await Promise.all([
    loadLayout('series', signal),
    loadLayout('store', signal),
    loadLayout('alert', signal),
  ]);
  let view: ActorsView = viewOfAddress(location.search);
  let frame: ActorsFrame | undefined;
  let connection: AbortController | undefined;

  const update = (change: Partial<ActorsView>): void => {
    // A region says that it was opened a moment later; the address may be another page's by then.
    if (signal.aborted) return;
    view = { ...view, ...change };
    history.replaceState(null, '', addressOfView(view));
  };

  const detail = new SeriesDetail(seriesLayout.overview, signal);
  const picker = new SeriesPicker(view.match, signal, (labels) => follow(labels));
  const liveBadge = h('span', { class: 'badge', role: 'status' }, 'connecting');
  const stateList = new StateList({
    signal,
    onPick: (series, state) => pickListed(series, state),
    onClose: () => pickState(undefined),
  });
  const seriesPanel = new SeriesPanel({
    layouts: seriesLayout,
    full: view.full,
    list: stateList,
    beside: [liveBadge],
    onPickState: (name) => pickState(name),
    onDepth: (full) => update({ full }),
  });
  const storeChart = new StoreStatechart(storeLayout, (regions) => update({ regions }));
  const alertChart = new AlertStatechart(alertLayout.overview);
  // Without rules there are no alerts.
  const alertPanel = panel(
    'Alerts',
    [],
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Chart of the alerts' },
      alertChart.element,
    ),
  );
  alertPanel.hidden = true;

  const showFrame = (next: ActorsFrame): void => {
    frame = next;
    seriesPanel.showFrame(next);
    storeChart.showValue(next.store, next.totals);
    alertChart.showFrame(next);
    alertPanel.hidden = !hasAlertRules(next);
    if (next.selected !== undefined) detail.showFrame(next.selected, performance.now());
  };

  const timer = setInterval(() => {
    if (document.hidden || frame === undefined) return;
    const now = performance.now();
    seriesPanel.showTransitions(frame.transitions, now);
    storeChart.showTransitions(frame.transitions, now);
    alertChart.showTransitions(frame.transitions, now);
    detail.fade(now);
  }, fadeMs);

  /** Restarts the live stream, with the state of the followed series if there is one. */
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

  const follow = (labels: Labels, focus = true): void => {
    update({ match: picker.selector, series: labels, quarantined: undefined });
    picker.mark(labels);
    detail.follow(labels);
    connect(labels);
    if (focus) detail.focus();
  };
  const showQuarantined = (fingerprint: string, focus = true): void => {
    update({ series: undefined, quarantined: fingerprint });
    picker.mark(undefined);
    detail.showQuarantined(fingerprint);
    connect(undefined);
    if (focus) detail.focus();
  };
  const pickListed = ({ labels, fingerprint }: PickableSeries, state: string): void => {
    if (state === 'quarantined' && fingerprint !== undefined) showQuarantined(fingerprint);
    else if (labels !== undefined) follow(labels);
  };
  const pickState = (name: string | undefined, focus = true): void => {
    update({ state: name });
    seriesPanel.showPicked(name);
    void stateList.show(name, focus);
  };

  element.append(
    h(
      'div',
      { class: 'stack actors' },
      h('h1', { class: 'unseen' }, 'Actors'),
      picker.element,
      seriesPanel.element,
      panel(
        'Store',
        [h('span', { class: 'soft small' }, 'the state of each region; open one to see its chart')],
        storeChart.element,
      ),
      detail.element,
      alertPanel,
    ),
  );
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    connection?.abort();
  });

  storeChart.open(view.regions);
  pickState(view.state, false);
  if (view.quarantined !== undefined) showQuarantined(view.quarantined, false);
  else if (view.series !== undefined) follow(view.series, false);
  else connect(undefined);
  await picker.start();
  if (view.series !== undefined) picker.mark(view.series);
};
