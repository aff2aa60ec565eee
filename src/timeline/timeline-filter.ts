/**
 * The events of a timeline that a filter lets through, as a list of their numbers. The list is extended when the
 * timeline grows. Long work is done in pieces: the generators yield after each.
 */
import type { EventTimeline } from './event-timeline.ts';

/** Events that are looked at between two yields: well below a millisecond of work. */
const PIECE = 4096;

/** A set of series by their numbers. */
export class SeriesSet {
  private bits = new Uint8Array(128);

  add(series: number): void {
    const byte = series >> 3;
    if (byte >= this.bits.length) {
      const larger = new Uint8Array(Math.max(byte + 1, 2 * this.bits.length));
      larger.set(this.bits);
      this.bits = larger;
    }
    this.bits[byte] |= 1 << (series & 7);
  }

  has(series: number): boolean {
    return ((this.bits[series >> 3] ?? 0) & (1 << (series & 7))) !== 0;
  }
}

export interface TimelineFilter {
  /** Only events about one of these series. */
  readonly series?: SeriesSet | undefined;
  /** Only events of these types; all if absent. */
  readonly types?: ReadonlySet<string> | undefined;
  /** Milliseconds since the epoch, both included. */
  readonly from?: number | undefined;
  readonly through?: number | undefined;
}

export class FilteredEvents {
  readonly timeline: EventTimeline;
  readonly filter: TimelineFilter;
  /** How many events of each type there would be if all types were let through, by the types' codes. */
  readonly typeCounts: number[] = [];
  private numbers = new Uint32Array(1024);
  private total = 0;
  /** How many numbers at the beginning are of events that the timeline has forgotten. */
  private gone = 0;
  private next: number;

  constructor(timeline: EventTimeline, filter: TimelineFilter) {
    this.timeline = timeline;
    this.filter = filter;
    this.next = timeline.first;
  }

  /** How many events the filter lets through. */
  get count(): number {
    return this.total - this.gone;
  }

  /** The number of the event in a row of the list. */
  at(row: number): number {
    return this.numbers[this.gone + row];
  }

  /** The first row whose event has this number or a higher one; `count` if there is none. */
  rowFrom(number: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Looks at the events that were added to the timeline. */
  *readOn(): Generator<void, void, undefined> {
    const { timeline } = this;
    while (this.total > this.gone && this.numbers[this.gone] < timeline.first) this.gone++;
    this.next = Math.max(this.next, timeline.first);
    while (this.next < timeline.end) {
      const end = Math.min(timeline.end, this.next + PIECE);
      for (; this.next < end; this.next++) this.look(this.next);
      yield;
    }
  }

  /** How many events there are in each of `count` equal parts of a range of time. */
  *density(from: number, through: number, count: number): Generator<void, number[], undefined> {
    const parts = new Array<number>(count).fill(0);
    const width = Math.max(1, through - from);
    for (let row = 0; row < this.count; row++) {
      const time = this.timeline.timeOf(this.at(row));
      if (time < from || time > through) continue;
      parts[Math.min(count - 1, Math.floor(((time - from) / width) * count))]++;
      if (row % PIECE === PIECE - 1) yield;
    }
    return parts;
  }

  /** The row of the last event at or before a time; 0 if there is none. */
  *rowAtTime(time: number): Generator<void, number, undefined> {
    let found = 0;
    let best = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < this.count; row++) {
      const own = this.timeline.timeOf(this.at(row));
      // After a jump of the clock, times are not ascending.
      if (own <= time && own >= best) {
        found = row;
        best = own;
      }
      if (row % PIECE === PIECE - 1) yield;
    }
    return found;
  }

  private look(number: number): void {
    const { timeline, filter } = this;
    const { series, types, from, through } = filter;
    const time = timeline.timeOf(number);
    if ((from !== undefined && time < from) || (through !== undefined && time > through)) return;
    if (series !== undefined && !timeline.someSeries(number, (one) => series.has(one))) return;
    const code = timeline.typeCodeOf(number);
    this.typeCounts[code] = (this.typeCounts[code] ?? 0) + 1;
    if (types === undefined || types.has(timeline.types[code])) this.push(number);
  }

  private push(number: number): void {
    if (this.total === this.numbers.length) {
      const larger = new Uint32Array(2 * this.total);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[this.total++] = number;
  }
}

/** A condition at which playing stops: one of these has to hold. */
export interface Breakpoint {
  readonly types?: ReadonlySet<string> | undefined;
  readonly series?: SeriesSet | undefined;
  /** The codes of states that a series has reached. */
  readonly states?: ReadonlySet<number> | undefined;
}

/** The first row from `from` on at whose event playing stops; `undefined` if there is none. */
export function* nextStop(
  events: FilteredEvents,
  from: number,
  { types, series, states }: Breakpoint,
): Generator<void, number | undefined, undefined> {
  const { timeline } = events;
  for (let row = from; row < events.count; row++) {
    const number = events.at(row);
    if (types?.has(timeline.typeOf(number)) === true) return row;
    const isReached = timeline.someSeries(
      number,
      (one, before, after) =>
        series?.has(one) === true || (before !== after && states !== undefined && states.has(after)),
    );
    if (isReached) return row;
    if (row % PIECE === PIECE - 1) yield;
  }
  return undefined;
}
