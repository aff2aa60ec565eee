/**
 * Events that a chart marks on its axis of time: restarts, checkpoints, quarantined series, alerts. They are read from the
 * journal once; later requests read only what was added since.
 */
import { SingleRun } from '../async/single-run.ts';
import type { Clock, Labels, LifecycleEvent, Position, Store } from '../index.ts';
import { readLifecycle } from '../subscriptions/read-lifecycle.ts';

/** What a page needs of such an event. */
export interface StoreMark {
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Where the event is in the journal. */
  readonly position: number;
  /** Which event of its record it is, from 0. */
  readonly place: number;
  readonly labels?: Labels | undefined;
  /** Of a quarantined series. */
  readonly fingerprint?: string;
  readonly reason?: string;
  readonly how?: string;
  readonly rule?: string;
}

/** The newest marks that are kept. */
const KEPT_MAX = 20_000;
/** The newest marks of a range that are sent. */
const SENT_MAX = 1000;

const markOf = (event: LifecycleEvent, position: Position, place: number): StoreMark | undefined => {
  const { time } = event;
  switch (event.type) {
    case 'storeOpened':
      return { type: event.type, time, position, place, how: event.how };
    case 'checkpointWritten':
      return { type: event.type, time, position, place };
    case 'seriesQuarantined':
      return {
        type: event.type,
        time,
        position,
        place,
        labels: event.labels,
        fingerprint: event.fingerprint,
        reason: event.reason,
      };
    case 'alertFired':
    case 'alertResolved':
      return { type: event.type, time, position, place, labels: event.labels, rule: event.rule };
    default:
      return undefined;
  }
};

export class StoreMarks {
  private readonly directory: string;
  private readonly clock: Clock;
  private readonly reading = new SingleRun();
  private marks: StoreMark[] = [];
  private reached: Position = 0;

  constructor({ directory }: Store, clock: Clock) {
    this.directory = directory;
    this.clock = clock;
  }

  /** The newest marks from `from` through `through`, oldest first. */
  async between(from = Number.NEGATIVE_INFINITY, through = Number.POSITIVE_INFINITY): Promise<readonly StoreMark[]> {
    await this.reading.follow(() => this.readOn());
    return this.marks.filter(({ time }) => time >= from && time <= through).slice(-SENT_MAX);
  }

  /** The newest mark of a type. */
  async last(type: StoreMark['type']): Promise<StoreMark | undefined> {
    await this.reading.follow(() => this.readOn());
    return this.marks.findLast((mark) => mark.type === type);
  }

  private async readOn(): Promise<void> {
    const onReached = (position: Position): void => {
      this.reached = position;
    };
    const records = readLifecycle(this.directory, { after: this.reached, clock: this.clock, onReached });
    for await (const { position, events } of records) {
      for (const [place, event] of events.entries()) {
        const mark = markOf(event, position, place);
        if (mark !== undefined) this.marks.push(mark);
      }
      // If reading fails later, it goes on here.
      this.reached = position;
      if (this.marks.length > 2 * KEPT_MAX) this.marks = this.marks.slice(-KEPT_MAX);
    }
  }
}
