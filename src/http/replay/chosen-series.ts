/** The series of a selector or of a fingerprint, as numbers of the timeline: those of the store, and those that are gone. */
import { Slices } from '../../async/slices.ts';
import type { Clock, Labels, Store } from '../../index.ts';
import { parseSelector } from '../../model/selector.ts';
import type { EventTimeline } from '../../timeline/event-timeline.ts';
import { isFingerprint } from '../../timeline/fingerprint-numbers.ts';
import type { BookParts, ChosenSet } from '../../timeline/replay-book.ts';
import { SeriesSet } from '../../timeline/timeline-filter.ts';

/** Series whose labels are read from the journal at a time. */
const READ_AT_ONCE = 2000;

export interface ChoiceParts {
  readonly timeline: EventTimeline;
  readonly read: BookParts['read'];
  readonly store: Store;
  readonly clock: Clock;
}

/** Series are only added: an event stays in view when its series is dropped. */
export class ChosenSeries implements ChosenSet {
  readonly set = new SeriesSet();
  count = 0;
  private readonly parts: ChoiceParts;
  private readonly slices: Slices;
  private readonly text: string;
  /** How many series the timeline had when they were looked at. */
  private looked = 0;

  /** Throws what is wrong with the selector. */
  constructor(text: string, parts: ChoiceParts) {
    this.text = text;
    this.parts = parts;
    this.slices = new Slices(parts.clock);
    if (!isFingerprint(text)) parseSelector(text);
  }

  /** Looks at the series that the timeline has got since the last call. */
  async readOn(): Promise<void> {
    const { fingerprints } = this.parts.timeline;
    const from = this.looked;
    const to = fingerprints.count;
    if (from === to) return;
    if (isFingerprint(this.text)) this.add(fingerprints.find(this.text));
    else {
      await this.addPresent();
      await this.addGone(from, to);
    }
    this.looked = to;
  }

  private async addPresent(): Promise<void> {
    const { timeline, store } = this.parts;
    for (const labels of await store.metrics(this.text)) {
      this.add(timeline.fingerprints.find(store.series(labels).fingerprint));
      if (this.slices.isOver) await this.slices.breathe();
    }
  }

  /** The store does not know the labels of series that were purged or quarantined. Events have them. */
  private async addGone(from: number, to: number): Promise<void> {
    const { timeline, read } = this.parts;
    const matchers = parseSelector(this.text);
    const seriesAt = new Map<number, number>();
    for (let series = from; series < to; series++) {
      const state = timeline.stateNow(series);
      const number = state === 'purged' || state === 'quarantined' ? timeline.labelsAt(series) : undefined;
      if (number !== undefined) seriesAt.set(number, series);
    }
    const numbers = [...seriesAt.keys()].sort((a, b) => a - b);
    for (let i = 0; i < numbers.length; i += READ_AT_ONCE)
      for (const [number, { labels = {} }] of await read(numbers.slice(i, i + READ_AT_ONCE)))
        if (matchers.every((matcher) => matcher.matches(labelValue(labels, matcher.name))))
          this.add(seriesAt.get(number) ?? -1);
  }

  private add(series: number): void {
    if (series < 0 || this.set.has(series)) return;
    this.set.add(series);
    this.count++;
  }
}

const labelValue = (labels: Labels, name: string): string => (Object.hasOwn(labels, name) ? labels[name] : '');
