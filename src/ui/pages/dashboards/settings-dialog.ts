/** The dialog for what a dashboard is besides its panels: title, range and refresh at first, variables. */
import { type Dashboard, dashboardLimits as limits } from '../../../dashboards/dashboard.ts';
import { parseDashboard } from '../../../dashboards/parse-dashboard.ts';
import { h } from '../../parts/elements.ts';
import { modal } from './modal.ts';
import { VariableFields } from './variable-fields.ts';

type Settings = Pick<Dashboard, 'title' | 'range' | 'refresh' | 'variables'>;

/** Shows the dialog; resolves with the settings, or with `undefined` if it was cancelled. */
export const editSettings = async (dashboard: Dashboard, signal: AbortSignal): Promise<Settings | undefined> => {
  const title = h('input', { type: 'text', value: dashboard.title, maxlength: limits.textLength, required: true });
  const range = h('input', { type: 'text', value: dashboard.range, size: 8 });
  const refresh = h('input', { type: 'text', value: dashboard.refresh, size: 8, placeholder: 'never' });
  const variables = new VariableFields(dashboard.variables);
  const read = (): Settings => ({
    title: title.value.trim(),
    range: range.value.trim(),
    refresh: refresh.value.trim(),
    variables: variables.values,
  });
  const check = (): string | undefined => {
    try {
      parseDashboard({ ...dashboard, ...read() });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  const field = (text: string, control: HTMLElement): HTMLElement => h('label', {}, text, control);
  const isAccepted = await modal({
    title: 'Settings of the dashboard',
    content: [
      h(
        'div',
        { class: 'dialog-fields' },
        field('Title', title),
        field('Range', range),
        field('Refresh every', refresh),
      ),
      variables.element,
    ],
    accept: 'Done',
    check,
    signal,
    isWide: true,
  });
  return isAccepted ? read() : undefined;
};
