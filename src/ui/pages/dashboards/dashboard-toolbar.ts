/** The head of a dashboard: its title, whether it is saved, and what can be done with it. */
import { h, setText } from '../../parts/elements.ts';
import type { DashboardDraft } from './dashboard-draft.ts';

export interface ToolbarActions {
  readonly add: () => void;
  readonly save: () => void;
  readonly saveAs: () => void;
  readonly undo: () => void;
  readonly revert: () => void;
  readonly settings: () => void;
  readonly exportIt: () => void;
}

const button = (text: string, onclick: () => void, title = ''): HTMLButtonElement =>
  h('button', { type: 'button', onclick, title: title === '' ? undefined : title }, text);

export class DashboardToolbar {
  readonly element: HTMLElement;
  private readonly title = h('h1');
  private readonly kind = h('span', { class: 'badge' }, 'ready-made');
  private readonly status = h('span', { class: 'soft small', role: 'status' });
  private readonly message = h('div');
  private readonly save: HTMLButtonElement;
  private readonly undo: HTMLButtonElement;
  private readonly revert: HTMLButtonElement;

  constructor(actions: ToolbarActions) {
    this.save = button('Save', actions.save);
    this.undo = button('Undo', actions.undo, 'Take the last change back');
    this.revert = button('Revert', actions.revert, 'Back to what is saved');
    this.element = h(
      'div',
      { class: 'stack tight' },
      h(
        'div',
        { class: 'row dashboard-head' },
        h('a', { href: './dashboards', class: 'small' }, 'All dashboards'),
        this.title,
        this.kind,
        this.status,
        h('span', { class: 'grow' }),
        button('Add a panel', actions.add),
        this.save,
        button('Save as…', actions.saveAs),
        this.undo,
        this.revert,
        button('Settings…', actions.settings),
        button('Export', actions.exportIt, 'Save the dashboard as a file of JSON'),
      ),
      this.message,
    );
  }

  show(draft: DashboardDraft): void {
    const { isChanged } = draft;
    setText(this.title, draft.current.title);
    this.kind.hidden = !draft.readyMade;
    setText(this.status, isChanged ? 'unsaved changes' : '');
    this.save.disabled = !isChanged;
    this.save.classList.toggle('main', isChanged);
    this.undo.disabled = !draft.canUndo;
    this.revert.disabled = !isChanged || draft.saved === undefined;
  }

  /** Says that something went well. */
  say(text: string): void {
    this.message.replaceChildren();
    setText(this.status, text);
  }

  /** Says what went wrong, and what can be done. */
  complain(text: string, ...more: readonly HTMLElement[]): void {
    this.message.replaceChildren(h('div', { class: 'failure row', role: 'alert' }, h('span', {}, text), ...more));
  }

  clear(): void {
    this.message.replaceChildren();
  }
}
