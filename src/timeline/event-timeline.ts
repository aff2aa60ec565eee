/**
 * The lifecycle events of a journal or of a file in order, without their content: where each one is, its time, its type,
 * the series that it is about and their states before and after. About 30 bytes an event, so that a million of them fit
 * into memory. The content is read from the journal or the file when it is shown.
 *
 * Events are numbered from 0 in the order in which they were added. Above a bound, the oldest ones are forgotten; numbers
 * stay. The state of a series and the counts of states are exact at any event, because the fold goes through all events
 * once, and keeps the counts at the beginning of each block.
 */
import { FingerprintNumbers } from './fingerprint-numbers.ts';
import {
  type SeriesStateName,
  type StoreState,
  seriesStates,
  stateAfter,
  stateCode,
  stateSaidBefore,
  storeCodeAfter,
  storeStateOf,
  type TimelineEvent,
} from './state-changes.ts';
import { BLOCK_EVENTS, noDeltas, TimelineBlock } from './timeline-block.ts';

/** Newest events that are kept: about 100 MB. */
const EVENTS_MAX = 4_000_000;
/** Newest marks that are kept. */
const MARKS_MAX = 20_000;
/** Types beyond this many share the last code. */
const TYPES_MAX = 255;

/** Types of events that the axis of time marks. */
export const markedTypes: ReadonlySet<string> = new Set([
  'storeOpened',
  'checkpointWritten',
  'seriesQuarantined',
  'alertFired',
  'alertResolved',
]);

/** Number of series in each state. Those in memory and archived are missing if no event has said them. */
export type StateCounts = Partial<Record<SeriesStateName, number>>;

/** What `storeOpened` says: how many series there were, whether events of them are kept or not. */
interface Opening {
  readonly number: number;
  readonly inMemory: number;
  readonly archived: number;
  readonly deltas: Int32Array;
}

/** A series of an event. */
export interface SeriesChange {
  readonly series: number;
  readonly before: SeriesStateName;
  readonly after: SeriesStateName;
}

const [UNKNOWN, IN_MEMORY, PERSISTING, ARCHIVED] = (['unknown', 'inMemory', 'persisting', 'archived'] as const).map(
  stateCode,
);

export class EventTimeline {
  /** The types of events by their codes. */
  readonly types: string[] = [];
  readonly fingerprints = new FingerprintNumbers();
  /** The numbers of the events that are marked, ascending. */
  marks: number[] = [];
  private readonly typeCodes = new Map<string, number>();
  private readonly eventsMax: number;
  private blocks: TimelineBlock[] = [];
  private firstKept = 0;
  private next = 0;
  /** By series: its state now, and one more than the number of the last event that has its labels; 0 if there is none. */
  private states = new Uint8Array(256);
  private labelled = new Int32Array(256);
  private readonly persisting = new Set<number>();
  private readonly deltas = noDeltas();
  /** How many series there were in each state before the timeline begins, as far as events say it. */
  private readonly initial = noDeltas();
  private openings: Opening[] = [];
  private storeCode = 0;

  constructor({ eventsMax = EVENTS_MAX }: { readonly eventsMax?: number } = {}) {
    this.eventsMax = eventsMax;
  }

  /** The number of the oldest event that is kept. */
  get first(): number {
    return this.firstKept;
  }

  /** The number of the next event that will be added. */
  get end(): number {
    return this.next;
  }

  /** The position of the newest event; 0 if there is none. */
  get position(): number {
    return this.next > this.firstKept ? this.positionOf(this.next - 1) : 0;
  }

  /** The earliest and the latest time of an event. After a jump of the clock, they are not those of the first and the last. */
  get times(): { readonly from: number; readonly through: number } {
    return {
      from: this.blocks.reduce((time, { firstTime }) => Math.min(time, firstTime), Number.POSITIVE_INFINITY),
      through: this.blocks.reduce((time, { lastTime }) => Math.max(time, lastTime), Number.NEGATIVE_INFINITY),
    };
  }

  /** `position` must not be smaller than that of the event before. */
  add(event: TimelineEvent, position: number): void {
    // A text that is no fingerprint throws before anything has changed.
    const touched = [
      ...new Set(event.fingerprints ?? (event.fingerprint === undefined ? [] : [event.fingerprint])),
    ].map((text) => this.fingerprints.number(text));
    const block = this.blockToFill();
    const index = block.count++;
    const number = this.next++;
    block.positions[index] = position;
    block.places[index] = this.placeIn(number, position);
    block.times[index] = event.time;
    block.firstTime = Math.min(block.firstTime, event.time);
    block.lastTime = Math.max(block.lastTime, event.time);
    block.types[index] = this.typeCode(event.type);
    this.storeCode = storeCodeAfter(event, this.storeCode);
    block.storeCodes[index] = this.storeCode;
    let at = block.startOf(index);
    if (event.type === 'storeOpened') touched.push(...this.persisting);
    for (const series of touched) this.touch(block, at++, series, event, number);
    block.ends[index] = at;
    if (event.type === 'storeOpened') this.noteOpening(event, number);
    if (markedTypes.has(event.type)) this.mark(number);
  }

  positionOf(number: number): number {
    return this.at(number).positions[this.indexOf(number)];
  }

  /** Which event of its record it is, from 0. */
  placeOf(number: number): number {
    return this.at(number).places[this.indexOf(number)];
  }

  timeOf(number: number): number {
    return this.at(number).times[this.indexOf(number)];
  }

  typeCodeOf(number: number): number {
    return this.at(number).types[this.indexOf(number)];
  }

  typeOf(number: number): string {
    return this.types[this.typeCodeOf(number)];
  }

  /** How many series an event is about. */
  seriesCountOf(number: number): number {
    const block = this.at(number);
    const index = this.indexOf(number);
    return block.ends[index] - block.startOf(index);
  }

  /** The series of an event with their states before and after; `most` of them. */
  changesOf(number: number, most = Number.POSITIVE_INFINITY): SeriesChange[] {
    const block = this.at(number);
    const index = this.indexOf(number);
    const start = block.startOf(index);
    const end = Math.min(block.ends[index], start + most);
    return Array.from({ length: end - start }, (_, i) => ({
      series: block.series[start + i],
      before: seriesStates[block.states[start + i] >> 4],
      after: seriesStates[block.states[start + i] & 15],
    }));
  }

  /** Whether `test` holds for a series of the event, with the codes of its states before and after. */
  someSeries(number: number, test: (series: number, before: number, after: number) => boolean): boolean {
    const block = this.at(number);
    const index = this.indexOf(number);
    const end = block.ends[index];
    for (let i = block.startOf(index); i < end; i++)
      if (test(block.series[i], block.states[i] >> 4, block.states[i] & 15)) return true;
    return false;
  }

  /** Number of series in each state after an event; before all of them for `first - 1`. */
  countsAfter(number: number): StateCounts {
    const deltas = this.deltasAfter(number);
    const counts: Partial<Record<SeriesStateName, number>> = {};
    for (const [code, name] of seriesStates.entries())
      if (name !== 'absent') counts[name] = this.initial[code] + deltas[code];
    const opening = this.openings.findLast((one) => one.number <= number) ?? this.openings[0];
    if (opening === undefined) {
      delete counts.inMemory;
      delete counts.archived;
      return counts;
    }
    const told = (code: number): number => this.initial[code] + opening.deltas[code];
    counts.inMemory = Math.max(0, (counts.inMemory ?? 0) + opening.inMemory - told(IN_MEMORY) - told(PERSISTING));
    counts.archived = Math.max(0, (counts.archived ?? 0) + opening.archived - told(ARCHIVED));
    return counts;
  }

  /** The state of the store after an event. */
  storeAfter(number: number): StoreState {
    return number < this.firstKept ? {} : storeStateOf(this.at(number).storeCodes[this.indexOf(number)]);
  }

  /** The state of a series after the newest event. */
  stateNow(series: number): SeriesStateName {
    return seriesStates[this.states[series]];
  }

  /** The number of the last event that has the labels of a series; `undefined` if none is kept. */
  labelsAt(series: number): number | undefined {
    const number = this.labelled[series] - 1;
    return number < this.firstKept ? undefined : number;
  }

  /**
   * The event at a position. `place` is its number in the record. If there is no event at the position, the next one;
   * `undefined` if there is none either.
   */
  find(position: number, place = 0): number | undefined {
    let low = this.firstKept;
    let high = this.next;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const isBefore =
        this.positionOf(middle) < position || (this.positionOf(middle) === position && this.placeOf(middle) < place);
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low < this.next ? low : undefined;
  }

  private touch(block: TimelineBlock, at: number, series: number, event: TimelineEvent, number: number): void {
    this.grow(series);
    const known = this.states[series];
    const before = known === UNKNOWN ? stateCode(stateSaidBefore(event)) : known;
    const after = stateCode(stateAfter(event, seriesStates[before]));
    // Before its first event that says it, the series was in this state all the time.
    if (known === UNKNOWN && (before !== UNKNOWN || after !== UNKNOWN)) this.initial[before]++;
    this.deltas[before]--;
    this.deltas[after]++;
    this.states[series] = after;
    if (after === PERSISTING) this.persisting.add(series);
    else if (before === PERSISTING) this.persisting.delete(series);
    if (event.labels !== undefined) this.labelled[series] = number + 1;
    block.addSeries(at, series, before, after);
  }

  private noteOpening({ series, archivedSeries }: TimelineEvent, number: number): void {
    if (typeof series !== 'number' || typeof archivedSeries !== 'number') return;
    this.openings.push({ number, inMemory: series, archived: archivedSeries, deltas: this.deltas.slice() });
  }

  private mark(number: number): void {
    this.marks.push(number);
    if (this.marks.length > 2 * MARKS_MAX) this.marks = this.marks.slice(-MARKS_MAX);
  }

  private placeIn(number: number, position: number): number {
    if (number === this.firstKept) return 0;
    return this.positionOf(number - 1) === position ? this.placeOf(number - 1) + 1 : 0;
  }

  private typeCode(type: string): number {
    const known = this.typeCodes.get(type);
    if (known !== undefined) return known;
    if (this.types.length === TYPES_MAX) return TYPES_MAX - 1;
    this.typeCodes.set(type, this.types.length);
    return this.types.push(type) - 1;
  }

  private grow(series: number): void {
    if (series < this.states.length) return;
    const states = new Uint8Array(2 * this.states.length);
    states.set(this.states);
    this.states = states;
    const labelled = new Int32Array(2 * this.labelled.length);
    labelled.set(this.labelled);
    this.labelled = labelled;
  }

  private blockToFill(): TimelineBlock {
    const last = this.blocks.at(-1);
    if (last !== undefined && last.count < BLOCK_EVENTS) return last;
    const block = new TimelineBlock(this.deltas.slice());
    this.blocks.push(block);
    if (this.next - this.firstKept >= this.eventsMax) this.forgetOldest();
    return block;
  }

  /** Forgets the oldest block. The last opening before the others stays. */
  private forgetOldest(): void {
    this.blocks.shift();
    this.firstKept += BLOCK_EVENTS;
    const kept = this.openings.findLastIndex((one) => one.number <= this.firstKept);
    this.openings = this.openings.slice(Math.max(0, kept));
    this.marks = this.marks.filter((number) => number >= this.firstKept);
  }

  private deltasAfter(number: number): Int32Array {
    if (number >= this.firstKept) return this.at(number).deltasAfter(this.indexOf(number));
    return this.blocks[0]?.deltas ?? noDeltas();
  }

  private at(number: number): TimelineBlock {
    return this.blocks[Math.floor((number - this.firstKept) / BLOCK_EVENTS)];
  }

  private indexOf(number: number): number {
    return (number - this.firstKept) % BLOCK_EVENTS;
  }
}
