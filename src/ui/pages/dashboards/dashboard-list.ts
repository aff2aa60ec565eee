/** The list of all dashboards, and the import of others. */

import type { ListedDashboard } from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { type AddedPanel, addressOfDashboard } from './dashboard-address.ts';
import { openDrafts } from './dashboard-draft.ts';
import { ImportSection } from './import-section.ts';
import { exportDashboard, readDashboard, removeDashboard } from './kept-dashboard.ts';

interface DashboardListOptions {
  /** The end of the page. */
  readonly signal: AbortSignal;
  /** Queries that become a panel of the dashboard that is chosen. */
  readonly added: AddedPanel | undefined;
  /** Shows an address of this page. */
  readonly go: (address: string) => void;
}

export class DashboardList {
  readonly element: HTMLElement;
  private readonly options: DashboardListOptions;
  private readonly table = h('div');
  private readonly trouble = h('div');
  private readonly notice = h('p', { class: 'soft small' });

  constructor(options: DashboardListOptions) {
    this.options = options;
    const { added, go, signal } = options;
    const more = added === undefined ? {} : { added };
    const create = h(
      'a',
      { class: 'button', href: addressOfDashboard(undefined, { ...more, isNew: true }) },
      'New dashboard',
    );
    const queries = added?.queries.map((query) => h('code', { class: 'mono' }, query)) ?? [];
    this.element = h(
      'div',
      { class: 'stack' },
      h('h1', { class: 'hidden' }, 'Dashboards'),
      added !== undefined &&
        h('p', { class: 'panel', role: 'status' }, 'Choose where the query is added: ', ...queries),
      this.trouble,
      panel('Dashboards', [h('span', { class: 'grow' }), create], this.notice, this.table),
      new ImportSection({ signal, go }).element,
    );
  }

  async load(): Promise<void> {
    try {
      const { dashboards, readOnly } = await ask('/ui/dashboards', {}, this.options.signal);
      this.notice.textContent = readOnly
        ? 'The store was opened read-only: dashboards can be shown, changed and exported, but not saved.'
        : '';
      this.notice.hidden = !readOnly;
      this.table.replaceChildren(this.tableOf(dashboards, readOnly));
    } catch (error) {
      if (!isAbort(error)) this.trouble.replaceChildren(failure(error));
    }
  }

  private tableOf(dashboards: readonly ListedDashboard[], readOnly: boolean): HTMLElement {
    const head = [h('th', { scope: 'col' }, 'Title'), h('th', { scope: 'col', class: 'number' }, 'Panels'), h('td')];
    return h(
      'div',
      { class: 'scroll texts', tabindex: '0', role: 'region', 'aria-label': 'All dashboards' },
      h(
        'table',
        {},
        h('thead', {}, h('tr', {}, ...head)),
        h('tbody', {}, ...dashboards.map((one) => this.row(one, readOnly))),
      ),
    );
  }

  private row(listed: ListedDashboard, readOnly: boolean): HTMLElement {
    const { id, title, readyMade, panels, problem } = listed;
    const { added } = this.options;
    const link = h('a', { href: addressOfDashboard(id, added === undefined ? {} : { added }) }, title);
    const isOpen = openDrafts.has(id);
    const name =
      problem === undefined
        ? [
            link,
            readyMade && h('span', { class: 'badge' }, 'ready-made'),
            isOpen && h('span', { class: 'badge warn' }, 'unsaved changes'),
          ]
        : [h('span', { class: 'mono' }, id), h('span', { class: 'bad-text small' }, problem)];
    const button = (text: string, action: () => Promise<void>): HTMLElement =>
      h('button', { type: 'button', 'aria-label': `${text} ${title}`, onclick: () => void this.guarded(action) }, text);
    return h(
      'tr',
      {},
      h('td', { class: 'wrap' }, h('div', { class: 'row' }, ...name)),
      h('td', { class: 'number' }, problem === undefined ? formatCount(panels) : '–'),
      h(
        'td',
        {},
        h(
          'div',
          { class: 'row end' },
          problem === undefined && button('Export', () => this.export(id)),
          !readyMade && !readOnly && button('Remove', () => this.remove(listed)),
        ),
      ),
    );
  }

  private async export(id: string): Promise<void> {
    exportDashboard((await readDashboard(id, this.options.signal)).dashboard);
  }

  private async remove({ id, title }: ListedDashboard): Promise<void> {
    if (!confirm(`Remove the dashboard “${title}”? Export it first to keep a copy.`)) return;
    await removeDashboard(id);
    openDrafts.delete(id);
    await this.load();
  }

  private async guarded(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.trouble.replaceChildren();
    } catch (error) {
      if (!isAbort(error)) this.trouble.replaceChildren(failure(error));
    }
  }
}
