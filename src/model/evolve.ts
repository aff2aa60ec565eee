/**
 * The state of a series, as a fold over its events: `events.reduce(evolve, absent)`. The function is pure and total.
 * Every event is handled in every state, because the journal's oldest segments get deleted, and because replay applies
 * events to snapshots that already include them. An event that changes nothing returns the same state object.
 */
import type { DomainEvent, SeriesEvent } from './events.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { Labels } from './labels.ts';

export type SeriesLife =
  /** No event of the series so far. */
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'inMemory';
      readonly labels: Labels;
      /** When the series was created or unarchived. */
      readonly since: number;
      readonly chunksInFile: number;
      /** The first time in the file; absent while nothing was dropped. */
      readonly firstTime?: number;
      /** When the idle head chunk was closed. Later samples may have started another one. */
      readonly headClosedAt?: number;
      /** A change of the file was announced, and no event has reported its end yet. */
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

/** The state of a series after one of its events. */
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

/** Whether an event concerns a series, alone or among other series. */
export const concerns = (event: DomainEvent, fingerprint: Fingerprint): boolean => {
  if ('fingerprint' in event) return event.fingerprint === fingerprint;
  return 'fingerprints' in event && event.fingerprints.includes(fingerprint);
};

const hasFile = (state: SeriesLife): state is Extract<SeriesLife, { kind: 'inMemory' | 'archived' }> =>
  state.kind === 'inMemory' || state.kind === 'archived';
