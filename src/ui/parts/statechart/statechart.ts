/** Draws a statechart from its layout, and shows states and transitions on it. */
import { setText, svg } from '../elements.ts';
import { formatCount } from '../text/number-text.ts';
import type { ChartLayout, StateBox } from './chart-layout.ts';
import { EdgeLight } from './edge-light.ts';
import { type DrawnState, drawEdge, drawInitial, drawState } from './statechart-shapes.ts';

export class Statechart {
  readonly element: SVGElement;
  private readonly layout: ChartLayout;
  private readonly states: ReadonlyMap<string, DrawnState>;
  private readonly lights: readonly EdgeLight[];

  constructor(layout: ChartLayout, title: string) {
    const isGroup = (state: StateBox): boolean =>
      layout.states.some((other) => other !== state && other.id.startsWith(`${state.id}.`));
    const states = layout.states.map((state) => ({
      state,
      isGroup: isGroup(state),
      drawn: drawState(state, isGroup(state)),
    }));
    const edges = layout.edges.map((edge) => ({ edge, drawn: drawEdge(edge) }));
    this.layout = layout;
    this.states = new Map(states.map(({ state, drawn }) => [state.id, drawn]));
    this.lights = edges.map(({ edge, drawn }) => new EdgeLight(drawn, edge));
    this.element = svg(
      'svg',
      {
        class: 'statechart',
        viewBox: `0 0 ${layout.width} ${layout.height}`,
        width: layout.width,
        height: layout.height,
        role: 'img',
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
    for (const { id, name } of this.layout.states) {
      const count = counts[id] ?? counts[name];
      const drawn = this.states.get(id);
      if (count !== undefined && drawn !== undefined) setText(drawn.count, formatCount(count));
    }
  }

  /** Marks the states with these ids as active, and no others. */
  showActive(ids: readonly string[]): void {
    for (const [id, { group }] of this.states) group.classList.toggle('active', ids.includes(id));
  }

  /** Lights the arrows whose totals have grown since the last call, and shows their rate per second. */
  showTransitions(totals: Readonly<Record<string, number>>, now: number): void {
    for (const light of this.lights) light.follow(totals, now);
  }

  /** Lights exactly the arrows between these states. */
  lightBetween(pairs: readonly (readonly [from: string, to: string])[]): void {
    for (const [i, { source, target }] of this.layout.edges.entries())
      this.lights[i].show(pairs.some(([from, to]) => from === source && to === target));
  }
}
