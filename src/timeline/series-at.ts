/** One series as of an event of the timeline: its events around, its state, and what events say of its chunks. */
import type { EventTimeline } from './event-timeline.ts';
import type { SeriesStateName } from './state-changes.ts';
import { FilteredEvents, SeriesSet } from './timeline-filter.ts';

/** Types of events that say how many chunks are in the series file. */
const chunkTypes: ReadonlySet<string> = new Set(['chunksPersisted', 'chunksDropped', 'lateSamplesMerged']);
/** Events after which a closed head chunk says nothing more. */
const headTypes: ReadonlySet<string> = new Set([...chunkTypes, 'seriesArchived', 'seriesUnarchived', 'seriesCreated']);

export interface SeriesAt {
  readonly state: SeriesStateName;
  readonly previous: number | undefined;
  readonly next: number | undefined;
  readonly eventsUntil: number;
  readonly eventsInAll: number;
  /** The last event that says how many chunks are in the file. */
  readonly chunksAt: number | undefined;
  /** The last event, if it says that the head chunk was closed. */
  readonly headClosed: number | undefined;
  /** The last event that has the labels, of the whole timeline. */
  readonly labelsAt: number | undefined;
}

/** All events of a series. */
export const eventsOf = (timeline: EventTimeline, series: number): FilteredEvents => {
  const only = new SeriesSet();
  only.add(series);
  return new FilteredEvents(timeline, { series: only });
};

/** `own` are the events of the series, read on. */
export const seriesAt = (own: FilteredEvents, series: number, number: number): SeriesAt => {
  const { timeline } = own;
  const after = own.rowFrom(number + 1);
  const isCurrent = after > 0 && own.at(after - 1) === number;
  const before = isCurrent ? after - 1 : after;
  return {
    state: stateAt(own, series, after),
    previous: before > 0 ? own.at(before - 1) : undefined,
    next: after < own.count ? own.at(after) : undefined,
    eventsUntil: after,
    eventsInAll: own.count,
    chunksAt: lastOf(own, after, chunkTypes),
    headClosed: headClosedAt(own, after),
    labelsAt: timeline.labelsAt(series),
  };
};

const stateAt = (own: FilteredEvents, series: number, rows: number): SeriesStateName => {
  const { timeline } = own;
  const changeAt = (row: number) => timeline.changesOf(own.at(row)).find((change) => change.series === series);
  if (rows > 0) return changeAt(rows - 1)?.after ?? 'unknown';
  return (own.count > 0 ? changeAt(0)?.before : undefined) ?? 'unknown';
};

const lastOf = (own: FilteredEvents, rows: number, types: ReadonlySet<string>): number | undefined => {
  for (let row = rows - 1; row >= 0; row--) if (types.has(own.timeline.typeOf(own.at(row)))) return own.at(row);
  return undefined;
};

const headClosedAt = (own: FilteredEvents, rows: number): number | undefined => {
  const closed = lastOf(own, rows, new Set(['headChunksClosed']));
  const other = lastOf(own, rows, headTypes);
  return closed !== undefined && (other === undefined || other < closed) ? closed : undefined;
};
