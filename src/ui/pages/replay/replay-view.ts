/** The view of the Replay page. The address contains all of it, so a view can be shared as a link. */
import type { EventPlace } from '../../../timeline/replay-answers.ts';
import type { AskedFilter, AskedStops } from '../../../timeline/replay-book.ts';
import { type SeriesStateName, seriesStates } from '../../../timeline/state-changes.ts';

/** How fast events are played: name in the address, text. `x` plays by the events' times, so many times as fast. */
export const speeds = [
  ['1', '1 event/s'],
  ['10', '10 events/s'],
  ['100', '100 events/s'],
  ['x1', 'real time'],
  ['x10', 'real time × 10'],
  ['x60', 'real time × 60'],
  ['x3600', 'real time × 3600'],
] as const;

export type Speed = (typeof speeds)[number][0];

export interface ReplayView {
  readonly filter: AskedFilter;
  /** The event that is shown; `undefined`: the newest one, followed live. */
  readonly at: EventPlace | undefined;
  readonly speed: Speed;
  readonly stops: AskedStops;
}

const isState = (text: string): text is SeriesStateName => (seriesStates as readonly string[]).includes(text);

const listOf = (text: string | null): string[] => (text ?? '').split(',').filter((one) => one !== '');

const numberOf = (text: string | null): number | undefined =>
  text !== null && /^\d+$/.test(text) ? Number(text) : undefined;

/** Reads the view from an address's parameters. What is not valid counts as absent. */
export const readView = (params: URLSearchParams): ReplayView => {
  const position = numberOf(params.get('position'));
  const speed = params.get('speed');
  return {
    filter: {
      match: params.get('match') ?? '',
      types: listOf(params.get('types')),
      from: numberOf(params.get('start')),
      through: numberOf(params.get('end')),
    },
    at: position === undefined ? undefined : { position, place: numberOf(params.get('event')) ?? 0 },
    speed: speeds.find(([name]) => name === speed)?.[0] ?? '10',
    stops: {
      types: listOf(params.get('stopTypes')),
      match: params.get('stopMatch') ?? '',
      states: listOf(params.get('stopStates')).filter(isState),
    },
  };
};

/** The address of a view. */
export const addressOfView = ({ filter, at, speed, stops }: ReplayView): string => {
  const params = new URLSearchParams();
  if (filter.match !== '') params.set('match', filter.match);
  if (filter.types.length > 0) params.set('types', filter.types.join());
  if (filter.from !== undefined) params.set('start', String(filter.from));
  if (filter.through !== undefined) params.set('end', String(filter.through));
  if (at !== undefined) params.set('position', String(at.position));
  if (at !== undefined && at.place > 0) params.set('event', String(at.place));
  if (speed !== '10') params.set('speed', speed);
  if (stops.types.length > 0) params.set('stopTypes', stops.types.join());
  if (stops.match !== '') params.set('stopMatch', stops.match);
  if (stops.states.length > 0) params.set('stopStates', stops.states.join());
  return `./replay${params.size > 0 ? `?${params}` : ''}`;
};

export const hasStops = ({ types, match, states }: AskedStops): boolean =>
  types.length > 0 || match !== '' || states.length > 0;

export const isFiltered = ({ match, types, from, through }: AskedFilter): boolean =>
  match !== '' || types.length > 0 || from !== undefined || through !== undefined;
