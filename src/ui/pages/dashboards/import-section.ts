/** Imports a dashboard from a file or from pasted text, and says what is left out before anything is saved. */
import { h } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { addressOfDashboard } from './dashboard-address.ts';
import { DashboardDraft, openDrafts } from './dashboard-draft.ts';
import type { ImportedDashboard } from './grafana/import-grafana.ts';
import type { LeftOut } from './grafana/left-out.ts';
import { importBytesMax, readImport } from './read-import.ts';

interface ImportSectionOptions {
  /** The end of the page. */
  readonly signal: AbortSignal;
  /** Shows an address of this page. */
  readonly go: (address: string) => void;
}

const leftOutRow = ({ what, why }: LeftOut): HTMLElement =>
  h('tr', {}, h('td', { class: 'wrap' }, what), h('td', { class: 'wrap' }, why));

const leftOutTable = (list: readonly LeftOut[]): HTMLElement =>
  h(
    'div',
    { class: 'scroll texts left-out', tabindex: '0', role: 'region', 'aria-label': 'What is left out' },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Of'), h('th', { scope: 'col' }, 'Left out'))),
      h('tbody', {}, ...list.map(leftOutRow)),
    ),
  );

export class ImportSection {
  readonly element: HTMLElement;
  private readonly options: ImportSectionOptions;
  private readonly result = h('div', { class: 'stack tight', 'aria-live': 'polite' });
  private readonly text = h('textarea', {
    class: 'mono',
    rows: 5,
    'aria-label': 'JSON of a dashboard',
    placeholder: 'Paste the JSON of a dashboard',
    spellcheck: 'false',
  });

  constructor(options: ImportSectionOptions) {
    this.options = options;
    const file = h('input', {
      type: 'file',
      accept: '.json,application/json',
      hidden: true,
      'aria-label': 'File of a dashboard',
      onchange: () => void this.readFile(file),
    });
    this.element = panel(
      'Import',
      [],
      h(
        'div',
        { class: 'stack tight' },
        h(
          'p',
          { class: 'soft small' },
          'A dashboard that was exported here, or one of Grafana: panels with PromQL that are time series, figures, tables or heatmaps.',
        ),
        this.text,
        h(
          'div',
          { class: 'row' },
          h('button', { type: 'button', onclick: () => this.read(this.text.value) }, 'Read the text'),
          h('button', { type: 'button', onclick: () => file.click() }, 'Open a file…'),
          file,
        ),
        this.result,
      ),
    );
  }

  private async readFile(field: HTMLInputElement): Promise<void> {
    const chosen = field.files?.[0];
    if (chosen === undefined) return;
    field.value = '';
    try {
      if (chosen.size > importBytesMax) throw new Error(`${chosen.name} is larger than ${importBytesMax} bytes.`);
      const text = await chosen.text();
      if (!this.options.signal.aborted) this.read(text);
    } catch (error) {
      this.result.replaceChildren(failure(error));
    }
  }

  private read(text: string): void {
    try {
      this.show(readImport(text));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.result.replaceChildren(failure(`This can't be imported: ${why}.`));
    }
  }

  private show({ dashboard, leftOut }: ImportedDashboard): void {
    const open = (): void => {
      openDrafts.set('', new DashboardDraft(dashboard));
      this.options.go(addressOfDashboard(undefined, { isNew: true }));
    };
    const count = formatCount(dashboard.panels.length);
    const panels = `${count} panel${dashboard.panels.length === 1 ? '' : 's'}`;
    this.result.replaceChildren(
      h(
        'p',
        {},
        h('strong', {}, dashboard.title),
        `: ${panels}. `,
        leftOut.length === 0 ? 'Nothing is left out.' : 'Left out is:',
      ),
      ...(leftOut.length === 0 ? [] : [leftOutTable(leftOut)]),
      h('div', { class: 'row' }, h('button', { type: 'button', class: 'main', onclick: open }, 'Open it')),
    );
  }
}
