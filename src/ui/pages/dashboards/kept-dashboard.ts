/** Reads, saves and removes dashboards, and exports them. */
import type { Dashboard, KeptDashboard } from '../../../dashboards/dashboard.ts';
import { dashboardText } from '../../../dashboards/parse-dashboard.ts';
import { saveFile } from '../../parts/save-file.ts';
import { ask, ConflictError, change } from '../../server/ask-server.ts';

export const readDashboard = (id: string, signal: AbortSignal): Promise<KeptDashboard> =>
  ask(`/ui/dashboards/${encodeURIComponent(id)}`, {}, signal);

/** Saves over what has this revision; empty for a new one. Resolves with the new revision. */
export const saveDashboard = async (id: string, dashboard: Dashboard, revision: string): Promise<string> => {
  const answer = await change(
    'PUT',
    `/ui/dashboards/${encodeURIComponent(id)}`,
    { revision },
    dashboardText(dashboard),
  );
  return (answer as { readonly revision: string }).revision;
};

export const removeDashboard = async (id: string): Promise<void> => {
  await change('DELETE', `/ui/dashboards/${encodeURIComponent(id)}`);
};

/** An id out of a title. */
export const idOf = (title: string): string => {
  const plain = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return plain === '' ? 'dashboard' : plain;
};

const triesMax = 100;

/** Saves a new dashboard under the id of its title, or under one with a number if there is one already. */
export const saveNew = async (dashboard: Dashboard): Promise<{ readonly id: string; readonly revision: string }> => {
  const first = idOf(dashboard.title);
  const { dashboards } = await ask('/ui/dashboards');
  const taken = new Set(dashboards.map(({ id }) => id));
  for (let number = 1; ; number++) {
    const id = number === 1 ? first : `${first}-${number}`;
    if (taken.has(id)) continue;
    try {
      return { id, revision: await saveDashboard(id, dashboard, '') };
    } catch (error) {
      // Another page has just taken it.
      if (!(error instanceof ConflictError) || number > triesMax + taken.size) throw error;
    }
  }
};

export const exportDashboard = (dashboard: Dashboard): void =>
  saveFile(`${idOf(dashboard.title)}.json`, new Blob([dashboardText(dashboard)], { type: 'application/json' }));
