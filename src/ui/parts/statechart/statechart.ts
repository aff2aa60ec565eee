/** Draws a statechart from its layout, and shows states and transitions on it. */
import { setText, svg } from '../elements.ts';
import { formatCompact, formatCount } from '../text/number-text.ts';
import type { ChartLayout, StateBox } from './chart-layout.ts';
import { EdgeLight } from './edge-light.ts';
import { type DrawnState, drawEdge, drawInitial, drawState } from './statechart-shapes.ts';

interface StatechartOptions {
  /** Makes each state a button; called with its id. */
  readonly onPick?: (id: string) => void;
}

export class Statechart {
  readonly element: SVGElement;
  private readonly layout: ChartLayout;
  private readonly states: ReadonlyMap<string, DrawnState>;
  private readonly lights: readonly EdgeLight[];
  private readonly onPick: ((id: string) => void) | undefined;

  constructor(layout: ChartLayout, title: string, { onPick }: StatechartOptions = {}) {
    const isGroup = (state: StateBox): boolean =>
      layout.states.some((other) => other !== state && other.id.startsWith(`${state.id}.`));
    const states = layout.states.map((state) => ({
      state,
      isGroup: isGroup(state),
      drawn: drawState(state, isGroup(state)),
    }));
    const edges = layout.edges.map((edge) => ({ edge, drawn: drawEdge(edge) }));
    this.layout = layout;
    this.onPick = onPick;
    this.states = new Map(states.map(({ state, drawn }) => [state.id, drawn]));
    this.lights = edges.map(({ edge, drawn }) => new EdgeLight(drawn, edge));
    for (const { state, drawn } of states) this.makeButton(state, drawn);
    this.element = svg(
      'svg',
      {
        class: 'statechart',
        viewBox: `0 0 ${layout.width} ${layout.height}`,
        width: layout.width,
        height: layout.height,
        // What is in an image can't be reached.
        role: onPick === undefined ? 'img' : 'group',
        'aria-label': title,
      },
      // What is drawn later lies above.
      ...states.filter((one) => one.isGroup).map(({ drawn }) => drawn.group),
      ...layout.initials.map(drawInitial),
      ...edges.map(({ drawn }) => drawn.group),
      ...states.filter((one) => !one.isGroup).map(({ drawn }) => drawn.group),
    );
  }

  /** Shows numbers in the states, by the name or the id of the state. */
  showCounts(counts: Readonly<Record<string, number>>): void {
    for (const state of this.layout.states) {
      const count = counts[state.id] ?? counts[state.name];
      const drawn = this.states.get(state.id);
      if (count !== undefined && drawn !== undefined) this.setNumber(state, drawn.count, formatCount(count));
    }
  }

  /** Shows how often the states were entered, by id. */
  showTotals(totals: Readonly<Record<string, number>>): void {
    for (const state of this.layout.states) {
      const drawn = this.states.get(state.id);
      if (drawn !== undefined) this.setNumber(state, drawn.total, `×${formatCompact(totals[state.id] ?? 0)}`);
    }
  }

  /** Marks the states with these ids as active, and no others. */
  showActive(ids: readonly string[]): void {
    for (const [id, { group }] of this.states) group.classList.toggle('active', ids.includes(id));
  }

  /** Marks the state that was picked. */
  showPicked(id: string | undefined): void {
    for (const [name, { group }] of this.states) group.setAttribute('aria-pressed', String(name === id));
  }

  /** Lights the arrows whose totals have grown since the last call, and shows their rate per second. */
  showTransitions(totals: Readonly<Record<string, number>>, now: number): void {
    for (const light of this.lights) light.follow(totals, now);
  }

  /** Lights the arrow of one transition for a time, `source|event|target`. {@link fade} puts it out. */
  flash(key: string, now: number, forMs: number): void {
    for (const light of this.lights) light.flash(key, now, forMs);
  }

  fade(now: number): void {
    for (const light of this.lights) light.fade(now);
  }

  /** Lights exactly the arrows between these states; of two, the one that is not for failures. */
  lightBetween(pairs: readonly (readonly [from: string, to: string])[]): void {
    const isMeant = (i: number): boolean => {
      const { source, target } = this.layout.edges[i];
      return pairs.some(([from, to]) => from === source && to === target);
    };
    for (const [i, { source, target }] of this.layout.edges.entries()) {
      const first = this.layout.edges.findIndex((other) => other.source === source && other.target === target);
      this.lights[i].show(i === first && isMeant(i));
    }
  }

  private makeButton({ id }: StateBox, { group }: DrawnState): void {
    const { onPick } = this;
    if (onPick === undefined) return;
    group.setAttribute('role', 'button');
    group.setAttribute('tabindex', '0');
    group.setAttribute('aria-pressed', 'false');
    group.addEventListener('click', (event) => {
      // A state within another one is picked alone.
      event.stopPropagation();
      onPick(id);
    });
    group.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      onPick(id);
    });
  }

  private setNumber({ id, name }: StateBox, element: SVGElement, text: string): void {
    if (element.textContent === text) return;
    setText(element, text);
    const drawn = this.states.get(id);
    if (this.onPick === undefined || drawn === undefined) return;
    const [now, entered] = [drawn.count.textContent, drawn.total.textContent?.slice(1)];
    const numbers = [now ? `${now} now` : '', entered ? `entered ${entered} times` : ''].filter(Boolean).join(', ');
    setText(drawn.title, `${name}: ${numbers}\n${drawn.about}`);
  }
}
