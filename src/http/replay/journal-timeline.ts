/**
 * The timeline of a store's journal, for Replay. It is read once, in the background; later requests read only what was
 * added since. It is dropped when nobody has asked for a while.
 */

import { SingleRun } from '../../async/single-run.ts';
import { Slices } from '../../async/slices.ts';
import type { Clock, Position, Store } from '../../index.ts';
import { readLifecycle } from '../../subscriptions/read-lifecycle.ts';
import { messageOf } from '../../text/error-text.ts';
import { EventTimeline } from '../../timeline/event-timeline.ts';
import type { ReplayedEvent } from '../../timeline/replay-answers.ts';
import { type BookParts, keepNewest, ReplayBook } from '../../timeline/replay-book.ts';
import { ChosenSeries } from './chosen-series.ts';

const IDLE_MS = 10 * 60_000;
/** Selectors whose series are kept for the next request. */
const CHOICES_MAX = 12;
/** Problems that are told. */
const PROBLEMS_MAX = 20;
/** A request waits so long for a long journal; then it tells how far the reading has come. */
const PATIENCE_MS = 250;

export interface ReadingProgress {
  readonly done: number;
  readonly total: number;
}

export class JournalTimeline {
  readonly timeline = new EventTimeline();
  readonly problems: string[] = [];
  readonly book: ReplayBook;
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly reading = new SingleRun();
  private readonly chosen = new Map<string, ChosenSeries>();
  private reached: Position = 0;
  private isRead = false;
  private progress: ReadingProgress = { done: 0, total: 0 };
  private failed: unknown;

  constructor(store: Store, clock: Clock) {
    this.store = store;
    this.clock = clock;
    const { timeline, problems } = this;
    const read: BookParts['read'] = (numbers, signal) => this.read(numbers, signal);
    const choose = async (text: string): Promise<ChosenSeries> => {
      const known = this.chosen.get(text) ?? new ChosenSeries(text, { timeline, read, store, clock });
      keepNewest(this.chosen, text, known, CHOICES_MAX);
      await known.readOn();
      return known;
    };
    this.book = new ReplayBook({ timeline, read, choose, problems, run: (work) => this.run(work) });
  }

  /** Reads what was added. While the journal is read for the first time, resolves with the progress after a moment. */
  async refresh(): Promise<ReadingProgress | undefined> {
    if (this.failed !== undefined) this.throwFailure();
    const run = this.reading.follow(() => this.readOn());
    if (this.isRead) {
      await run;
      return undefined;
    }
    let timer: unknown;
    const patience = new Promise<void>((resolve) => {
      timer = this.clock.setTimeout(resolve, PATIENCE_MS);
    });
    // The failure is thrown to the next request.
    const noted = run.catch((error: unknown) => {
      this.failed = error;
    });
    await Promise.race([noted, patience]);
    this.clock.clearTimeout(timer);
    if (this.failed !== undefined) this.throwFailure();
    return this.isRead ? undefined : this.progress;
  }

  /** The events with these numbers, which are ascending. An event is missing if the journal has removed it meanwhile. */
  private async read(numbers: readonly number[], signal?: AbortSignal): Promise<ReadonlyMap<number, ReplayedEvent>> {
    const { timeline } = this;
    const found = new Map<number, ReplayedEvent>();
    const byPosition = new Map<Position, number[]>();
    for (const number of numbers) {
      const position = timeline.positionOf(number);
      byPosition.set(position, [...(byPosition.get(position) ?? []), number]);
    }
    const at = [...byPosition].map(([position, [number]]) => {
      const before = number - timeline.placeOf(number) - 1;
      return { position, after: before < timeline.first ? 0 : timeline.positionOf(before) };
    });
    const options = { at, clock: this.clock, ...(signal && { signal }) };
    for await (const { position, events } of readLifecycle(this.store.directory, options))
      for (const number of byPosition.get(position) ?? []) {
        const event = events[timeline.placeOf(number)];
        if (event !== undefined) found.set(number, { ...event, position } as unknown as ReplayedEvent);
      }
    return found;
  }

  private async run<Result>(work: Generator<void, Result, undefined>): Promise<Result> {
    const slices = new Slices(this.clock);
    for (;;) {
      const { done, value } = work.next();
      if (done === true) return value;
      if (slices.isOver) await slices.breathe();
    }
  }

  private async readOn(): Promise<void> {
    const records = readLifecycle(this.store.directory, {
      after: this.reached,
      clock: this.clock,
      onProblem: (message) => {
        if (this.problems.length < PROBLEMS_MAX && !this.problems.includes(message)) this.problems.push(message);
      },
      onProgress: (done, total) => {
        this.progress = { done, total };
      },
      onReached: (position) => {
        this.reached = position;
      },
    });
    for await (const { position, events } of records) {
      for (const event of events) this.timeline.add(event, position);
      // If reading fails later, it goes on here.
      this.reached = position;
    }
    this.isRead = true;
  }

  /** The next request begins anew. */
  private throwFailure(): never {
    const error = this.failed;
    this.failed = undefined;
    throw error instanceof Error ? error : new Error(messageOf(error));
  }
}

/** The timelines of the stores that pages look at. */
export class JournalTimelines {
  private readonly clock: Clock;
  private readonly known = new WeakMap<Store, { readonly timeline: JournalTimeline; timer: unknown }>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  of(store: Store): JournalTimeline {
    const entry = this.known.get(store) ?? { timeline: new JournalTimeline(store, this.clock), timer: undefined };
    this.known.set(store, entry);
    this.clock.clearTimeout(entry.timer);
    entry.timer = this.clock.setTimeout(() => this.known.delete(store), IDLE_MS);
    return entry.timeline;
  }
}
