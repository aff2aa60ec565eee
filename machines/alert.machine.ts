/**
 * The life of one alert: one series of the result of an alerting rule.
 *
 * ```
 *  inactive -- seen, held --> firing { active <-> kept } --> resolved -- 15 minutes --> gone (final)
 *     | seen                    ^                               | seen
 *     v                         |                               v
 *  pending -------- held -------+                            pending or firing: a new episode
 *     | missing --> gone
 * ```
 *
 * Each evaluation of the rule sends `seen` or `missing` with its own time. No timer decides anything, so an evaluation
 * that comes late, or that is made up later, decides as if it had come in time. For example, with `for: 5m` and
 * `keep_firing_for: 10m`:
 *
 *  1. 12:00 `seen`: pending. 12:05 `seen`: held for five minutes, so the alert fires.
 *  2. 12:20 `missing`: firing, but kept since 12:20. 12:25 `seen`: active again; it is the same episode.
 *  3. 12:40 `missing`: kept since 12:40. 12:50 `missing`: ten minutes are over, so the alert is resolved.
 *
 * An alert at rest is a row of plain values (src/rules/alert-table.ts). The actor is created from the row when an event
 * changes it ({@link changesAlert}), and let go afterwards.
 */
import { assign, setup } from 'xstate';

export interface AlertContext {
  /** How long the condition must hold before the alert fires, milliseconds. */
  readonly forMs: number;
  /** How long the alert goes on firing without the condition, milliseconds. */
  readonly keepFiringForMs: number;
  /** When the episode began, milliseconds since the epoch; after an outage, later by the time that was not observed. */
  readonly activeAt: number;
  /** When the alert fired; 0 before. */
  readonly firedAt: number;
  /** Since when the alert fires without the condition; 0 while the condition holds. */
  readonly keptSince: number;
  /** When the alert was resolved; 0 before. */
  readonly resolvedAt: number;
}

export type AlertMachineEvent =
  /** The rule's expression gave the series. `at` is the evaluation's time, milliseconds since the epoch. */
  | { readonly type: 'seen'; readonly at: number }
  /** The rule's expression did not give the series. */
  | { readonly type: 'missing'; readonly at: number }
  /** The rule exists no longer, or gave more alerts than its limit. */
  | { readonly type: 'dismiss'; readonly at: number };

/** How long a resolved alert is kept, so that its end can be sent again. */
export const RESOLVED_RETENTION_MS = 15 * 60_000;

/** Every state without sub-states. */
export const alertStates = ['inactive', 'pending', 'firing.active', 'firing.kept', 'resolved', 'gone'] as const;

export type AlertStatePath = (typeof alertStates)[number];

const isHeld = ({ activeAt, forMs }: AlertContext, at: number): boolean => at - activeAt >= forMs;
const isKept = ({ keepFiringForMs }: AlertContext): boolean => keepFiringForMs > 0;
const isKeptLongEnough = ({ keptSince, keepFiringForMs }: AlertContext, at: number): boolean =>
  at - keptSince >= keepFiringForMs;
const isForgettable = ({ resolvedAt }: AlertContext, at: number): boolean => at - resolvedAt > RESOLVED_RETENTION_MS;

/** Whether an event would change the alert. If not, its actor need not be created. Must agree with the chart. */
export const changesAlert = (state: AlertStatePath, context: AlertContext, event: AlertMachineEvent): boolean => {
  if (event.type === 'dismiss') return state !== 'gone';
  const isSeen = event.type === 'seen';
  switch (state) {
    case 'inactive':
      return isSeen;
    case 'pending':
      return !isSeen || isHeld(context, event.at);
    case 'firing.active':
      return !isSeen;
    case 'firing.kept':
      return isSeen || isKeptLongEnough(context, event.at);
    case 'resolved':
      return isSeen || isForgettable(context, event.at);
    case 'gone':
      return false;
  }
};

export const alertMachine = setup({
  types: {
    context: {} as AlertContext,
    events: {} as AlertMachineEvent,
    tags: {} as 'pending' | 'firing',
  },
  guards: {
    isImmediate: ({ context }) => context.forMs <= 0,
    isHeld: ({ context, event }) => isHeld(context, event.at),
    isKept: ({ context }) => isKept(context),
    isKeptLongEnough: ({ context, event }) => isKeptLongEnough(context, event.at),
    isForgettable: ({ context, event }) => isForgettable(context, event.at),
  },
  actions: {
    begin: assign(({ event }) => ({ activeAt: event.at, firedAt: 0, keptSince: 0, resolvedAt: 0 })),
    noteFired: assign(({ event }) => ({ firedAt: event.at })),
    noteKept: assign(({ event }) => ({ keptSince: event.at })),
    noteSeenAgain: assign(() => ({ keptSince: 0 })),
    noteResolved: assign(({ event }) => ({ resolvedAt: event.at, keptSince: 0 })),
    /** Publishes `alertPending`. */
    announcePending: () => {},
    /** Publishes `alertFired`. */
    announceFired: () => {},
    /** Publishes `alertResolved` for an alert that had fired. */
    announceResolved: () => {},
    /** Publishes `alertResolved` for an alert that had not fired yet. */
    announceWithdrawn: () => {},
  },
}).createMachine({
  id: 'alert',
  context: { forMs: 0, keepFiringForMs: 0, activeAt: 0, firedAt: 0, keptSince: 0, resolvedAt: 0 },
  initial: 'inactive',
  states: {
    inactive: {
      description: 'The rule has not given the series yet.',
      on: {
        seen: [
          { guard: 'isImmediate', target: 'firing', actions: ['begin', 'noteFired', 'announceFired'] },
          { target: 'pending', actions: ['begin', 'announcePending'] },
        ],
        dismiss: 'gone',
      },
    },
    pending: {
      description: 'The condition holds, but not for long enough yet.',
      tags: ['pending'],
      on: {
        seen: { guard: 'isHeld', target: 'firing', actions: ['noteFired', 'announceFired'] },
        missing: { target: 'gone', actions: ['announceWithdrawn'] },
        dismiss: { target: 'gone', actions: ['announceWithdrawn'] },
      },
    },
    firing: {
      description: 'The alert has fired and has not ended.',
      tags: ['firing'],
      initial: 'active',
      on: { dismiss: { target: 'gone', actions: ['noteResolved', 'announceResolved'] } },
      states: {
        active: {
          description: 'The condition holds.',
          on: {
            missing: [
              { guard: 'isKept', target: 'kept', actions: ['noteKept'] },
              { target: '#alert.resolved', actions: ['noteResolved', 'announceResolved'] },
            ],
          },
        },
        kept: {
          description: 'The condition does not hold, but keep_firing_for is not over.',
          on: {
            seen: { target: 'active', actions: ['noteSeenAgain'] },
            missing: {
              guard: 'isKeptLongEnough',
              target: '#alert.resolved',
              actions: ['noteResolved', 'announceResolved'],
            },
          },
        },
      },
    },
    resolved: {
      description: 'The alert has fired and ended. Its end is sent again for 15 minutes.',
      on: {
        seen: [
          { guard: 'isImmediate', target: 'firing', actions: ['begin', 'noteFired', 'announceFired'] },
          { target: 'pending', actions: ['begin', 'announcePending'] },
        ],
        missing: { guard: 'isForgettable', target: 'gone' },
        dismiss: 'gone',
      },
    },
    gone: { description: 'The alert has no row any more.', type: 'final' },
  },
});
