/** Runs rules on a store: evaluates them as time goes on, keeps their alerts, and delivers what happens to the alerts. */
import { setMaxListeners } from 'node:events';
import type { Observable } from 'rxjs';
import type { InspectionEvent } from 'xstate';
import { RESOLVED_RETENTION_MS } from '../../machines/alert.machine.ts';
import { liveStream } from '../../streams/live.ts';
import { ruleEvaluations } from '../../streams/rule-evaluations.ts';
import { stopSignal } from '../../streams/stop-signal.ts';
import type { Duration, Store } from '../api/api.ts';
import { parseDuration } from '../model/duration.ts';
import { codeOf } from '../model/errors.ts';
import type { AlertEvent } from '../model/events.ts';
import { checkStore, invalidOption } from '../model/invalid-option.ts';
import type { Labels } from '../model/labels.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { schedulerOf } from '../ports/clock-scheduler.ts';
import { type AlertRow, alertStateOf } from './alert-table.ts';
import { Alertmanager, type AlertmanagerOptions, type SentAlert } from './alertmanager.ts';
import { compileGroups } from './compile-groups.ts';
import { type DeliveredAlert, deliverAlerts } from './deliver-alerts.ts';
import { type DeliveryCounts, noDeliveries } from './delivery-counts.ts';
import { EvaluatedGroup } from './evaluated-group.ts';
import { restoreAlerts } from './restore-alerts.ts';
import { watchRules } from './rule-metrics.ts';
import type { RuleGroup } from './rule-types.ts';
import {
  type ActiveAlert,
  type AlertStateCounts,
  activeAlerts,
  alertStateCounts,
  type GroupState,
  groupState,
} from './rules-state.ts';
import { storeRuleStorage } from './store-rule-storage.ts';

export interface RulesOptions {
  /**
   * Called when an alert has fired, and when an alert that had fired has ended: from a durable subscription, at least
   * once for each event, also after a crash. `episode` tells repetitions. If it throws or rejects, it is called again.
   */
  readonly onAlert?: ((event: DeliveredAlert) => void | Promise<void>) | undefined;
  /** Alertmanagers that get every alert, each by a durable subscription of its own. */
  readonly alertmanagers?: readonly (string | AlertmanagerOptions)[];
  /** How often firing alerts are sent to Alertmanager again. Default `'1m'`. */
  readonly resendDelay?: Duration;
  /** Labels that alerts get when they are sent; `$externalLabels` in templates. */
  readonly externalLabels?: Labels;
  /** The address of this program's pages; `externalURL` in templates. Default empty. */
  readonly externalUrl?: string;
  /** Interval of groups that say none. Default `'1m'`. */
  readonly interval?: Duration;
  /** The most missed evaluations that are made up at a time. Default 0: they are counted only. */
  readonly catchUp?: number;
  /** Longest time without evaluation after which a pending alert goes on. Default `'1h'`. */
  readonly outageTolerance?: Duration;
  /** Called for a rule that failed, a sample that was refused, a delivery that failed. Default: nothing. */
  readonly onError?: (error: unknown, where: string) => void;
  /** Receives the inspection events of the alerts' actors. */
  readonly inspect?: (event: InspectionEvent) => void;
  readonly clock?: Clock;
}

/** Rules that run. */
export interface RunningRules extends AsyncDisposable {
  /** What happens to alerts, as it happens; hot. A crash may still lose it; `onAlert` gets what is durable. */
  readonly alerts$: Observable<AlertEvent>;
  /** The groups with their rules, and the alerts of these. */
  groups(): GroupState[];
  /** The alerts that are pending or firing. */
  alerts(): ActiveAlert[];
  /** How many alerts are in each state of their statechart. */
  alertStates(): AlertStateCounts;
  /** Adds an observer of the alerts' inspection events. Returns a function that removes it. */
  inspect(observer: (event: InspectionEvent) => void): () => void;
  /** Evaluates every group once, for a time in milliseconds since the epoch; default now. For programs with a pace of their own. */
  evaluate(at?: number): Promise<void>;
  /** Ends the evaluation. Alerts keep their state; rules that are started later go on with it. */
  stop(): Promise<void>;
}

/**
 * Starts rules on a store. Resolves when the alerts of an earlier process are restored.
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_RULES`, `TIDEMARK_INVALID_OPTION`, `TIDEMARK_READ_ONLY`
 */
export const startRules = async (
  store: Store,
  rules: RuleGroup | readonly RuleGroup[],
  options: RulesOptions = {},
): Promise<RunningRules> => {
  checkStore(store);
  const running = new RulesOnStore(store, Array.isArray(rules) ? rules : [rules as RuleGroup], options);
  await running.start();
  return running;
};

/** The most evaluations that `catchUp` may make up. */
const CATCH_UP_MAX = 10_000;

class RulesOnStore implements RunningRules {
  readonly alerts$: Observable<AlertEvent>;
  /** By group; the metrics read them, too. */
  readonly groupList: readonly EvaluatedGroup[];
  readonly deliveries: readonly DeliveryCounts[];
  private readonly store: Store;
  private readonly options: RulesOptions;
  private readonly clock: Clock;
  private readonly alertmanagers: readonly Alertmanager[];
  private readonly listeners = new Set<(event: AlertEvent) => void>();
  private readonly observers = new Set<(event: InspectionEvent) => void>();
  private readonly callbackCounts = noDeliveries('onAlert');
  private readonly stopping = new AbortController();
  private readonly stop$: Observable<unknown>;
  private readonly resendMs: number;
  private readonly toleranceMs: number;
  private readonly catchUp: number;
  /** What ends when the rules are stopped. */
  private readonly running: Promise<unknown>[] = [];
  private unwatch: () => void = () => {};
  /** The evaluation that runs; one at a time, so that {@link evaluate} does not overlap with the pace. */
  private readonly turns = new Map<EvaluatedGroup, Promise<void>>();

  constructor(store: Store, rules: readonly RuleGroup[], options: RulesOptions) {
    this.store = store;
    this.options = options;
    this.clock = options.clock ?? systemClock;
    const groups = compileGroups(rules, parseDuration(options.interval ?? '1m'));
    this.resendMs = parseDuration(options.resendDelay ?? '1m');
    this.toleranceMs = parseDuration(options.outageTolerance ?? '1h');
    this.catchUp = options.catchUp ?? 0;
    if (!Number.isSafeInteger(this.catchUp) || this.catchUp < 0 || this.catchUp > CATCH_UP_MAX) {
      throw invalidOption('catchUp', options.catchUp, `a whole number from 0 to ${CATCH_UP_MAX}`);
    }
    this.alertmanagers = (options.alertmanagers ?? []).map((one) => new Alertmanager(one, this.clock));
    // Every evaluation and delivery listens to it, so more than ten listeners are no leak.
    setMaxListeners(0, this.stopping.signal);
    this.stop$ = stopSignal(this.stopping.signal);
    this.alerts$ = liveStream<AlertEvent>((push) => {
      this.listeners.add(push);
      return () => this.listeners.delete(push);
    }, this.stop$);
    this.deliveries = [
      ...(options.onAlert === undefined ? [] : [this.callbackCounts]),
      ...this.alertmanagers.map(({ counts }) => counts),
    ];
    if (options.inspect !== undefined) this.observers.add(options.inspect);
    const { clock, stopping } = this;
    const parts = {
      storage: storeRuleStorage(store, stopping.signal),
      externalLabels: options.externalLabels ?? {},
      externalUrl: options.externalUrl ?? '',
      publish: (event: AlertEvent) => this.publish(event),
      onError: (error: unknown, group: string, rule: string) => this.report(error, `${group}/${rule}`),
      breathe: () => clock.breathe(),
      monotonic: () => clock.monotonic(),
      inspector: () => (this.observers.size === 0 ? undefined : this.observe),
    };
    this.groupList = groups.map((group) => new EvaluatedGroup(group, parts));
  }

  async start(): Promise<void> {
    const { store, clock, groupList, toleranceMs } = this;
    // Before anything is published, so that a new subscription has every event of these rules.
    this.deliver();
    const publish = (event: AlertEvent): void => this.publish(event);
    await restoreAlerts({ store, groups: groupList, publish, now: clock.now(), toleranceMs });
    for (const group of groupList) this.running.push(this.pace(group));
    this.unwatch = watchRules(store.registry, this);
  }

  groups(): GroupState[] {
    return this.groupList.map(groupState);
  }

  alerts(): ActiveAlert[] {
    return this.groupList.flatMap(activeAlerts);
  }

  alertStates(): AlertStateCounts {
    return alertStateCounts(this.groupList);
  }

  inspect(observer: (event: InspectionEvent) => void): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }

  async evaluate(at = this.clock.now()): Promise<void> {
    for (const group of this.groupList) await this.evaluateGroup(group, at);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.unwatch();
    await Promise.all(this.running);
    await Promise.all(this.turns.values());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private readonly observe = (event: InspectionEvent): void => {
    for (const observer of this.observers) {
      try {
        observer(event);
      } catch (error) {
        this.observers.delete(observer);
        this.report(error, 'inspect');
      }
    }
  };

  private publish(event: AlertEvent): void {
    this.store.publishAlert(event);
    for (const listener of this.listeners) listener(event);
  }

  private report(error: unknown, where: string): void {
    // The store was closed before the rules were stopped: there is nothing to do any more.
    if (codeOf(error) === 'TIDEMARK_CLOSED') this.stopping.abort();
    else this.options.onError?.(error, where);
  }

  /** Resolves when the group's evaluations have ended. */
  private pace(group: EvaluatedGroup): Promise<void> {
    const { clock } = this;
    const { intervalMs, id } = group.group;
    const evaluations$ = ruleEvaluations({
      intervalMs,
      // The same times as those of a back-fill, so that a rollup by the hour is of whole hours.
      offsetMs: 0,
      now: () => clock.now(),
      evaluate: (at) => this.evaluateGroup(group, at),
      catchUpMax: this.catchUp,
      stop$: this.stop$,
      scheduler: schedulerOf(clock),
    });
    return new Promise((resolve) => {
      evaluations$.subscribe({
        next: ({ missed }) => {
          group.missed += missed;
        },
        error: (error: unknown) => {
          this.report(error, id);
          resolve();
        },
        complete: resolve,
      });
    });
  }

  private async evaluateGroup(group: EvaluatedGroup, at: number): Promise<void> {
    const before = this.turns.get(group) ?? Promise.resolve();
    const { signal } = this.stopping;
    const turn = before.then(async () => {
      if (signal.aborted) return;
      await group.evaluate(at, signal);
      this.resend(group);
    });
    this.turns.set(group, turn);
    await turn;
  }

  private deliver(): void {
    const { store, clock, stopping, options } = this;
    const { onAlert } = options;
    const common = { store, clock, signal: stopping.signal };
    if (onAlert !== undefined) {
      const handle = async (events: readonly DeliveredAlert[]): Promise<void> => {
        for (const event of events) {
          await onAlert(event);
          this.callbackCounts.sent++;
        }
      };
      const name = 'rules.onAlert';
      const onError = (error: unknown): void => {
        this.callbackCounts.failed++;
        this.report(error, name);
      };
      this.running.push(this.noted(deliverAlerts({ ...common, name, handle, onError }), name));
    }
    for (const alertmanager of this.alertmanagers) {
      const { name } = alertmanager;
      const onError = (error: unknown): void => this.report(error, alertmanager.url);
      const handle = (events: readonly DeliveredAlert[]): Promise<void> =>
        alertmanager.send(
          events.map((event) => this.sentEvent(event)),
          stopping.signal,
          onError,
        );
      this.running.push(this.noted(deliverAlerts({ ...common, name, handle, onError }), name));
    }
  }

  private async noted(delivery: Promise<void>, where: string): Promise<void> {
    await delivery.catch((error: unknown) => this.report(error, where));
  }

  /**
   * Alertmanager takes an alert as ended when it is not sent again. This sending is beside the durable one: when it
   * fails, the next one repeats it.
   */
  private resend(group: EvaluatedGroup): void {
    if (this.alertmanagers.length === 0) return;
    const now = this.clock.now();
    const due = [...group.alerts()].filter(({ row }) => isResent(row, now) && now - row.sentAt >= this.resendMs);
    if (due.length === 0) return;
    const validMs = 4 * Math.max(group.group.intervalMs, this.resendMs);
    const alerts = due.map(({ rule, row }) => {
      row.sentAt = now;
      const { firedAt, resolvedAt } = row.context;
      const endsAt = row.state === 'resolved' ? resolvedAt : now + validMs;
      return this.sentAlert({
        labels: row.labels,
        annotations: row.annotations,
        startsAt: firedAt,
        endsAt,
        expr: rule.expr,
      });
    });
    for (const alertmanager of this.alertmanagers) {
      const onError = (error: unknown): void => {
        if (!this.stopping.signal.aborted) this.report(error, alertmanager.url);
      };
      void alertmanager.send(alerts, this.stopping.signal, onError).catch(onError);
    }
  }

  private sentEvent(event: DeliveredAlert): SentAlert {
    const { labels, annotations, type, time } = event;
    const group = this.groupList.find((one) => one.group.id === event.group);
    const expr = group?.rules.find(({ rule }) => rule.id === event.rule)?.rule.expr ?? '';
    const validMs = 4 * Math.max(group?.group.intervalMs ?? 0, this.resendMs);
    const isFired = type === 'alertFired';
    const startsAt = isFired ? time : (event.firedAt ?? event.activeAt);
    const endsAt = isFired ? Math.max(time, this.clock.now()) + validMs : time;
    return this.sentAlert({ labels, annotations, startsAt, endsAt, expr });
  }

  private sentAlert({
    labels,
    annotations,
    startsAt,
    endsAt,
    expr,
  }: {
    readonly labels: Labels;
    readonly annotations: Labels;
    readonly startsAt: number;
    readonly endsAt: number;
    readonly expr: string;
  }): SentAlert {
    const { externalLabels, externalUrl = '' } = this.options;
    return {
      labels: { ...externalLabels, ...labels },
      annotations,
      startsAt: new Date(startsAt).toISOString(),
      endsAt: new Date(endsAt).toISOString(),
      generatorURL: `${externalUrl}/graph?g0.expr=${encodeURIComponent(expr)}&g0.tab=1`,
    };
  }
}

/** Whether Alertmanager should hear of the alert again: it fires, or it ended a short time ago. */
const isResent = ({ state, context }: AlertRow, now: number): boolean =>
  alertStateOf(state) === 'firing' || (state === 'resolved' && now - context.resolvedAt <= RESOLVED_RETENTION_MS);
