/**
 * The statecharts as data and as text, for `tidemark machines`, for the pages and for docs/machines.md. Everything is
 * read from the running machines, so a drawing is never out of date.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { alertMachine } from './alert.machine.ts';
import { forwardMachine } from './forward.machine.ts';
import { seriesMachine } from './series.machine.ts';
import { storeMachine } from './store.machine.ts';

/** The statecharts by name. */
export const machines = {
  series: seriesMachine,
  store: storeMachine,
  forward: forwardMachine,
  alert: alertMachine,
} as const satisfies Record<string, AnyStateMachine>;

/** One line of a machine's transition table. Paths are outermost state first: `archived.resting`. */
export interface MachineTransition {
  /** `''` for the machine itself. */
  readonly source: string;
  /** XState's name for it: `maintain`, `xstate.done.actor.persistChunks`; `''` for a transition without an event. */
  readonly event: string;
  /** Index among the transitions of this source for this event. XState takes the first one whose guard holds. */
  readonly index: number;
  readonly guard: string | undefined;
  readonly actions: readonly string[];
  /** `undefined` for a transition that does not leave the state. */
  readonly target: string | undefined;
}

const pathOf = (node: AnyStateNode): string => node.path.join('.');

const nodesBelow = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states as Record<string, AnyStateNode>).flatMap((child) => [child, ...nodesBelow(child)]);

const nameOf = (named: unknown): string =>
  typeof named === 'string' ? named : String((named as { type?: unknown }).type ?? 'inline');

/** The whole transition table of a machine. */
export const transitionsOf = (machine: AnyStateMachine): MachineTransition[] =>
  [machine.root as AnyStateNode, ...nodesBelow(machine.root)].flatMap((node) =>
    [...(node.always === undefined ? [] : [node.always]), ...node.transitions.values()].flatMap((definitions) =>
      definitions.map((definition, index) => ({
        source: pathOf(node),
        event: definition.eventType,
        index,
        guard: definition.guard === undefined ? undefined : nameOf(definition.guard),
        actions: definition.actions.map(nameOf),
        target: definition.target?.map(pathOf).join(', '),
      })),
    ),
  );

/** A readable name for an event: `persistChunks done` for XState's `xstate.done.actor.persistChunks`. */
export const eventLabel = (event: string): string => {
  const [, kind, name] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event) ?? [];
  if (kind !== undefined) return `${name} ${kind === 'done' ? 'done' : 'failed'}`;
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(event) ?? [];
  if (delay !== undefined) return `after ${delay}`;
  return event === '' ? 'always' : event;
};

/**
 * The machine's configuration as JSON, in XState's own shape, to be pasted into a visualizer. Functions (params, the
 * initial context) are left out; guards, actions, actors and delays appear as names.
 */
export const machineToJson = (machine: AnyStateMachine): unknown => JSON.parse(JSON.stringify(machine.config));

/**
 * The machines as a JavaScript module with one plain `createMachine` call each. The states are written out as literals,
 * so that tools that read the text instead of running it find all of them. Functions are left out, as in
 * {@link machineToJson}.
 */
export const machineToJs = (...charts: readonly AnyStateMachine[]): string =>
  [
    "import { createMachine } from 'xstate';",
    ...charts.map(
      (machine) => `export const ${machine.id}Machine = createMachine(${literal(machineToJson(machine), '', 0)});`,
    ),
  ].join('\n\n');

/** The longest line of {@link machineToJs}, unless a single string is longer. */
const LINE_LENGTH = 120;

/** A JSON value as a JavaScript literal. `used` is the number of characters before it on its line. */
const literal = (value: unknown, indent: string, used: number): string => {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{ ', ' }'];
  const inner = `${indent}  `;
  const prefixes = Object.entries(value).map(([key, child]) => ({
    prefix: Array.isArray(value) ? '' : `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key)}: `,
    child: child as unknown,
  }));
  if (prefixes.length === 0) return open.trim() + close.trim();
  const parts = prefixes.map(({ prefix, child }) => prefix + literal(child, inner, inner.length + prefix.length));
  const line = open + parts.join(', ') + close;
  if (!line.includes('\n') && used + line.length < LINE_LENGTH) return line;
  return `${open.trim()}\n${parts.map((part) => `${inner}${part},\n`).join('')}${indent}${close.trim()}`;
};

const quoted = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

/**
 * The machine as a Mermaid `stateDiagram-v2`. Mermaid can't draw an arrow between sub-states of different states. Such
 * an arrow is drawn between the outermost states that differ; the transition table has the exact source and target.
 */
export const machineToMermaid = (machine: AnyStateMachine): string => {
  const arrows = arrowsByScope(machine);
  const lines = ['stateDiagram-v2', '  direction LR', ...scopeLines(machine.root, arrows, '  ')];
  return `${lines.join('\n')}\n`;
};

const mermaidId = (path: string): string => path.replaceAll('.', '_');

/** Arrow lines by the path of the state that directly contains both ends. */
const arrowsByScope = (machine: AnyStateMachine): Map<string, string[]> => {
  const labels = new Map<string, { scope: string; arrow: string; events: Set<string> }>();
  for (const { source, event, guard, target } of transitionsOf(machine)) {
    if (target === undefined) continue;
    const { scope, from, to } = lift(source.split('.'), target.split('.'));
    const arrow = `${mermaidId(from)} --> ${mermaidId(to)}`;
    const entry = labels.get(arrow) ?? { scope, arrow, events: new Set() };
    entry.events.add(guard === undefined ? eventLabel(event) : `${eventLabel(event)} [${guard}]`);
    labels.set(arrow, entry);
  }
  const scopes = new Map<string, string[]>();
  for (const { scope, arrow, events } of labels.values()) {
    scopes.set(scope, [...(scopes.get(scope) ?? []), `${arrow} : ${mergeOutcomes([...events]).join('<br>')}`]);
  }
  return scopes;
};

/** One label instead of two for a call with the same target whether it is done or has failed. */
const mergeOutcomes = (labels: readonly string[]): string[] =>
  labels.flatMap((label) => {
    if (label.includes(' failed') && labels.includes(label.replace(' failed', ' done'))) return [];
    return labels.includes(label.replace(' done', ' failed')) ? label.replace(' done', ' ended') : label;
  });

/** Cuts both paths down to the first step in which they differ. */
const lift = (source: readonly string[], target: readonly string[]): { scope: string; from: string; to: string } => {
  let common = 0;
  while (common < source.length - 1 && common < target.length - 1 && source[common] === target[common]) common += 1;
  return {
    scope: source.slice(0, common).join('.'),
    from: source.slice(0, common + 1).join('.'),
    to: target.slice(0, common + 1).join('.'),
  };
};

const scopeLines = (node: AnyStateNode, arrows: ReadonlyMap<string, readonly string[]>, indent: string): string[] => {
  const children = Object.values(node.states as Record<string, AnyStateNode>);
  const initial = node.type === 'compound' ? node.initial.target : [];
  return [
    ...children.flatMap((child, index) => [
      ...(node.type === 'parallel' && index > 0 ? [`${indent}--`] : []),
      ...stateLines(child, arrows, indent),
    ]),
    ...initial.map((child) => `${indent}[*] --> ${mermaidId(pathOf(child))}`),
    ...(arrows.get(pathOf(node)) ?? []).map((arrow) => indent + arrow),
    ...children
      .filter((child) => child.type === 'final')
      .map((child) => `${indent}${mermaidId(pathOf(child))} --> [*]`),
  ];
};

const stateLines = (node: AnyStateNode, arrows: ReadonlyMap<string, readonly string[]>, indent: string): string[] => {
  const id = mermaidId(pathOf(node));
  const declaration = `${indent}state "${node.key}" as ${id}`;
  if (Object.keys(node.states).length === 0) return [declaration];
  return [`${declaration} {`, ...scopeLines(node, arrows, `${indent}  `), `${indent}}`];
};
