/** What the page asks the server for a query and a view. */

import { bucketsOf, isCounter, isSelector, quantileOf, rateOf } from '../../parts/queries/query-text.ts';
import type { Reading } from '../../parts/queries/results.ts';
import { durationMs, stepFor } from '../../parts/text/duration-text.ts';
import { shownRange } from '../../parts/time/time-view.ts';
import type { ExploreView } from './explore-view.ts';

const quantiles = [0.5, 0.9, 0.99];

/** Most points of one series of an expression; the server refuses more than 11,000. */
const pointsMax = 11_000;

/** Milliseconds between the points of expressions, for a chart of so many columns. */
export const stepOf = (view: ExploreView, columns: number): number => {
  const [from, through] = shownRange(view);
  const step = view.stepMs ?? stepFor(through - from, columns / 2);
  return Math.max(step, Math.ceil((through - from) / pointsMax), 1);
};

/** Whether the increase per second is drawn, if the query is a selector. */
export const drawsRate = (view: ExploreView, query: string): boolean =>
  isSelector(query) && (view.rate ?? isCounter(query));

/** What to ask for one query of the view. */
export const readingsOf = (view: ExploreView, query: string, columns: number): readonly Reading[] => {
  const stepMs = stepOf(view, columns);
  const plain = isSelector(query);
  switch (view.look) {
    case 'chart':
    case 'samples':
      return plain
        ? [{ kind: 'raw', text: query, perSecond: drawsRate(view, query) }]
        : [{ kind: 'range', text: query, stepMs }];
    case 'stacked':
      return [{ kind: 'range', text: drawsRate(view, query) ? rateOf(query, stepMs) : query, stepMs }];
    case 'heatmap':
      return [{ kind: 'range', text: bucketsOf(query, stepMs), stepMs }];
    case 'quantiles':
      return quantiles.map((quantile) => ({
        kind: 'range',
        text: quantileOf(query, quantile, stepMs),
        stepMs,
        name: String(quantile),
      }));
    case 'table':
      return [{ kind: 'instant', text: drawsRate(view, query) ? rateOf(query, stepMs) : query }];
  }
};

/** Milliseconds after which a live view asks again for an expression. */
export const refreshMs = (view: ExploreView, columns: number): number =>
  Math.min(60_000, Math.max(2000, stepOf(view, columns), (durationMs(view.range) ?? 0) / 1000));
