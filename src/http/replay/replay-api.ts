/**
 * The endpoints of Replay. Events are named by their position and their number in the record, so that a page goes on
 * after a restart of the server. Each answer is bounded, and the work for it is done in slices.
 */
import type { Clock } from '../../index.ts';
import type { EventPlace } from '../../timeline/replay-answers.ts';
import { type AskedFilter, NotInTimeline } from '../../timeline/replay-book.ts';
import { type SeriesStateName, seriesStates } from '../../timeline/state-changes.ts';
import { countParam, quoteParam, rangeParams, timeParam } from '../params.ts';
import { badData, HttpError, sendData } from '../reply.ts';
import type { Route, StoreExchange } from '../router.ts';
import { type JournalTimeline, JournalTimelines } from './journal-timeline.ts';

const ROWS_MAX = 500;
const PARTS_MAX = 1000;
/** Series of an event that are sent. */
const CHANGES_MAX = 10_000;
const TYPES_MAX = 100;
const anyNumber = { fallback: 0, maximum: Number.MAX_SAFE_INTEGER };

const listParam = (params: URLSearchParams, name: string): string[] => {
  const list = (params.get(name) ?? '').split(',').filter((text) => text !== '');
  if (list.length > TYPES_MAX) throw badData(`${name} takes at most ${TYPES_MAX} names, not ${list.length}.`);
  return list;
};

const filterParams = (params: URLSearchParams): AskedFilter => ({
  match: (params.get('match') ?? '').trim(),
  types: listParam(params, 'types'),
  ...rangeParams(params),
});

const placeParam = (params: URLSearchParams): EventPlace | undefined =>
  params.has('position')
    ? { position: countParam(params, 'position', anyNumber), place: countParam(params, 'place', anyNumber) }
    : undefined;

const statesParam = (params: URLSearchParams): readonly SeriesStateName[] => {
  const names = listParam(params, 'stopStates');
  const wrong = names.find((name) => !seriesStates.includes(name as SeriesStateName));
  if (wrong !== undefined) throw badData(`stopStates takes ${seriesStates.join(', ')}, not ${quoteParam(wrong)}.`);
  return names as SeriesStateName[];
};

const neededPlace = (params: URLSearchParams): EventPlace => {
  const place = placeParam(params);
  if (place === undefined) throw badData('The parameter position is missing.');
  return place;
};

const notFound = (error: unknown): never => {
  throw error instanceof NotInTimeline ? new HttpError(404, 'not_found', error.message) : error;
};

export const replayRoutes = (clock: Clock): readonly Route[] => {
  const timelines = new JournalTimelines(clock);

  /** Answers with the progress while the journal is read for the first time. */
  const answer =
    (handle: (journal: JournalTimeline, exchange: StoreExchange) => Promise<unknown>) =>
    async (exchange: StoreExchange): Promise<void> => {
      const journal = timelines.of(exchange.store);
      const reading = await journal.refresh();
      const data = reading === undefined ? await handle(journal, exchange).catch(notFound) : { reading };
      await sendData(exchange.response, data);
    };

  const summary = answer(async ({ book, timeline }, { params }) => {
    const filter = filterParams(params);
    if (params.has('known') && countParam(params, 'known', anyNumber) === timeline.end) return { unchanged: true };
    const asked = { place: placeParam(params), time: timeParam(params, 'time') };
    return book.summary(filter, asked, countParam(params, 'parts', { fallback: 200, maximum: PARTS_MAX }));
  });

  const rows = answer(async ({ book }, { params, signal }) => {
    const count = countParam(params, 'count', { fallback: 100, maximum: ROWS_MAX });
    return { rows: await book.rows(filterParams(params), countParam(params, 'row', anyNumber), count, signal) };
  });

  const moment = answer(async ({ book }, { params, signal }) =>
    book.moment(neededPlace(params), countParam(params, 'changes', { fallback: 20, maximum: CHANGES_MAX }), signal),
  );

  const series = answer(async ({ book }, { params, signal }) =>
    book.series(neededPlace(params), params.get('series') ?? '', signal),
  );

  /** The next row at which playing stops. */
  const stop = answer(async ({ book }, { params }) => {
    const match = (params.get('stopMatch') ?? '').trim();
    const stops = { types: listParam(params, 'stopTypes'), match, states: statesParam(params) };
    return { row: await book.stop(filterParams(params), countParam(params, 'row', anyNumber), stops) };
  });

  return [
    { methods: ['GET'], path: '/ui/replay', handle: summary },
    { methods: ['GET'], path: '/ui/replay/rows', handle: rows },
    { methods: ['GET'], path: '/ui/replay/moment', handle: moment },
    { methods: ['GET'], path: '/ui/replay/series', handle: series },
    { methods: ['GET'], path: '/ui/replay/stop', handle: stop },
  ];
};
