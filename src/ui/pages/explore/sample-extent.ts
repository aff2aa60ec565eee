/** Over which time there are samples. */
import type { TimeRange } from '../../parts/chart/chart.ts';
import { isSelector } from '../../parts/queries/query-text.ts';
import { ask } from '../../server/ask-server.ts';

/** A range that is shown is at least this long. */
const rangeMinMs = 1000;

/** The range of all samples of the first selector among the queries; `undefined` if there is none. */
export const extentOfSelectors = async (
  queries: readonly string[],
  signal: AbortSignal,
): Promise<TimeRange | undefined> => {
  const match = queries.find((query) => isSelector(query));
  if (match === undefined) return undefined;
  const extent = await ask('/ui/extent', { match }, signal).catch(() => undefined);
  if (extent?.from === undefined || extent.through === undefined) return undefined;
  return [extent.from, Math.max(extent.through, extent.from + rangeMinMs)];
};
