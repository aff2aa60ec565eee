/** The expression that the builder makes of its fields. */
import { formatLabels } from '../../parts/text/series-names.ts';

export interface Filter {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** Functions over time: name, what it is called. */
export const timeFunctions = [
  ['', 'as it is'],
  ['rate', 'increase per second'],
  ['increase', 'increase'],
  ['avg_over_time', 'average over time'],
  ['max_over_time', 'highest over time'],
  ['min_over_time', 'lowest over time'],
  ['quantile_over_time 0.95', '95th percentile over time'],
  ['delta', 'difference'],
] as const;

/** Ways to put series together: name, what it is called. */
export const aggregations = [
  ['', 'each series'],
  ['sum', 'sum'],
  ['avg', 'average'],
  ['min', 'lowest'],
  ['max', 'highest'],
  ['count', 'number of series'],
  ['topk 5', 'five highest'],
  ['histogram_quantile 0.5', 'median of a histogram'],
  ['histogram_quantile 0.95', '95th percentile of a histogram'],
  ['histogram_quantile 0.99', '99th percentile of a histogram'],
] as const;

export interface Parts {
  readonly metric: string;
  readonly filters: readonly Filter[];
  readonly timeFunction: string;
  /** A duration. */
  readonly window: string;
  readonly aggregation: string;
  readonly by: readonly string[];
}

const plainLabel = /^[a-zA-Z_]\w*$/;

const labelText = (label: string): string => (plainLabel.test(label) ? label : JSON.stringify(label));

const selectorOf = ({ metric, filters }: Parts): string => {
  const matchers = filters
    .filter(({ label }) => label !== '')
    .map(({ label, operator, value }) => `${labelText(label)}${operator}${JSON.stringify(value)}`);
  const name = metric === '' ? '' : formatLabels({ __name__: metric });
  if (matchers.length === 0) return name;
  return name.endsWith('}') ? `${name.slice(0, -1)}, ${matchers.join(', ')}}` : `${name}{${matchers.join(', ')}}`;
};

/** The expression; empty as long as neither a metric nor a filter is given. */
export const builtExpression = (parts: Parts): string => {
  const selector = selectorOf(parts);
  if (selector === '') return '';
  const [name, argument] = parts.timeFunction.split(' ');
  const window = `${selector}[${parts.window || '5m'}]`;
  const overTime = name === '' ? selector : `${name}(${argument === undefined ? window : `${argument}, ${window}`})`;
  const [aggregation, parameter] = parts.aggregation.split(' ');
  if (aggregation === '') return overTime;
  const isHistogram = aggregation === 'histogram_quantile';
  const labels = [...new Set(isHistogram ? ['le', ...parts.by] : parts.by)].map(labelText);
  const by = labels.length === 0 ? '' : ` by (${labels.join(', ')})`;
  if (isHistogram) return `histogram_quantile(${parameter}, sum${by} (${overTime}))`;
  return `${aggregation}${by} (${parameter === undefined ? overTime : `${parameter}, ${overTime}`})`;
};
