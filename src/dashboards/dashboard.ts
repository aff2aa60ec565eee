/**
 * What a dashboard is: panels with queries, variables, a range of time. The server keeps dashboards as JSON of exactly
 * this shape (docs/formats/dashboards.md); the pages draw and edit them.
 */

/** The version of the JSON. */
export const dashboardVersion = 1;

export const panelKinds = ['lines', 'stacked', 'stat', 'table', 'heatmap'] as const;
export type PanelKind = (typeof panelKinds)[number];

/** Units of values. `auto`: by the name of the metric. */
export const panelUnits = [
  'auto',
  'none',
  'seconds',
  'milliseconds',
  'bytes',
  'bytes per second',
  'bits per second',
  'percent',
  'ratio',
  'celsius',
  'per second',
  'requests per second',
  'operations per second',
  'date',
] as const;
export type PanelUnit = (typeof panelUnits)[number];

export const panelHeights = ['small', 'medium', 'large'] as const;
export type PanelHeight = (typeof panelHeights)[number];

/** A dashboard is this many columns wide. */
export const dashboardColumns = 12;

export const dashboardLimits = {
  /** Of the JSON. */
  bytes: 256 * 1024,
  /** Dashboards in one store. */
  dashboards: 500,
  panels: 100,
  queries: 20,
  variables: 30,
  /** Values that a variable lists. */
  values: 500,
  /** Characters of a query, and of any other text. */
  queryLength: 5000,
  textLength: 500,
} as const;

/** What ids are made of. They are names of files, also where upper case is the same as lower case. */
export const idPattern = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
export const idRule = 'lower-case letters, digits and inner dashes, at most 64';

/** What is chosen of a variable in place of its values: all of them. */
export const allValues = '$__all';

export interface PanelQuery {
  /** PromQL, with variables as `$name`. */
  readonly expr: string;
  /** What the legend shows: text with `{{label}}`. Empty: the labels in which the series differ. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly kind: PanelKind;
  readonly queries: readonly PanelQuery[];
  readonly unit: PanelUnit;
  /** Columns, 1 to 12. */
  readonly width: number;
  readonly height: PanelHeight;
}

interface VariableBase {
  /** As queries name it, without `$`. */
  readonly name: string;
  /** What is beside the select. Empty: the name. */
  readonly label: string;
  /** Whether several values can be chosen at once. */
  readonly multi: boolean;
  /** Whether all values can be chosen at once. */
  readonly all: boolean;
  /** The values that are chosen at first. Empty: the first one, or all of them if that can be chosen. */
  readonly chosen: readonly string[];
}

export type Variable = VariableBase &
  (
    | {
        readonly kind: 'query';
        /** `label_values(label)` or `label_values(selector, label)`. */
        readonly query: string;
        /** Only values that match are offered; of a group, what it captured. Empty: every value. */
        readonly regex: string;
      }
    | { readonly kind: 'list'; readonly values: readonly string[] }
  );

export interface Dashboard {
  readonly version: typeof dashboardVersion;
  readonly title: string;
  /** The range of time at first: a duration such as `1h`. */
  readonly range: string;
  /** How often panels are read again: a duration; empty for never. */
  readonly refresh: string;
  readonly variables: readonly Variable[];
  /** In the order in which they are shown, row by row. */
  readonly panels: readonly Panel[];
}

/** A dashboard in the list of all. */
export interface ListedDashboard {
  readonly id: string;
  readonly title: string;
  readonly readyMade: boolean;
  /** How many there are. */
  readonly panels: number;
  /** Why the file can't be shown. */
  readonly problem?: string;
}

export interface KeptDashboard {
  readonly id: string;
  readonly readyMade: boolean;
  /** Differs for each content. */
  readonly revision: string;
  readonly dashboard: Dashboard;
}
