/** The states of a statechart as data, and keys of its transitions, for tests and for the generated documents. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import type { MachineTransition } from '../../machines/export.ts';

/** One state. It is listed before its sub-states. */
export interface MachineState {
  readonly path: string;
  readonly key: string;
  readonly depth: number;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly initial: string | undefined;
  readonly description: string | undefined;
  readonly tags: readonly string[];
  /** Ids of the calls that run while the state is active. */
  readonly calls: readonly string[];
}

const pathOf = (node: AnyStateNode): string => node.path.join('.');

const nodesBelow = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states as Record<string, AnyStateNode>).flatMap((child) => [child, ...nodesBelow(child)]);

/** Every state of a machine in source order, each before its sub-states. */
export const statesOf = (machine: AnyStateMachine): MachineState[] =>
  nodesBelow(machine.root).map((node) => ({
    path: pathOf(node),
    key: node.key,
    depth: node.path.length,
    type: node.type,
    initial: node.type === 'compound' ? node.initial.target[0]?.key : undefined,
    description: node.description,
    tags: [...node.tags],
    calls: node.invoke.map((invoke) => invoke.id),
  }));

/**
 * Identifies a line of `transitionsOf`. {@link keyOfDefinition} returns the same key for a transition in XState's
 * `@xstate.microstep` events.
 */
export const transitionKey = (transition: Pick<MachineTransition, 'source' | 'event' | 'index'>): string =>
  `${transition.source} | ${transition.event} | ${transition.index}`;

/** The key of a transition, from XState's definition of it. */
export const keyOfDefinition = (definition: AnyTransitionDefinition): string => {
  const node: AnyStateNode = definition.source;
  const siblings =
    definition.eventType === '' ? (node.always ?? []) : (node.transitions.get(definition.eventType) ?? []);
  return transitionKey({ source: pathOf(node), event: definition.eventType, index: siblings.indexOf(definition) });
};
