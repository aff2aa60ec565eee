/**
 * One forwarding of samples to a remote-write receiver: what follows an answer of the receiver.
 *
 * ```
 *           offer                     accepted, or final
 *  idle ------------> connecting ----------------------> idle ...
 *    |    offer,          |  ^  \                          ^
 *    | when connected     |  |   \ 415: again as 1.0       |
 *    +-----------> sending|  |    '---> connecting         |
 *                   |     |  | after a time                |
 *                   +-----+--+-> waiting (5xx, 429, no answer)
 *                         |  +-> paused  (401, 403, a wrong address)
 *                         |
 *  stop: idle, waiting, paused -> stopped;  connecting, sending -> stopped after the answer, at most 5 s
 * ```
 *
 * The machine is offered one request at a time. It leaves `connecting` and `sending` when the receiver has answered:
 * - A request that is done with goes back to the caller (`settle`): it was accepted, or no repetition can help.
 * - A request that may succeed later stays. `waiting` repeats it, less often each time; `paused` much less often,
 *   because a person has to correct something first.
 * - A receiver that does not know protocol 2.0 gets the same request as 1.0, and 1.0 from then on.
 *
 * `connecting` and `sending` differ in one thing: whether the receiver has accepted a request since the last failure. An
 * address that answers 404 and has never accepted anything is taken for a wrong one, and nothing is given up for it.
 */
import { assign, fromPromise, setup } from 'xstate';

/** The versions of remote write. */
export type RemoteWriteProtocol = '1.0' | '2.0';

/** What became of one request. */
export type SendOutcome =
  /** The receiver has the samples; `written` is how many, if it said so. */
  | { readonly kind: 'accepted'; readonly written: number | undefined }
  /** The receiver does not know the protocol. */
  | { readonly kind: 'unsupported'; readonly status: number; readonly reason: string }
  /** No repetition can help. `written` is how many samples were taken all the same. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string; readonly written: number | undefined }
  /** The request is too large. */
  | { readonly kind: 'tooLarge'; readonly status: number; readonly reason: string }
  | { readonly kind: 'unauthorized'; readonly status: number; readonly reason: string }
  /** There is no receiver at the address. */
  | { readonly kind: 'misdirected'; readonly status: number; readonly reason: string }
  /** A repetition may help. */
  | {
      readonly kind: 'failed';
      /** Absent without an answer. */
      readonly status: number | undefined;
      readonly reason: string;
      /** How long the receiver wants to be left alone. */
      readonly retryAfterMs: number | undefined;
      /** The answer speaks of samples that are out of order or too old: old receivers say so with 500. */
      readonly isAboutOrder: boolean;
    };

export interface ForwardContext {
  readonly protocol: RemoteWriteProtocol;
  /** The protocol was chosen by the caller: there is no fallback. */
  readonly isProtocolFixed: boolean;
  /** The receiver has accepted a request since the last failure. */
  readonly isConnected: boolean;
  /** The receiver has ever accepted a request. */
  readonly isProven: boolean;
  /** Attempts in a row that failed. */
  readonly failures: number;
  /** What the last failure said; empty after a success. */
  readonly reason: string;
  /** How long the receiver wants to be left alone, milliseconds. */
  readonly retryAfterMs: number;
  /** How often in a row the receiver gave the same answer about the order of samples. */
  readonly sameAnswers: number;
  readonly isStopping: boolean;
}

export type ForwardMachineEvent =
  /** There is a request to send. */
  | { readonly type: 'offer' }
  /** Ends a wait or a pause now. */
  | { readonly type: 'resume' }
  | { readonly type: 'stop' };

/** What a call of `sendRequest` gets. */
export interface SendInput {
  readonly protocol: RemoteWriteProtocol;
  /** 0 for the first attempt. */
  readonly attempt: number;
}

/** After this many identical answers about order, a 500 is taken for the final answer that newer receivers give. */
const SAME_ANSWERS_FINAL = 3;
const RETRY_AFTER_MS_MAX = 300_000;
const BACKOFF_MS_MIN = 30;
const BACKOFF_MS_STEADY = 5000;
const BACKOFF_MS_MAX = 60_000;
/** Failures after which the wait grows beyond 5 s: about a minute of waits. */
const FAILURES_STEADY = 20;
const PAUSE_MS_MIN = 60_000;
const PAUSE_MS_MAX = 600_000;
const SHUTDOWN_MS = 5000;

/**
 * How long to wait after a number of failures in a row: 30, 60, 120 … ms up to 5 s; after about a minute 10, 20, 40,
 * 60 s.
 */
const backoffMs = (failures: number): number =>
  failures <= FAILURES_STEADY
    ? Math.min(BACKOFF_MS_STEADY, BACKOFF_MS_MIN * 2 ** Math.max(0, failures - 1))
    : Math.min(BACKOFF_MS_MAX, BACKOFF_MS_STEADY * 2 ** (failures - FAILURES_STEADY));

/** How long a pause is: 1, 2, 4, 8, 10 minutes. */
const pauseMs = (failures: number): number => Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.max(0, failures - 1));

const forward = setup({
  types: {
    context: {} as ForwardContext,
    input: {} as { readonly protocol: RemoteWriteProtocol; readonly isProtocolFixed: boolean } | undefined,
    events: {} as ForwardMachineEvent,
  },
  actors: {
    /** Sends the offered request. Never rejects, unless there is a defect. */
    sendRequest: fromPromise<SendOutcome, SendInput>(() => new Promise(() => {})),
  },
  actions: {
    /** Gives the offered request back to its caller. */
    settle: (_, _params: { outcome: SendOutcome }) => {},
    announceFallback: (_, _params: { outcome: SendOutcome }) => {},
    announceFailure: (_, _params: { outcome: SendOutcome }) => {},
    announcePause: (_, _params: { outcome: SendOutcome }) => {},
    /** Breaks off the request that is under way. */
    abandon: () => {},
    fallBack: assign({ protocol: '1.0' }),
    noteFailure: assign(({ context }, { outcome }: { outcome: SendOutcome }) => {
      const reason = outcome.kind === 'accepted' ? '' : outcome.reason;
      return {
        failures: context.failures + 1,
        isConnected: false,
        reason,
        retryAfterMs: Math.min(RETRY_AFTER_MS_MAX, (outcome.kind === 'failed' && outcome.retryAfterMs) || 0),
        sameAnswers: !isAboutOrder(outcome) ? 0 : reason === context.reason ? context.sameAnswers + 1 : 1,
      };
    }),
    noteSettled: assign(({ context }, { outcome }: { outcome: SendOutcome }) => ({
      failures: 0,
      reason: '',
      retryAfterMs: 0,
      sameAnswers: 0,
      isConnected: true,
      isProven: context.isProven || outcome.kind === 'accepted',
    })),
    noteStopping: assign({ isStopping: true }),
  },
  guards: {
    isConnected: ({ context }) => context.isConnected,
    isStopping: ({ context }) => context.isStopping,
    canFallBack: ({ context }, { outcome }: { outcome: SendOutcome }) =>
      outcome.kind === 'unsupported' && context.protocol === '2.0' && !context.isProtocolFixed,
    needsPerson: ({ context }, { outcome }: { outcome: SendOutcome }) =>
      outcome.kind === 'unauthorized' ||
      // A redirection says nothing about the samples: a login page or a proxy answers in the receiver's place.
      (outcome.kind === 'misdirected' && (outcome.status < 400 || !context.isProven)) ||
      (outcome.kind === 'unsupported' && !context.isProven),
    isFinalInTruth: ({ context }, { outcome }: { outcome: SendOutcome }) =>
      outcome.kind === 'failed' &&
      outcome.isAboutOrder &&
      outcome.reason === context.reason &&
      context.sameAnswers + 1 >= SAME_ANSWERS_FINAL,
    mayHelpToRepeat: (_, { outcome }: { outcome: SendOutcome }) => outcome.kind === 'failed',
  },
  delays: {
    backoff: ({ context }) => Math.max(context.retryAfterMs, backoffMs(context.failures)),
    pause: ({ context }) => pauseMs(context.failures),
    /** How long the request under way may take when forwarding is stopped. */
    shutdown: SHUTDOWN_MS,
  },
});

const isAboutOrder = (outcome: SendOutcome): boolean => outcome.kind === 'failed' && outcome.isAboutOrder;

const outcomeOf = ({ event }: { event: { output: SendOutcome } }): { outcome: SendOutcome } => ({
  outcome: event.output,
});

/** A call that rejects is a defect of the adapter. It is repeated like a failure, because nothing may be lost. */
const defectOf = ({ event }: { event: { error: unknown } }): { outcome: SendOutcome } => ({
  outcome: {
    kind: 'failed',
    status: undefined,
    reason: event.error instanceof Error ? event.error.message : String(event.error),
    retryAfterMs: undefined,
    isAboutOrder: false,
  },
});

const settle = [
  { type: 'noteSettled', params: outcomeOf },
  { type: 'settle', params: outcomeOf },
] as const;

const answered = [
  { guard: 'isStopping', target: '#forward.stopped', actions: [{ type: 'settle', params: outcomeOf }] },
  {
    guard: { type: 'canFallBack', params: outcomeOf },
    target: '#forward.connecting',
    reenter: true,
    actions: ['fallBack', { type: 'announceFallback', params: outcomeOf }],
  },
  {
    guard: { type: 'needsPerson', params: outcomeOf },
    target: '#forward.paused',
    actions: [
      { type: 'noteFailure', params: outcomeOf },
      { type: 'announcePause', params: outcomeOf },
    ],
  },
  { guard: { type: 'isFinalInTruth', params: outcomeOf }, target: '#forward.idle', actions: settle },
  {
    guard: { type: 'mayHelpToRepeat', params: outcomeOf },
    target: '#forward.waiting',
    actions: [
      { type: 'noteFailure', params: outcomeOf },
      { type: 'announceFailure', params: outcomeOf },
    ],
  },
  { target: '#forward.idle', actions: settle },
] as const;

const broken = [
  { guard: 'isStopping', target: '#forward.stopped' },
  {
    target: '#forward.waiting',
    actions: [
      { type: 'noteFailure', params: defectOf },
      { type: 'announceFailure', params: defectOf },
    ],
  },
] as const;

const sendInput = ({ context }: { context: ForwardContext }): SendInput => ({
  protocol: context.protocol,
  attempt: context.failures,
});

/** While a request is under way: whether forwarding ends after it. */
const untilAnswered = {
  initial: 'open',
  states: {
    open: {
      description: 'The answer may take as long as its timeout.',
      on: { stop: { target: 'ending', actions: 'noteStopping' } },
    },
    ending: {
      description: 'Forwarding ends with the answer, or soon without it.',
      after: { shutdown: { target: '#forward.stopped', actions: 'abandon' } },
    },
  },
} as const;

const connecting = forward.createStateConfig({
  description: 'A request is under way, and the receiver has accepted none since the last failure.',
  invoke: { id: 'connect', src: 'sendRequest', input: sendInput, onDone: answered, onError: broken },
  ...untilAnswered,
});

const sending = forward.createStateConfig({
  description: 'A request is under way, and the receiver accepts requests.',
  invoke: { id: 'send', src: 'sendRequest', input: sendInput, onDone: answered, onError: broken },
  ...untilAnswered,
});

export const forwardMachine = forward.createMachine({
  id: 'forward',
  context: ({ input }) => ({
    protocol: input?.protocol ?? '2.0',
    isProtocolFixed: input?.isProtocolFixed ?? false,
    isConnected: false,
    isProven: false,
    failures: 0,
    reason: '',
    retryAfterMs: 0,
    sameAnswers: 0,
    isStopping: false,
  }),
  initial: 'idle',
  states: {
    idle: {
      description: 'No request is offered.',
      on: {
        offer: [{ guard: 'isConnected', target: 'sending' }, { target: 'connecting' }],
        stop: { target: 'stopped' },
      },
    },
    connecting,
    sending,
    waiting: {
      description: 'The request failed and is repeated after a time: 30, 60, 120 ms … 5 s, later at most a minute.',
      after: { backoff: { target: 'connecting' } },
      on: { resume: { target: 'connecting' }, stop: { target: 'stopped' } },
    },
    paused: {
      description:
        'The receiver refuses this sender, or is not at this address: tried again after 1, 2, 4, 8, 10 minutes.',
      after: { pause: { target: 'connecting' } },
      on: { resume: { target: 'connecting' }, stop: { target: 'stopped' } },
    },
    stopped: { type: 'final', description: 'What was not acknowledged is sent when forwarding starts again.' },
  },
});
