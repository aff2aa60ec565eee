/** The address at which what Explore shows becomes a panel of a dashboard. */
import { isSelector, metricOf } from '../../parts/queries/query-text.ts';
import type { ExploreView, Look } from './explore-view.ts';
import { drawsRate } from './query-readings.ts';

/** How a dashboard shows it: as the panels of the page Dashboards are called. */
const kinds: Readonly<Record<Look, string>> = {
  chart: 'lines',
  stacked: 'stacked',
  heatmap: 'heatmap',
  quantiles: 'lines',
  table: 'table',
  samples: 'lines',
};

const quantiles = [0.5, 0.9, 0.99];

/** A dashboard takes the window of a rate from its own range. */
const rateOf = (query: string): string => `rate(${query.trim()}[$__rate_interval])`;

const bucketsOf = (query: string): string =>
  isSelector(query) && metricOf(query).endsWith('_bucket') ? `sum by (le) (${rateOf(query)})` : query;

const expressionsOf = (view: ExploreView, query: string): readonly string[] => {
  if (view.look === 'heatmap') return [bucketsOf(query)];
  if (view.look === 'quantiles') return quantiles.map((one) => `histogram_quantile(${one}, ${bucketsOf(query)})`);
  return [drawsRate(view, query) ? rateOf(query) : query];
};

export const dashboardLink = (view: ExploreView): string => {
  const queries = view.queries.filter((query) => query.trim() !== '').flatMap((query) => expressionsOf(view, query));
  const params = new URLSearchParams(queries.map((query) => ['add', query]));
  params.set('kind', kinds[view.look]);
  return `./dashboards?${params}`;
};
