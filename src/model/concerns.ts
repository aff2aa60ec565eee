import type { DomainEvent } from './events.ts';
import type { Fingerprint } from './fingerprint.ts';

/** Whether an event concerns a series, alone or among other series. */
export const concerns = (event: DomainEvent, fingerprint: Fingerprint): boolean => {
  if ('fingerprint' in event) return event.fingerprint === fingerprint;
  return 'fingerprints' in event && event.fingerprints.includes(fingerprint);
};
