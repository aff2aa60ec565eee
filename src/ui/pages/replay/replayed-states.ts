/**
 * The states of the series and of the store that result from a journal's lifecycle events. It moves one event forwards
 * or backwards at a time. Each step keeps its changes, so going back is exact.
 */
import type { PageEvent } from '../../server/server-answers.ts';

/** A change of a series' state; `from` is `undefined` for a new series. */
interface Move {
  readonly fingerprint: string;
  readonly from: string | undefined;
  readonly to: string;
}

/** What is known about the store. */
interface StoreState {
  readonly phase?: string;
  readonly pressure?: string;
  readonly health?: string;
}

interface Step {
  readonly moves: readonly Move[];
  readonly storeBefore: StoreState;
}

/** The state of a series after an event, given the state before; `undefined` if the event does not change it. */
const stateAfter = ({ type }: PageEvent, before: string | undefined): string | undefined => {
  switch (type) {
    case 'seriesCreated':
    case 'seriesUnarchived':
      return 'inMemory';
    case 'seriesFilesChanging':
      return before === 'archived' ? 'archived' : 'persisting';
    case 'chunksPersisted':
    case 'chunksDropped':
      return before === 'persisting' ? 'inMemory' : (before ?? 'inMemory');
    case 'headChunksClosed':
      return before ?? 'inMemory';
    case 'seriesArchived':
      return 'archived';
    case 'seriesQuarantined':
      return 'quarantined';
    case 'seriesPurged':
      return 'purged';
    default:
      return undefined;
  }
};

/** What an event changes of the store's state. */
const storeAfter = (event: PageEvent): StoreState => {
  switch (event.type) {
    case 'storeOpened':
      return { phase: 'running', pressure: 'normal', health: 'healthy' };
    case 'storeClosed':
      return { phase: 'closed' };
    case 'pressureChanged':
      return { pressure: String(event['to']) };
    case 'healthChanged':
      return { health: String(event['to']) };
    default:
      return {};
  }
};

const fingerprintsOf = ({ fingerprint, fingerprints }: PageEvent): readonly string[] =>
  fingerprints ?? (fingerprint === undefined ? [] : [fingerprint]);

export class ReplayedStates {
  readonly events: readonly PageEvent[];
  private applied = 0;
  private readonly series = new Map<string, string>();
  private readonly counted = new Map<string, number>();
  private readonly steps: Step[] = [];
  private storeState: StoreState = {};

  constructor(events: readonly PageEvent[]) {
    this.events = events;
  }

  /** Number of events that have been applied. */
  get index(): number {
    return this.applied;
  }

  get store(): StoreState {
    return this.storeState;
  }

  /** The moves caused by the last event. */
  get lastMoves(): readonly Move[] {
    return this.steps.at(-1)?.moves ?? [];
  }

  /** Number of series in a state. */
  count(state: string): number {
    return this.counted.get(state) ?? 0;
  }

  /** Applies or undoes events until exactly the first `index` are applied. */
  goTo(index: number): void {
    while (this.applied < Math.min(index, this.events.length)) this.forwards();
    while (this.applied > Math.max(index, 0)) this.backwards();
  }

  private forwards(): void {
    const event = this.events[this.applied++];
    const moves: Move[] = [];
    const move = (fingerprint: string, to: string | undefined): void => {
      const from = this.series.get(fingerprint);
      if (to === undefined || to === from) return;
      moves.push({ fingerprint, from, to });
      this.set(fingerprint, to);
    };
    for (const fingerprint of fingerprintsOf(event)) move(fingerprint, stateAfter(event, this.series.get(fingerprint)));
    if (event.type === 'storeOpened')
      for (const [fingerprint, state] of [...this.series]) if (state === 'persisting') move(fingerprint, 'inMemory');
    this.steps.push({ moves, storeBefore: this.storeState });
    this.storeState = { ...this.storeState, ...storeAfter(event) };
  }

  private backwards(): void {
    const step = this.steps.pop();
    if (step === undefined) return;
    this.applied--;
    for (const { fingerprint, from } of step.moves.toReversed()) this.set(fingerprint, from);
    this.storeState = step.storeBefore;
  }

  private set(fingerprint: string, state: string | undefined): void {
    const before = this.series.get(fingerprint);
    if (before !== undefined) this.counted.set(before, this.count(before) - 1);
    if (state === undefined) this.series.delete(fingerprint);
    else {
      this.series.set(fingerprint, state);
      this.counted.set(state, this.count(state) + 1);
    }
  }
}
