/**
 * The alerts of one rule. An alert is a row of plain values; its actor is created from the row when an event changes the
 * alert, and let go afterwards. So ten thousand alerts that go on firing cost ten thousand rows and no transition.
 */
import { type ActorOptions, type AnyActorLogic, createActor, type InspectionEvent } from 'xstate';
import {
  type AlertContext,
  type AlertMachineEvent,
  type AlertStatePath,
  alertMachine,
  alertStates,
  changesAlert,
} from '../../machines/alert.machine.ts';
import type { AlertEvent } from '../model/events.ts';
import type { LabelPairs, Labels } from '../model/labels.ts';
import type { RuleSeries } from './rule-storage.ts';

/** An alert at rest. One writes the other: a row changes its state only through its actor. */
export interface AlertRow {
  readonly pairs: LabelPairs;
  readonly labels: Labels;
  annotations: Labels;
  value: number;
  state: AlertStatePath;
  context: AlertContext;
  episode: string;
  /** The last evaluation that gave the alert's series. */
  seenAt: number;
  /** When the alert was last sent to Alertmanager; 0 before. */
  sentAt: number;
  /** The series `ALERTS` and `ALERTS_FOR_STATE`, and the alert state of the former. */
  series: { readonly alertState: string; readonly alerts: RuleSeries; readonly forState: RuleSeries } | undefined;
}

/** What happened to an alert: the type of an event, and what only its end has. */
export type AlertAnnouncement =
  | { readonly type: 'alertPending' | 'alertFired' }
  | { readonly type: 'alertResolved'; readonly was: 'pending' | 'firing' };

export interface AlertActorsOptions {
  /** Publishes an event. The row has its new context already. */
  readonly announce: (row: AlertRow, announcement: AlertAnnouncement, context: AlertContext, at: number) => void;
  /** The observer of inspection events, if there is one now. */
  readonly inspector?: (() => ((event: InspectionEvent) => void) | undefined) | undefined;
}

const values = {
  inactive: 'inactive',
  pending: 'pending',
  'firing.active': { firing: 'active' },
  'firing.kept': { firing: 'kept' },
  resolved: 'resolved',
  gone: 'gone',
} as const satisfies Record<AlertStatePath, unknown>;

/** Sends events to alerts. */
export class AlertActors {
  private readonly options: AlertActorsOptions;
  private readonly machine: typeof alertMachine;
  /** What the running transition announces. */
  private announced: AlertAnnouncement[] = [];

  constructor(options: AlertActorsOptions) {
    this.options = options;
    const note = (announcement: AlertAnnouncement) => (): void => {
      this.announced.push(announcement);
    };
    this.machine = alertMachine.provide({
      actions: {
        announcePending: note({ type: 'alertPending' }),
        announceFired: note({ type: 'alertFired' }),
        announceResolved: note({ type: 'alertResolved', was: 'firing' }),
        announceWithdrawn: note({ type: 'alertResolved', was: 'pending' }),
      },
    });
  }

  /** Sends an event to the alert's actor, if it would change the alert. */
  send(row: AlertRow, event: AlertMachineEvent): void {
    if (!changesAlert(row.state, row.context, event)) return;
    const snapshot = this.machine.resolveState({ value: values[row.state], context: row.context });
    const inspect = this.options.inspector?.();
    const actorOptions: ActorOptions<AnyActorLogic> = { id: `alert ${row.episode}`, ...(inspect && { inspect }) };
    const actor = createActor(this.machine, { ...actorOptions, snapshot });
    let failure: unknown;
    actor.subscribe({
      error: (error) => {
        failure = error;
      },
    });
    this.announced = [];
    actor.start();
    actor.send(event);
    const after = actor.getSnapshot();
    actor.stop();
    if (failure !== undefined) throw failure;
    row.context = after.context;
    row.state = pathOf(after.value);
    for (const announcement of this.announced) this.options.announce(row, announcement, after.context, event.at);
  }
}

const pathOf = (value: unknown): AlertStatePath => {
  const path = typeof value === 'string' ? value : `firing.${(value as { firing: string }).firing}`;
  return alertStates.find((state) => state === path) ?? 'gone';
};

/** The name of the state in `ALERTS`, and in Prometheus' API; `inactive` for one that has ended. */
export const alertStateOf = (state: AlertStatePath): 'inactive' | 'pending' | 'firing' => {
  if (state === 'pending') return 'pending';
  return state.startsWith('firing') ? 'firing' : 'inactive';
};

/** Takes the events of alerts: the journal of a store, or nothing in a unit test. */
export type AlertPublisher = (event: AlertEvent) => void;
