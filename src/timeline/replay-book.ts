/**
 * Answers what a replay asks of a timeline: which events a filter lets through, rows of them, one event with the states
 * around it, one series at that event. The server has a book for the journal, the page one for a file; they differ in
 * how events are read and how series are chosen.
 */
import type { EventTimeline } from './event-timeline.ts';
import {
  type AskedEvent,
  type EventPlace,
  momentOf,
  placeOf,
  type ReplayedEvent,
  type ReplayedSeries,
  type ReplayMoment,
  type ReplayRow,
  type ReplaySummary,
  rowOf,
  summaryOf,
} from './replay-answers.ts';
import { eventsOf, seriesAt } from './series-at.ts';
import { type SeriesStateName, stateCode } from './state-changes.ts';
import { FilteredEvents, nextStop, type SeriesSet } from './timeline-filter.ts';

/** Series of an event whose labels are read. */
const NAMED_MAX = 1000;
/** Labels of series that are kept. */
const LABELS_MAX = 5000;
/** Filters that are kept for the next request. */
const FILTERS_MAX = 12;

type Labels = Readonly<Record<string, string>>;

/** What is asked for does not exist. */
export class NotInTimeline extends Error {}

/** A filter as the address has it. */
export interface AskedFilter {
  /** Which series; empty: all events. */
  readonly match: string;
  /** Which types; empty: all. */
  readonly types: readonly string[];
  readonly from?: number | undefined;
  readonly through?: number | undefined;
}

/** Where playing stops: one of these has to hold. */
export interface AskedStops {
  readonly types: readonly string[];
  readonly match: string;
  /** A series has reached one of these states. */
  readonly states: readonly SeriesStateName[];
}

/** The series of a text. Later calls may add some to the same set. */
export interface ChosenSet {
  readonly set: SeriesSet;
  readonly count: number;
}

export interface BookParts {
  readonly timeline: EventTimeline;
  /** The events with these numbers, which are ascending. An event may be missing if it was removed meanwhile. */
  readonly read: (numbers: readonly number[], signal?: AbortSignal) => Promise<ReadonlyMap<number, ReplayedEvent>>;
  /** The series that a text stands for. Throws what is wrong with the text. */
  readonly choose: (text: string) => Promise<ChosenSet>;
  /** Runs work that is done in pieces; other work of the thread goes on in between. */
  readonly run: <Result>(work: Generator<void, Result, undefined>) => Promise<Result>;
  /** What could not be read, one sentence each. */
  readonly problems: readonly string[];
}

interface ReadFilter {
  readonly events: FilteredEvents;
  readonly chosen: ChosenSet | undefined;
}

export class ReplayBook {
  private readonly parts: BookParts;
  private readonly filters = new Map<string, ReadFilter>();
  /** Labels by series, and the event that has them. */
  private readonly labels = new Map<number, { readonly at: number; readonly labels: Labels }>();

  constructor(parts: BookParts) {
    this.parts = parts;
  }

  async summary(filter: AskedFilter, asked: AskedEvent, axisParts: number): Promise<ReplaySummary> {
    const { problems, run } = this.parts;
    const { events, chosen } = await this.filtered(filter);
    return run(summaryOf(events, { asked, parts: axisParts, problems, series: chosen?.count }));
  }

  async rows(filter: AskedFilter, from: number, count: number, signal?: AbortSignal): Promise<readonly ReplayRow[]> {
    const { events } = await this.filtered(filter);
    const shown = Array.from({ length: Math.max(0, Math.min(count, events.count - from)) }, (_, i) => from + i);
    const found = await this.read(
      shown.map((row) => events.at(row)),
      signal,
    );
    const { timeline } = this.parts;
    const first = shown.map((row) => timeline.changesOf(events.at(row), 1)[0]?.series);
    const labels = await this.labelsOf(
      first.filter((series, i) => series !== undefined && !found[i].labels) as number[],
    );
    return shown.map((row, i) => rowOf(events, row, found[i], labels.get(first[i] ?? -1)));
  }

  /** An event with the states around it, and the states of the first `most` of its series. */
  async moment(place: EventPlace, most: number, signal?: AbortSignal): Promise<ReplayMoment> {
    const { timeline } = this.parts;
    const number = this.numberAt(place);
    const [event] = await this.read([number], signal);
    const named = timeline.changesOf(number, Math.min(most, NAMED_MAX)).map(({ series }) => series);
    return momentOf(timeline, number, event, most, await this.labelsOf(named));
  }

  /** A series as of an event. */
  async series(place: EventPlace, fingerprint: string, signal?: AbortSignal): Promise<ReplayedSeries> {
    const { timeline, read, run } = this.parts;
    const number = this.numberAt(place);
    const series = timeline.fingerprints.find(fingerprint);
    if (series < 0) throw new NotInTimeline(`There is no event of a series ${fingerprint.slice(0, 40)}.`);
    const own = eventsOf(timeline, series);
    await run(own.readOn());
    const at = seriesAt(own, series, number);
    const asked = [at.chunksAt, at.labelsAt, at.headClosed].filter((one) => one !== undefined);
    const found = await read(
      [...new Set(asked)].sort((a, b) => a - b),
      signal,
    );
    const eventAt = (one: number | undefined) => (one === undefined ? undefined : found.get(one));
    const { labels } = eventAt(at.labelsAt) ?? {};
    const chunks = eventAt(at.chunksAt);
    const chunksInFile = chunks?.['chunksInFile'];
    const head = eventAt(at.headClosed);
    return {
      fingerprint,
      state: at.state,
      eventsUntil: at.eventsUntil,
      eventsInAll: at.eventsInAll,
      ...(labels && { labels }),
      ...(at.previous !== undefined && { previous: placeOf(timeline, at.previous) }),
      ...(at.next !== undefined && { next: placeOf(timeline, at.next) }),
      ...(chunks && typeof chunksInFile === 'number' && { chunksInFile, chunksSaidAt: chunks.time }),
      ...(head && { headClosedAt: head.time }),
    };
  }

  /** The first row from `row` on at which playing stops; `undefined` if there is none. */
  async stop(filter: AskedFilter, row: number, stops: AskedStops): Promise<number | undefined> {
    const { choose, run } = this.parts;
    const { events } = await this.filtered(filter);
    const breakpoint = {
      types: new Set(stops.types),
      states: new Set(stops.states.map(stateCode)),
      series: stops.match === '' ? undefined : (await choose(stops.match)).set,
    };
    return run(nextStop(events, row, breakpoint));
  }

  /** The events of a filter, up to the newest one. */
  private async filtered(asked: AskedFilter): Promise<ReadFilter> {
    const { timeline, choose, run } = this.parts;
    const { match, types, from, through } = asked;
    const key = JSON.stringify([match, types, from, through]);
    const chosen = match === '' ? undefined : await choose(match);
    const only = types.length === 0 ? undefined : new Set(types);
    const known = this.filters.get(key) ?? {
      events: new FilteredEvents(timeline, { series: chosen?.set, types: only, from, through }),
      chosen,
    };
    keepNewest(this.filters, key, known, FILTERS_MAX);
    await run(known.events.readOn());
    return known;
  }

  /** The labels of series, as far as an event has them. */
  private async labelsOf(list: readonly number[]): Promise<ReadonlyMap<number, Labels>> {
    const { timeline, read } = this.parts;
    const found = new Map<number, Labels>();
    const missing = new Map<number, number>();
    for (const series of list) {
      const at = timeline.labelsAt(series);
      const known = this.labels.get(series);
      if (known !== undefined && known.at === at) found.set(series, known.labels);
      else if (at !== undefined) missing.set(at, series);
    }
    const numbers = [...missing.keys()].sort((a, b) => a - b);
    if (numbers.length === 0) return found;
    if (this.labels.size > LABELS_MAX) this.labels.clear();
    for (const [at, { fingerprint, labels }] of await read(numbers)) {
      const series = missing.get(at) ?? -1;
      if (labels === undefined || fingerprint !== timeline.fingerprints.text(series)) continue;
      found.set(series, labels);
      this.labels.set(series, { at, labels });
    }
    return found;
  }

  private numberAt({ position, place }: EventPlace): number {
    const { timeline } = this.parts;
    const number = timeline.find(position, place);
    if (number === undefined || timeline.positionOf(number) !== position || timeline.placeOf(number) !== place)
      throw new NotInTimeline(`There is no event ${place} at position ${position}. Older events are removed in time.`);
    return number;
  }

  private async read(numbers: readonly number[], signal: AbortSignal | undefined): Promise<readonly ReplayedEvent[]> {
    const { timeline, read } = this.parts;
    const found = await read(numbers, signal);
    return numbers.map(
      (number) => found.get(number) ?? { type: timeline.typeOf(number), time: timeline.timeOf(number), removed: true },
    );
  }
}

/** Puts an entry at the end of a map, and removes the oldest one if there are more than `most`. */
export const keepNewest = <Value>(map: Map<string, Value>, key: string, value: Value, most: number): void => {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > most && oldest !== undefined) map.delete(oldest);
};
