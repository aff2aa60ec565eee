/** A fixed number of successive events of the timeline, in columns, with the counts of states before the first one. */
import { seriesStates } from './state-changes.ts';

export const BLOCK_EVENTS = 4096;

export class TimelineBlock {
  readonly positions = new Float64Array(BLOCK_EVENTS);
  /** Which event of its record each one is, from 0. Events of one record have the same position. */
  readonly places = new Uint32Array(BLOCK_EVENTS);
  readonly times = new Float64Array(BLOCK_EVENTS);
  readonly types = new Uint8Array(BLOCK_EVENTS);
  /** The state of the store after each event. */
  readonly storeCodes = new Uint8Array(BLOCK_EVENTS);
  /** Where the series of each event end in `series` and `states`. */
  readonly ends = new Uint32Array(BLOCK_EVENTS);
  /** The series that events are about, by their numbers. */
  series = new Uint32Array(BLOCK_EVENTS);
  /** Their states: before the event in the high four bits, after it in the low ones. */
  states = new Uint8Array(BLOCK_EVENTS);
  /** How the number of series in each state has changed from the beginning of the timeline to that of this block. */
  readonly deltas: Int32Array;
  count = 0;
  firstTime = Number.POSITIVE_INFINITY;
  lastTime = Number.NEGATIVE_INFINITY;

  constructor(deltas: Int32Array) {
    this.deltas = deltas;
  }

  /** Where the series of an event begin. */
  startOf(index: number): number {
    return index === 0 ? 0 : this.ends[index - 1];
  }

  addSeries(at: number, series: number, before: number, after: number): void {
    if (at === this.series.length) {
      this.series = doubled(this.series, new Uint32Array(2 * at));
      this.states = doubled(this.states, new Uint8Array(2 * at));
    }
    this.series[at] = series;
    this.states[at] = (before << 4) | after;
  }

  /** How the number of series in each state has changed from the beginning of the timeline to after an event. */
  deltasAfter(index: number): Int32Array {
    const deltas = this.deltas.slice();
    const end = this.ends[index];
    for (let i = 0; i < end; i++) {
      deltas[this.states[i] >> 4]--;
      deltas[this.states[i] & 15]++;
    }
    return deltas;
  }
}

export const noDeltas = (): Int32Array => new Int32Array(seriesStates.length);

const doubled = <Column extends Uint8Array | Uint32Array>(column: Column, larger: Column): Column => {
  larger.set(column);
  return larger;
};
