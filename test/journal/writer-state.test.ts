import { expect } from 'chai';
import {
  type Failure,
  failureOf,
  isFull,
  next,
  type OpenState,
  type WriterEvent,
  type WriterState,
} from '../../src/journal/write/writer-state.ts';
import { TidemarkError } from '../../src/model/errors.ts';

const ofWrite: Failure = { during: 'write', error: new TidemarkError('TIDEMARK_DISK_FULL', 'no space') };
const ofSync: Failure = { during: 'sync', error: new TidemarkError('TIDEMARK_IO', 'lost') };
const later: Failure = { during: 'write', error: new TidemarkError('TIDEMARK_IO', 'refused again') };

const open = {
  idle: { kind: 'idle' },
  pending: { kind: 'pending', sinceMs: 5 },
  failedWrite: { kind: 'failed', failure: ofWrite, isFull: false },
  failedSync: { kind: 'failed', failure: ofSync, isFull: false },
  full: { kind: 'failed', failure: ofWrite, isFull: true },
} as const satisfies Record<string, OpenState>;

const events = {
  appended: { type: 'appended', nowMs: 7 },
  begun: { type: 'begun' },
  failed: { type: 'failed', failure: later },
  filled: { type: 'filled' },
  retried: { type: 'retried', nowMs: 9 },
  closing: { type: 'closing' },
  ended: { type: 'ended' },
} as const satisfies Record<WriterEvent['type'], WriterEvent>;

type Name = keyof typeof open;
/** `same` is no change, `never` throws. */
type Outcome<State> = State | 'same' | 'never';
type OpenEvent = Exclude<WriterEvent['type'], 'closing' | 'ended'>;

const pendingAgain: OpenState = { kind: 'pending', sinceMs: 9 };
const failedLater: OpenState = { kind: 'failed', failure: later, isFull: false };

/** Every event that an open state takes, also while it is closing. */
const whileOpen: Record<Name, Record<OpenEvent, Outcome<OpenState>>> = {
  idle: {
    appended: { kind: 'pending', sinceMs: 7 },
    begun: 'same',
    failed: failedLater,
    filled: 'never',
    retried: 'never',
  },
  pending: { appended: 'same', begun: open.idle, failed: failedLater, filled: 'never', retried: 'never' },
  failedWrite: {
    appended: 'same',
    begun: 'never',
    failed: failedLater,
    filled: open.full,
    retried: pendingAgain,
  },
  failedSync: {
    appended: 'same',
    begun: 'never',
    failed: { kind: 'failed', failure: { during: 'sync', error: later.error }, isFull: false },
    filled: { kind: 'failed', failure: ofSync, isFull: true },
    retried: pendingAgain,
  },
  full: {
    appended: 'same',
    begun: 'never',
    failed: { kind: 'failed', failure: later, isFull: true },
    filled: 'same',
    retried: pendingAgain,
  },
};

const expectOutcome = (state: WriterState, event: WriterEvent, outcome: Outcome<WriterState>): void => {
  if (outcome === 'never') expect(() => next(state, event)).to.throw(/cannot take/);
  else expect(next(state, event)).to.deep.equal(outcome === 'same' ? state : outcome);
};

const told = (outcome: Outcome<WriterState>): string => {
  if (outcome === 'never') return 'is impossible';
  return outcome === 'same' ? 'changes nothing' : `leads to ${outcome.kind}`;
};

describe("the state of the journal's writer", () => {
  for (const [name, state] of Object.entries(open) as [Name, OpenState][]) {
    describe(name, () => {
      for (const [type, outcome] of Object.entries(whileOpen[name]) as [OpenEvent, Outcome<OpenState>][]) {
        it(`${type} ${told(outcome)}`, () => {
          expectOutcome(state, events[type], outcome);
        });

        it(`${type} ${told(outcome)} within closing`, () => {
          const within = typeof outcome === 'string' ? outcome : ({ kind: 'closing', within: outcome } as const);
          expectOutcome({ kind: 'closing', within: state }, events[type], within);
        });
      }

      it('closing leads to closing with it within, and only once', () => {
        expectOutcome(state, events.closing, { kind: 'closing', within: state });
        expectOutcome({ kind: 'closing', within: state }, events.closing, 'never');
      });

      it('ended is possible while closing only, and keeps why the last commit failed', () => {
        expectOutcome(state, events.ended, 'never');
        const ended = { kind: 'ended', failure: failureOf(state), isFull: isFull(state) } as const;
        expectOutcome({ kind: 'closing', within: state }, events.ended, ended);
      });
    });
  }

  describe('ended', () => {
    const ended: WriterState = { kind: 'ended', failure: ofWrite, isFull: false };
    const outcomes: Record<WriterEvent['type'], Outcome<WriterState>> = {
      appended: 'same',
      begun: 'never',
      failed: 'never',
      filled: { ...ended, isFull: true },
      retried: 'never',
      closing: 'never',
      ended: 'never',
    };
    for (const [type, outcome] of Object.entries(outcomes) as [WriterEvent['type'], Outcome<WriterState>][]) {
      it(`${type} ${told(outcome)}`, () => {
        expectOutcome(ended, events[type], outcome);
      });
    }
  });

  it('has a failure after the disk failed, until a retry, and full appends throw only with one or after the end', () => {
    const failureOfEach = Object.values(open).map((state) => failureOf({ kind: 'closing', within: state }));
    expect(failureOfEach).to.deep.equal([undefined, undefined, ofWrite, ofSync, ofWrite]);
    expect(Object.values(open).map(isFull)).to.deep.equal([false, false, false, false, true]);
    expect(isFull({ kind: 'closing', within: open.full })).to.equal(true);
    expect(isFull({ kind: 'ended', failure: undefined, isFull: true })).to.equal(true);
    expect(failureOf(next(open.failedSync, events.retried))).to.equal(undefined);
  });
});
