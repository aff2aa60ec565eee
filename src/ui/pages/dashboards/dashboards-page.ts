/** Dashboards: several panels in one view, kept in the store's directory. */
import { h } from '../../parts/elements.ts';
import { failure } from '../../parts/panel.ts';
import type { Mount } from '../page-mount.ts';
import { type AddedPanel, addressOfDashboard, readAddress } from './dashboard-address.ts';
import { DashboardDraft, emptyDashboard, openDrafts } from './dashboard-draft.ts';
import { DashboardList } from './dashboard-list.ts';
import { DashboardView } from './dashboard-view.ts';
import { readDashboard } from './kept-dashboard.ts';
import { newPanel } from './panel-editing.ts';

/** The draft of a dashboard: the one with changes that are not saved, or what the server has. */
const draftOf = async (id: string | undefined, signal: AbortSignal): Promise<DashboardDraft> => {
  const open = openDrafts.get(id ?? '');
  if (open !== undefined) return open;
  if (id === undefined) return new DashboardDraft(emptyDashboard);
  const { dashboard, revision, readyMade } = await readDashboard(id, signal);
  return new DashboardDraft(dashboard, { saved: dashboard, revision, readyMade });
};

const addTo = (draft: DashboardDraft, { queries, kind }: AddedPanel): void =>
  draft.addPanel({ ...newPanel, kind, queries: queries.map((expr) => ({ expr, legend: '' })) });

/** Shows the list, or the dashboard of the address. */
const show = async (element: HTMLElement, signal: AbortSignal): Promise<void> => {
  const address = readAddress();
  const go = (next: string): void => {
    history.pushState(null, '', next);
    element.replaceChildren();
    void show(element, signal);
  };
  if (address.id === undefined && !address.isNew) {
    const list = new DashboardList({ signal, added: address.added, go });
    element.replaceChildren(list.element);
    await list.load();
    return;
  }
  let draft: DashboardDraft;
  try {
    draft = await draftOf(address.id, signal);
  } catch (error) {
    if (signal.aborted) return;
    const all = h('p', {}, h('a', { href: addressOfDashboard() }, 'All dashboards'));
    element.replaceChildren(h('h1', { class: 'hidden' }, 'Dashboards'), failure(error), all);
    return;
  }
  if (signal.aborted) return;
  const isAdding = address.added !== undefined;
  if (address.added !== undefined) {
    addTo(draft, address.added);
    openDrafts.set(address.id ?? '', draft);
  }
  const plain = { ...address, added: undefined };
  if (isAdding) history.replaceState(history.state, '', addressOfDashboard(address.id, plain));
  document.title = `${draft.current.title} · Tidemark`;
  const view = new DashboardView(draft, plain, signal);
  element.replaceChildren(view.element);
  await view.start();
  if (isAdding) view.showLast();
};

export const mount: Mount = (element, { signal }) => show(element, signal);
