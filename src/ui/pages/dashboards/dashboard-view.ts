/** One dashboard: its panels over a range of time, and the changes to it. */
import type { Dashboard, Panel } from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';
import { stepsBack, writeAddress } from '../../parts/page-history.ts';
import { KnownMetrics } from '../../parts/queries/known-metrics.ts';
import { durationMs } from '../../parts/text/duration-text.ts';
import { showUtc } from '../../parts/text/time-text.ts';
import { TimeControls } from '../../parts/time/time-controls.ts';
import { setRangeParams, shownRange, type TimeView } from '../../parts/time/time-view.ts';
import { isAbort } from '../../server/ask-server.ts';
import { type DashboardAddress, readAddress, writtenAddress } from './dashboard-address.ts';
import { type DashboardDraft, openDrafts } from './dashboard-draft.ts';
import { DashboardSaving } from './dashboard-saving.ts';
import { DashboardToolbar } from './dashboard-toolbar.ts';
import { exportDashboard } from './kept-dashboard.ts';
import { PanelCard } from './panel-card.ts';
import { PanelEditing } from './panel-editing.ts';
import { PanelGrid } from './panel-grid.ts';
import type { PanelContext } from './panel-results.ts';
import { RefreshSelect } from './refresh-select.ts';
import { editSettings } from './settings-dialog.ts';
import { guardUnsaved } from './unsaved-guard.ts';
import { VariableSelects } from './variable-selects.ts';
import { type OfferedVariable, readVariables, valuesOf } from './variable-values.ts';

/** How Explore shows a kind of panel. */
const exploreLooks: Readonly<Record<Panel['kind'], string>> = {
  lines: '',
  stacked: 'stacked',
  stat: 'table',
  table: 'table',
  heatmap: 'heatmap',
};

export class DashboardView {
  readonly element: HTMLElement;
  private readonly draft: DashboardDraft;
  private readonly signal: AbortSignal;
  private readonly known = new KnownMetrics();
  private readonly toolbar: DashboardToolbar;
  private readonly time: TimeControls;
  private readonly refresh = new RefreshSelect((refresh) => this.go({ refresh }, false));
  private readonly variables = new VariableSelects((name, values) => this.choose(name, values));
  private readonly grid = new PanelGrid((panel) => this.cardOf(panel));
  private readonly saving: DashboardSaving;
  private readonly editing: PanelEditing;
  private address: DashboardAddress;
  private offered: readonly OfferedVariable[] = [];
  /** Ends what reading the variables has begun. */
  private reading: AbortController | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(draft: DashboardDraft, address: DashboardAddress, signal: AbortSignal) {
    this.draft = draft;
    this.address = address;
    this.signal = signal;
    this.toolbar = new DashboardToolbar({
      add: () => void this.editing.add(),
      save: () => void this.saving.save(),
      saveAs: () => void this.saving.saveAs(),
      undo: () => this.change(() => draft.undo()),
      revert: () => this.change(() => draft.revert()),
      settings: () => void this.editSettings(),
      exportIt: () => exportDashboard(draft.current),
    });
    this.saving = new DashboardSaving(draft, this.toolbar, {
      signal,
      id: address.id,
      onSaved: (id) => {
        this.go({ id, isNew: false }, false);
        this.show();
      },
    });
    this.editing = new PanelEditing(draft, {
      signal,
      known: this.known,
      context: () => this.context,
      change: (changeIt) => this.change(changeIt),
      focus: (i) => this.grid.focus(i),
    });
    this.time = new TimeControls(this.timeView, (changes) => this.changeTime(changes), { hasLive: false });
    this.element = h(
      'div',
      { class: 'stack dashboard' },
      this.toolbar.element,
      h('div', { class: 'row' }, this.time.element, this.refresh.element),
      this.variables.element,
      this.grid.element,
    );
    guardUnsaved({
      signal,
      isChanged: () => draft.isChanged,
      isHere: (url) => this.isHere(url),
      own: () => writtenAddress(this.address),
      onMoved: () => this.goWhere(readAddress()),
      onDiscard: () => this.keepDraft(false),
    });
    signal.addEventListener('abort', () => {
      this.reading?.abort();
      clearInterval(this.timer);
    });
    document.addEventListener('visibilitychange', () => this.tick(), { signal });
  }

  async start(): Promise<void> {
    this.showTime();
    this.toolbar.show(this.draft);
    void this.known.load(this.signal);
    await this.readVariables();
  }

  /** Shows the last panel, which was just added. */
  showLast(): void {
    this.grid.focus(this.draft.current.panels.length - 1);
  }

  private get timeView(): TimeView {
    const { range, fixed, utc } = this.address;
    return { range: range ?? this.draft.current.range, fixed, utc, live: fixed === undefined };
  }

  private get context(): PanelContext {
    return { range: shownRange(this.timeView), chosen: valuesOf(this.offered) };
  }

  /** How often panels are read again: a duration, or `off`. */
  private get refreshText(): string {
    return this.address.refresh ?? (this.draft.current.refresh || 'off');
  }

  private isHere({ origin, pathname, search }: URL): boolean {
    if (origin + pathname !== location.origin + new URL(writtenAddress(this.address), document.baseURI).pathname)
      return false;
    const { id, isNew, added } = readAddress(search);
    return id === this.address.id && isNew === this.address.isNew && added === undefined;
  }

  /** Changes the address, and shows what it says. */
  private go(changes: Partial<DashboardAddress>, asStep: boolean): void {
    writeAddress(writtenAddress({ ...this.address, ...changes }), asStep);
    this.goWhere({ ...this.address, ...changes });
  }

  private goWhere(address: DashboardAddress): void {
    const { id, isNew } = this.address;
    const isSame = address.id === id && address.isNew === isNew;
    this.address = address;
    this.showTime();
    if (isSame) void this.readVariables();
  }

  private changeTime({ range, fixed, utc }: Partial<TimeView>): void {
    if (utc !== undefined) this.go({ utc }, false);
    else this.go(range === undefined ? { fixed } : { range, fixed: undefined }, true);
  }

  private choose(name: string, values: readonly string[]): void {
    this.go({ chosen: { ...this.address.chosen, [name]: values } }, true);
  }

  private showTime(): void {
    showUtc(this.address.utc);
    this.time.show(this.timeView, stepsBack() > 0);
    this.refresh.show(this.refreshText);
    clearInterval(this.timer);
    const every = durationMs(this.refreshText);
    if (every !== undefined) this.timer = setInterval(() => this.tick(), Math.max(1000, every));
  }

  /** Reads panels again. A range that does not move stays as it was read. */
  private tick(): void {
    if (document.hidden || this.address.fixed !== undefined || this.refreshText === 'off') return;
    this.grid.refresh();
  }

  /** Reads what the variables offer, then the panels. */
  private async readVariables(): Promise<void> {
    this.reading?.abort();
    const mine = new AbortController();
    this.reading = mine;
    try {
      const { variables } = this.draft.current;
      const offered = await readVariables(variables, this.address.chosen, this.context.range, mine.signal);
      if (mine.signal.aborted) return;
      this.offered = offered;
      this.variables.show(offered);
      this.grid.show(this.draft.current.panels);
      this.grid.refresh();
    } catch (error) {
      if (!isAbort(error) && !mine.signal.aborted) this.toolbar.complain(String(error));
    }
  }

  private cardOf(panel: Panel): PanelCard {
    return new PanelCard(panel, {
      signal: this.signal,
      known: this.known,
      context: () => this.context,
      exploreAddress: (queries, kind) => this.exploreAddress(queries, kind),
      onRange: (from, through) => this.changeTime({ fixed: [from, through] }),
      actions: this.editing.actionsOf(panel),
    });
  }

  private async editSettings(): Promise<void> {
    const settings = await editSettings(this.draft.current, this.signal);
    if (settings !== undefined) this.change(() => this.draft.change(settings));
  }

  private change(changeIt: () => void): void {
    const before: Dashboard = this.draft.current;
    changeIt();
    const { current } = this.draft;
    this.toolbar.clear();
    this.show();
    if (JSON.stringify(current.variables) !== JSON.stringify(before.variables) || current.range !== before.range)
      void this.readVariables();
  }

  private show(): void {
    this.keepDraft(this.draft.isChanged);
    document.title = `${this.draft.current.title} · Tidemark`;
    this.toolbar.show(this.draft);
    this.showTime();
    this.grid.show(this.draft.current.panels);
  }

  private keepDraft(isKept: boolean): void {
    const name = this.address.id ?? '';
    if (isKept) openDrafts.set(name, this.draft);
    else openDrafts.delete(name);
  }

  private exploreAddress(queries: readonly string[], kind: Panel['kind']): string {
    const params = new URLSearchParams(queries.map((query) => ['match', query]));
    setRangeParams(params, this.timeView);
    if (exploreLooks[kind] !== '') params.set('view', exploreLooks[kind]);
    if (this.address.utc) params.set('tz', 'utc');
    return `./explore?${params}`;
  }
}
