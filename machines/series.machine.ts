/**
 * The life of one series.
 *
 * ```
 *            maintain, persist              done: something is left, or the disk had trouble
 *  (new) -> inMemory ---------> persisting ------------------------------------> inMemory
 *             |  ^                 |  done: nothing is left --> purged (final)
 *     archive |  | wake            |  damage ----------------> quarantined { isolating -> isolated | unmoved }
 *             v  |
 *           archived { resting <-> trimming }   like persisting: -> purged, quarantined
 *
 *  drop, from everywhere but quarantined: -> purging { deleting | waiting } -> purged
 * ```
 *
 * The machine decides which calls are made to the chunk-file layer and to the indexes; whoever provides the actions
 * and actors makes them. Samples never come here: one event is one visit, or one batch. What arrives while a file call
 * is running is not lost and not done in between: the sub-states `dropAfter`, `isolateAfter` and `wakeAfter` remember
 * it, so that there is one file call per series at a time and no flag outside the chart.
 *
 * Tags, which is how callers ask:
 * - `writable`: takes samples. Without it, a fresh sample starts a new series.
 * - `listed`: queries and listings show it.
 * - `onDisk`: everything is in the series file, nothing in memory.
 * - `busy`: a call is running; the actor stays awake until it ends.
 * - `resident`: the series has a row of its own also while nobody looks at it.
 */
import { assign, fromPromise, or, setup, stateIn } from 'xstate';

/** What the control plane knows of a series; the data plane's counters come with each visit instead. */
export interface SeriesContext {
  /** Where the series' columns are; -1 in diagrams. */
  readonly row: number;
  /** 16 hex digits. */
  readonly fingerprint: string;
  /** Chunks in the series file, as of the last file call. */
  readonly chunksInFile: number;
  /** Why it was, or is to be, quarantined; empty otherwise. */
  readonly reason: string;
}

/** What the row says at the time of a visit; computed right before `maintain` is sent. */
export interface VisitFacts {
  /** Nothing in memory and nothing in the file. */
  readonly empty: boolean;
  /** The head chunk is open. */
  readonly headOpen: boolean;
  /** The head chunk is open, and its last sample is older than the head-chunk timeout. */
  readonly headIdle: boolean;
  /** Closed chunks that wait for persistence, the one that this visit closes not included. */
  readonly chunksWaiting: number;
  /** The oldest chunk is past retention, so that it is worth to look at the file. */
  readonly droppable: boolean;
  /** The last sample is older than the head-chunk timeout. */
  readonly idle: boolean;
  /** Chunk descriptors are in memory that nobody needs there. */
  readonly forgettable: boolean;
}

/** What became of a series file that was written to, trimmed, or both. */
export interface FileResult {
  /** Chunks appended. */
  readonly written: number;
  /** Chunks dropped because they were past retention, counted from the beginning of the series. */
  readonly dropped: number;
  /** Chunks in the file now. */
  readonly chunksInFile: number;
  /** No chunk is left in the file, and none of those that were to be written was worth keeping. */
  readonly allDropped: boolean;
  /** First time of the oldest chunk in the file, milliseconds since the epoch; meaningless when `allDropped`. */
  readonly firstTime: number;
  /** Modification time of the file, milliseconds since the epoch. */
  readonly mtime: number;
}

export type PurgeReason = 'retention' | 'dropped' | 'empty';

export type SeriesMachineEvent =
  /** A visit of the maintenance sweep. */
  | { readonly type: 'maintain'; readonly facts: VisitFacts }
  /** A sample has come for an archived series. Queries read it where it is, docs/decisions/0004. */
  | { readonly type: 'wake' }
  /** Someone deletes the series for good. */
  | { readonly type: 'drop' }
  /** Somebody who read the series file found it damaged. */
  | { readonly type: 'damage'; readonly reason: string };

/** Input of every invoked call. */
export interface SeriesCall {
  readonly row: number;
  readonly fingerprint: string;
  readonly reason: string;
}

/** Whether a series in memory has everything on disk and can leave; the one rule that archiving has. */
export const isOnDisk = (facts: VisitFacts): boolean => !facts.empty && !facts.headOpen && facts.chunksWaiting === 0;

/** Whether a visit would change anything; the sweep need not wake an actor otherwise. Says what the guards say. */
export const needsVisit = (facts: VisitFacts): boolean =>
  facts.empty ||
  facts.headIdle ||
  facts.chunksWaiting > 0 ||
  facts.droppable ||
  facts.forgettable ||
  (facts.idle && isOnDisk(facts));

/** Damage is in the file and stays; everything else (full, EIO, too many open files, a defect) may pass. */
const isDamage = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('TIDEMARK_CORRUPT_');

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Stands for a call until `provide` gives one: in a visualizer the state waits for the event to be sent by hand. */
const call = <Output>() => fromPromise<Output, SeriesCall>(() => new Promise(() => {}));

const series = setup({
  types: {
    context: {} as SeriesContext,
    input: {} as Partial<SeriesContext> | undefined,
    events: {} as SeriesMachineEvent,
    tags: {} as 'writable' | 'listed' | 'onDisk' | 'busy' | 'resident',
  },
  actors: {
    /** Appends what waits and drops what is past retention, in one go. */
    persistChunks: call<FileResult>(),
    /** Drops what is past retention from an archived series' file. */
    trimFile: call<FileResult>(),
    /** Moves the file out of the way, with a hint that says why, and takes the series out of the indexes. */
    isolateFile: call<void>(),
    /** Deletes the file. */
    deleteFile: call<void>(),
  },
  actions: {
    /** The next sample starts a new chunk; the closed one waits for persistence. */
    closeHead: () => {},
    forgetDescriptors: () => {},
    /** The row takes over what the file call did. */
    notePersisted: (_, _result: FileResult) => {},
    /** The archive takes over what the file call did. */
    noteTrimmed: (_, _result: FileResult) => {},
    /** Memory is given back, the archive index takes over. */
    archive: () => {},
    /** The reverse: the row becomes live, descriptors are loaded when needed. */
    wake: () => {},
    /** The end: out of memory and indexes. The file is gone already. */
    purge: (_, _params: { reason: PurgeReason }) => {},
    /** Tells the store, which turns read-only if need be. The series only tries again at its next visit. */
    reportDiskTrouble: (_, _params: { error: unknown }) => {},
    noteReason: assign({ reason: (_, params: { reason: string }) => params.reason }),
    noteFile: assign({ chunksInFile: (_, params: FileResult) => params.chunksInFile }),
  },
  // What decides that a series leaves memory is provided again by the registry, which asks the row as well: facts and
  // results are of a moment ago, and samples may have come since.
  guards: {
    isEmpty: (_, facts: VisitFacts) => facts.empty,
    isHeadIdle: (_, facts: VisitFacts) => facts.headIdle,
    hasFileWork: (_, facts: VisitFacts) => facts.chunksWaiting > 0 || facts.droppable,
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

// What the events carry, as params of the named guards and actions.
const facts = ({ event }: { event: { facts: VisitFacts } }): VisitFacts => event.facts;
const result = ({ event }: { event: { output: FileResult } }): FileResult => event.output;
const failure = ({ event }: { event: { error: unknown } }): { error: unknown } => ({ error: event.error });

const noteFile = { type: 'noteFile', params: result } as const;
const notePersisted = [noteFile, { type: 'notePersisted', params: result }] as const;
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
  tags: ['writable', 'listed', 'resident'],
  on: {
    maintain: [
      {
        guard: { type: 'isEmpty', params: facts },
        target: 'purged',
        actions: { type: 'purge', params: { reason: 'empty' } },
      },
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
  description: 'Chunks are being written to the series file, or dropped from it. Samples are still taken.',
  tags: ['busy', 'resident'],
  initial: 'nothingAfter',
  invoke: {
    id: 'persistChunks',
    src: 'persistChunks',
    input: ({ context }) => context,
    onDone: [
      { guard: 'isDropRemembered', target: 'purging', actions: notePersisted },
      { guard: 'isIsolateRemembered', target: 'quarantined', actions: notePersisted },
      {
        guard: { type: 'isNothingLeft', params: result },
        target: 'purged',
        actions: [...notePersisted, { type: 'purge', params: { reason: 'retention' } }],
      },
      { target: 'inMemory', actions: notePersisted },
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
      tags: ['writable', 'listed'],
      on: {
        drop: { target: 'dropAfter' },
        damage: { target: 'isolateAfter', actions: noteDamage },
      },
    },
    isolateAfter: {
      description: 'A reader found damage: it is quarantined when the call ends.',
      tags: ['writable', 'listed'],
      on: { drop: { target: 'dropAfter' } },
    },
    dropAfter: { description: 'Someone dropped it: it is deleted when the call ends.' },
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
      { guard: 'isWakeRemembered', target: '#series.inMemory', actions: notePersisted },
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
      description: 'It rests again when the call ends.',
      tags: ['onDisk', 'listed'],
      on: {
        wake: { target: 'wakeAfter', actions: 'wake' },
        drop: { target: 'dropAfter' },
        damage: { target: 'isolateAfter', actions: noteDamage },
      },
    },
    wakeAfter: {
      description: 'The row is live and takes samples already; only the file call has to end.',
      tags: ['writable', 'listed', 'resident'],
      on: {
        drop: { target: 'dropAfter' },
        damage: { target: 'isolateAfter', actions: noteDamage },
      },
    },
    isolateAfter: {
      description: 'A reader found damage: it is quarantined when the call ends.',
      tags: ['listed'],
      on: { drop: { target: 'dropAfter' } },
    },
    dropAfter: { description: 'Someone dropped it: it is deleted when the call ends.' },
  },
});

const archived = series.createStateConfig({
  description: 'On disk only; its snapshot is in the archive index.',
  initial: 'resting',
  states: {
    resting: {
      description: 'Has no row; visits look at its file only when something is past retention.',
      tags: ['onDisk', 'listed'],
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
  description: 'Damaged: its file goes to orphaned/ with a hint that says why, and the series out of the indexes.',
  initial: 'isolating',
  states: {
    isolating: {
      description: 'The file is being moved.',
      tags: ['busy', 'resident'],
      invoke: {
        id: 'isolateFile',
        src: 'isolateFile',
        input: ({ context }) => context,
        onDone: { target: 'isolated' },
        onError: { target: 'unmoved', actions: reportDiskTrouble },
      },
    },
    isolated: { description: 'The end; the file can be listed and read where readable.' },
    unmoved: {
      description: 'The file could not be moved; the next visit tries again.',
      tags: ['resident'],
      on: { maintain: { target: 'isolating' } },
    },
  },
});

const purging = series.createStateConfig({
  description: 'Deleted by someone; its file goes first.',
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
      tags: ['resident'],
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
    purged: { type: 'final', description: 'Nothing is left of it.' },
  },
});
