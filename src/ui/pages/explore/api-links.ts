/** The addresses of the API at which the results of a view can be asked for. */
import type { TimeRange } from '../../parts/chart/chart.ts';
import { type Reading, rangeParams } from '../../parts/queries/results.ts';
import { durationText } from '../../parts/text/duration-text.ts';
import { queryText } from '../../server/page-address.ts';

/** The address of a reading, relative to the pages. Of samples as they were appended, that of a range selector. */
export const apiLink = (reading: Reading, [from, through]: TimeRange): string => {
  if (reading.kind === 'range') return `./api/v1/query_range${queryText(rangeParams(reading, [from, through]))}`;
  const query = reading.kind === 'raw' ? `${reading.text.trim()}[${durationText(through - from)}]` : reading.text;
  return `./api/v1/query${queryText({ query, time: through / 1000 })}`;
};
