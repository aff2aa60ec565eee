/** The store's own metrics over time. */

import { Chart } from '../../parts/chart/chart.ts';
import { perSecond } from '../../parts/chart/per-second.ts';
import { segments } from '../../parts/controls.ts';
import { h } from '../../parts/elements.ts';
import { exploreAddress } from '../../parts/explore-address.ts';
import { panel } from '../../parts/panel.ts';
import { distinguish } from '../../parts/text/series-names.ts';
import { ask } from '../../server/ask-server.ts';
import type { Labels } from '../../server/server-answers.ts';
import { ownMetricCharts } from './own-metric-charts.ts';

const buckets = 300;
const chartHeight = 150;

/** Milliseconds, as the values of buttons. */
const spans = [
  ['300000', '5 min'],
  ['900000', '15 min'],
  ['3600000', '1 h'],
  ['21600000', '6 h'],
] as const;
const [, [firstSpan]] = spans;

/** Names without the common prefix of the store's metrics, and without labels that are the same for all. */
const shortNames = (list: readonly Labels[]): string[] => {
  const isOneMetric = list.every(({ __name__: name }) => name === list[0]['__name__']);
  if (isOneMetric && list.length > 1) return distinguish(list);
  return list.map(({ __name__: name }) => name.replace(/^(?:prometheus_local_storage|tidemark)_/, ''));
};

export class OwnMetrics {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly charts: readonly { readonly element: HTMLElement; readonly load: () => Promise<void> }[];
  private spanMs = Number(firstSpan);

  constructor(signal: AbortSignal) {
    this.signal = signal;
    this.charts = ownMetricCharts.map((described) => this.chart(described));
    const range = segments('Time range', spans, firstSpan, (value) => {
      this.spanMs = Number(value);
      void this.load();
    });
    this.element = h(
      'section',
      { class: 'stack', 'aria-label': 'Over time' },
      h('div', { class: 'row' }, h('h2', {}, 'Over time'), h('span', { class: 'grow' }), range.element),
      h('div', { class: 'columns' }, ...this.charts.map(({ element }) => element)),
    );
  }

  /** Reads the charts one after the other; one that can't be read keeps what it shows. */
  async load(): Promise<void> {
    for (const chart of this.charts) {
      if (this.signal.aborted) return;
      await chart.load().catch(() => {});
    }
  }

  private chart({ title, metrics, rate, format }: (typeof ownMetricCharts)[number]): (typeof this.charts)[number] {
    const { signal } = this;
    const chart = new Chart({ signal, height: chartHeight, format, legend: 'short', namesOf: shortNames });
    const box = h('div', {}, chart.element);
    const link = h('a', { class: 'small', 'aria-label': `${title} in Explore` }, 'Explore');
    const point = (): void => {
      link.href = exploreAddress(metrics, `${this.spanMs / 60_000}m`);
    };
    point();
    const empty = h('p', { class: 'empty' }, 'Not recorded in this time range.');
    const load = async (): Promise<void> => {
      point();
      const through = Date.now();
      const from = through - this.spanMs;
      const limits = { start: from / 1000, end: through / 1000, buckets };
      const answers = await Promise.all(metrics.map((match) => ask('/ui/range', { match, ...limits }, signal)));
      const series = answers.flatMap((answer) => answer.series);
      box.replaceChildren(series.length === 0 ? empty : chart.element);
      if (series.length > 0) chart.draw(rate ? series.map(perSecond) : series, [from, through]);
    };
    return { element: panel(title, [h('span', { class: 'grow' }), link], box), load };
  }
}
