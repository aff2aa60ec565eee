/**
 * What a replay shows of a timeline, as plain data: the server sends it for the journal, and the page makes it itself
 * for a file.
 */
import type { EventTimeline, StateCounts } from './event-timeline.ts';
import type { SeriesStateName, StoreState } from './state-changes.ts';
import type { FilteredEvents } from './timeline-filter.ts';

/** Marks that are sent. Of more, checkpoints are left out first. */
const MARKS_MAX = 400;
/** Fingerprints of a batch in a row of the list. */
const FINGERPRINTS_MAX = 3;

type Labels = Readonly<Record<string, string>>;

/** An event with all that its type has; docs/events.md. */
export interface ReplayedEvent {
  readonly type: string;
  readonly time: number;
  readonly fingerprint?: string;
  readonly fingerprints?: readonly string[];
  readonly labels?: Labels;
  readonly [field: string]: unknown;
}

/** Which event: its position, and its number among the events of the same record. */
export interface EventPlace {
  readonly position: number;
  readonly place: number;
}

/** A row of the list of events. Of many fingerprints it has the first ones. */
export interface ReplayRow extends EventPlace {
  readonly number: number;
  readonly row: number;
  readonly event: ReplayedEvent;
  /** How many series the event is about. */
  readonly series: number;
  /** The labels of its first series, if another event has them. */
  readonly labels?: Labels;
}

export interface ReplayMark extends EventPlace {
  readonly type: string;
  readonly time: number;
}

/** What the filter lets through, and where the asked event is. */
export interface ReplaySummary {
  /** Number of events before the oldest one that is kept in this view. */
  readonly first: number;
  /** Number of all events of the timeline, forgotten ones included. */
  readonly end: number;
  /** Whether the timeline has the beginning of the journal. */
  readonly isWhole: boolean;
  /** How many events the filter lets through. */
  readonly count: number;
  /** How many events of each type there are, whether the filter lets the type through or not. */
  readonly types: Readonly<Record<string, number>>;
  /** The range of time of the axis. Absent without events. */
  readonly axis?: { readonly from: number; readonly through: number };
  /** The number of events in equal parts of the axis. */
  readonly density: readonly number[];
  readonly marks: readonly ReplayMark[];
  /** How many checkpoints were left out of the marks. */
  readonly checkpointsLeftOut: number;
  /** The asked event, or the one that is nearest to it. Absent if the filter lets nothing through. */
  readonly at?: EventPlace & { readonly row: number; readonly number: number };
  /** Parts of the journal that cannot be read. */
  readonly problems: readonly string[];
  /** How many series the filter has found; absent if it does not ask for series. */
  readonly series?: number;
}

/** One series of an event. */
export interface ShownChange {
  readonly fingerprint: string;
  readonly before: SeriesStateName;
  readonly after: SeriesStateName;
  readonly labels?: Labels;
}

interface ShownStates {
  readonly counts: StateCounts;
  readonly store: StoreState;
}

/** An event with the states before and after it. */
export interface ReplayMoment extends EventPlace {
  readonly number: number;
  /** All fields but the fingerprints. */
  readonly event: ReplayedEvent;
  readonly changes: readonly ShownChange[];
  /** How many series the event is about. */
  readonly series: number;
  readonly before: ShownStates;
  readonly after: ShownStates;
}

/** A series as of an event. */
export interface ReplayedSeries {
  readonly fingerprint: string;
  readonly labels?: Labels;
  readonly state: SeriesStateName;
  readonly previous?: EventPlace;
  readonly next?: EventPlace;
  /** How many events are about it, up to and with this event, and in all. */
  readonly eventsUntil: number;
  readonly eventsInAll: number;
  /** Chunks in the series file, and the event that says it. */
  readonly chunksInFile?: number;
  readonly chunksSaidAt?: number;
  /** When the head chunk was closed, if no event since says that the series has more samples. */
  readonly headClosedAt?: number;
}

export const placeOf = (timeline: EventTimeline, number: number): EventPlace => ({
  position: timeline.positionOf(number),
  place: timeline.placeOf(number),
});

export const rowOf = (events: FilteredEvents, row: number, event: ReplayedEvent, labels?: Labels): ReplayRow => {
  const { timeline } = events;
  const number = events.at(row);
  const { fingerprints } = event;
  const shown =
    fingerprints === undefined ? event : { ...event, fingerprints: fingerprints.slice(0, FINGERPRINTS_MAX) };
  const series = timeline.seriesCountOf(number);
  return { number, row, ...placeOf(timeline, number), event: shown, series, ...(labels && { labels }) };
};

/** The event `number` with the states around it, `most` of its series, and the labels of series that are known. */
export const momentOf = (
  timeline: EventTimeline,
  number: number,
  event: ReplayedEvent,
  most: number,
  labelsOf: ReadonlyMap<number, Labels>,
): ReplayMoment => {
  const { fingerprints: _, ...shown } = event;
  return {
    number,
    ...placeOf(timeline, number),
    event: shown,
    changes: timeline.changesOf(number, most).map(({ series, before, after }) => {
      const labels = labelsOf.get(series);
      return { fingerprint: timeline.fingerprints.text(series), before, after, ...(labels && { labels }) };
    }),
    series: timeline.seriesCountOf(number),
    before: { counts: timeline.countsAfter(number - 1), store: timeline.storeAfter(number - 1) },
    after: { counts: timeline.countsAfter(number), store: timeline.storeAfter(number) },
  };
};

/** Which event is asked for: the one at a place, the last one at or before a time, or the newest one. */
export interface AskedEvent {
  readonly place?: EventPlace | undefined;
  readonly time?: number | undefined;
}

interface SummaryOptions {
  readonly asked: AskedEvent;
  /** Parts of the axis. */
  readonly parts: number;
  readonly problems: readonly string[];
  readonly series?: number | undefined;
}

/** `events` must have been read on. */
export function* summaryOf(
  events: FilteredEvents,
  { asked, parts, problems, series }: SummaryOptions,
): Generator<void, ReplaySummary, undefined> {
  const { timeline, filter } = events;
  const isEmpty = timeline.end === timeline.first;
  const times = isEmpty ? { from: 0, through: 0 } : timeline.times;
  const from = filter.from ?? times.from;
  const through = Math.max(from, filter.through ?? times.through);
  const density = isEmpty ? [] : yield* events.density(from, through, parts);
  const row = events.count === 0 ? undefined : yield* askedRow(events, asked);
  return {
    first: timeline.first,
    end: timeline.end,
    isWhole: timeline.first === 0 && !isEmpty && timeline.typeOf(0) === 'storeOpened' && isCreation(timeline),
    count: events.count,
    types: Object.fromEntries(timeline.types.map((type, code) => [type, events.typeCounts[code] ?? 0])),
    ...(!isEmpty && { axis: { from, through } }),
    density,
    ...marksOf(timeline, from, through),
    ...(row !== undefined && { at: { row, number: events.at(row), ...placeOf(timeline, events.at(row)) } }),
    problems,
    ...(series !== undefined && { series }),
  };
}

/** A journal begins with the event that the store was opened; the store had no series then. */
const isCreation = (timeline: EventTimeline): boolean => {
  const { inMemory, archived } = timeline.countsAfter(timeline.first);
  return inMemory === 0 && archived === 0;
};

function* askedRow(events: FilteredEvents, { place, time }: AskedEvent): Generator<void, number, undefined> {
  const last = events.count - 1;
  if (time !== undefined) return yield* events.rowAtTime(time);
  if (place === undefined) return last;
  const number = events.timeline.find(place.position, place.place);
  return number === undefined ? last : Math.min(last, events.rowFrom(number));
}

const marksOf = (
  timeline: EventTimeline,
  from: number,
  through: number,
): Pick<ReplaySummary, 'marks' | 'checkpointsLeftOut'> => {
  const all = timeline.marks.filter((number) => {
    const time = timeline.timeOf(number);
    return time >= from && time <= through;
  });
  const others = all.filter((number) => timeline.typeOf(number) !== 'checkpointWritten');
  const shown = all.length > MARKS_MAX ? others : all;
  return {
    marks: shown.slice(-MARKS_MAX).map((number) => ({
      ...placeOf(timeline, number),
      type: timeline.typeOf(number),
      time: timeline.timeOf(number),
    })),
    checkpointsLeftOut: shown === all ? 0 : all.length - others.length,
  };
};
