/**
 * What a series is, as a fold over what happened to it: `events.reduce(evolve, absent)`. Pure and total: every event has
 * an answer in every state, because journals are cut off at the front and replayed over snapshots that already hold what
 * they tell. The answer to an event that can't be news is the state itself.
 */
import type { DomainEvent, SeriesEvent } from './events.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { Labels } from './labels.ts';

export type SeriesLife =
  /** Never heard of. */
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'inMemory';
      readonly labels: Labels;
      /** When it was created or woken. */
      readonly since: number;
      readonly chunksInFile: number;
      /** The first time in the file; absent while nothing was dropped. */
      readonly firstTime?: number;
      /** When the head chunk was closed for idleness. Samples since may have begun another. */
      readonly headClosedAt?: number;
      /** A change of the file was announced and has not been told to be over. */
      readonly fileChanging: boolean;
    }
  | {
      readonly kind: 'archived';
      readonly labels: Labels;
      readonly since: number;
      readonly chunksInFile: number;
      readonly firstTime: number;
      readonly lastTime: number;
      readonly fileChanging: boolean;
    }
  | {
      readonly kind: 'quarantined';
      readonly labels?: Labels;
      readonly since: number;
      readonly reason: string;
      readonly file?: string;
    }
  | {
      readonly kind: 'purged';
      readonly labels: Labels;
      readonly since: number;
      readonly reason: 'retention' | 'dropped' | 'empty';
    };

export const absent: SeriesLife = { kind: 'absent' };

/** What the series is after an event of its own. */
export const evolve = (state: SeriesLife, event: SeriesEvent): SeriesLife => {
  switch (event.type) {
    case 'seriesCreated':
      if (state.kind === 'inMemory' || state.kind === 'archived') return state;
      return { kind: 'inMemory', labels: event.labels, since: event.time, chunksInFile: 0, fileChanging: false };

    case 'headChunksClosed':
      return state.kind === 'inMemory' ? { ...state, headClosedAt: event.time } : state;

    case 'seriesFilesChanging':
      return hasFile(state) ? { ...state, fileChanging: true } : state;

    case 'chunksPersisted':
      return hasFile(state) ? { ...state, chunksInFile: event.chunksInFile, fileChanging: false } : state;

    case 'chunksDropped': {
      if (!hasFile(state)) return state;
      const changed = { ...state, chunksInFile: event.chunksInFile, fileChanging: false };
      return event.firstTime === undefined ? changed : { ...changed, firstTime: event.firstTime };
    }

    case 'seriesArchived':
      if (state.kind === 'quarantined' || state.kind === 'purged') return state;
      return {
        kind: 'archived',
        labels: event.labels,
        since: event.time,
        chunksInFile: hasFile(state) ? state.chunksInFile : 0,
        firstTime: event.firstTime,
        lastTime: event.lastTime,
        fileChanging: false,
      };

    case 'seriesUnarchived':
      if (state.kind === 'quarantined' || state.kind === 'purged' || state.kind === 'inMemory') return state;
      return {
        kind: 'inMemory',
        labels: event.labels,
        since: event.time,
        chunksInFile: hasFile(state) ? state.chunksInFile : 0,
        fileChanging: false,
        ...(state.kind === 'archived' && { firstTime: state.firstTime }),
      };

    case 'seriesQuarantined': {
      if (state.kind === 'purged' || state.kind === 'quarantined') return state;
      const labels = event.labels ?? (state.kind === 'absent' ? undefined : state.labels);
      return {
        kind: 'quarantined',
        since: event.time,
        reason: event.reason,
        ...(labels !== undefined && { labels }),
        ...(event.file !== undefined && { file: event.file }),
      };
    }

    case 'seriesPurged':
      if (state.kind === 'purged') return state;
      return { kind: 'purged', labels: event.labels, since: event.time, reason: event.reason };

    default:
      event satisfies never;
      return state;
  }
};

/** Whether an event happened to a series, alone or among others. */
export const concerns = (event: DomainEvent, fingerprint: Fingerprint): boolean => {
  if ('fingerprint' in event) return event.fingerprint === fingerprint;
  return 'fingerprints' in event && event.fingerprints.includes(fingerprint);
};

const hasFile = (state: SeriesLife): state is Extract<SeriesLife, { kind: 'inMemory' | 'archived' }> =>
  state.kind === 'inMemory' || state.kind === 'archived';
