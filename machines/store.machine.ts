/**
 * The life of the store.
 *
 * ```
 *  opening -> recovering -> running ---------------------------> closing { finishing } -> closed
 *     |            |        | pressure:   normal <-> rushed <-> throttled          |
 *     |            |        | checkpoint: idle <-> writing, backup                 |
 *     |            |        | indexing:   idle <-> writing <-> behind              |
 *     |            |        | health:     healthy <-> readOnly { waiting, probing }|
 *     |            |        | clock:      trusted <-> doubted                      |
 *     |  error     | error  | fail                                                 | error
 *     +------------+--------+--> failing -> failed  <------------------------------+
 *
 *  recovering: loading -> replaying | scanning -> settling
 *  close while opening or recovering: -> closing { releasing } -> closed
 * ```
 *
 * A recovery loads what is there and plans. Then it replays the journal, or scans all series files, or does neither if
 * the directory is new or was closed cleanly. At the end it settles what it has recovered.
 *
 * While the store runs, its regions are independent of each other: whether the disk works, for example, says nothing
 * about how many chunks wait for it. Pressure and indexing have hysteresis, so a level that moves around a limit causes
 * one change instead of many. Trouble with the disk ends without help: the store probes the disk, less often each time,
 * and is healthy again when a probe succeeds.
 *
 * The region `checkpoint` decides when a checkpoint is written. One is written at a time. Triggers and requests that come
 * during a write, or while a backup copies, together cause one more write afterwards. A backup begins with a checkpoint
 * of its own, which keeps the journal; while the backup copies, no checkpoint begins. After a write, a waiting backup
 * goes first; after a backup, a due checkpoint goes first. So neither can keep the other out.
 *
 * Callers ask by tag; `admissionOf` combines the first three, for samples of series that exist:
 * - `running`: the store is open, within the limits that the other tags set.
 * - `throttled`: the store takes no samples until pressure falls.
 * - `readOnly`: the store takes no samples until the disk works again, or never if it was opened read-only.
 * - `diskRefuses`: a write failed, and no probe has succeeded since.
 * - `rushed`: maintenance runs as fast as it can. The throttled state has this tag too.
 * - `indexingBehind`: the indexing queue was full and is not half empty yet. New series are refused.
 * - `clockDoubted`: wall time jumped. Until it settles, retention and archiving go by the earlier of two times: wall
 *   time, and the time before the jump plus the monotonic clock's progress.
 * - `busy`: a checkpoint is being written.
 */
import { type AnyMachineSnapshot, assign, fromPromise, setup } from 'xstate';

export interface StoreContext {
  /** The store was opened for reading only, and stays read-only until it is closed. */
  readonly openedReadOnly: boolean;
  /** The last measured persistence-urgency score. */
  readonly score: number;
  /** Why the store is read-only, or why it failed; empty otherwise. */
  readonly reason: string;
  /** The last trouble with the disk; `undefined` while the disk works. */
  readonly trouble: DiskTrouble | undefined;
  /** Number of probes of the disk that failed in a row. */
  readonly probes: number;
  /** The time to which the clock jumped; `undefined` while wall time is trusted. */
  readonly doubt: ClockDoubt | undefined;
  /** Why the checkpoint that is being written, or was written last, was due. A new array for each checkpoint. */
  readonly checkpointReasons: readonly CheckpointReason[];
  /** Why a checkpoint is due next; empty if none is. */
  readonly dueReasons: readonly CheckpointReason[];
  /** Number of backups that wait for their turn. */
  readonly backupsWaiting: number;
}

/** Why a checkpoint is due. A `request` has a caller who waits for the first write that begins after it. */
export type CheckpointReason = 'interval' | 'dirtySeries' | 'journalBytes' | 'request';

/** Why the disk refuses writes, as refused callers get it. */
export interface DiskTrouble {
  readonly code: 'TIDEMARK_DISK_FULL' | 'TIDEMARK_IO';
  readonly error: unknown;
}

/** A wall time that is not trusted yet. */
export interface ClockDoubt {
  /** Difference of wall time and monotonic time after the jump, in milliseconds. */
  readonly offset: number;
  /** Monotonic time of the jump. The new time is trusted when it has held for long enough. */
  readonly since: number;
}

/** What callers ask about the store's state; the header of this file explains each. */
export type StoreTag =
  | 'running'
  | 'rushed'
  | 'throttled'
  | 'readOnly'
  | 'diskRefuses'
  | 'indexingBehind'
  | 'clockDoubted'
  | 'busy';

export type Pressure = 'normal' | 'rushed' | 'throttled';
export type Health = 'healthy' | 'readOnly';

/** How the content is recovered, as planned when the directory was loaded. */
export interface LoadedContent {
  readonly plan: 'created' | 'clean' | 'replay' | 'scan';
}

export type StoreMachineEvent =
  /** The persistence-urgency score: 0 means that no chunk waits, 1 that no more may wait. */
  | { readonly type: 'pressureMeasured'; readonly score: number }
  /** A trigger fired, or a caller requested a checkpoint. */
  | { readonly type: 'checkpointDue'; readonly reason: CheckpointReason }
  /** A backup wants to begin. */
  | { readonly type: 'backupRequested' }
  /** The number of operations in the indexing queue, and its capacity. */
  | { readonly type: 'indexingMeasured'; readonly queued: number; readonly capacity: number }
  /** A write failed because the disk is full or reported an error. */
  | { readonly type: 'diskTrouble'; readonly reason: string; readonly trouble: DiskTrouble }
  /** Something was deleted, so there may be space: probe the disk now. */
  | { readonly type: 'diskFreed' }
  | { readonly type: 'clockJumped'; readonly byMs: number; readonly doubt: ClockDoubt }
  | { readonly type: 'clockSettled' }
  | { readonly type: 'close' }
  /** An invariant of the store is broken. Going on would risk the data on disk. */
  | { readonly type: 'fail'; readonly error: unknown };

/** The levels at which the pressure region changes its state. Between two levels it keeps its state. */
export const pressureLevels = { rushedAbove: 0.8, normalBelow: 0.7, throttledFrom: 1 } as const;

/** What the store accepts. Only `open` accepts samples. */
export type Admission = 'open' | 'throttled' | 'readOnly' | 'closed';

/** Whether the store is open. A stopped actor keeps its tags but no longer runs, so its status is checked too. */
export const isRunning = (snapshot: AnyMachineSnapshot): boolean =>
  snapshot.status === 'active' && snapshot.hasTag('running');

/** Combines the tags. Subscribe to the actor and keep the result: this is too slow to call for every sample. */
export const admissionOf = (snapshot: AnyMachineSnapshot): Admission => {
  if (!isRunning(snapshot)) return 'closed';
  if (snapshot.hasTag('readOnly')) return 'readOnly';
  return snapshot.hasTag('throttled') ? 'throttled' : 'open';
};

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A placeholder until `provide` supplies the call. In a visualizer the state waits for a done event sent by hand. */
const call = <Output = void>() => fromPromise<Output, StoreContext>(() => new Promise(() => {}));

const store = setup({
  types: {
    context: {} as StoreContext,
    input: {} as { readonly openedReadOnly: boolean } | undefined,
    events: {} as StoreMachineEvent,
    tags: {} as StoreTag,
  },
  actors: {
    /** Takes the lock and finds out what kind of directory it is. */
    openDirectory: call(),
    /** Loads the checkpoint and the archive, finds the journal's end, and plans the recovery. */
    loadContent: call<LoadedContent>(),
    /** Replays the journal over the checkpoint, and compares the series files that it names. */
    replayJournal: call(),
    /** Examines all series files, and adds what the journal has. */
    scanFiles: call(),
    /** Completes the recovered content, and writes a checkpoint if it is only in memory. */
    settleContent: call(),
    /** Drains the queues, writes the last checkpoint, marks the directory clean and releases the lock. */
    finish: call(),
    /** Releases the lock and every open file, and leaves the directory as after a crash. */
    release: call(),
    /** Resolves if the disk takes durable writes again. */
    probeDisk: call(),
    /** Writes a checkpoint, and removes the journal that it makes unnecessary. */
    writeCheckpoint: call(),
    /** Writes the checkpoint that a backup begins with. It removes no journal. */
    writeForBackup: call(),
    /** Lets the backup copy. Resolves when it has its copy, or has failed. */
    copyBackup: call(),
  },
  actions: {
    announcePressure: (_, _params: { from: Pressure; to: Pressure; score: number }) => {},
    /** Ends the current pauses of the maintenance sweeps. */
    hurryMaintenance: () => {},
    /** Frees the reserve if the disk is full, and repeats the writes that it refused. */
    makeRoom: (_, _params: { trouble: DiskTrouble | undefined }) => {},
    announceHealth: (_, _params: { to: Health; reason: string }) => {},
    /** Tells the triggers that a checkpoint begins. */
    noteCheckpointBegun: () => {},
    /** Answers the callers of the checkpoint that has ended, and tells the triggers. */
    noteCheckpointWritten: () => {},
    noteCheckpointFailed: (_, _params: { error: unknown }) => {},
    announceClockJump: (_, _params: { byMs: number }) => {},
    announceFailure: (_, _params: { error: unknown }) => {},
    noteScore: assign({ score: (_, params: { score: number }) => params.score }),
    noteReason: assign({ reason: (_, params: { reason: string }) => params.reason }),
    noteTrouble: assign((_, params: { reason: string; trouble: DiskTrouble }) => params),
    noteDoubt: assign({ doubt: (_, params: { doubt: ClockDoubt }) => params.doubt }),
    forgetDoubt: assign({ doubt: undefined }),
    countProbe: assign({ probes: ({ context }) => context.probes + 1 }),
    addDueReason: assign({
      dueReasons: ({ context }, { reason }: { reason: CheckpointReason }) =>
        context.dueReasons.includes(reason) ? context.dueReasons : [...context.dueReasons, reason],
    }),
    takeDueReasons: assign(({ context }) => ({ checkpointReasons: context.dueReasons, dueReasons: [] })),
    addBackup: assign({ backupsWaiting: ({ context }) => context.backupsWaiting + 1 }),
    takeBackup: assign({ backupsWaiting: ({ context }) => context.backupsWaiting - 1 }),
    forgetTrouble: assign({ reason: '', trouble: undefined, probes: 0 }),
  },
  guards: {
    isAboveRushed: (_, params: { score: number }) => params.score > pressureLevels.rushedAbove,
    isBelowNormal: (_, params: { score: number }) => params.score < pressureLevels.normalBelow,
    isThrottling: (_, params: { score: number }) => params.score >= pressureLevels.throttledFrom,
    isBelowThrottling: (_, params: { score: number }) => params.score < pressureLevels.throttledFrom,
    isQueueEmpty: (_, params: { queued: number }) => params.queued === 0,
    isQueueUsed: (_, params: { queued: number }) => params.queued > 0,
    isQueueFull: (_, params: { queued: number; capacity: number }) => params.queued >= params.capacity,
    isQueueHalfEmpty: (_, params: { queued: number; capacity: number }) => params.queued <= params.capacity / 2,
    isCheckpointDue: ({ context }) => context.dueReasons.length > 0,
    isBackupWaiting: ({ context }) => context.backupsWaiting > 0,
    isOpenedReadOnly: ({ context }) => context.openedReadOnly,
    isReplayPlanned: (_, params: LoadedContent) => params.plan === 'replay',
    isScanPlanned: (_, params: LoadedContent) => params.plan === 'scan',
  },
  delays: {
    /** 1, 2, 4 seconds and so on, at most a minute. */
    probeAgain: ({ context }) => Math.min(60_000, 1000 * 2 ** context.probes),
  },
});

// The payloads of the events, as params of the named guards and actions.
const score = ({ event }: { event: { score: number } }): { score: number } => ({ score: event.score });
const queue = ({ event }: { event: { queued: number; capacity: number } }): { queued: number; capacity: number } => ({
  queued: event.queued,
  capacity: event.capacity,
});
const loaded = ({ event }: { event: { output: LoadedContent } }): LoadedContent => event.output;
const failure = ({ event }: { event: { error: unknown } }): { error: unknown } => ({ error: event.error });
const failureReason = ({ event }: { event: { error: unknown } }): { reason: string } => ({
  reason: reasonOf(event.error),
});

const trouble = ({
  event,
}: {
  event: { reason: string; trouble: DiskTrouble };
}): {
  reason: string;
  trouble: DiskTrouble;
} => ({ reason: event.reason, trouble: event.trouble });

const fail = {
  target: '#store.failing',
  actions: [
    { type: 'noteReason', params: failureReason },
    { type: 'announceFailure', params: failure },
  ],
} as const;

const changePressure = <From extends Pressure, To extends Pressure>(from: From, to: To) =>
  [
    { type: 'noteScore', params: score },
    {
      type: 'announcePressure',
      params: ({ event }: { event: { score: number } }) => ({ from, to, score: event.score }),
    },
  ] as const;

const noteScore = { type: 'noteScore', params: score } as const;

const pressure = store.createStateConfig({
  description: 'How much waits for persistence, measured against the memory target.',
  initial: 'normal',
  states: {
    normal: {
      description: 'Maintenance keeps its pace.',
      on: {
        pressureMeasured: [
          {
            guard: { type: 'isThrottling', params: score },
            target: 'throttled',
            actions: [...changePressure('normal', 'throttled'), 'hurryMaintenance'],
          },
          {
            guard: { type: 'isAboveRushed', params: score },
            target: 'rushed',
            actions: [...changePressure('normal', 'rushed'), 'hurryMaintenance'],
          },
          { actions: noteScore },
        ],
      },
    },
    rushed: {
      description: 'Maintenance goes as fast as it can; series files are not synced one by one.',
      tags: ['rushed'],
      on: {
        pressureMeasured: [
          {
            guard: { type: 'isThrottling', params: score },
            target: 'throttled',
            actions: [...changePressure('rushed', 'throttled'), 'hurryMaintenance'],
          },
          {
            guard: { type: 'isBelowNormal', params: score },
            target: 'normal',
            actions: changePressure('rushed', 'normal'),
          },
          { actions: noteScore },
        ],
      },
    },
    throttled: {
      description: 'No more chunks may wait: appends are refused until some of them are persisted.',
      tags: ['rushed', 'throttled'],
      on: {
        pressureMeasured: [
          {
            guard: { type: 'isBelowThrottling', params: score },
            target: 'rushed',
            actions: [...changePressure('throttled', 'rushed'), 'hurryMaintenance'],
          },
        ],
      },
    },
  },
});

const checkpoint = store.createStateConfig({
  description: 'Which checkpoint is being written, and whether a backup holds back further ones.',
  initial: 'idle',
  on: {
    checkpointDue: { actions: { type: 'addDueReason', params: ({ event }) => ({ reason: event.reason }) } },
    backupRequested: { actions: 'addBackup' },
  },
  states: {
    idle: {
      description: 'No checkpoint is being written.',
      always: [
        { guard: 'isCheckpointDue', target: 'writing' },
        { guard: 'isBackupWaiting', target: 'backup' },
      ],
    },
    writing: {
      description:
        'A checkpoint is being written in slices, while samples are taken. One that is due meanwhile follows.',
      tags: ['busy'],
      entry: ['takeDueReasons', 'noteCheckpointBegun'],
      invoke: {
        id: 'writeCheckpoint',
        src: 'writeCheckpoint',
        input: ({ context }) => context,
        onDone: [
          { guard: 'isBackupWaiting', target: 'backup', actions: 'noteCheckpointWritten' },
          { target: 'idle', actions: 'noteCheckpointWritten' },
        ],
        onError: [
          {
            guard: 'isBackupWaiting',
            target: 'backup',
            actions: { type: 'noteCheckpointFailed', params: failure },
          },
          { target: 'idle', actions: { type: 'noteCheckpointFailed', params: failure } },
        ],
      },
    },
    backup: {
      description: 'A backup is made. No other checkpoint begins until it has its copy.',
      entry: 'takeBackup',
      initial: 'writing',
      states: {
        writing: {
          description: 'The checkpoint that the backup begins with is being written. The journal is kept.',
          tags: ['busy'],
          invoke: {
            id: 'writeForBackup',
            src: 'writeForBackup',
            input: ({ context }) => context,
            onDone: { target: 'copying' },
            onError: { target: '#store.running.checkpoint.idle' },
          },
        },
        copying: {
          description: 'The backup copies the files. A checkpoint now would replace them.',
          invoke: {
            id: 'copyBackup',
            src: 'copyBackup',
            input: ({ context }) => context,
            onDone: { target: '#store.running.checkpoint.idle' },
          },
        },
      },
    },
  },
});

const indexing = store.createStateConfig({
  description: 'How far the indexes are behind.',
  initial: 'idle',
  states: {
    idle: {
      description: 'Nothing is queued.',
      on: {
        indexingMeasured: [
          { guard: { type: 'isQueueFull', params: queue }, target: 'behind' },
          { guard: { type: 'isQueueUsed', params: queue }, target: 'writing' },
        ],
      },
    },
    writing: {
      description: 'Operations are queued, and written in batches.',
      on: {
        indexingMeasured: [
          { guard: { type: 'isQueueFull', params: queue }, target: 'behind' },
          { guard: { type: 'isQueueEmpty', params: queue }, target: 'idle' },
        ],
      },
    },
    behind: {
      description: 'The queue was full and is not half empty yet: new series are refused.',
      tags: ['indexingBehind'],
      on: {
        indexingMeasured: [
          { guard: { type: 'isQueueEmpty', params: queue }, target: 'idle' },
          { guard: { type: 'isQueueHalfEmpty', params: queue }, target: 'writing' },
        ],
      },
    },
  },
});

const health = store.createStateConfig({
  description: 'Whether writes to the disk succeed.',
  initial: 'healthy',
  states: {
    healthy: {
      description: 'The last writes succeeded.',
      always: { guard: 'isOpenedReadOnly', target: 'openedReadOnly' },
      on: {
        diskTrouble: {
          target: 'readOnly',
          actions: [
            { type: 'noteTrouble', params: trouble },
            { type: 'announceHealth', params: ({ event }) => ({ to: 'readOnly', reason: event.reason }) },
            { type: 'makeRoom', params: trouble },
          ],
        },
      },
    },
    openedReadOnly: { description: 'Opened for reading only, until it is closed.', tags: ['readOnly'] },
    readOnly: {
      description: 'The disk is full or fails: the store answers queries and applies retention, but takes no samples.',
      tags: ['readOnly', 'diskRefuses'],
      initial: 'waiting',
      on: { diskTrouble: { actions: { type: 'noteTrouble', params: trouble } } },
      states: {
        waiting: {
          description: 'Waits for the next probe: 1, 2, 4 … seconds, at most a minute.',
          after: { probeAgain: { target: 'probing' } },
          on: { diskFreed: { target: 'probing' } },
        },
        probing: {
          description: 'The journal and the reserve file are being written, to see whether the disk works again.',
          invoke: {
            id: 'probeDisk',
            src: 'probeDisk',
            input: ({ context }) => context,
            onDone: {
              target: '#store.running.health.healthy',
              actions: [
                {
                  type: 'announceHealth',
                  params: ({ context }) => ({
                    to: 'healthy',
                    reason: `The disk answers again after: ${context.reason}`,
                  }),
                },
                'forgetTrouble',
              ],
            },
            onError: { target: 'waiting', actions: 'countProbe' },
          },
        },
      },
    },
  },
});

const noteJump = [
  {
    type: 'noteDoubt',
    params: ({ event }: { event: { doubt: ClockDoubt } }): { doubt: ClockDoubt } => ({ doubt: event.doubt }),
  },
  {
    type: 'announceClockJump',
    params: ({ event }: { event: { byMs: number } }): { byMs: number } => ({ byMs: event.byMs }),
  },
] as const;

const clock = store.createStateConfig({
  description: 'Whether wall time can be trusted.',
  initial: 'trusted',
  states: {
    trusted: {
      description: 'Wall time advances with the monotonic clock.',
      on: { clockJumped: { target: 'doubted', actions: noteJump } },
    },
    doubted: {
      description: 'Wall time jumped: until it settles, retention and archiving go by the earlier time.',
      tags: ['clockDoubted'],
      on: {
        clockJumped: { actions: noteJump },
        clockSettled: { target: 'trusted', actions: 'forgetDoubt' },
      },
    },
  },
});

const recovering = store.createStateConfig({
  description: 'Restores the content of the directory, as its state requires.',
  initial: 'loading',
  states: {
    loading: {
      description: 'Reads what is there: the checkpoint, the archive and the end of the journal. Plans the recovery.',
      invoke: {
        id: 'loadContent',
        src: 'loadContent',
        input: ({ context }) => context,
        onDone: [
          { guard: { type: 'isReplayPlanned', params: loaded }, target: 'replaying' },
          { guard: { type: 'isScanPlanned', params: loaded }, target: 'scanning' },
          { target: 'settling' },
        ],
        onError: fail,
      },
    },
    replaying: {
      description:
        'Replays the journal over the checkpoint. Reads the series files that it names; if its end is damaged, all that changed.',
      invoke: {
        id: 'replayJournal',
        src: 'replayJournal',
        input: ({ context }) => context,
        onDone: { target: 'settling' },
        onError: fail,
      },
    },
    scanning: {
      description: 'Examines all series files, as after a crash of a 1.x server, and adds what the journal has.',
      invoke: {
        id: 'scanFiles',
        src: 'scanFiles',
        input: ({ context }) => context,
        onDone: { target: 'settling' },
        onError: fail,
      },
    },
    settling: {
      description: 'Completes the recovered content: moved files, mappings, the first checkpoint, the label indexes.',
      invoke: {
        id: 'settleContent',
        src: 'settleContent',
        input: ({ context }) => context,
        onDone: { target: '#store.running' },
        onError: fail,
      },
    },
  },
  on: { close: { target: '#store.closing.releasing' } },
});

const closing = store.createStateConfig({
  description: 'Takes nothing more.',
  initial: 'finishing',
  states: {
    finishing: {
      description: 'Everything taken is made durable, and the directory is marked clean.',
      invoke: {
        id: 'finish',
        src: 'finish',
        input: ({ context }) => context,
        onDone: { target: '#store.closed' },
        onError: fail,
      },
      on: { fail },
    },
    releasing: {
      description: 'Opening was aborted: everything is released, and the next opening begins again.',
      invoke: {
        id: 'releaseUnopened',
        src: 'release',
        input: ({ context }) => context,
        onDone: { target: '#store.closed' },
        onError: fail,
      },
    },
  },
});

export const storeMachine = store.createMachine({
  id: 'store',
  context: ({ input }) => ({
    openedReadOnly: input?.openedReadOnly ?? false,
    score: 0,
    reason: '',
    trouble: undefined,
    probes: 0,
    doubt: undefined,
    checkpointReasons: [],
    dueReasons: [],
    backupsWaiting: 0,
  }),
  initial: 'opening',
  states: {
    opening: {
      description: 'Takes the lock and finds out what kind of directory it is.',
      invoke: {
        id: 'openDirectory',
        src: 'openDirectory',
        input: ({ context }) => context,
        onDone: { target: 'recovering' },
        onError: fail,
      },
      on: { close: { target: 'closing.releasing' } },
    },
    recovering,
    running: {
      description: 'Open. Its regions are independent of each other.',
      tags: ['running'],
      type: 'parallel',
      states: { pressure, checkpoint, indexing, health, clock },
      on: { close: { target: 'closing' }, fail },
    },
    closing,
    failing: {
      description: 'The lock and the files are released; the next opening recovers the directory.',
      invoke: {
        id: 'releaseFailed',
        src: 'release',
        input: ({ context }) => context,
        onDone: { target: 'failed' },
        onError: { target: 'failed', actions: { type: 'announceFailure', params: failure } },
      },
    },
    closed: { type: 'final', description: 'The directory is clean, or opening it was aborted.' },
    failed: { type: 'final', description: 'The directory is as after a crash; nothing acknowledged is lost.' },
  },
});
