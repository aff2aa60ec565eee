/**
 * The endpoints of the page Dashboards. Saving one is no writing of samples, so it needs no `write: true`
 * (docs/decisions/0045-pages-may-save-dashboards.md). A browser may change dashboards only from pages of this server.
 */
import { type Dashboard, dashboardLimits } from '../dashboards/dashboard.ts';
import { DashboardError } from '../dashboards/json-fields.ts';
import { parseDashboard, parseDashboardText } from '../dashboards/parse-dashboard.ts';
import { DashboardFiles } from '../disk/dashboard-files.ts';
import type { FileSystem } from '../files/file-system.ts';
import { nodeFileSystem } from '../files/node-file-system.ts';
import type { Store } from '../index.ts';
import { readBody } from './body.ts';
import { KeptDashboards } from './kept-dashboards.ts';
import { jsonReadBefore } from './parsed-body.ts';
import { badData, sendData } from './reply.ts';
import type { Route, StoreExchange } from './router.ts';

const sentDashboard = async ({ request }: StoreExchange): Promise<Dashboard> => {
  try {
    const parsed = jsonReadBefore(request);
    if (parsed !== undefined) return parseDashboard(parsed.value);
    return parseDashboardText((await readBody(request, dashboardLimits.bytes)).toString());
  } catch (error) {
    throw error instanceof DashboardError ? badData(`The dashboard can't be saved: ${error.message}.`) : error;
  }
};

/** `fileSystem`: where the store's directory is. */
export const dashboardRoutes = (fileSystem: FileSystem = nodeFileSystem): readonly Route[] => {
  const byStore = new WeakMap<Store, KeptDashboards>();
  const keptOf = (store: Store): KeptDashboards => {
    const known =
      byStore.get(store) ?? new KeptDashboards(new DashboardFiles(fileSystem, store.directory), store.readOnly);
    byStore.set(store, known);
    return known;
  };

  const list = async ({ store, response, breathe }: StoreExchange): Promise<void> =>
    sendData(response, { dashboards: await keptOf(store).list(breathe), readOnly: store.readOnly });

  const get = ({ store, path, response }: StoreExchange): Promise<void> =>
    sendData(response, keptOf(store).get(path['id']));

  const put = async (exchange: StoreExchange): Promise<void> => {
    const { store, path, params, response } = exchange;
    const dashboard = await sentDashboard(exchange);
    const revision = await keptOf(store).put(path['id'], dashboard, params.get('revision') ?? undefined);
    await sendData(response, { id: path['id'], revision });
  };

  const remove = async ({ store, path, response }: StoreExchange): Promise<void> => {
    await keptOf(store).remove(path['id']);
    await sendData(response, { id: path['id'] });
  };

  const path = '/ui/dashboards/<id>';
  return [
    { methods: ['GET'], path: '/ui/dashboards', handle: list },
    { methods: ['GET'], path, handle: get },
    { methods: ['PUT'], path, body: 'content', ownPagesOnly: true, handle: put },
    { methods: ['DELETE'], path, ownPagesOnly: true, handle: remove },
  ];
};
