/** Holds the state of the journal's writer. Everything that asks for the state asks here. */
import { TidemarkError } from '../../model/errors.ts';
import {
  type Failure,
  failureOf,
  IDLE,
  isFull,
  next,
  type OpenState,
  type WriterEvent,
  type WriterState,
} from './writer-state.ts';

export class CurrentState {
  /** Called after each event, with whether appends throw now. The writer keeps it for its append path. */
  private readonly onRefusing: (isRefusing: boolean) => void;
  private state: WriterState = IDLE;
  /** The state without regard to closing; `undefined` after the end. */
  private open: OpenState | undefined = IDLE;

  constructor(onRefusing: (isRefusing: boolean) => void) {
    this.onRefusing = onRefusing;
  }

  enter(event: WriterEvent): void {
    this.state = next(this.state, event);
    this.open = openOf(this.state);
    this.onRefusing(isFull(this.state));
  }

  get failure(): Failure | undefined {
    return failureOf(this.state);
  }

  /** Nothing has been appended since the last commit began, and the journal takes appends. */
  get isIdle(): boolean {
    return this.open?.kind === 'idle';
  }

  /** Monotonic time since which an append waits for a commit; `undefined` when none waits, or the disk refuses. */
  get pendingSinceMs(): number | undefined {
    const { open } = this;
    return open?.kind === 'pending' ? open.sinceMs : undefined;
  }

  /** Writes and syncs may be tried. */
  get isWorking(): boolean {
    return this.open !== undefined && this.open.kind !== 'failed';
  }

  /** `close` was called. */
  get isClosing(): boolean {
    return this.state.kind === 'closing' || this.hasEnded;
  }

  get hasEnded(): boolean {
    return this.state.kind === 'ended';
  }

  throwIfFailed(): void {
    if (this.hasEnded) throw new TidemarkError('TIDEMARK_CLOSED', 'the journal is closed');
    if (this.failure !== undefined) throw this.failure.error;
  }
}

const openOf = (state: WriterState): OpenState | undefined => {
  if (state.kind === 'ended') return undefined;
  return state.kind === 'closing' ? state.within : state;
};
