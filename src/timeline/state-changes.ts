/**
 * What events change of the states of series and of the store: the fold of the timeline.
 *
 * The oldest events of a journal are removed, so the timeline may begin in the middle of a series' life. Then the
 * series' first event says what it was before, if it can: only an archived series is unarchived. The state is `unknown`
 * until an event says it.
 */

/** What the fold reads of an event; docs/events.md lists all fields. */
export interface TimelineEvent {
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly fingerprint?: string;
  readonly fingerprints?: readonly string[];
  readonly labels?: unknown;
  readonly to?: unknown;
  /** Series in memory, in `storeOpened`. */
  readonly series?: unknown;
  readonly archivedSeries?: unknown;
}

/** The states of a series, in the order of their codes. `absent`: it does not exist yet. */
export const seriesStates = [
  'unknown',
  'absent',
  'inMemory',
  'persisting',
  'archived',
  'quarantined',
  'purged',
] as const;

export type SeriesStateName = (typeof seriesStates)[number];

export const stateCode = (state: SeriesStateName): number => seriesStates.indexOf(state);

/** The state of a series right before an event, if nothing else is known of the series. */
export const stateSaidBefore = ({ type }: TimelineEvent): SeriesStateName => {
  switch (type) {
    case 'seriesCreated':
      return 'absent';
    case 'seriesUnarchived':
      return 'archived';
    case 'headChunksClosed':
    case 'chunksPersisted':
    case 'seriesArchived':
      return 'inMemory';
    default:
      return 'unknown';
  }
};

/** The state of a series after an event. */
export const stateAfter = ({ type }: TimelineEvent, before: SeriesStateName): SeriesStateName => {
  switch (type) {
    case 'seriesCreated':
    case 'seriesUnarchived':
      return 'inMemory';
    case 'seriesFilesChanging':
      return before === 'inMemory' ? 'persisting' : before;
    case 'chunksPersisted':
    case 'chunksDropped':
    case 'lateSamplesMerged':
      return before === 'persisting' ? 'inMemory' : before;
    case 'seriesArchived':
      return 'archived';
    case 'seriesQuarantined':
      return 'quarantined';
    case 'seriesPurged':
      return 'purged';
    // A crash has ended the file calls.
    case 'storeOpened':
      return before === 'persisting' ? 'inMemory' : before;
    default:
      return before;
  }
};

const phases = [undefined, 'running', 'closing', 'closed'] as const;
const pressures = [undefined, 'normal', 'rushed', 'throttled'] as const;
const healths = [undefined, 'healthy', 'readOnly'] as const;

/** What is known about the store. */
export interface StoreState {
  readonly phase?: string;
  readonly pressure?: string;
  readonly health?: string;
}

/** A state of the store as a byte: two bits each for phase, pressure and health. 0: nothing is known. */
export const storeCodeAfter = ({ type, to }: TimelineEvent, before: number): number => {
  switch (type) {
    case 'storeOpened':
      return codeOf(1, 1, 1);
    case 'storeClosing':
      return codeOf(2, (before >> 2) & 3, before >> 4);
    case 'storeClosed':
      return codeOf(3, 0, 0);
    case 'pressureChanged':
      return codeOf(before & 3, Math.max(0, pressures.indexOf(to as 'normal')), before >> 4);
    case 'healthChanged':
      return codeOf(before & 3, (before >> 2) & 3, Math.max(0, healths.indexOf(to as 'healthy')));
    default:
      return before;
  }
};

const codeOf = (phase: number, pressure: number, health: number): number => phase | (pressure << 2) | (health << 4);

export const storeStateOf = (code: number): StoreState => {
  const [phase, pressure, health] = [phases[code & 3], pressures[(code >> 2) & 3], healths[code >> 4]];
  return {
    ...(phase !== undefined && { phase }),
    ...(pressure !== undefined && { pressure }),
    ...(health !== undefined && { health }),
  };
};
