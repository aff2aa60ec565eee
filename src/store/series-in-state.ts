/** Lists the series in one state of the series statechart, a page at a time. */
import { phaseOfCode } from '../../machines/series-states.ts';
import type { ListedState, SeriesPage, SeriesPageOptions } from '../api/api.ts';
import { Slices } from '../async/slices.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { invalidOption } from '../model/invalid-option.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';
import type { Row } from '../series/table.ts';
import type { Running } from './running.ts';

export type StateListParts = Pick<Running, 'engine' | 'recovered' | 'directory'>;

const LISTED_DEFAULT = 100;
const LISTED_MAX = 10_000;
/** Rows to look at between two looks at the clock. */
const ROWS_PER_LOOK = 4096;
/** Archived series whose labels are read by one call. */
const ARCHIVED_AT_ONCE = 256;

const states: readonly ListedState[] = ['inMemory', 'persisting', 'archived'];

interface Found {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
}

const countOption = (name: string, value: number, most: number): number => {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  throw invalidOption(name, value, `a whole number from 0 to ${most}`);
};

/** `from` and `next` are numbers of rows, or of slots of the archive: a series keeps its own while it keeps its state. */
export const seriesInState = async (
  parts: StateListParts,
  state: ListedState,
  options: SeriesPageOptions,
): Promise<SeriesPage> => {
  if (!states.includes(state)) throw invalidOption('state', state, states.join(', '));
  const from = countOption('from', options.from ?? 0, Number.MAX_SAFE_INTEGER);
  const limit = countOption('limit', options.limit ?? LISTED_DEFAULT, LISTED_MAX);
  const { found, next } = await (state === 'archived' ? archivedPage : rowPage(state))(parts, from, limit);
  const series = found.map(({ high, low, pairs }) => ({
    labels: toLabels(pairs),
    fingerprint: fingerprintText(high, low),
  }));
  return next === undefined ? { series } : { series, next };
};

type PageOf = (
  parts: StateListParts,
  from: number,
  limit: number,
) => Promise<{ readonly found: readonly Found[]; readonly next: number | undefined }>;

const rowPage =
  (state: ListedState): PageOf =>
  async ({ engine: { table, clock } }, from, limit) => {
    const slices = new Slices(clock);
    const found: Found[] = [];
    const isIn = (row: Row): boolean => table.isListed(row) && phaseOfCode(table.stateCode(row)) === state;
    for (let row = from; row < table.size; row++) {
      if (row % ROWS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
      const pairs = isIn(row) ? table.labels[row] : undefined;
      if (pairs === undefined) continue;
      if (found.length === limit) return { found, next: row };
      found.push({ high: table.high[row], low: table.low[row], pairs });
    }
    return { found, next: undefined };
  };

/** A series that leaves the archive while its labels are being read is left out. */
const archivedPage: PageOf = async ({ recovered: { archived, archive, indexer } }, from, limit) => {
  const found: Found[] = [];
  let slot = archived.nextSlot(from);
  while (slot >= 0 && found.length < limit) {
    const part: { readonly high: number; readonly low: number }[] = [];
    for (
      ;
      slot >= 0 && part.length < Math.min(ARCHIVED_AT_ONCE, limit - found.length);
      slot = archived.nextSlot(slot + 1)
    )
      part.push({ high: archived.highAt(slot), low: archived.lowAt(slot) });
    const stored = await archive.labelsOfMany(part.flatMap(({ high, low }) => [high, low]));
    for (const [i, { high, low }] of part.entries()) {
      const pairs = indexer.pendingArchived(high, low) ?? stored[i];
      if (pairs !== undefined && archived.has(high, low)) found.push({ high, low, pairs });
    }
  }
  return { found, next: slot < 0 ? undefined : slot };
};
