/** A dashboard that is being changed: what is saved, what is shown, and the steps between. */
import { type Dashboard, dashboardVersion, type Panel } from '../../../dashboards/dashboard.ts';

const stepsMax = 100;

export const emptyDashboard: Dashboard = {
  version: dashboardVersion,
  title: 'New dashboard',
  range: '1h',
  refresh: '30s',
  variables: [],
  panels: [],
};

export class DashboardDraft {
  current: Dashboard;
  /** `undefined` for one that was never saved. */
  saved: Dashboard | undefined;
  /** The content on the server that `saved` is. */
  revision: string;
  /** It comes with the product, so it is saved under another name. */
  readyMade: boolean;
  private readonly steps: Dashboard[] = [];

  constructor(
    current: Dashboard,
    { saved, revision = '', readyMade = false }: { saved?: Dashboard; revision?: string; readyMade?: boolean } = {},
  ) {
    this.current = current;
    this.saved = saved;
    this.revision = revision;
    this.readyMade = readyMade;
  }

  /** Whether something would be lost. */
  get isChanged(): boolean {
    const before = this.saved ?? emptyDashboard;
    return this.current !== before && JSON.stringify(this.current) !== JSON.stringify(before);
  }

  get canUndo(): boolean {
    return this.steps.length > 0;
  }

  change(changes: Partial<Dashboard>): void {
    this.steps.push(this.current);
    if (this.steps.length > stepsMax) this.steps.shift();
    this.current = { ...this.current, ...changes };
  }

  undo(): void {
    this.current = this.steps.pop() ?? this.current;
  }

  revert(): void {
    if (this.saved !== undefined) this.change(this.saved);
  }

  noteSaved(saved: Dashboard, revision: string): void {
    this.saved = saved;
    this.revision = revision;
    this.readyMade = false;
    this.steps.length = 0;
  }

  setPanel(i: number, panel: Panel): void {
    this.change({ panels: this.current.panels.with(i, panel) });
  }

  addPanel(panel: Panel, place = this.current.panels.length): void {
    this.change({ panels: this.current.panels.toSpliced(place, 0, panel) });
  }

  removePanel(i: number): void {
    this.change({ panels: this.current.panels.toSpliced(i, 1) });
  }

  /** Moves a panel by so many places. */
  movePanel(i: number, by: number): void {
    const { panels } = this.current;
    const place = Math.max(0, Math.min(panels.length - 1, i + by));
    if (place !== i) this.change({ panels: panels.toSpliced(i, 1).toSpliced(place, 0, panels[i]) });
  }
}

/**
 * Drafts with changes, by id; the new one under the empty id. They outlive the page: it is drawn again when the server
 * was away.
 */
export const openDrafts = new Map<string, DashboardDraft>();
