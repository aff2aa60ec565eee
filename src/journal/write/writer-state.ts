/**
 * The state of the journal's writer as one value, and the one function that changes it. docs/durability.md has the
 * states in a table.
 *
 *                  appended                failed                filled
 *       idle  <------------->  pending  ----------->  failed  ------------>  failed, full
 *                   begun          ^                     |                        |
 *                                  +------- retried -----+------------------------+
 *
 *     idle, pending or failed  --- closing --->  closing (idle, pending or failed)  --- ended --->  ended
 *
 * `failed` follows `idle` too: a sync fails after its commit has begun. Closing takes the events of the state within it.
 *
 * Transitions are as rare as commits. No transition is made per sample.
 */
import { TidemarkError } from '../../model/errors.ts';

export interface Failure {
  /** A failed sync needs the larger repair: everything that no sync has confirmed is written again. */
  readonly during: 'write' | 'sync';
  readonly error: TidemarkError;
}

/** Nothing has been appended since the last commit began. */
export interface Idle {
  readonly kind: 'idle';
}

/** Something was appended and waits for the next commit. */
export interface Pending {
  readonly kind: 'pending';
  /** Monotonic time of the first append since the last commit began. */
  readonly sinceMs: number;
}

/** The disk refused a write or a sync. What is appended waits in memory for `retried`. */
export interface Failed {
  readonly kind: 'failed';
  readonly failure: Failure;
  /** The queue is full, so appends throw. */
  readonly isFull: boolean;
}

export type OpenState = Idle | Pending | Failed;

/** `close` was called. The last commit is made as in the state within. Truncation stops. */
export interface Closing {
  readonly kind: 'closing';
  readonly within: OpenState;
}

/** The files are closed. Nothing more is written. */
export interface Ended {
  readonly kind: 'ended';
  /** Why the last commit failed; `undefined` if everything is durable. */
  readonly failure: Failure | undefined;
  /** The queue is full, so appends throw. */
  readonly isFull: boolean;
}

export type WriterState = OpenState | Closing | Ended;

export type WriterEvent =
  /** Something was appended. */
  | { readonly type: 'appended'; readonly nowMs: number }
  /** A commit has written everything appended so far; only its sync remains. With `'os'`, the write is the commit. */
  | { readonly type: 'begun' }
  /** A write or a sync failed. */
  | { readonly type: 'failed'; readonly failure: Failure }
  /** The queue has reached its bound, and nothing can empty it. */
  | { readonly type: 'filled' }
  /** The disk is tried again. */
  | { readonly type: 'retried'; readonly nowMs: number }
  | { readonly type: 'closing' }
  | { readonly type: 'ended' };

export const IDLE: Idle = { kind: 'idle' };

/** The state after an event. Throws if the event cannot happen in the state: that is a mistake of the writer. */
export const next = (state: WriterState, event: WriterEvent): WriterState => {
  switch (state.kind) {
    case 'closing':
      return nextWhileClosing(state, event);
    case 'ended':
      return nextAfterEnd(state, event);
    default:
      return event.type === 'closing' ? { kind: 'closing', within: state } : nextWhileOpen(state, event);
  }
};

const nextWhileOpen = (state: OpenState, event: WriterEvent): OpenState => {
  switch (event.type) {
    case 'appended':
      // While the disk refuses, no commit is asked for: the one of `retried` covers every append.
      return state.kind === 'idle' ? { kind: 'pending', sinceMs: event.nowMs } : state;
    case 'begun':
      if (state.kind === 'failed') break;
      return IDLE;
    case 'failed':
      return failedBy(event.failure, state);
    case 'filled':
      if (state.kind !== 'failed') break;
      return { ...state, isFull: true };
    case 'retried':
      if (state.kind !== 'failed') break;
      return { kind: 'pending', sinceMs: event.nowMs };
  }
  return impossible(state, event);
};

const nextWhileClosing = (state: Closing, event: WriterEvent): WriterState => {
  const { within } = state;
  if (event.type === 'ended') return { kind: 'ended', failure: failureOf(within), isFull: isFull(within) };
  const after = nextWhileOpen(within, event);
  return after === within ? state : { kind: 'closing', within: after };
};

const nextAfterEnd = (state: Ended, event: WriterEvent): Ended => {
  if (event.type === 'appended') return state;
  if (event.type === 'filled') return { ...state, isFull: true };
  return impossible(state, event);
};

/** The latest error counts. A failed sync stays one, also if a write fails after it. */
const failedBy = (failure: Failure, before: OpenState): Failed => {
  if (before.kind !== 'failed') return { kind: 'failed', failure, isFull: false };
  const during = before.failure.during === 'sync' ? 'sync' : failure.during;
  return { ...before, failure: { during, error: failure.error } };
};

const impossible = (state: WriterState, event: WriterEvent): never => {
  throw new TidemarkError('TIDEMARK_INTERNAL', `the journal's writer is ${state.kind} and cannot take '${event.type}'`);
};

export const failureOf = (state: WriterState): Failure | undefined => {
  if (state.kind === 'closing') return failureOf(state.within);
  return state.kind === 'failed' || state.kind === 'ended' ? state.failure : undefined;
};

/** Whether appends throw. */
export const isFull = (state: WriterState): boolean => {
  if (state.kind === 'closing') return isFull(state.within);
  return (state.kind === 'failed' || state.kind === 'ended') && state.isFull;
};
