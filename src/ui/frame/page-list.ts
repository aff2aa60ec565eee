/** The pages: their names in the address, their titles, and how they are loaded. */
import type { Mount } from '../pages/page-mount.ts';

interface PageEntry {
  readonly title: string;
  /** Each page is a file of its own, so that the first one loads little. */
  readonly load: () => Promise<{ readonly mount: Mount }>;
}

export const pages = {
  explore: { title: 'Explore', load: () => import('../pages/explore/explore-page.ts') },
  dashboards: { title: 'Dashboards', load: () => import('../pages/dashboards/dashboards-page.ts') },
  actors: { title: 'Actors', load: () => import('../pages/actors/actors-page.ts') },
  alerts: { title: 'Alerts', load: () => import('../pages/alerts/alerts-page.ts') },
  storage: { title: 'Storage', load: () => import('../pages/storage/storage-page.ts') },
  replay: { title: 'Replay', load: () => import('../pages/replay/replay-page.ts') },
} as const satisfies Readonly<Record<string, PageEntry>>;

export type PageName = keyof typeof pages;
