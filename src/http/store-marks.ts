/**
 * Events that a chart marks on its axis of time: restarts, checkpoints, quarantined series, alerts. They are read from the
 * journal once; later requests read only what was added since.
 */
import { SingleRun } from '../async/single-run.ts';
import { type JournalEvent, type Labels, readEvents, type Store } from '../index.ts';

/** What a page needs of such an event. */
export interface StoreMark {
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Where the event is in the journal. */
  readonly position: number;
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

const markOf = (event: JournalEvent): StoreMark | undefined => {
  const { time, position } = event;
  switch (event.type) {
    case 'storeOpened':
      return { type: event.type, time, position, how: event.how };
    case 'checkpointWritten':
      return { type: event.type, time, position };
    case 'seriesQuarantined':
      return {
        type: event.type,
        time,
        position,
        labels: event.labels,
        fingerprint: event.fingerprint,
        reason: event.reason,
      };
    case 'alertFired':
    case 'alertResolved':
      return { type: event.type, time, position, labels: event.labels, rule: event.rule };
    default:
      return undefined;
  }
};

export class StoreMarks {
  private readonly directory: string;
  private readonly reading = new SingleRun();
  private marks: StoreMark[] = [];
  private position: number | undefined;

  constructor(store: Store) {
    this.directory = store.directory;
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
    const from = this.position === undefined ? {} : { from: this.position };
    for await (const event of readEvents(this.directory, { lifecycle: true, ...from })) {
      this.position = event.position;
      const mark = markOf(event);
      if (mark !== undefined) this.marks.push(mark);
      if (this.marks.length > 2 * KEPT_MAX) this.marks = this.marks.slice(-KEPT_MAX);
    }
  }
}
