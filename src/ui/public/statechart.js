/** Draws a statechart from a computed layout, and shows states and transitions on it. */
import { h, setText, svg } from './dom.js';
import { formatCount, formatNumber } from './format.js';
import { addressOf } from './server.js';

const radius = 6;
const litMs = 700;
const rateWindowMs = 3000;

/** A polyline with rounded corners. */
const pathOf = (/** @type {[number, number][]} */ points) => {
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
const headOf = (/** @type {[number, number][]} */ points) => {
  const [[ax, ay], [bx, by]] = points.slice(-2);
  const angle = (Math.atan2(by - ay, bx - ax) * 180) / Math.PI;
  return svg('path', {
    class: 'arrow',
    d: 'M0 0 L-8 -4 L-8 4 Z',
    transform: `translate(${bx} ${by}) rotate(${angle})`,
  });
};

const drawState = (/** @type {any} */ state, /** @type {boolean} */ isGroup) => {
  const count = svg('text', {
    class: 'count',
    x: state.x + state.width - 10,
    y: state.y + (isGroup ? 19 : 38),
    'text-anchor': 'end',
  });
  const stays = state.internal.map((/** @type {any} */ { text }) => text.replace('\n', ' '));
  const about = [
    state.description,
    state.tags.length > 0 ? `Tags: ${state.tags.join(', ')}.` : '',
    stays.length > 0 ? `Stays on: ${stays.join(', ')}.` : '',
  ];
  const group = svg(
    'g',
    { class: `${isGroup ? 'group' : 'leaf'} ${state.type}` },
    svg('title', {}, [state.id, ...about].filter(Boolean).join('\n')),
    svg('rect', { class: 'state', x: state.x, y: state.y, width: state.width, height: state.height, rx: 9 }),
    svg('text', { class: 'name', x: state.x + 12, y: state.y + 19 }, state.name),
    count,
  );
  return { group, count };
};

const drawEdge = (/** @type {any} */ edge) => {
  const { x, y } = edge.label;
  const lines = edge.transitions.flatMap((/** @type {any} */ { text }) => text.split('\n'));
  const rate = svg('text', { class: 'rate', x: x + 4, y: y + 12 + 14 * lines.length });
  const group = svg(
    'g',
    {},
    svg('path', { class: 'edge', d: pathOf(edge.points) }),
    headOf(edge.points),
    ...lines.map((/** @type {string} */ text, /** @type {number} */ i) =>
      svg('text', { class: 'label', x: x + 4, y: y + 12 + 14 * i }, text),
    ),
    rate,
  );
  return { group, rate };
};

/** The ids of the states that are active in an XState state value. */
export const activeIds = (/** @type {string} */ root, /** @type {any} */ value) => {
  if (typeof value === 'string') return [`${root}.${value}`];
  /** @type {string[]} */
  const ids = [];
  for (const [name, child] of Object.entries(value ?? {}))
    ids.push(`${root}.${name}`, ...activeIds(`${root}.${name}`, child));
  return ids;
};

/**
 * @param {any} layout as in /machines/*.json
 * @param {string} title
 */
export const drawStatechart = (layout, title) => {
  const isGroup = (/** @type {any} */ state) =>
    layout.states.some((/** @type {any} */ other) => other !== state && other.id.startsWith(`${state.id}.`));
  const states = new Map(layout.states.map((/** @type {any} */ state) => [state.id, drawState(state, isGroup(state))]));
  /**
   * @type {{ group: SVGElement, rate: SVGElement, keys: string[], total: number, litUntil: number, past: [number,
   * number][] }[]}
   */
  const edges = layout.edges.map((/** @type {any} */ edge) => ({
    ...drawEdge(edge),
    keys: edge.transitions.flatMap((/** @type {any} */ { keys }) => keys),
    total: -1,
    litUntil: 0,
    past: [],
  }));
  const element = svg(
    'svg',
    {
      class: 'statechart',
      viewBox: `0 0 ${layout.width} ${layout.height}`,
      width: layout.width,
      height: layout.height,
      role: 'img',
      'aria-label': title,
    },
    ...layout.states.filter(isGroup).map((/** @type {any} */ { id }) => states.get(id).group),
    ...layout.initials.map((/** @type {any} */ { x, y, points }) =>
      svg(
        'g',
        {},
        svg('circle', { class: 'initial', cx: x + 5, cy: y + 5, r: 5 }),
        svg('path', { class: 'edge', d: pathOf(points) }),
        headOf(points),
      ),
    ),
    ...edges.map(({ group }) => group),
    ...layout.states
      .filter((/** @type {any} */ state) => !isGroup(state))
      .map((/** @type {any} */ { id }) => states.get(id).group),
  );

  return {
    element,
    /** Shows numbers in the states, by the name or the id of the state. */
    showCounts(/** @type {Record<string, number>} */ counts) {
      for (const state of layout.states) {
        const count = counts[state.id] ?? counts[state.name];
        if (count !== undefined) setText(states.get(state.id).count, formatCount(count));
      }
    },
    /** @param {readonly string[]} ids */
    showActive(ids) {
      for (const [id, { group }] of states) group.classList.toggle('active', ids.includes(/** @type {string} */ (id)));
    },
    /** Lights the arrows whose totals have grown since the last call, and shows their rate per second. */
    showTransitions(/** @type {Record<string, number>} */ totals, /** @type {number} */ now) {
      for (const edge of edges) {
        const total = edge.keys.reduce((sum, key) => sum + (totals[key] ?? 0), 0);
        if (edge.total >= 0 && total > edge.total) edge.litUntil = now + litMs;
        edge.total = total;
        edge.past.push([now, total]);
        while (edge.past.length > 2 && edge.past[1][0] < now - rateWindowMs) edge.past.shift();
        const [since, before] = edge.past[0];
        const rate = now > since ? ((total - before) * 1000) / (now - since) : 0;
        setText(edge.rate, rate > 0 ? `${formatNumber(Number(rate.toPrecision(2)))}/s` : '');
        edge.group.classList.toggle('lit', now < edge.litUntil);
      }
    },
    /** Lights exactly the arrows between these states. */
    lightBetween(/** @type {readonly (readonly [string, string])[]} */ pairs) {
      layout.edges.forEach((/** @type {any} */ { source, target }, /** @type {number} */ i) => {
        edges[i].group.classList.toggle(
          'lit',
          pairs.some(([from, to]) => from === source && to === target),
        );
      });
    },
  };
};

/** The layouts of both machines. */
export const loadLayouts = async (/** @type {AbortSignal} */ signal) => {
  const [series, store] = await Promise.all(
    ['series', 'store'].map(async (name) => {
      const response = await fetch(addressOf(`/machines/${name}.json`), { signal });
      return response.json();
    }),
  );
  return { series, store };
};

/** The store's statechart: its phases, and the regions of the running store below. */
export const drawStoreStatechart = (/** @type {any} */ layout) => {
  const overview = drawStatechart(layout.overview, 'Statechart of the store');
  const regions = layout.regions.map((/** @type {any} */ region) => ({
    name: region.id.split('.').at(-1),
    chart: drawStatechart(region, `Region ${region.id}`),
  }));
  const charts = [overview, ...regions.map((/** @type {any} */ { chart }) => chart)];
  return {
    element: h(
      'div',
      { class: 'stack' },
      overview.element,
      h(
        'div',
        { class: 'regions' },
        ...regions.map((/** @type {any} */ { name, chart }) =>
          h('div', {}, h('h3', { class: 'soft small' }, name), chart.element),
        ),
      ),
    ),
    showValue(/** @type {any} */ value) {
      const ids = activeIds('store', value);
      for (const chart of charts) chart.showActive(ids);
    },
    showTransitions(/** @type {Record<string, number>} */ totals, /** @type {number} */ now) {
      for (const chart of charts) chart.showTransitions(totals, now);
    },
  };
};
