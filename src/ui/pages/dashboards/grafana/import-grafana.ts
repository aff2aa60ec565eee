/**
 * Reads the JSON of a dashboard of Grafana, in its classic schema: as it is exported, as its API answers, and with the
 * rows of versions before 5. What has no counterpart here is left out, and noted.
 */
import {
  type Dashboard,
  dashboardVersion,
  dashboardLimits as limits,
  type Panel,
} from '../../../../dashboards/dashboard.ts';
import { DashboardError } from '../../../../dashboards/json-fields.ts';
import { parseDashboard } from '../../../../dashboards/parse-dashboard.ts';
import { durationMs } from '../../../parts/text/duration-text.ts';
import { grafanaPanel, type PanelSize } from './grafana-panel.ts';
import { grafanaVariable } from './grafana-variables.ts';
import { type LeftOut, LeftOutNotes, quoted } from './left-out.ts';
import { at, isObject, type LooseObject, listAt, numberAt, objectsAt, textAt } from './loose-json.ts';

export interface ImportedDashboard {
  readonly dashboard: Dashboard;
  readonly leftOut: readonly LeftOut[];
}

/** The dashboard itself, out of what the API or a newer file wraps around it. */
const unwrapped = (value: unknown): LooseObject => {
  const inner = [at(value, 'dashboard'), at(value, 'spec'), value].find(isObject);
  if (inner === undefined) throw new DashboardError('the text is no dashboard: it must be a JSON object');
  if (isObject(at(inner, 'elements')) && at(inner, 'panels') === undefined)
    throw new DashboardError("this is Grafana's schema v2; export the dashboard with the classic schema");
  return inner;
};

const marks = ['schemaVersion', 'templating', 'rows', 'elements', '__inputs', 'uid'];

/** Whether parsed JSON looks like a dashboard of Grafana. */
export const isGrafana = (value: unknown): boolean => {
  const inner = [at(value, 'dashboard'), at(value, 'spec'), value].find(isObject);
  const isPanel = (panel: LooseObject): boolean => ['type', 'targets', 'gridPos'].some((name) => name in panel);
  return marks.some((name) => at(inner, name) !== undefined) || objectsAt(inner, 'panels').some(isPanel);
};

const byPlace = (a: LooseObject, b: LooseObject): number => {
  const y = (numberAt(a, 'gridPos', 'y') ?? 0) - (numberAt(b, 'gridPos', 'y') ?? 0);
  return y !== 0 ? y : (numberAt(a, 'gridPos', 'x') ?? 0) - (numberAt(b, 'gridPos', 'x') ?? 0);
};

const usualSize: PanelSize = { width: 6, height: 'medium' };

/** Panels in the order of the grid; the panels of a collapsed row follow it. */
const panelsOfGrid = (dashboard: LooseObject): (readonly [panel: LooseObject, usual: PanelSize])[] =>
  objectsAt(dashboard, 'panels')
    .toSorted(byPlace)
    .flatMap((panel) => [
      panel,
      ...(textAt(panel, 'type') === 'row' ? objectsAt(panel, 'panels').toSorted(byPlace) : []),
    ])
    .map((panel) => [panel, usualSize] as const);

/** Pixels, as a number or as `250px`. */
const pixelsOf = (value: unknown): number => Number.parseInt(String(value), 10) || 250;

const heightOfPixels = (pixels: number): PanelSize['height'] =>
  pixels <= 150 ? 'small' : pixels <= 350 ? 'medium' : 'large';

/** Before version 5, rows had panels whose `span` was of twelve columns. */
const panelsOfRows = (dashboard: LooseObject): (readonly [panel: LooseObject, usual: PanelSize])[] =>
  objectsAt(dashboard, 'rows').flatMap((row) =>
    objectsAt(row, 'panels').map((panel) => {
      const width = Math.min(12, Math.max(1, Math.round(numberAt(panel, 'span') ?? 12)));
      return [panel, { width, height: heightOfPixels(pixelsOf(at(panel, 'height') ?? at(row, 'height'))) }] as const;
    }),
  );

const rowTitles = (dashboard: LooseObject): string[] =>
  [
    ...objectsAt(dashboard, 'panels').filter((panel) => textAt(panel, 'type') === 'row'),
    ...objectsAt(dashboard, 'rows'),
  ]
    .map((row) => textAt(row, 'title'))
    .filter((title) => title !== '');

const panelsOf = (dashboard: LooseObject, notes: LeftOutNotes): Panel[] => {
  const panels: Panel[] = [];
  for (const [panel, usual] of [...panelsOfGrid(dashboard), ...panelsOfRows(dashboard)]) {
    if (textAt(panel, 'type') === 'row') continue;
    const read = grafanaPanel(panel, usual, notes);
    if (read === undefined) continue;
    if (panels.length < limits.panels) panels.push(read);
    else notes.add(read.title || 'a panel', `a dashboard has at most ${limits.panels} panels`);
  }
  return panels;
};

const rangeOf = (dashboard: LooseObject, notes: LeftOutNotes): string => {
  const from = textAt(dashboard, 'time', 'from');
  const to = textAt(dashboard, 'time', 'to') || 'now';
  // A month, M, has no counterpart in PromQL.
  const range = /^now-(\d{1,6}[smhdwyM])$/
    .exec(from)?.[1]
    .replace(/^(\d+)M$/, (_, months) => `${Number(months) * 30}d`);
  if (range !== undefined && to === 'now' && (durationMs(range) ?? 0) > 0) return range;
  if (from !== '') notes.add('the range of time', `from ${quoted(from)} to ${quoted(to)}; it is the last hour`);
  return '1h';
};

const refreshOf = (dashboard: LooseObject): string => {
  const refresh = textAt(dashboard, 'refresh');
  return (durationMs(refresh) ?? 0) > 0 && refresh.length <= 12 && !refresh.includes('.') ? refresh : '';
};

const noteRest = (dashboard: LooseObject, notes: LeftOutNotes): void => {
  const rows = rowTitles(dashboard);
  if (rows.length > 0)
    notes.add('rows', `their headings ${rows.map(quoted).join(', ')}; their panels are here, in order`);
  const annotations = objectsAt(dashboard, 'annotations', 'list').filter((one) => at(one, 'builtIn') !== 1);
  if (annotations.length > 0)
    notes.add('annotations', annotations.map((one) => quoted(textAt(one, 'name'))).join(', '));
  if (listAt(dashboard, 'links').length > 0) notes.add('links', 'to other dashboards and addresses');
};

/** Throws {@link DashboardError} for JSON that is no dashboard of Grafana, or of which nothing can be shown. */
export const importGrafana = (value: unknown): ImportedDashboard => {
  const source = unwrapped(value);
  const notes = new LeftOutNotes();
  const panels = panelsOf(source, notes);
  if (panels.length === 0) {
    const [first] = notes.all;
    const why = first === undefined ? 'it has no panels' : `${first.what}: ${first.why}`;
    throw new DashboardError(`nothing of this dashboard can be shown: ${why}`);
  }
  const variables = objectsAt(source, 'templating', 'list')
    .map((variable) => grafanaVariable(variable, notes))
    .filter((variable) => variable !== undefined);
  const unique = variables.filter(({ name }, i) => variables.findIndex((other) => other.name === name) === i);
  if (unique.length > limits.variables) notes.add('variables', `those beyond the first ${limits.variables}`);
  noteRest(source, notes);
  const dashboard = parseDashboard({
    version: dashboardVersion,
    title: textAt(source, 'title').trim().slice(0, limits.textLength) || 'Imported',
    range: rangeOf(source, notes),
    refresh: refreshOf(source),
    variables: unique.slice(0, limits.variables),
    panels,
  });
  return { dashboard, leftOut: notes.all };
};
