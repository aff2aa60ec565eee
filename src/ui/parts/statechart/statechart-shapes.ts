/** The shapes of a statechart: boxes of states, arrows of transitions. */
import { svg } from '../elements.ts';
import type { ChartLayout, EdgeLine, Point, StateBox } from './chart-layout.ts';
import { outcomeOf } from './transition-key.ts';

const radius = 6;

/** A polyline with rounded corners. */
const roundedPath = (points: readonly Point[]): string => {
  if (points.length < 2) return '';
  let path = `M${points[0].join(' ')}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [[ax, ay], [bx, by], [cx, cy]] = [points[i - 1], points[i], points[i + 1]];
    const first = Math.min(radius, Math.hypot(bx - ax, by - ay) / 2);
    const second = Math.min(radius, Math.hypot(cx - bx, cy - by) / 2);
    const before = [bx + Math.sign(ax - bx) * first, by + Math.sign(ay - by) * first];
    const after = [bx + Math.sign(cx - bx) * second, by + Math.sign(cy - by) * second];
    path += ` L${before.join(' ')} Q${bx} ${by} ${after.join(' ')}`;
  }
  return `${path} L${points[points.length - 1].join(' ')}`;
};

/** The arrowhead at the end of a polyline. */
const arrowhead = (points: readonly Point[]): SVGElement => {
  const [[ax, ay], [bx, by]] = points.slice(-2);
  const angle = (Math.atan2(by - ay, bx - ax) * 180) / Math.PI;
  return svg('path', {
    class: 'arrow',
    d: 'M0 0 L-8 -4 L-8 4 Z',
    transform: `translate(${bx} ${by}) rotate(${angle})`,
  });
};

/** Dot and arrow of an initial state. */
export const drawInitial = ({ x, y, points }: ChartLayout['initials'][number]): SVGElement =>
  svg(
    'g',
    {},
    svg('circle', { class: 'initial', cx: x + 5, cy: y + 5, r: 5 }),
    svg('path', { class: 'edge', d: roundedPath(points) }),
    arrowhead(points),
  );

export interface DrawnState {
  readonly group: SVGElement;
  /** The text of the number in the box. */
  readonly count: SVGElement;
  /** The text of how often the state was entered. */
  readonly total: SVGElement;
  /** What is shown beside the pointer, and read out. */
  readonly title: SVGElement;
  /** What the title says at first. */
  readonly about: string;
}

/** The box of a state; `isGroup`: other states are drawn in it. */
export const drawState = (state: StateBox, isGroup: boolean): DrawnState => {
  const count = svg('text', {
    class: 'count',
    x: state.x + state.width - 10,
    y: state.y + (isGroup ? 19 : 38),
    'text-anchor': 'end',
  });
  const total = svg(
    'text',
    isGroup
      ? { class: 'total', x: state.x + state.width - 10, y: state.y + 34, 'text-anchor': 'end' }
      : { class: 'total', x: state.x + 12, y: state.y + 38 },
  );
  const stays = state.internal.map(({ text }) => text.replace('\n', ' '));
  const about = [
    state.id,
    state.description,
    state.tags.length > 0 ? `Tags: ${state.tags.join(', ')}.` : '',
    stays.length > 0 ? `Stays on: ${stays.join(', ')}.` : '',
  ]
    .filter(Boolean)
    .join('\n');
  const title = svg('title', {}, about);
  const group = svg(
    'g',
    { class: `${isGroup ? 'group' : 'leaf'} ${state.type}` },
    title,
    svg('rect', { class: 'state', x: state.x, y: state.y, width: state.width, height: state.height, rx: 9 }),
    svg('text', { class: 'name', x: state.x + 12, y: state.y + 19 }, state.name),
    total,
    count,
  );
  return { group, count, total, title, about };
};

export interface DrawnEdge {
  readonly group: SVGElement;
  /** The lines of each transition's label. */
  readonly labels: readonly (readonly SVGElement[])[];
  /** The text of the rate below the label. */
  readonly rate: SVGElement;
}

/** The arrow between two states, with its label. One of failures is dashed. */
export const drawEdge = ({ label: { x, y }, points, transitions }: EdgeLine): DrawnEdge => {
  let lines = 0;
  const labels = transitions.map(({ text, keys }) =>
    text
      .split('\n')
      .map((line) =>
        svg('text', { class: 'label', 'data-outcome': outcomeOf(keys[0]), x: x + 4, y: y + 12 + 14 * lines++ }, line),
      ),
  );
  const rate = svg('text', { class: 'rate', x: x + 4, y: y + 12 + 14 * lines });
  const fails = transitions.every(({ keys }) => outcomeOf(keys[0]) === 'failed');
  const group = svg(
    'g',
    { class: fails ? 'fails' : '' },
    svg('path', { class: 'edge', d: roundedPath(points) }),
    arrowhead(points),
    ...labels.flat(),
    rate,
  );
  return { group, labels, rate };
};
