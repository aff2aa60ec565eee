/**
 * Observers of a store: counters of events and transitions for the coverage, and subscribers of live streams that
 * throw. A subscriber's failure must not affect the store.
 */
import { config, type Subscription } from 'rxjs';
import type { InspectionEvent } from 'xstate';
import type { Store } from '../../src/api/api.ts';
import type { DomainEvent } from '../../src/model/events.ts';
import type { Coverage } from './coverage.ts';
import { hostTimersRun } from './drive.ts';
import type { Step } from './steps.ts';
import { ALL_SERIES } from './value-source.ts';

type ObserveStep = Extract<Step, { type: 'observe' }>;

/** What a simulated subscriber throws. */
export class SubscriberFailure extends Error {
  override readonly name = 'SubscriberFailure';

  constructor() {
    super('a simulated subscriber failed');
  }
}

/** Subscribes with an observer that throws at every `throwEvery`-th event. */
export const observe = (store: Store, step: ObserveStep): Subscription => {
  let count = 0;
  const next = (): void => {
    if (++count % step.throwEvery === 0) throw new SubscriberFailure();
  };
  return step.what === 'events' ? store.events$.subscribe({ next }) : store.watch(ALL_SERIES).subscribe({ next });
};

/** Counts the domain events of a store. */
export const countEvents = (store: Store, coverage: Coverage): Subscription => {
  coverage.isMerging = false;
  return store.events$.subscribe({
    next: (event) => {
      coverage.countEvent(event.type);
      countMerges(event, coverage);
    },
    error: () => {},
  });
};

/** What a merge into a series file may do. */
export const mergeCounts = ['added', 'repeated', 'refused', 'erased'] as const;

const countMerges = (event: DomainEvent, coverage: Coverage): void => {
  if (event.type === 'seriesFilesChanging' && event.rewriting === true) coverage.isMerging = true;
  if (event.type !== 'lateSamplesMerged') return;
  coverage.isMerging = false;
  for (const what of mergeCounts) if (event[what] > 0) coverage.countMerge(what);
};

/** What XState reports of a transition. Its types do not export this. */
interface Transition {
  readonly source: { readonly id: string };
  readonly eventType: string;
  readonly actions: readonly unknown[];
  readonly target?: readonly { readonly id: string }[];
}

/** Counts the transitions of the statecharts. */
export const countTransitions =
  (coverage: Coverage) =>
  (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    const { _transitions: transitions } = event as unknown as { readonly _transitions?: readonly Transition[] };
    for (const transition of transitions ?? []) coverage.countTransition(transitionName(transition));
  };

/** The name of a transition in coverage: source, event, and target if it has one. */
export const transitionName = ({ source, eventType, target, actions }: Transition): string => {
  // Merging in memory has no state of its own.
  const isMerge = actions.some((action) => action === 'mergeInMemory' || typeOf(action) === 'mergeInMemory');
  const where = target === undefined ? (isMerge ? ' merging' : '') : ` -> ${target.map(({ id }) => id).join(' ')}`;
  return `${source.id} on ${eventType === '' ? 'always' : eventType}${where}`;
};

const typeOf = (action: unknown): unknown =>
  typeof action === 'object' && action !== null && 'type' in action ? action.type : undefined;

interface StateNode {
  readonly id: string;
  readonly states: Readonly<Record<string, StateNode>>;
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[] | undefined;
}

/** Every transition that a statechart declares, by the names that coverage counts. */
export const transitionNames = (machine: { readonly root: unknown }): string[] => {
  const names: string[] = [];
  const visit = (node: StateNode): void => {
    for (const transitions of node.transitions.values()) names.push(...transitions.map(transitionName));
    if (node.always !== undefined) names.push(...node.always.map(transitionName));
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root as StateNode);
  return [...new Set(names)];
};

/**
 * Runs with uncaught errors passed to `onStray`, and restores the previous listeners afterwards. Failures of simulated
 * subscribers are ignored: RxJS reports them to the host, which is correct.
 */
export const withStrays = async <T>(onStray: (error: unknown) => void, run: () => Promise<T>): Promise<T> => {
  const report = (error: unknown): void => {
    if (!(error instanceof SubscriberFailure)) onStray(error);
  };
  const names = ['unhandledRejection', 'uncaughtException'] as const;
  const before = names.map((name) => process.listeners(name as 'uncaughtException'));
  const unhandledBefore = config.onUnhandledError;
  for (const name of names) {
    process.removeAllListeners(name);
    process.on(name, report);
  }
  config.onUnhandledError = report;
  try {
    return await run();
  } finally {
    // RxJS reports the failure of a subscriber from a timer of the host, and reads `onUnhandledError` only then.
    await hostTimersRun();
    config.onUnhandledError = unhandledBefore;
    for (const [index, name] of names.entries()) {
      process.removeAllListeners(name);
      for (const listener of before[index]) process.on(name, listener);
    }
  }
};
