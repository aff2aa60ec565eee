/** Collects the transitions that the statecharts of stores take, from what XState reports to an inspector. */
import type { AnyStateMachine, AnyTransitionDefinition, InspectionEvent } from 'xstate';
import { machines, transitionsOf } from '../../machines/export.ts';
import { keyOfDefinition, transitionKey } from '../support/machine-table.ts';

/** Every transition of the statecharts of a store: `series | inMemory | wake | 0`. */
export const allTransitions: readonly string[] = [machines.series, machines.store].flatMap((machine: AnyStateMachine) =>
  transitionsOf(machine).map((transition) => `${machine.id} | ${transitionKey(transition)}`),
);

export class TakenTransitions {
  readonly keys = new Set<string>();

  readonly inspect = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    for (const definition of event._transitions as readonly AnyTransitionDefinition[]) {
      // XState reports the entry into the initial state as a transition without a source.
      if (definition.source === undefined) continue;
      this.keys.add(`${definition.source.machine.id} | ${keyOfDefinition(definition)}`);
    }
  };
}
