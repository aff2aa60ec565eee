/** Alerts: the statechart of the alerts live, the alerts that are active, the rules, and one rule in detail. */
import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { AlertStatechart } from '../../parts/statechart/alert-statechart.ts';
import type { DeepLayout } from '../../parts/statechart/chart-layout.ts';
import { loadLayout } from '../../parts/statechart/statechart-layout.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { listen } from '../../server/live-stream.ts';
import { repeat } from '../../server/repeat.ts';
import type { ActorsFrame, ShownGroup } from '../../server/server-answers.ts';
import type { Mount } from '../page-mount.ts';
import { activeAlertTable } from './active-alerts.ts';
import { noRules } from './no-rules.ts';
import { RuleDetail } from './rule-detail.ts';
import { type RuleKey, RuleTable } from './rule-table.ts';

const rulesMs = 2000;
/** Arrows go dark and rates fall at this interval, also if no frame arrives. */
const fadeMs = 100;
/** After a change, rules and history are read again, but not more often than this. */
const reloadMs = 1000;

/** The rule that the address names. */
const readKey = (): RuleKey | undefined => {
  const params = new URLSearchParams(location.search);
  const [group, rule] = [params.get('group'), params.get('rule')];
  return group === null || rule === null ? undefined : { group, rule };
};

class AlertsPage {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly chart: AlertStatechart;
  private readonly liveBadge = h('span', { class: 'badge' }, 'connecting');
  private readonly firing = h('span', { class: 'badge', role: 'status' });
  private readonly active = h('div');
  private readonly trouble = h('div', { 'aria-live': 'polite' });
  private readonly ruleTable = new RuleTable((key) => this.pick(key));
  private readonly detailBox = h('div');
  /** Everything but the hint that there are no rules. */
  private readonly content: HTMLElement;
  private groups: readonly ShownGroup[] = [];
  private picked = readKey();
  private detail: RuleDetail | undefined;
  private showing: AbortController | undefined;
  private frame: ActorsFrame | undefined;
  /** An alert has changed its state since rules and history were read. */
  private isStale = false;
  private reloadedAt = 0;

  constructor(layout: DeepLayout, signal: AbortSignal) {
    this.signal = signal;
    this.chart = new AlertStatechart(layout.full);
    const note = h(
      'span',
      { class: 'soft small' },
      'the number of alerts in each state; arrows light up as transitions happen',
    );
    const chartBox = h(
      'div',
      { class: 'scroll alert-chart', tabindex: '0', role: 'region', 'aria-label': 'Statechart' },
      this.chart.element,
    );
    this.content = h(
      'div',
      { class: 'stack', hidden: true },
      panel('Active', [this.firing], this.active),
      panel('Rules', [], this.ruleTable.element),
      this.detailBox,
      panel('Alerts', [this.liveBadge, note], chartBox),
    );
    this.element = h('div', { class: 'stack' }, h('h1', { class: 'unseen' }, 'Alerts'), this.trouble, this.content);
    signal.addEventListener('abort', () => this.showing?.abort());
  }

  start(): void {
    const { signal } = this;
    listen(
      '/ui/actors',
      {},
      {
        signal,
        on: { frame: (frame) => this.showFrame(frame) },
        onState: (connected) => {
          setText(this.liveBadge, connected ? 'live' : 'reconnecting');
          this.liveBadge.className = `badge ${connected ? 'good' : 'warn'}`;
        },
      },
    );
    const timer = setInterval(() => {
      if (document.hidden || this.frame === undefined) return;
      const now = performance.now();
      this.chart.showTransitions(this.frame.transitions, now);
      if (this.isStale && now - this.reloadedAt >= reloadMs) this.reload(now);
    }, fadeMs);
    signal.addEventListener('abort', () => clearInterval(timer));
    repeat(() => this.load(), rulesMs, signal);
  }

  /** Shows the counts. If an alert has changed its state, rules and history are read again. */
  private showFrame(frame: ActorsFrame): void {
    this.isStale ||= this.frame !== undefined && alertTotal(frame) !== alertTotal(this.frame);
    this.frame = frame;
    this.chart.showFrame(frame);
  }

  private reload(now: number): void {
    this.isStale = false;
    this.reloadedAt = now;
    void this.load();
    void this.detail?.load();
  }

  private async load(): Promise<void> {
    try {
      const { groups } = await ask('/ui/rules', {}, this.signal);
      this.groups = groups;
      this.show();
    } catch (error) {
      if (!isAbort(error) && !this.signal.aborted) this.trouble.replaceChildren(failure(error));
    }
  }

  private show(): void {
    const { groups, picked } = this;
    const isEmpty = groups.length === 0;
    this.content.hidden = isEmpty;
    if (isEmpty) {
      if (this.trouble.childElementCount === 0) this.trouble.replaceChildren(noRules());
      return;
    }
    this.trouble.replaceChildren();
    const rules = groups.flatMap((group) => group.rules);
    const alerts = rules.flatMap((rule) => rule.alerts);
    const total = rules.reduce((sum, { alertCount }) => sum + alertCount, 0);
    const firing = this.frame?.alerts?.['firing'] ?? alerts.filter(({ state }) => state === 'firing').length;
    setText(this.firing, `${formatCount(firing)} firing`);
    this.firing.className = `badge ${firing > 0 ? 'bad' : 'good'}`;
    this.active.replaceChildren(activeAlertTable(alerts, total));
    this.ruleTable.show(groups, picked);
    if (picked !== undefined && this.detail === undefined) this.showDetail(picked);
  }

  private pick(key: RuleKey): void {
    this.picked = key;
    history.replaceState(null, '', `./alerts?${new URLSearchParams({ ...key })}`);
    this.ruleTable.show(this.groups, key);
    this.showDetail(key);
    this.detailBox.scrollIntoView({ block: 'nearest' });
  }

  private showDetail(key: RuleKey): void {
    const group = this.groups.find(({ id }) => id === key.group);
    const rule = group?.rules.find(({ id }) => id === key.rule);
    if (rule === undefined) return;
    this.showing?.abort();
    this.showing = new AbortController();
    this.detail = new RuleDetail(key, rule, this.showing.signal);
    this.detailBox.replaceChildren(this.detail.element);
  }
}

/** How many transitions alerts have made. */
const alertTotal = ({ transitions }: ActorsFrame): number =>
  Object.entries(transitions)
    .filter(([key]) => key.startsWith('alert.'))
    .reduce((sum, [, total]) => sum + total, 0);

export const mount: Mount = async (element, { signal }) => {
  const page = new AlertsPage(await loadLayout('alert', signal), signal);
  element.append(page.element);
  page.start();
};
