/**
 * Delivers the events of alerts from a durable subscription: at least once, in order, over restarts. A batch is
 * acknowledged when the handler has taken it. A handler that fails gets the same batch again, after a pause that doubles
 * from one second to one minute.
 */
import type { Store } from '../api/api.ts';
import { pause } from '../async/pause.ts';
import type { AlertEvent, AlertFired, AlertResolved, JournalEvent } from '../model/events.ts';
import type { Clock } from '../ports/clock.ts';

/** What is delivered: that an alert fired, and that an alert that had fired ended. */
export type DeliveredAlert = AlertFired | (AlertResolved & { readonly was: 'firing' });

export interface DeliverAlertsOptions {
  readonly store: Store;
  /** Name of the durable subscription. */
  readonly name: string;
  readonly clock: Clock;
  readonly handle: (events: readonly DeliveredAlert[]) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly signal: AbortSignal;
}

const PAUSE_MS_MIN = 1000;
const PAUSE_MS_MAX = 60_000;

/** Resolves when the signal has aborted and nothing is being delivered any more. */
export const deliverAlerts = async (options: DeliverAlertsOptions): Promise<void> => {
  const { store, name, signal, onError } = options;
  const subscription = store.subscribe(name, { signal, events: 'lifecycle' });
  for await (const { events, lost, ack } of subscription) {
    if (lost !== undefined) {
      onError(
        new Error(`${name}: the journal from ${lost.from} to ${lost.to} was lost; alerts in it were not delivered`),
      );
    }
    const delivered = events.filter(isDelivered);
    if (delivered.length > 0 && !(await handled(delivered, options))) return;
    await ack();
  }
};

const isDelivered = (event: JournalEvent | AlertEvent): event is JournalEvent & DeliveredAlert =>
  event.type === 'alertFired' || (event.type === 'alertResolved' && event.was === 'firing');

/** Whether the handler has taken the events; false if the signal aborted before. */
const handled = async (
  events: readonly DeliveredAlert[],
  { handle, onError, clock, signal }: DeliverAlertsOptions,
): Promise<boolean> => {
  for (let pauseMs = PAUSE_MS_MIN; !signal.aborted; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      await handle(events);
      return true;
    } catch (error) {
      if (!signal.aborted) onError(error);
      await pause(clock, pauseMs, signal);
    }
  }
  return false;
};
