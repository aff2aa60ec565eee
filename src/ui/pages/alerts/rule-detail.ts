/** One rule: its expression over time with the threshold, and the history of its alerts. */
import { Chart } from '../../parts/chart/chart.ts';
import { segments } from '../../parts/controls.ts';
import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { repeat } from '../../server/repeat.ts';
import type { DrawnSeries, RuleAnswer, ShownRule } from '../../server/server-answers.ts';
import { alertHistoryTable } from './alert-history.ts';
import type { RuleKey } from './rule-table.ts';
import { formatValue } from './rule-values.ts';

const repeatMs = 5000;
const points = 300;
const seriesMax = 50;

/** Milliseconds, as the values of buttons. */
const spans = [
  ['900000', '15 min'],
  ['3600000', '1 h'],
  ['21600000', '6 h'],
  ['86400000', '1 d'],
] as const;
const [[firstSpan]] = spans;

/** Numbers that can't be drawn are gaps. */
const drawable = (value: string): number | null => (Number.isFinite(Number(value)) ? Number(value) : null);

export class RuleDetail {
  readonly element = h('div', { class: 'stack' });
  private readonly key: RuleKey;
  private readonly signal: AbortSignal;
  private readonly chart: Chart;
  private readonly drawn = h('div');
  private readonly history = h('div');
  private readonly threshold = h('span', { class: 'mono soft' });
  private spanMs = Number(firstSpan);
  /** What the server told of the rule; `undefined` until it has. */
  private answer: RuleAnswer | undefined;
  private isLoading = false;

  constructor(key: RuleKey, { name, expr, labels, type }: ShownRule, signal: AbortSignal) {
    this.key = key;
    this.signal = signal;
    this.chart = new Chart({ signal, height: 240 });
    const range = segments('Time range', spans, firstSpan, (value) => {
      this.spanMs = Number(value);
      void this.draw();
    });
    const isAlerting = type === 'alerting';
    const about = [
      h('p', { class: 'mono wrap' }, expr),
      ...(Object.keys(labels).length === 0 ? [] : [h('p', { class: 'mono small soft' }, formatLabels(labels))]),
    ];
    this.element.append(
      panel(name, [this.threshold, h('span', { class: 'grow' }), range.element], ...about, this.drawn),
      ...(isAlerting ? [panel('History', [], this.history)] : []),
    );
    void this.load();
    repeat(() => this.draw(), repeatMs, signal);
  }

  /** Reads the threshold, and the history of the alerts, unless that is being done. */
  async load(): Promise<void> {
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      const answer = await ask('/ui/rule', { ...this.key }, this.signal);
      const isFirst = this.answer === undefined;
      this.answer = answer;
      const { comparison } = answer;
      this.chart.setThreshold(comparison?.threshold);
      setText(
        this.threshold,
        comparison === undefined ? '' : `threshold ${comparison.operator} ${formatValue(comparison.threshold)}`,
      );
      this.history.replaceChildren(alertHistoryTable(answer.history));
      if (isFirst) await this.draw();
    } catch (error) {
      this.showFailure(this.history, error);
    } finally {
      this.isLoading = false;
    }
  }

  private async draw(): Promise<void> {
    if (this.answer === undefined) return;
    const through = Date.now();
    const from = through - this.spanMs;
    const params = {
      query: this.answer.line,
      start: from / 1000,
      end: through / 1000,
      step: Math.max(1, Math.round(this.spanMs / points / 1000)),
      limit: seriesMax,
    };
    try {
      const answer = await ask('/api/v1/query_range', params, this.signal);
      const result = answer.resultType === 'matrix' ? answer.result : [];
      const list: DrawnSeries[] = result.map(({ metric, values }) => ({
        labels: metric,
        timestamps: values.map(([seconds]) => seconds * 1000),
        values: values.map(([, value]) => drawable(value)),
      }));
      if (list.length === 0)
        this.drawn.replaceChildren(h('p', { class: 'empty' }, 'The expression has no result in this time range.'));
      else {
        if (this.drawn.firstChild !== this.chart.element) this.drawn.replaceChildren(this.chart.element);
        this.chart.draw(list, [from, through]);
      }
    } catch (error) {
      this.showFailure(this.drawn, error);
    }
  }

  private showFailure(place: HTMLElement, error: unknown): void {
    if (!isAbort(error) && !this.signal.aborted) place.replaceChildren(failure(error));
  }
}
