/**
 * Given a state, when an event comes, then a state and actions: one step of a statechart, taken by a real actor, with
 * every transition that was taken noted, so that a suite can say which ones it never took.
 */
import { expect } from 'chai';
import {
  type AnyEventObject,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  createActor,
  type StateValue,
} from 'xstate';
import { transitionsOf } from '../../../machines/export.ts';
import { keyOfDefinition, transitionKey } from '../../support/machine-table.ts';

/** An event that a call of the machine's reports: `called('persistChunks').done(output)`. */
export const called = (id: string) => ({
  done: (output?: unknown): AnyEventObject => ({ type: `xstate.done.actor.${id}`, output, actorId: id }),
  failed: (error: unknown): AnyEventObject => ({ type: `xstate.error.actor.${id}`, error, actorId: id }),
});

export interface Step {
  /** Where the machine was put. */
  readonly value: StateValue;
  readonly context: object;
  /** Names of the actions, with params where they were given; XState's own (`xstate.assign` …) left out. */
  readonly actions: readonly string[];
  /** Names and params of the same actions. */
  readonly performed: readonly { readonly type: string; readonly params: unknown }[];
}

export class MachineSteps<Machine extends AnyStateMachine> {
  readonly machine: Machine;
  readonly #taken = new Set<string>();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Sends one event to an actor that stands in `value`. Calls that it starts never report. */
  step(value: StateValue, context: object, event: AnyEventObject): Step {
    const performed: { type: string; params: unknown }[] = [];
    let observing = false;
    const snapshot = this.machine.resolveState({ value, context });
    const actor = createActor(this.machine as AnyStateMachine, {
      snapshot,
      inspect: (inspected) => {
        if (!observing) return;
        if (inspected.type === '@xstate.microstep') for (const taken of inspected._transitions) this.#note(taken);
        if (inspected.type === '@xstate.action' && !inspected.action.type.startsWith('xstate.')) {
          performed.push(inspected.action);
        }
      },
    });
    let failure: unknown;
    actor.subscribe({
      error: (error) => {
        failure = error;
      },
    });
    actor.start();
    observing = true;
    actor.send(event);
    observing = false;
    if (failure !== undefined) throw failure;
    const after = actor.getSnapshot();
    actor.stop();
    return { value: after.value, context: after.context, actions: performed.map(({ type }) => type), performed };
  }

  /** Fails with the list of transitions that no step has taken. */
  expectAllTaken(): void {
    const missing = transitionsOf(this.machine)
      .map(transitionKey)
      .filter((key) => !this.#taken.has(key));
    expect(missing, 'transitions that no test takes').to.deep.equal([]);
  }

  #note(definition: AnyTransitionDefinition): void {
    // XState describes the entry into the initial state as a transition, too; it is not one of the machine's table.
    if (definition.source !== undefined) this.#taken.add(keyOfDefinition(definition));
  }
}
