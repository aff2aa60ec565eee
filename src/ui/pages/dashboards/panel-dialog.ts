/** The dialog in which a panel is made or changed, with the panel as it will be. */
import {
  dashboardColumns,
  dashboardLimits as limits,
  type Panel,
  type PanelHeight,
  type PanelKind,
  type PanelQuery,
  type PanelUnit,
  panelHeights,
  panelKinds,
  panelUnits,
} from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';
import type { KnownMetrics } from '../../parts/queries/known-metrics.ts';
import { modal } from './modal.ts';
import { PanelBody } from './panel-body.ts';
import type { PanelContext } from './panel-results.ts';
import { QueryFields } from './query-fields.ts';

export const kindNames: Readonly<Record<PanelKind, string>> = {
  lines: 'Lines',
  stacked: 'Stacked',
  stat: 'Figure',
  table: 'Table',
  heatmap: 'Heatmap',
};

const unitNames: Partial<Record<PanelUnit, string>> = { auto: 'by the name of the metric', none: 'no unit' };

interface PanelDialogOptions {
  readonly title: string;
  readonly known: KnownMetrics;
  readonly context: () => PanelContext;
  /** The end of the page. */
  readonly signal: AbortSignal;
}

/** After the last key, the preview is read again. */
const previewMs = 400;

const choices = <Value extends string | number>(
  values: readonly Value[],
  chosen: Value,
  textOf: (value: Value) => string,
): HTMLSelectElement =>
  h('select', {}, ...values.map((value) => h('option', { value, selected: value === chosen }, textOf(value))));

/** Shows the dialog; resolves with the panel, or with `undefined` if it was cancelled. */
export const editPanel = async (
  panel: Panel,
  { title, known, context, signal }: PanelDialogOptions,
): Promise<Panel | undefined> => {
  const end = new AbortController();
  const name = h('input', { type: 'text', value: panel.title, maxlength: limits.textLength });
  const kind = choices(panelKinds, panel.kind, (one) => kindNames[one]);
  const unit = choices(panelUnits, panel.unit, (one) => unitNames[one] ?? one);
  const columns = Array.from({ length: dashboardColumns }, (_, i) => i + 1);
  const width = choices(columns, panel.width, (one) => `${one} of ${dashboardColumns}`);
  const height = choices(panelHeights, panel.height, (one) => one);
  const preview = h('div', { class: 'preview', role: 'region', 'aria-label': 'Preview' });
  const current = (queries: readonly PanelQuery[]): Panel => ({
    title: name.value.trim(),
    kind: kind.value as PanelKind,
    queries: queries.filter(({ expr }) => expr !== ''),
    unit: unit.value as PanelUnit,
    width: Number(width.value),
    height: height.value as PanelHeight,
  });

  let shown = '';
  let drawing = new AbortController();
  const show = (): void => {
    const next = current(fields.queries);
    // The title and the width change nothing of what is drawn.
    const key = JSON.stringify({ ...next, title: '', width: 0 });
    if (key === shown || end.signal.aborted) return;
    shown = key;
    drawing.abort();
    drawing = new AbortController();
    const body = new PanelBody(next, { signal: drawing.signal, known, onRange: () => {} });
    preview.replaceChildren(body.element);
    void body.show(context());
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const showSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(show, previewMs);
  };
  const fields = new QueryFields(panel.queries, { signal: end.signal, onChange: showSoon, onSubmit: () => show() });
  const field = (text: string, control: HTMLElement): HTMLElement => h('label', {}, text, control);
  const looks = h(
    'div',
    { class: 'dialog-fields' },
    field('Title', name),
    field('Shown as', kind),
    field('Unit', unit),
    field('Width', width),
    field('Height', height),
  );
  const ended = modal({
    title,
    content: [looks, fields.element, preview],
    accept: 'Done',
    signal,
    isWide: true,
    oninput: showSoon,
  });
  // Its width is known when the dialog is open.
  show();
  const isAccepted = await ended;
  clearTimeout(timer);
  const result = current(fields.queries);
  end.abort();
  drawing.abort();
  return isAccepted ? result : undefined;
};
