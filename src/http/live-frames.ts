/**
 * Live frames for the pages: at most ten per second, independent of the rate of events in the store. A frame has
 * current states and running totals, so that a missed frame is replaced by the next one.
 */
import type { Clock, Store } from '../index.ts';
import type { EventStream } from './event-stream.ts';
import { FollowedSeries } from './followed-series.ts';
import type { RulesSource } from './rules-source.ts';
import { StateTotals } from './state-totals.ts';
import { TransitionCounter } from './transition-counter.ts';

const frameMs = 100;
/** If there is nothing new, a connection still gets a comment at this interval. */
const beatMs = 15_000;

/**
 * Calls `send` every {@link frameMs} while the stream is open; `send` returns whether there was something new. Returns
 * when the reader has disconnected.
 */
export const runFrames = async (
  stream: EventStream,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  send: () => boolean,
): Promise<void> => {
  let quietSinceMs = clock.monotonic();
  while (!stream.closed && !signal.aborted) {
    if (send()) quietSinceMs = clock.monotonic();
    else if (clock.monotonic() - quietSinceMs > beatMs) {
      stream.beat();
      quietSinceMs = clock.monotonic();
    }
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = clock.setTimeout(finish, frameMs);
      signal.addEventListener('abort', finish);
    });
  }
};

/** Frames of the statecharts: series and alerts per state, the store's state, transitions taken. */
export class ActorFrames {
  private readonly store: Store;
  private readonly rules: RulesSource | undefined;
  private readonly transitions: TransitionCounter;
  private readonly totals: StateTotals;

  constructor(store: Store, rules: RulesSource | undefined) {
    this.store = store;
    this.rules = rules;
    this.totals = new StateTotals(store);
    this.transitions = new TransitionCounter([
      (observer) => store.inspect(observer),
      (observer) => rules?.inspect?.(observer) ?? (() => {}),
    ]);
  }

  async stream(
    stream: EventStream,
    context: {
      readonly clock: Clock;
      readonly signal: AbortSignal;
      readonly labels: Readonly<Record<string, string>> | undefined;
    },
  ): Promise<void> {
    const { labels, clock } = context;
    const followed = labels === undefined ? undefined : new FollowedSeries(this.store, labels, clock);
    const release = this.transitions.watch();
    let previous = '';
    try {
      await runFrames(stream, context, () => {
        const frame = {
          series: this.store.stateCounts(),
          store: this.store.actor.getSnapshot().value,
          alerts: this.rules?.alertStates?.(),
          transitions: this.transitions.counts(),
          totals: this.totals.recent(clock),
          ...(followed === undefined ? {} : { selected: followed.now() }),
        };
        const text = JSON.stringify(frame);
        if (text === previous) return false;
        previous = text;
        return stream.send('frame', { time: clock.now(), ...frame });
      });
    } finally {
      release();
      followed?.stop();
    }
  }
}
