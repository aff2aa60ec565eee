/** Where a replay's answers come from: the journal of the store, or a file that a user has opened. */
import type {
  AskedEvent,
  EventPlace,
  ReplayedSeries,
  ReplayMoment,
  ReplayRow,
  ReplaySummary,
} from '../../../timeline/replay-answers.ts';
import type { AskedFilter, AskedStops } from '../../../timeline/replay-book.ts';
import { ask } from '../../server/ask-server.ts';
import type { Params } from '../../server/page-address.ts';
import type { Answers } from '../../server/server-answers.ts';

export interface ReplaySource {
  readonly name: string;
  /** Whether events may be added, and whether their positions may be in the address. */
  readonly isJournal: boolean;
  /** `known`: the end of the last summary; resolves with `undefined` if nothing was added since. */
  readonly summary: (
    filter: AskedFilter,
    asked: AskedEvent,
    signal: AbortSignal,
    known?: number,
  ) => Promise<ReplaySummary | undefined>;
  readonly rows: (
    filter: AskedFilter,
    from: number,
    count: number,
    signal: AbortSignal,
  ) => Promise<readonly ReplayRow[]>;
  readonly moment: (place: EventPlace, most: number, signal: AbortSignal) => Promise<ReplayMoment>;
  readonly series: (place: EventPlace, fingerprint: string, signal: AbortSignal) => Promise<ReplayedSeries>;
  /** The first row from `row` on at which playing stops. */
  readonly stop: (
    filter: AskedFilter,
    row: number,
    stops: AskedStops,
    signal: AbortSignal,
  ) => Promise<number | undefined>;
}

/** Parts of the axis of time. */
export const axisParts = 240;

type ReplayPath = '/ui/replay' | '/ui/replay/rows' | '/ui/replay/moment' | '/ui/replay/series' | '/ui/replay/stop';

const filterParams = ({ match, types, from, through }: AskedFilter): Params => ({
  match: match === '' ? undefined : match,
  types: types.length === 0 ? undefined : types.join(),
  start: from === undefined ? undefined : from / 1000,
  end: through === undefined ? undefined : through / 1000,
});

export class JournalSource implements ReplaySource {
  readonly name = 'The journal of this store';
  readonly isJournal = true;
  private readonly onProgress: (share: number) => void;

  /** `onProgress` is told how far the server has read the journal, from 0 to 1. */
  constructor(onProgress: (share: number) => void) {
    this.onProgress = onProgress;
  }

  readonly summary: ReplaySource['summary'] = async (filter, { place, time }, signal, known) => {
    const asked = { ...place, time: time === undefined ? undefined : time / 1000, known, parts: axisParts };
    const answer = await this.ask('/ui/replay', { ...filterParams(filter), ...asked }, signal);
    return 'unchanged' in answer ? undefined : answer;
  };

  readonly rows: ReplaySource['rows'] = async (filter, row, count, signal) =>
    (await this.ask('/ui/replay/rows', { ...filterParams(filter), row, count }, signal)).rows;

  readonly moment: ReplaySource['moment'] = ({ position, place }, changes, signal) =>
    this.ask('/ui/replay/moment', { position, place, changes }, signal);

  readonly series: ReplaySource['series'] = ({ position, place }, series, signal) =>
    this.ask('/ui/replay/series', { position, place, series }, signal);

  readonly stop: ReplaySource['stop'] = async (filter, row, { types, match, states }, signal) => {
    const stops = { stopTypes: types.join(), stopMatch: match, stopStates: states.join() };
    return (await this.ask('/ui/replay/stop', { ...filterParams(filter), row, ...stops }, signal)).row;
  };

  /** Asks until the server has read the journal. Each request takes a moment meanwhile. */
  private async ask<Path extends ReplayPath>(
    path: Path,
    params: Params,
    signal: AbortSignal,
  ): Promise<Exclude<Answers[Path], { readonly reading: unknown }>> {
    for (;;) {
      const answer = await ask(path, params, signal);
      if (!('reading' in answer)) return answer as Exclude<Answers[Path], { readonly reading: unknown }>;
      const { done, total } = answer.reading;
      this.onProgress(total > 0 ? done / total : 0);
    }
  }
}
