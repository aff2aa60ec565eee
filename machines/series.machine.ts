/**
 * The life of one series.
 *
 * ```
 *  (new) -> inMemory ---------> persisting ------------------------------------> inMemory
 *             |  ^                 |  done: nothing is left --> purged (final)
 *     archive |  | wake            |  damage ----------------> quarantined { isolating -> isolated | unmoved }
 *             v  |
 *           archived { resting <-> trimming }   like persisting: -> purged, quarantined
 *
 *  drop, from everywhere but quarantined: -> purging { deleting | waiting } -> purged
 * ```
 *
 * The machine decides which calls are made to the chunk-file layer and to the indexes; the registry
 * (src/series/actors.ts) provides the actions and actors that make them. Samples do not pass through the machine: one
 * event stands for one visit, or for one batch.
 *
 * Only one file call runs per series at a time. An event that arrives during a file call is remembered as a sub-state
 * (`dropAfter`, `isolateAfter`, `wakeAfter`) and handled when the call has ended. No flag outside the chart is needed.
 * For example:
 *
 *  1. `maintain` starts `persistChunks`: the series is in `persisting.nothingAfter`.
 *  2. A user drops the series during the call: `persisting.dropAfter`.
 *  3. The call ends: the series goes to `purging`, which deletes the file.
 *
 * Callers ask by tag:
 * - `writable`: the series takes samples. When it does not, a fresh sample starts a new series.
 * - `onDisk`: all samples are in the series file, none only in memory. A sample wakes the series first.
 * - `busy`: a call is running; the actor stays awake until the call ends.
 * - `visited`: a visit of the maintenance sweep may change something.
 * - `quarantined`: the file is damaged, and is moved to orphaned/ or was moved there.
 * - `deleted`: a user deleted the series; only its file may still be there. Checkpoints leave it out.
 * - `leaving`: the file still has to be moved to orphaned/ or deleted. Nothing is written to it, and a clean close tries
 *   once more.
 * - `resident`: the series keeps its row when its actor is let go. Other series have a row only while their actor is
 *   awake.
 */
import { assign, fromPromise, or, setup, stateIn } from 'xstate';

/** The control plane's knowledge of a series. The data plane's counters are not part of it; each visit brings them. */
export interface SeriesContext {
  /** Index of the series' row in the series table; -1 in diagrams. */
  readonly row: number;
  /** 16 hex digits. */
  readonly fingerprint: string;
  /** Chunks in the series file, as of the last file call. */
  readonly chunksInFile: number;
  /** Why the series was, or will be, quarantined; empty otherwise. */
  readonly reason: string;
}

/** The row's contents at the time of a visit, computed right before `maintain` is sent. */
export interface VisitFacts {
  /** The series has no chunk in memory and none in the file. */
  readonly empty: boolean;
  /** The head chunk is open. */
  readonly headOpen: boolean;
  /** The head chunk is open, and its last sample is older than the head-chunk timeout. */
  readonly headIdle: boolean;
  /** Closed chunks that wait for persistence, without the head chunk that this visit may close. */
  readonly chunksWaiting: number;
  /** The oldest chunk is past retention, so the file is worth looking at. */
  readonly droppable: boolean;
  /** The last sample is older than the head-chunk timeout. */
  readonly idle: boolean;
  /** Chunk descriptors are in memory that are no longer needed there. */
  readonly forgettable: boolean;
  /** Late samples that belong to the chunks in memory have waited long enough. */
  readonly lateInMemory: boolean;
  /** Late samples that belong to the series file have waited long enough. */
  readonly lateInFile: boolean;
}

/** The result of writing to a series file, trimming it, or both. */
export interface FileResult {
  /** Chunks appended. */
  readonly written: number;
  /** Chunks dropped because they were past retention, counted from the beginning of the series. */
  readonly dropped: number;
  /** Chunks in the file now. */
  readonly chunksInFile: number;
  /** No chunk is left in the file, and all chunks that waited for persistence were past retention too. */
  readonly allDropped: boolean;
  /** Why no chunk is left. Default: retention. */
  readonly reason?: PurgeReason;
  /** First time of the oldest chunk in the file, milliseconds since the epoch; meaningless when `allDropped`. */
  readonly firstTime: number;
  /** Modification time of the file, milliseconds since the epoch. */
  readonly mtime: number;
}

/** What callers ask about a series' state; the header of this file explains each. */
export type SeriesTag = 'writable' | 'onDisk' | 'busy' | 'resident' | 'visited' | 'quarantined' | 'deleted' | 'leaving';

export type PurgeReason = 'retention' | 'dropped' | 'empty';

export type SeriesMachineEvent =
  /** A visit of the maintenance sweep. */
  | { readonly type: 'maintain'; readonly facts: VisitFacts }
  /** A sample for an archived series arrived. Queries don't wake a series: they read its file, docs/decisions/0004. */
  | { readonly type: 'wake' }
  /** A user deletes the series for good. */
  | { readonly type: 'drop' }
  /** A read of the series file found it damaged. */
  | { readonly type: 'damage'; readonly reason: string };

/** Input of every invoked call. */
export interface SeriesCall {
  readonly row: number;
  readonly fingerprint: string;
  readonly reason: string;
}

/** Whether a series in memory has all its samples on disk and can leave memory. Archiving has no other rule. */
export const isOnDisk = (facts: VisitFacts): boolean => !facts.empty && !facts.headOpen && facts.chunksWaiting === 0;

/**
 * Whether a visit would change anything. If not, the sweep need not wake the actor. Must agree with the guards below.
 */
export const needsVisit = (facts: VisitFacts): boolean =>
  facts.empty ||
  facts.headIdle ||
  facts.chunksWaiting > 0 ||
  facts.droppable ||
  facts.forgettable ||
  facts.lateInMemory ||
  facts.lateInFile ||
  (facts.idle && isOnDisk(facts));

/**
 * Damage is in the file and is permanent. Every other error (disk full, EIO, too many open files, a defect) may be
 * temporary.
 */
const isDamage = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('TIDEMARK_CORRUPT_');

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A placeholder until `provide` supplies the call. In a visualizer the state waits for a done event sent by hand. */
const call = <Output>() => fromPromise<Output, SeriesCall>(() => new Promise(() => {}));

const series = setup({
  types: {
    context: {} as SeriesContext,
    input: {} as Partial<SeriesContext> | undefined,
    events: {} as SeriesMachineEvent,
    tags: {} as SeriesTag,
  },
  actors: {
    /**
     * Merges late samples into the file if they have waited long enough. Otherwise appends the waiting chunks to the
     * file and drops chunks past retention, in one call.
     */
    persistChunks: call<FileResult>(),
    /** Drops chunks past retention from an archived series' file. */
    trimFile: call<FileResult>(),
    /** Moves the file to orphaned/ with a hint that gives the reason, and removes the series from the indexes. */
    isolateFile: call<void>(),
    /** Deletes the file. */
    deleteFile: call<void>(),
  },
  actions: {
    /** The next sample starts a new chunk; the closed one waits for persistence. */
    closeHead: () => {},
    forgetDescriptors: () => {},
    /** Merges late samples into the chunks in memory. */
    mergeInMemory: () => {},
    /** Updates the archive with the result of the file call. */
    noteTrimmed: (_, _result: FileResult) => {},
    /** Releases the series' memory and moves the series to the archive index. */
    archive: () => {},
    /** The reverse of `archive`: the row becomes live. Descriptors are loaded when they are needed. */
    wake: () => {},
    /** Removes the series from memory and from the indexes. Its file is already gone. */
    purge: (_, _params: { reason: PurgeReason }) => {},
    /**
     * Reports the error to the store, which turns read-only if the disk is the cause. The series tries again at its
     * next visit.
     */
    reportDiskTrouble: (_, _params: { error: unknown }) => {},
    noteReason: assign({ reason: (_, params: { reason: string }) => params.reason }),
    noteFile: assign({ chunksInFile: (_, params: FileResult) => params.chunksInFile }),
  },
  // The registry replaces the guards that let a series leave memory by ones that also look at the row: facts and
  // results are slightly old, and samples may have been appended since.
  guards: {
    isEmpty: (_, facts: VisitFacts) => facts.empty,
    isHeadIdle: (_, facts: VisitFacts) => facts.headIdle,
    hasFileWork: (_, facts: VisitFacts) => facts.chunksWaiting > 0 || facts.droppable || facts.lateInFile,
    isMergeableInMemory: (_, facts: VisitFacts) => facts.lateInMemory && !facts.lateInFile,
    isArchivable: (_, facts: VisitFacts) => facts.idle && isOnDisk(facts),
    isForgettable: (_, facts: VisitFacts) => facts.forgettable,
    isDroppable: (_, facts: VisitFacts) => facts.droppable,
    isNothingLeft: (_, result: FileResult) => result.allDropped,
    isDamage: (_, params: { error: unknown }) => isDamage(params.error),
    isDropRemembered: or([stateIn('#series.persisting.dropAfter'), stateIn('#series.archived.trimming.dropAfter')]),
    isIsolateRemembered: or([
      stateIn('#series.persisting.isolateAfter'),
      stateIn('#series.archived.trimming.isolateAfter'),
    ]),
    isWakeRemembered: stateIn('#series.archived.trimming.wakeAfter'),
  },
});

// The payloads of the events, as params of the named guards and actions.
const facts = ({ event }: { event: { facts: VisitFacts } }): VisitFacts => event.facts;
const result = ({ event }: { event: { output: FileResult } }): FileResult => event.output;
const failure = ({ event }: { event: { error: unknown } }): { error: unknown } => ({ error: event.error });

const emptied = ({ event }: { event: { output: FileResult } }): { reason: PurgeReason } => ({
  reason: event.output.reason ?? 'retention',
});

const noteFile = { type: 'noteFile', params: result } as const;
const noteTrimmed = [noteFile, { type: 'noteTrimmed', params: result }] as const;
const reportDiskTrouble = { type: 'reportDiskTrouble', params: failure } as const;
const noteDamage = {
  type: 'noteReason',
  params: ({ event }: { event: { reason: string } }) => ({ reason: event.reason }),
} as const;
const noteFailure = {
  type: 'noteReason',
  params: ({ event }: { event: { error: unknown } }) => ({ reason: reasonOf(event.error) }),
} as const;

const inMemory = series.createStateConfig({
  description: 'Takes samples.',
  tags: ['writable', 'resident', 'visited'],
  on: {
    maintain: [
      {
        guard: { type: 'isEmpty', params: facts },
        target: 'purged',
        actions: { type: 'purge', params: { reason: 'empty' } },
      },
      { guard: { type: 'isMergeableInMemory', params: facts }, actions: 'mergeInMemory' },
      { guard: { type: 'isHeadIdle', params: facts }, target: 'persisting', actions: 'closeHead' },
      { guard: { type: 'hasFileWork', params: facts }, target: 'persisting' },
      { guard: { type: 'isArchivable', params: facts }, target: 'archived', actions: 'archive' },
      { guard: { type: 'isForgettable', params: facts }, actions: 'forgetDescriptors' },
    ],
    drop: { target: 'purging' },
    damage: { target: 'quarantined', actions: noteDamage },
  },
});

const persisting = series.createStateConfig({
  description:
    'Chunks are being written to the series file, or dropped from it, or late samples are being merged into it. ' +
    'Samples are still taken.',
  tags: ['busy', 'resident'],
  initial: 'nothingAfter',
  invoke: {
    id: 'persistChunks',
    src: 'persistChunks',
    input: ({ context }) => context,
    onDone: [
      { guard: 'isDropRemembered', target: 'purging', actions: noteFile },
      { guard: 'isIsolateRemembered', target: 'quarantined', actions: noteFile },
      {
        guard: { type: 'isNothingLeft', params: result },
        target: 'purged',
        actions: [noteFile, { type: 'purge', params: emptied }],
      },
      { target: 'inMemory', actions: noteFile },
    ],
    onError: [
      { guard: 'isDropRemembered', target: 'purging' },
      { guard: 'isIsolateRemembered', target: 'quarantined' },
      { guard: { type: 'isDamage', params: failure }, target: 'quarantined', actions: noteFailure },
      { target: 'inMemory', actions: reportDiskTrouble },
    ],
  },
  states: {
    nothingAfter: {
      description: 'Nothing else is to be done when the call ends.',
      tags: ['writable'],
      on: {
        drop: { target: 'dropAfter' },
        damage: { target: 'isolateAfter', actions: noteDamage },
      },
    },
    isolateAfter: {
      description: 'A read found damage: the series is quarantined when the call ends.',
      tags: ['writable'],
      on: { drop: { target: 'dropAfter' } },
    },
    dropAfter: { description: 'A user dropped the series: it is deleted when the call ends.' },
  },
});

const trimming = series.createStateConfig({
  description: 'Chunks past retention are being dropped from the file.',
  tags: ['busy'],
  initial: 'nothingAfter',
  invoke: {
    id: 'trimFile',
    src: 'trimFile',
    input: ({ context }) => context,
    onDone: [
      { guard: 'isDropRemembered', target: '#series.purging', actions: noteFile },
      { guard: 'isIsolateRemembered', target: '#series.quarantined', actions: noteFile },
      { guard: 'isWakeRemembered', target: '#series.inMemory', actions: noteFile },
      {
        guard: { type: 'isNothingLeft', params: result },
        target: '#series.purged',
        actions: [...noteTrimmed, { type: 'purge', params: { reason: 'retention' } }],
      },
      { target: 'resting', actions: noteTrimmed },
    ],
    onError: [
      { guard: 'isDropRemembered', target: '#series.purging' },
      { guard: 'isIsolateRemembered', target: '#series.quarantined' },
      { guard: { type: 'isDamage', params: failure }, target: '#series.quarantined', actions: noteFailure },
      { guard: 'isWakeRemembered', target: '#series.inMemory', actions: reportDiskTrouble },
      { target: 'resting', actions: reportDiskTrouble },
    ],
  },
  states: {
    nothingAfter: {
      description: 'The series rests again when the call ends.',
      tags: ['onDisk'],
      on: {
        wake: { target: 'wakeAfter', actions: 'wake' },
        drop: { target: 'dropAfter' },
        damage: { target: 'isolateAfter', actions: noteDamage },
      },
    },
    wakeAfter: {
      description: 'The row is live and takes samples already; only the file call has to end.',
      tags: ['writable', 'resident'],
      on: {
        drop: { target: 'dropAfter' },
        damage: { target: 'isolateAfter', actions: noteDamage },
      },
    },
    isolateAfter: {
      description: 'A read found damage: the series is quarantined when the call ends.',
      on: { drop: { target: 'dropAfter' } },
    },
    dropAfter: { description: 'A user dropped the series: it is deleted when the call ends.' },
  },
});

const archived = series.createStateConfig({
  description: 'On disk only; its snapshot is in the archive index.',
  initial: 'resting',
  states: {
    resting: {
      description: 'Has no row; visits look at its file only when something is past retention.',
      tags: ['onDisk', 'visited'],
      on: {
        maintain: { guard: { type: 'isDroppable', params: facts }, target: 'trimming' },
        wake: { target: '#series.inMemory', actions: 'wake' },
        drop: { target: '#series.purging' },
        damage: { target: '#series.quarantined', actions: noteDamage },
      },
    },
    trimming,
  },
});

const quarantined = series.createStateConfig({
  description: 'Damaged: the file moves to orphaned/ with a hint that says why, and the series leaves the indexes.',
  tags: ['quarantined'],
  initial: 'isolating',
  states: {
    isolating: {
      description: 'The file is being moved.',
      tags: ['busy', 'resident', 'leaving'],
      invoke: {
        id: 'isolateFile',
        src: 'isolateFile',
        input: ({ context }) => context,
        onDone: { target: 'isolated' },
        onError: { target: 'unmoved', actions: reportDiskTrouble },
      },
    },
    isolated: { description: 'The file has been moved; it can be listed, and its readable parts can be read.' },
    unmoved: {
      description: 'The file could not be moved; the next visit tries again.',
      tags: ['resident', 'visited', 'leaving'],
      on: { maintain: { target: 'isolating' } },
    },
  },
});

const purging = series.createStateConfig({
  description: 'A user deleted the series; it is purged when its file is gone.',
  tags: ['deleted', 'leaving'],
  initial: 'deleting',
  states: {
    deleting: {
      description: 'The file is being deleted.',
      tags: ['busy', 'resident'],
      invoke: {
        id: 'deleteFile',
        src: 'deleteFile',
        input: ({ context }) => context,
        onDone: { target: '#series.purged', actions: { type: 'purge', params: { reason: 'dropped' } } },
        onError: { target: 'waiting', actions: reportDiskTrouble },
      },
    },
    waiting: {
      description: 'The file could not be deleted; the next visit tries again.',
      tags: ['resident', 'visited'],
      on: { maintain: { target: 'deleting' }, drop: { target: 'deleting' } },
    },
  },
});

export const seriesMachine = series.createMachine({
  id: 'series',
  context: ({ input }) => ({ row: -1, fingerprint: '0000000000000000', chunksInFile: 0, reason: '', ...input }),
  initial: 'inMemory',
  states: {
    inMemory,
    persisting,
    archived,
    quarantined,
    purging,
    purged: { type: 'final', description: 'Nothing is left of the series.' },
  },
});
