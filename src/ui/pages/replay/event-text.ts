/** Events as short texts. */
import type { ReplayedEvent, ReplayRow } from '../../../timeline/replay-answers.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';

/** Fields that are shown elsewhere, or that say nothing to a reader. */
const notFields: ReadonlySet<string> = new Set(['type', 'time', 'labels', 'fingerprint', 'fingerprints', 'position']);

/** Fields that are times, milliseconds since the epoch. Of other types, `from` is a position. */
const timeFields: ReadonlySet<string> = new Set(['activeAt', 'firedAt', 'firstTime', 'lastTime']);

/** A field's value as text. */
export const fieldText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The value of a field of an event as text: times as dates. */
export const fieldOf = ({ type }: ReplayedEvent, name: string, value: unknown): string => {
  const isTime = timeFields.has(name) || (type === 'samplesDropped' && (name === 'from' || name === 'through'));
  return isTime && typeof value === 'number' ? formatTime(value) : fieldText(value);
};

/** The fields of an event that are neither its time nor its series. */
export const fieldsOf = (event: ReplayedEvent): (readonly [name: string, value: unknown])[] =>
  Object.entries(event).filter(([name, value]) => !notFields.has(name) && value !== undefined);

/** What an event is about: a series, several, or what else it tells. */
export const subjectOf = ({ event, series, labels: known }: ReplayRow): string => {
  const { type, fingerprint, fingerprints, labels = series === 1 ? known : undefined } = event;
  const name = labels !== undefined ? formatLabels(labels) : (fingerprint ?? '');
  if (event['removed'] === true) return 'no longer in the journal';
  if (type === 'seriesQuarantined') return `${name} ${fieldText(event['reason'])}`;
  if (name !== '') return name;
  if (fingerprints !== undefined) return fingerprints.length === 1 ? fingerprints[0] : `${formatCount(series)} series`;
  return fieldsOf(event)
    .slice(0, 3)
    .map(([field, value]) => `${field} ${fieldText(value)}`)
    .join(', ');
};

/** Which colour an event's mark has. */
export const kindOf = (type: string): string => {
  if (type === 'seriesQuarantined' || type === 'alertFired') return 'bad';
  if (type === 'storeOpened' || type === 'alertResolved') return 'good';
  return '';
};
