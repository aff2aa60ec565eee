/**
 * Lays out a statechart for the pages with ELK: boxes for states, polylines and labels for transitions. The result is
 * committed as JSON in src/ui/public/machines, so that neither the server nor a browser needs the layout library, and
 * a test holds it to the machine.
 */
import type { ELK, ElkExtendedEdge, ElkNode } from 'elkjs';
import elkModule from 'elkjs/lib/elk.bundled.js';
import type { AnyStateNode, AnyTransitionDefinition } from 'xstate';
import type { Box, ChartLayout, TransitionLabel } from '../../../src/ui/parts/statechart/chart-layout.ts';

const stateFont = 8.8;
const labelFont = 6.1;
const labelLine = 14;
/** A longer label is broken between event and guard. */
const lineLength = 22;
const titleHeight = 26;
const countHeight = 20;
/** Beside each other: how many are in the state now, and how often it was entered. */
const countsWidth = 122;

const elk: ELK = new (elkModule as unknown as new () => ELK)();

const eventText = (event: string): string => {
  if (event === '') return 'always';
  const done = /^xstate\.(done|error)\.(?:actor|state)\.(.*)$/.exec(event);
  if (done !== null) return done[1] === 'done' ? 'done' : 'failed';
  const after = /^xstate\.after\.([^.]+)\./.exec(event);
  return after === null ? event : `after ${after[1]}`;
};

/** `isNothingLeft` reads as `nothing left`. */
const guardText = (guard: unknown): string => {
  const name = typeof guard === 'string' ? guard : ((guard as { type?: string } | undefined)?.type ?? '');
  return name
    .replace(/^(?:is|has)(?=[A-Z])/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
};

const statesBelow = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states).flatMap((child) => [child, ...statesBelow(child)]);

export interface LayoutOptions {
  readonly direction: 'RIGHT' | 'DOWN';
  /** States more levels down than this are drawn as part of the one they are in, without guards: an overview. */
  readonly depth?: number;
}

const transitionsOf = (node: AnyStateNode): AnyTransitionDefinition[] => [
  ...[...node.transitions.values()].flat(),
  ...(node.always ?? []),
];

const keyOf = ({ source, eventType, target }: AnyTransitionDefinition): string =>
  `${source.id}|${eventType}|${target?.[0]?.id ?? ''}`;

/** Whether a transition is taken because a call has failed. */
const isFailure = ({ eventType }: AnyTransitionDefinition): boolean => eventType.startsWith('xstate.error.');

interface Edge {
  readonly id: string;
  readonly source: AnyStateNode;
  readonly target: AnyStateNode;
  readonly transitions: { readonly keys: string[]; readonly text: string }[];
}

/** Length of the paths of the deepest states that are drawn. */
const deepestOf = (root: AnyStateNode, { depth }: LayoutOptions): number =>
  depth === undefined ? Number.POSITIVE_INFINITY : root.path.length + depth;

/**
 * Arrows: transitions between the same two states share one, with a line of label for each that reads differently.
 * Failures have an arrow of their own.
 */
class Arrows {
  /** By id; the target is the source for transitions that stay, which are one entry. */
  readonly edges = new Map<string, Edge>();
  private readonly deepest: number;
  private readonly withGuards: boolean;

  constructor(root: AnyStateNode, options: LayoutOptions) {
    this.deepest = deepestOf(root, options);
    this.withGuards = options.depth === undefined;
    const states = statesBelow(root);
    for (const state of states)
      for (const transition of transitionsOf(state))
        for (const target of transition.target ?? [state])
          if (states.includes(target as AnyStateNode)) this.add(state, transition, target);
  }

  /** The state that stands for this one in the drawing. */
  shown(state: AnyStateNode): AnyStateNode {
    return state.path.length > this.deepest ? this.shown(state.parent!) : state;
  }

  between(): Edge[] {
    return [...this.edges.values()].filter(({ source, target }) => source !== target);
  }

  within(state: AnyStateNode): TransitionLabel[] {
    return this.edges.get(`${state.id}->${state.id}`)?.transitions ?? [];
  }

  private add(from: AnyStateNode, transition: AnyTransitionDefinition, to: AnyStateNode): void {
    const source = this.shown(from);
    const target = this.shown(to);
    const id = `${source.id}->${target.id}${isFailure(transition) && source !== target ? ' failed' : ''}`;
    const edge = this.edges.get(id) ?? { id, source, target, transitions: [] };
    this.edges.set(id, edge);
    const text = this.textOf(transition);
    const known = edge.transitions.find((label) => label.text === text);
    if (known === undefined) edge.transitions.push({ keys: [keyOf(transition)], text });
    else if (!known.keys.includes(keyOf(transition))) known.keys.push(keyOf(transition));
  }

  private textOf({ eventType, guard }: AnyTransitionDefinition): string {
    if (guard === undefined || !this.withGuards) return eventText(eventType);
    const parts = [eventText(eventType), `[${guardText(guard)}]`];
    return parts.join(parts.join(' ').length > lineLength ? '\n' : ' ');
  }
}

const initialId = (state: AnyStateNode): string => `initial of ${state.id}`;

const toElkNode = (state: AnyStateNode, deepest: number): ElkNode => {
  const children = state.path.length >= deepest ? [] : Object.values(state.states);
  const minimumWidth = Math.max(countsWidth, Math.ceil(state.key.length * stateFont) + 28);
  if (children.length === 0) return { id: state.id, width: minimumWidth, height: titleHeight + countHeight };
  const initial = state.type === 'parallel' ? [] : [{ id: initialId(state), width: 10, height: 10 }];
  return {
    id: state.id,
    children: [...initial, ...children.map((child) => toElkNode(child, deepest))],
    layoutOptions: {
      'elk.padding': `[top=${titleHeight + 14},left=16,bottom=16,right=16]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${minimumWidth},${titleHeight + countHeight})`,
    },
  };
};

const layoutOptions = (direction: string): Record<string, string> => ({
  'elk.algorithm': 'layered',
  'elk.direction': direction,
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.spacing.nodeNodeBetweenLayers': '34',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '10',
  'elk.spacing.nodeNode': '26',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '10',
  'elk.spacing.edgeLabel': '3',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  // The states come in the order of the machine: a series begins in memory.
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.randomSeed': '1',
});

const round = (number: number | undefined): number => Math.round((number ?? 0) * 10) / 10;

const boxOf = (shape: { x?: number; y?: number; width?: number; height?: number }): Box => ({
  x: round(shape.x),
  y: round(shape.y),
  width: round(shape.width),
  height: round(shape.height),
});

const pointsOf = (edge: ElkExtendedEdge): (readonly [number, number])[] =>
  (edge.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) =>
    [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [round(x), round(y)] as const),
  );

const nodesBelow = (node: ElkNode): ElkNode[] =>
  (node.children ?? []).flatMap((child) => [child, ...nodesBelow(child)]);

const hasInitial = (state: AnyStateNode): boolean => state.type === 'compound';

const toElkEdge = ({ id, source, target, transitions }: Edge): ElkExtendedEdge => {
  const text = transitions.map((transition) => transition.text).join('\n');
  const lines = text.split('\n');
  const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * labelFont) + 10;
  return {
    id,
    sources: [source.id],
    targets: [target.id],
    labels: [{ text, width, height: lines.length * labelLine + 2 }],
  };
};

/** Positions of everything below a state, in pixels from the top left corner. */
export const layOutStates = async (root: AnyStateNode, options: LayoutOptions): Promise<ChartLayout> => {
  const deepest = deepestOf(root, options);
  const arrows = new Arrows(root, options);
  const states = statesBelow(root).filter((state) => arrows.shown(state) === state);
  const edges = arrows.between();
  const initials = [root, ...states].filter((state) => hasInitial(state) && state.path.length < deepest);
  const laidOut = await elk.layout({
    ...toElkNode(root, deepest),
    layoutOptions: { ...layoutOptions(options.direction), 'elk.padding': '[top=14,left=14,bottom=14,right=14]' },
    edges: [
      ...initials.map((state) => ({
        id: initialId(state),
        sources: [initialId(state)],
        targets: [state.initial.target![0].id],
      })),
      ...edges.map(toElkEdge),
    ],
  });
  const nodes = new Map(nodesBelow(laidOut).map((node) => [node.id, node]));
  const laidOutEdges: ReadonlyMap<string, ElkExtendedEdge> = new Map(
    (laidOut.edges ?? []).map((edge) => [edge.id, edge]),
  );
  return {
    id: root.id,
    width: Math.ceil(laidOut.width ?? 0),
    height: Math.ceil(laidOut.height ?? 0),
    states: states.map((state) => ({
      id: state.id,
      name: state.key,
      type: nodes.get(state.id)!.children === undefined && state.type !== 'final' ? 'atomic' : state.type,
      ...(state.description === undefined ? {} : { description: state.description }),
      tags: [...state.tags],
      internal: arrows.within(state),
      ...boxOf(nodes.get(state.id)!),
    })),
    initials: initials.map((state) => {
      const { x, y } = boxOf(nodes.get(initialId(state))!);
      return { x, y, points: pointsOf(laidOutEdges.get(initialId(state))!) };
    }),
    edges: edges.map(({ id, source, target, transitions }) => {
      const edge: ElkExtendedEdge = laidOutEdges.get(id)!;
      return {
        source: source.id,
        target: target.id,
        points: pointsOf(edge),
        label: boxOf(edge.labels?.[0] ?? {}),
        transitions,
      };
    }),
  };
};

/** What the pages draw of the life of a series, or of an alert: the top-level states, and every state. */
export const layOutInTwoDepths = async (root: AnyStateNode) => ({
  overview: await layOutStates(root, { direction: 'RIGHT', depth: 1 }),
  full: await layOutStates(root, { direction: 'DOWN' }),
});

/** What the pages draw of the store: its phases, and each region of the running store. */
export const layOutStoreMachine = async (root: AnyStateNode) => ({
  overview: await layOutStates(root, { direction: 'RIGHT', depth: 1 }),
  regions: await Promise.all(
    Object.values(root.states['running']!.states).map((region) => layOutStates(region, { direction: 'DOWN' })),
  ),
});
