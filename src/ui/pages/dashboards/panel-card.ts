/** A panel on a dashboard: its title, what can be done with it, and what it shows. It asks nothing while it is off the screen. */
import { dashboardColumns, type Panel, type PanelHeight, panelHeights } from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';
import type { KnownMetrics } from '../../parts/queries/known-metrics.ts';
import { fillInTitle } from './fill-in-variables.ts';
import { PanelBody } from './panel-body.ts';
import { filledQueries, type PanelContext, stepOfPanel } from './panel-results.ts';

export interface PanelActions {
  readonly edit: () => void;
  readonly duplicate: () => void;
  readonly move: (by: number) => void;
  readonly change: (panel: Panel) => void;
  readonly remove: () => void;
}

interface PanelCardOptions {
  /** The end of the page. */
  readonly signal: AbortSignal;
  readonly known: KnownMetrics;
  readonly context: () => PanelContext;
  /** The address of the queries in Explore. */
  readonly exploreAddress: (queries: readonly string[], kind: Panel['kind']) => string;
  readonly onRange: (from: number, through: number) => void;
  readonly actions: PanelActions;
}

/** A panel is read when it is this near to the screen. */
const nearScreen = '200px';

const action = (text: string, onclick: () => void): HTMLButtonElement => h('button', { type: 'button', onclick }, text);

export class PanelCard {
  readonly element: HTMLElement;
  readonly panel: Panel;
  private readonly options: PanelCardOptions;
  private readonly body: PanelBody;
  private readonly title = h('h2', { class: 'clip' });
  private readonly explore = h('a', { class: 'small' }, 'Explore');
  private readonly menu: HTMLDetailsElement;
  private readonly earlier = action('Move earlier', () => this.options.actions.move(-1));
  private readonly later = action('Move later', () => this.options.actions.move(1));
  private readonly end = new AbortController();
  private isNear = false;
  private isStale = true;

  constructor(panel: Panel, options: PanelCardOptions) {
    this.panel = panel;
    this.options = options;
    const { signal: page, known, onRange } = options;
    const { signal } = this.end;
    page.addEventListener('abort', () => this.remove(), { signal });
    this.body = new PanelBody(panel, { signal, known, onRange });
    this.menu = this.actionsMenu();
    this.element = h(
      'section',
      { class: 'panel dashboard-panel' },
      h('header', {}, this.title, h('span', { class: 'grow' }), this.explore, this.menu),
      this.body.element,
    );
    this.element.style.setProperty('--columns', String(panel.width));
    for (const type of ['pointerdown', 'focus']) this.explore.addEventListener(type, () => this.showLinks());
    this.showLinks();
    const observer = new IntersectionObserver((entries) => this.approach(entries.some((one) => one.isIntersecting)), {
      rootMargin: nearScreen,
    });
    observer.observe(this.element);
    signal.addEventListener('abort', () => observer.disconnect());
  }

  /** Reads again; a panel off the screen does when it is scrolled to. */
  refresh(): void {
    this.isStale = true;
    this.showLinks();
    if (this.isNear) this.read();
  }

  remove(): void {
    this.end.abort();
    this.element.remove();
  }

  /** Where the panel is in the order. */
  showPlace(isFirst: boolean, isLast: boolean): void {
    this.earlier.disabled = isFirst;
    this.later.disabled = isLast;
  }

  /** Focuses the button of the menu. */
  focus(): void {
    this.menu.querySelector('summary')?.focus();
  }

  private approach(isNear: boolean): void {
    this.isNear = isNear;
    if (isNear && this.isStale) this.read();
  }

  private read(): void {
    this.isStale = false;
    void this.body.show(this.options.context());
  }

  private showLinks(): void {
    const context = this.options.context();
    const title = fillInTitle(this.panel.title, context.chosen);
    const shown = title || this.panel.queries[0]?.expr || 'A new panel';
    this.title.textContent = shown;
    this.title.title = shown;
    this.element.setAttribute('aria-label', shown);
    this.menu.querySelector('summary')?.setAttribute('aria-label', `Change the panel ${shown}`);
    const queries = filledQueries(this.panel, context, stepOfPanel(context.range, this.body.width));
    this.explore.href = this.options.exploreAddress(queries, this.panel.kind);
    this.explore.setAttribute('aria-label', `Explore ${shown}`);
  }

  private actionsMenu(): HTMLDetailsElement {
    const { actions } = this.options;
    const { panel } = this;
    const width = h('select', { onchange: () => actions.change({ ...panel, width: Number(width.value) }) });
    for (let columns = 1; columns <= dashboardColumns; columns++)
      width.append(h('option', { value: columns, selected: columns === panel.width }, `${columns} of 12`));
    const height = h('select', {
      onchange: () => actions.change({ ...panel, height: height.value as PanelHeight }),
    });
    height.append(...panelHeights.map((one) => h('option', { value: one, selected: one === panel.height }, one)));
    const closing = (act: () => void) => (): void => {
      menu.open = false;
      act();
    };
    const menu: HTMLDetailsElement = h(
      'details',
      {
        class: 'menu',
        onkeydown: (event) => {
          if (!(event instanceof KeyboardEvent) || event.key !== 'Escape') return;
          menu.open = false;
          this.focus();
        },
      },
      h('summary', {}, 'Panel'),
      h(
        'div',
        { class: 'popover fields' },
        action('Edit…', closing(actions.edit)),
        action('Duplicate', closing(actions.duplicate)),
        this.earlier,
        this.later,
        h('label', {}, 'Width', width),
        h('label', {}, 'Height', height),
        action('Remove', actions.remove),
      ),
    );
    // A click elsewhere closes it.
    document.addEventListener(
      'click',
      ({ target }) => {
        if (target instanceof Node && !menu.contains(target)) menu.open = false;
      },
      { signal: this.end.signal },
    );
    return menu;
  }
}
