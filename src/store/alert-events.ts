/** The events of alerts: what `publishAlert` takes, and reading them back from the journal and its history. */
import { readHistoryInSlices } from '../journal/history/read-history.ts';
import type { AlertEvent, Position } from '../model/events.ts';
import { invalidOption } from '../model/invalid-option.ts';
import type { Engine } from './engine.ts';

const types: readonly string[] = ['alertPending', 'alertFired', 'alertResolved'] satisfies AlertEvent['type'][];

/** The beginning of the JSON of such an event. */
const JSON_START = '"type":"alert';

/** Throws `TIDEMARK_INVALID_OPTION` for anything that is not an event of an alert. */
export const checkAlertEvent = (event: AlertEvent): void => {
  const isEvent =
    typeof event === 'object' &&
    event !== null &&
    types.includes(event.type) &&
    Number.isFinite(event.time) &&
    Number.isFinite(event.activeAt) &&
    typeof event.episode === 'string';
  if (!isEvent)
    throw invalidOption('event', event, `an object with type (${types.join(', ')}), time, activeAt, episode`);
};

export async function* readAlerts({
  fileSystem,
  journalDirectory,
  clock,
}: Pick<Engine, 'clock' | 'fileSystem' | 'journalDirectory'>): AsyncGenerator<
  AlertEvent & { readonly position: Position },
  void,
  undefined
> {
  const wanted = { fileSystem, directory: journalDirectory, text: JSON_START };
  for await (const event of readHistoryInSlices(wanted, clock)) if (isAlertEvent(event)) yield event;
}

const isAlertEvent = <Event extends { readonly type: string }>(event: Event): event is Event & AlertEvent =>
  types.includes(event.type);
