/** Short forms for the dashboards that come with the product. */
import type { Panel, PanelKind, PanelUnit, Variable } from '../dashboard.ts';

interface PanelLook {
  readonly unit?: PanelUnit;
  readonly width?: number;
}

/** A panel; each query is an expression, or an expression with the text of its legend. */
const panel =
  (kind: PanelKind, height: Panel['height'], usualWidth: number) =>
  (
    title: string,
    queries: readonly (string | readonly [expr: string, legend: string])[],
    { unit = 'auto', width = usualWidth }: PanelLook = {},
  ): Panel => ({
    title,
    kind,
    queries: queries.map((query) =>
      typeof query === 'string' ? { expr: query, legend: '' } : { expr: query[0], legend: query[1] },
    ),
    unit,
    width,
    height,
  });

export const lines = panel('lines', 'medium', 6);
export const stacked = panel('stacked', 'medium', 6);
export const stat = panel('stat', 'small', 3);
export const heatmap = panel('heatmap', 'medium', 6);
export const table = panel('table', 'medium', 6);

/** The values of a label of a metric, all of them at first. */
export const valuesOf = (name: string, metric: string): Variable => ({
  name,
  label: '',
  multi: true,
  all: true,
  chosen: [],
  kind: 'query',
  query: `label_values(${metric}, ${name})`,
  regex: '',
});
