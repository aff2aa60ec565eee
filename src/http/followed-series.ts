/**
 * The transitions of one series, live. A series that is archived, woken, or created again under the same labels keeps its
 * fingerprint, so it is followed through all of that.
 */
import type { AnyActorRef, AnyTransitionDefinition, InspectionEvent } from 'xstate';
import type { Clock, Labels, SeriesHandle, SeriesState, Store } from '../index.ts';
import { transitionKey } from './transition-counter.ts';

/** The newest transitions that are kept. */
const movesMax = 50;

interface SeriesMove {
  /** 1 for the first one that was seen. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** `source|event|target`, as transitions are counted. */
  readonly key: string;
}

/** The state's name in the public API: `quarantined` for `series.quarantined.isolating`. */
const phaseOf = (id: string): SeriesState => {
  const name = id.split('.')[1];
  return name === 'purging' ? 'purged' : (name as SeriesState);
};

export class FollowedSeries {
  private readonly handle: SeriesHandle;
  private readonly clock: Clock;
  private readonly detach: () => void;
  private moves: SeriesMove[] = [];
  private seen = 0;
  /** The state that the last transition has led to. */
  private last: SeriesState = 'absent';

  constructor(store: Store, labels: Labels, clock: Clock) {
    this.handle = store.series(labels);
    this.clock = clock;
    const { fingerprint } = this.handle;
    this.detach = store.inspect((event) => {
      if (event.type === '@xstate.microstep' && (event.actorRef as AnyActorRef).id === fingerprint) this.note(event);
    });
  }

  /** The state now, and the last transitions, oldest first. */
  now(): { readonly state: SeriesState; readonly moves: readonly SeriesMove[] } {
    const { state } = this.handle;
    // A series in quarantine, or one that was purged, is absent until there is a new sample.
    return { state: state === 'absent' ? this.last : state, moves: this.moves };
  }

  stop(): void {
    this.detach();
  }

  private note(event: Extract<InspectionEvent, { readonly type: '@xstate.microstep' }>): void {
    for (const { source, eventType, target } of event._transitions as readonly AnyTransitionDefinition[]) {
      // Visits that change nothing would push the others out.
      if (target === undefined) continue;
      const key = transitionKey(source, eventType, target[0]);
      this.moves = [...this.moves.slice(1 - movesMax), { number: ++this.seen, time: this.clock.now(), key }];
      this.last = phaseOf(target[0].id);
    }
  }
}
