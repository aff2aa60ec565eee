/** The rules by group: state, last value, last evaluation, errors. A click on a rule picks it. */
import { h } from '../../parts/elements.ts';
import { formatCount, formatSeconds } from '../../parts/text/number-text.ts';
import { formatClock } from '../../parts/text/time-text.ts';
import type { ShownGroup, ShownRule } from '../../server/server-answers.ts';
import { resultText, stateBadge } from './rule-values.ts';

/** The ids of a rule. */
export interface RuleKey {
  readonly group: string;
  readonly rule: string;
}

const columns = ['Rule', 'State', 'Health', 'Last value', 'Evaluated', 'Took'];

const groupNote = ({ file, intervalMs, evaluationMs, missed }: ShownGroup): string =>
  [
    file,
    `every ${formatSeconds(intervalMs / 1000)}`,
    `took ${formatSeconds(evaluationMs / 1000)}`,
    missed > 0 ? `${formatCount(missed)} missed` : '',
  ]
    .filter((text) => text !== '')
    .join(', ');

export class RuleTable {
  readonly element: HTMLElement;
  private readonly onPick: (key: RuleKey) => void;
  private readonly table: HTMLTableElement;
  private readonly head = h('thead', {}, h('tr', {}, ...columns.map((text) => h('th', { scope: 'col' }, text))));
  /** What the rows show, so that rows that are the same keep the focus. */
  private shown = '';

  constructor(onPick: (key: RuleKey) => void) {
    this.onPick = onPick;
    this.table = h('table', {}, this.head);
    this.element = h(
      'div',
      { class: 'scroll rules', tabindex: '0', role: 'region', 'aria-label': 'Rules by group' },
      this.table,
    );
  }

  show(groups: readonly ShownGroup[], picked: RuleKey | undefined): void {
    const shown = JSON.stringify([groups, picked]);
    if (shown === this.shown) return;
    this.shown = shown;
    const focused = this.table.contains(document.activeElement) ? document.activeElement?.id : undefined;
    this.table.replaceChildren(this.head, ...groups.map((group, i) => this.body(group, i, picked)));
    // The rows are other elements now.
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  private body(group: ShownGroup, place: number, picked: RuleKey | undefined): HTMLElement {
    const title = h(
      'tr',
      {},
      h(
        'th',
        { class: 'group', colspan: columns.length, scope: 'rowgroup' },
        group.name,
        ' ',
        h('span', { class: 'soft small' }, groupNote(group)),
      ),
    );
    const rows = group.rules.flatMap((rule, i) => {
      const isPicked = picked?.group === group.id && picked.rule === rule.id;
      return this.rows(group, rule, `rule-${place}-${i}`, isPicked);
    });
    return h('tbody', {}, title, ...rows);
  }

  private rows(group: ShownGroup, rule: ShownRule, id: string, isPicked: boolean): HTMLElement[] {
    const onclick = (): void => this.onPick({ group: group.id, rule: rule.id });
    const button = h(
      'button',
      { type: 'button', id, class: 'link', title: rule.expr, 'aria-pressed': String(isPicked), onclick },
      rule.name,
    );
    const row = h(
      'tr',
      { 'aria-current': String(isPicked) },
      h('td', {}, button),
      h('td', {}, rule.type === 'alerting' ? stateBadge(rule.state) : h('span', { class: 'soft small' }, 'recording')),
      h('td', {}, stateBadge(rule.health)),
      h('td', { class: 'mono' }, resultText(rule)),
      h('td', { class: 'mono' }, rule.lastEvaluation === 0 ? '–' : formatClock(rule.lastEvaluation)),
      h('td', { class: 'mono' }, rule.lastEvaluation === 0 ? '–' : formatSeconds(rule.evaluationMs / 1000)),
    );
    if (rule.lastError === '') return [row];
    const error = h('td', { class: 'wrap small failure', colspan: columns.length }, rule.lastError);
    return [row, h('tr', {}, error)];
  }
}
