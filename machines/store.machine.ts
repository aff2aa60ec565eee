/**
 * The life of the store.
 *
 * ```
 *  opening -> recovering -> running ---------------------------> closing { finishing } -> closed
 *     |            |        | pressure:   normal <-> rushed <-> throttled          |
 *     |            |        | checkpoint: idle <-> writing <-> writingAgainAfter   |
 *     |            |        | indexing:   idle <-> writing <-> behind              |
 *     |            |        | health:     healthy <-> readOnly { waiting, probing }|
 *     |            |        | clock:      trusted <-> doubted                      |
 *     |  error     | error  | fail                                                 | error
 *     +------------+--------+--> failing -> failed  <------------------------------+
 *
 *  close while opening or recovering: -> closing { releasing } -> closed
 * ```
 *
 * While it runs, its regions are independent of each other: what the disk does says nothing about how much waits for
 * it. Pressure and indexing have hysteresis, so that a level that hovers around a limit is one change and not many.
 * The disk's trouble ends by itself: the store probes it, less often each time, and is healthy again when it answers.
 *
 * Tags, which is how callers ask; `admissionOf` puts the first three together:
 * - `running`: open for everything but what the other tags take away.
 * - `throttled`: takes no samples until pressure falls.
 * - `readOnly`: takes no samples until the disk is well, or ever, if it was opened so.
 * - `rushed`: maintenance goes as fast as it can. Throttled is rushed, too.
 * - `indexingBehind`: new series wait until the indexing queue has drained.
 * - `clockDoubted`: wall time jumped; nothing is dropped or archived because of its age.
 * - `busy`: a checkpoint is being written.
 */
import { type AnyMachineSnapshot, assign, fromPromise, setup } from 'xstate';

export interface StoreContext {
  /** Opened for reading only, which no disk will change. */
  readonly openedReadOnly: boolean;
  /** The persistence-urgency score as last measured. */
  readonly score: number;
  /** Why it is read-only, or what it failed of; empty otherwise. */
  readonly reason: string;
  /** Probes of the disk that failed in a row. */
  readonly probes: number;
}

export type Pressure = 'normal' | 'rushed' | 'throttled';
export type Health = 'healthy' | 'readOnly';

export type StoreMachineEvent =
  /** The persistence-urgency score, from 0, nothing waits, to 1, nothing more can wait. */
  | { readonly type: 'pressureMeasured'; readonly score: number }
  /** The checkpoint stream's: a run began, a trigger came during a run, a run ended, well or not. */
  | { readonly type: 'checkpointStarted' }
  | { readonly type: 'checkpointRemembered' }
  | { readonly type: 'checkpointFinished' }
  /** Operations in the indexing queue, and how many it may hold. */
  | { readonly type: 'indexingMeasured'; readonly queued: number; readonly capacity: number }
  /** A write failed for want of space, or because the disk did not do it. */
  | { readonly type: 'diskTrouble'; readonly reason: string }
  /** Something was deleted: do not wait for the next probe. */
  | { readonly type: 'diskFreed' }
  | { readonly type: 'clockJumped'; readonly byMs: number }
  | { readonly type: 'clockSettled' }
  | { readonly type: 'close' }
  /** An invariant of the store's own broke; to go on would risk what is on disk. */
  | { readonly type: 'fail'; readonly error: unknown };

/** Enter and leave levels of the pressure region; between them, the region stays where it is. */
export const pressureLevels = { rushedAbove: 0.8, normalBelow: 0.7, throttledFrom: 1 } as const;

/** What the store takes: `open` takes samples. */
export type Admission = 'open' | 'throttled' | 'readOnly' | 'closed';

/** Whether the store is open. An actor that was stopped keeps the tags that it had, and runs no more. */
export const isRunning = (snapshot: AnyMachineSnapshot): boolean =>
  snapshot.status === 'active' && snapshot.hasTag('running');

/** Puts the tags together. Subscribe to the actor and keep the answer: this is not for every sample. */
export const admissionOf = (snapshot: AnyMachineSnapshot): Admission => {
  if (!isRunning(snapshot)) return 'closed';
  if (snapshot.hasTag('readOnly')) return 'readOnly';
  return snapshot.hasTag('throttled') ? 'throttled' : 'open';
};

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Stands for a call until `provide` gives one: in a visualizer the state waits for the event to be sent by hand. */
const call = () => fromPromise<void, StoreContext>(() => new Promise(() => {}));

const store = setup({
  types: {
    context: {} as StoreContext,
    input: {} as { readonly openedReadOnly: boolean } | undefined,
    events: {} as StoreMachineEvent,
    tags: {} as 'running' | 'rushed' | 'throttled' | 'readOnly' | 'indexingBehind' | 'clockDoubted' | 'busy',
  },
  actors: {
    /** Takes the lock, reads what kind of directory it is. */
    openDirectory: call(),
    /** Loads the checkpoint and replays the journal over it, or recovers a directory that 1.x left behind. */
    recover: call(),
    /** Drains the queues, writes the last checkpoint, marks the directory clean, gives back the lock. */
    finish: call(),
    /** Gives back the lock and every open file, and leaves the directory as after a crash. */
    release: call(),
    /** Resolves if the disk takes a small durable write. */
    probeDisk: call(),
  },
  actions: {
    announcePressure: (_, _params: { from: Pressure; to: Pressure; score: number }) => {},
    announceHealth: (_, _params: { to: Health; reason: string }) => {},
    announceClockJump: (_, _params: { byMs: number }) => {},
    announceFailure: (_, _params: { error: unknown }) => {},
    noteScore: assign({ score: (_, params: { score: number }) => params.score }),
    noteReason: assign({ reason: (_, params: { reason: string }) => params.reason }),
    countProbe: assign({ probes: ({ context }) => context.probes + 1 }),
    forgetTrouble: assign({ reason: '', probes: 0 }),
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
    isOpenedReadOnly: ({ context }) => context.openedReadOnly,
  },
  delays: {
    /** 1, 2, 4 … seconds, at most a minute. */
    probeAgain: ({ context }) => Math.min(60_000, 1000 * 2 ** context.probes),
  },
});

// What the events carry, as params of the named guards and actions.
const score = ({ event }: { event: { score: number } }): { score: number } => ({ score: event.score });
const queue = ({ event }: { event: { queued: number; capacity: number } }): { queued: number; capacity: number } => ({
  queued: event.queued,
  capacity: event.capacity,
});
const failure = ({ event }: { event: { error: unknown } }): { error: unknown } => ({ error: event.error });
const failureReason = ({ event }: { event: { error: unknown } }): { reason: string } => ({
  reason: reasonOf(event.error),
});

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
            actions: changePressure('normal', 'throttled'),
          },
          {
            guard: { type: 'isAboveRushed', params: score },
            target: 'rushed',
            actions: changePressure('normal', 'rushed'),
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
            actions: changePressure('rushed', 'throttled'),
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
      description: 'No more can wait: appends are refused until some of it is persisted.',
      tags: ['rushed', 'throttled'],
      on: {
        pressureMeasured: [
          {
            guard: { type: 'isBelowThrottling', params: score },
            target: 'rushed',
            actions: changePressure('throttled', 'rushed'),
          },
          { actions: noteScore },
        ],
      },
    },
  },
});

const checkpoint = store.createStateConfig({
  description: 'Whether a checkpoint is being written.',
  initial: 'idle',
  states: {
    idle: { description: 'None is being written.', on: { checkpointStarted: { target: 'writing' } } },
    writing: {
      description: 'One is being written, slice by slice, while samples flow.',
      tags: ['busy'],
      on: { checkpointRemembered: { target: 'writingAgainAfter' }, checkpointFinished: { target: 'idle' } },
    },
    writingAgainAfter: {
      description: 'Triggered again during the run: another follows at once, however many triggers there were.',
      tags: ['busy'],
      on: { checkpointFinished: { target: 'writing' } },
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
      description: 'The queue is full; it has to be half empty before new series are taken without waiting.',
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
  description: 'Whether the disk takes what is written.',
  initial: 'healthy',
  states: {
    healthy: {
      description: 'Everything that was written last was taken.',
      always: { guard: 'isOpenedReadOnly', target: 'openedReadOnly' },
      on: {
        diskTrouble: {
          target: 'readOnly',
          actions: [
            { type: 'noteReason', params: ({ event }) => ({ reason: event.reason }) },
            { type: 'announceHealth', params: ({ event }) => ({ to: 'readOnly', reason: event.reason }) },
          ],
        },
      },
    },
    openedReadOnly: { description: 'Opened for reading only, until it is closed.', tags: ['readOnly'] },
    readOnly: {
      description: 'The disk is full or does not answer: serves and keeps retention running, takes no samples.',
      tags: ['readOnly'],
      initial: 'waiting',
      states: {
        waiting: {
          description: 'Until the next probe: 1, 2, 4 … seconds, at most a minute.',
          after: { probeAgain: { target: 'probing' } },
          on: { diskFreed: { target: 'probing' } },
        },
        probing: {
          description: 'A small durable write is being tried.',
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

const clock = store.createStateConfig({
  description: 'Whether wall time can be believed.',
  initial: 'trusted',
  states: {
    trusted: {
      description: 'Wall time goes as the monotonic clock does.',
      on: {
        clockJumped: {
          target: 'doubted',
          actions: { type: 'announceClockJump', params: ({ event }) => ({ byMs: event.byMs }) },
        },
      },
    },
    doubted: {
      description: 'It jumped: nothing is dropped or archived for its age before it has settled.',
      tags: ['clockDoubted'],
      on: {
        clockJumped: { actions: { type: 'announceClockJump', params: ({ event }) => ({ byMs: event.byMs }) } },
        clockSettled: { target: 'trusted' },
      },
    },
  },
});

const closing = store.createStateConfig({
  description: 'Takes nothing more.',
  initial: 'finishing',
  states: {
    finishing: {
      description: 'What was taken is made durable, and the directory is marked clean.',
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
      description: 'Nothing was taken yet; the directory is left as it was found.',
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
  context: ({ input }) => ({ openedReadOnly: input?.openedReadOnly ?? false, score: 0, reason: '', probes: 0 }),
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
    recovering: {
      description: 'Loads the checkpoint and replays the journal, or recovers what a 1.x server left behind.',
      invoke: {
        id: 'recover',
        src: 'recover',
        input: ({ context }) => context,
        onDone: { target: 'running' },
        onError: fail,
      },
      on: { close: { target: 'closing.releasing' } },
    },
    running: {
      description: 'Open. Its regions are independent of each other.',
      tags: ['running'],
      type: 'parallel',
      states: { pressure, checkpoint, indexing, health, clock },
      on: { close: { target: 'closing' }, fail },
    },
    closing,
    failing: {
      description: 'The lock and the files are given back; the next opening recovers.',
      invoke: {
        id: 'releaseFailed',
        src: 'release',
        input: ({ context }) => context,
        onDone: { target: 'failed' },
        onError: { target: 'failed', actions: { type: 'announceFailure', params: failure } },
      },
    },
    closed: { type: 'final', description: 'The directory is clean, or as it was found.' },
    failed: { type: 'final', description: 'The directory is as after a crash; nothing acknowledged is lost.' },
  },
});
