/** Saves a draft: over what it was, or under another name. */
import { dashboardLimits as limits } from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';
import { ConflictError } from '../../server/ask-server.ts';
import { type DashboardDraft, openDrafts } from './dashboard-draft.ts';
import type { DashboardToolbar } from './dashboard-toolbar.ts';
import { readDashboard, saveDashboard, saveNew } from './kept-dashboard.ts';
import { modal } from './modal.ts';

interface SavingOptions {
  /** The end of the page. */
  readonly signal: AbortSignal;
  /** `undefined` for one that was never saved. */
  readonly id: string | undefined;
  readonly onSaved: (id: string) => void;
}

export class DashboardSaving {
  private readonly draft: DashboardDraft;
  private readonly toolbar: DashboardToolbar;
  private readonly options: SavingOptions;
  private id: string | undefined;
  private isSaving = false;

  constructor(draft: DashboardDraft, toolbar: DashboardToolbar, options: SavingOptions) {
    this.draft = draft;
    this.toolbar = toolbar;
    this.options = options;
    this.id = options.id;
  }

  /** A new one and a ready-made one need a name first. */
  async save(): Promise<void> {
    const { id, draft } = this;
    if (id === undefined || draft.readyMade) await this.saveAs();
    else await this.guarded(() => this.saveOver(id, draft.revision));
  }

  async saveAs(): Promise<void> {
    const { draft } = this;
    const suggested = draft.readyMade ? `${draft.current.title}, changed` : draft.current.title;
    const title = h('input', { type: 'text', value: suggested, maxlength: limits.textLength });
    const isAccepted = await modal({
      title: 'Save the dashboard',
      content: [h('div', { class: 'dialog-fields' }, h('label', {}, 'Title', title))],
      accept: 'Save',
      check: () => (title.value.trim() === '' ? 'A dashboard needs a title.' : undefined),
      signal: this.options.signal,
    });
    if (isAccepted) await this.guarded(() => this.saveUnder(title.value.trim()));
  }

  private async saveUnder(title: string): Promise<void> {
    const { draft } = this;
    const saved = { ...draft.current, title };
    const { id, revision } = await saveNew(saved);
    openDrafts.delete(this.id ?? '');
    this.id = id;
    draft.current = saved;
    draft.noteSaved(saved, revision);
    this.options.onSaved(id);
    this.toolbar.say('saved');
  }

  private async saveOver(id: string, revision: string): Promise<void> {
    const { draft } = this;
    const saved = draft.current;
    draft.noteSaved(saved, await saveDashboard(id, saved, revision));
    this.options.onSaved(id);
    this.toolbar.say('saved');
  }

  private async guarded(save: () => Promise<void>): Promise<void> {
    if (this.isSaving) return;
    this.isSaving = true;
    try {
      await save();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (error instanceof ConflictError) this.toolbar.complain(text, this.replaceButton());
      else this.toolbar.complain(text);
    } finally {
      this.isSaving = false;
    }
  }

  /** Somebody else has saved meanwhile: the newer content is replaced only on demand. */
  private replaceButton(): HTMLElement {
    const replace = async (): Promise<void> => {
      const { id } = this;
      if (id === undefined) return;
      this.toolbar.clear();
      const current = await readDashboard(id, this.options.signal).catch(() => undefined);
      await this.guarded(() => this.saveOver(id, current?.revision ?? ''));
    };
    return h('button', { type: 'button', onclick: () => void replace() }, 'Save mine nevertheless');
  }
}
