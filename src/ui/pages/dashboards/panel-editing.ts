/** Adds, changes, moves and removes the panels of a draft. */
import type { Panel } from '../../../dashboards/dashboard.ts';
import type { KnownMetrics } from '../../parts/queries/known-metrics.ts';
import type { DashboardDraft } from './dashboard-draft.ts';
import type { PanelActions } from './panel-card.ts';
import { editPanel } from './panel-dialog.ts';
import type { PanelContext } from './panel-results.ts';

export const newPanel: Panel = { title: '', kind: 'lines', queries: [], unit: 'auto', width: 6, height: 'medium' };

interface PanelEditingOptions {
  /** The end of the page. */
  readonly signal: AbortSignal;
  readonly known: KnownMetrics;
  readonly context: () => PanelContext;
  /** Makes a change of the draft, and shows it. */
  readonly change: (changeIt: () => void) => void;
  /** Focuses the panel at a place. */
  readonly focus: (i: number) => void;
}

export class PanelEditing {
  private readonly draft: DashboardDraft;
  private readonly options: PanelEditingOptions;

  constructor(draft: DashboardDraft, options: PanelEditingOptions) {
    this.draft = draft;
    this.options = options;
  }

  /** What can be done with a panel. Its place is looked up when something is done. */
  actionsOf(panel: Panel): PanelActions {
    const { draft } = this;
    const place = (): number => draft.current.panels.indexOf(panel);
    return {
      edit: () => void this.edit(place()),
      duplicate: () => this.change(place() + 1, () => draft.addPanel({ ...panel }, place() + 1)),
      move: (by) => this.change(place() + by, () => draft.movePanel(place(), by)),
      change: (next) => this.change(place(), () => draft.setPanel(place(), next)),
      remove: () => this.change(place(), () => draft.removePanel(place())),
    };
  }

  async add(): Promise<void> {
    const added = await this.ask(newPanel, 'A new panel');
    if (added !== undefined) this.change(this.draft.current.panels.length, () => this.draft.addPanel(added));
  }

  private async edit(i: number): Promise<void> {
    const panel = this.draft.current.panels[i];
    const edited = await this.ask(panel, 'Edit the panel');
    if (edited === undefined || JSON.stringify(edited) === JSON.stringify(panel)) this.options.focus(i);
    else this.change(i, () => this.draft.setPanel(i, edited));
  }

  private ask(panel: Panel, title: string): Promise<Panel | undefined> {
    const { known, context, signal } = this.options;
    return editPanel(panel, { title, known, context, signal });
  }

  /** Makes a change, and focuses the panel that is then at a place. */
  private change(focused: number, changeIt: () => void): void {
    this.options.change(changeIt);
    this.options.focus(focused);
  }
}
