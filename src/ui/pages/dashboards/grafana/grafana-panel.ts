/** One panel of Grafana. */
import {
  dashboardLimits as limits,
  type Panel,
  type PanelHeight,
  type PanelKind,
  type PanelQuery,
  type PanelUnit,
} from '../../../../dashboards/dashboard.ts';
import { unitOfGrafana } from './grafana-units.ts';
import { type LeftOutNotes, quoted } from './left-out.ts';
import { at, type LooseObject, listAt, numberAt, objectsAt, textAt } from './loose-json.ts';

const kinds: Readonly<Record<string, PanelKind>> = {
  timeseries: 'lines',
  graph: 'lines',
  stat: 'stat',
  singlestat: 'stat',
  gauge: 'stat',
  bargauge: 'stat',
  table: 'table',
  'table-old': 'table',
  heatmap: 'heatmap',
};

export const readTypes = Object.keys(kinds).join(', ');

/** How tall and wide the panel is, where its grid says so. Grafana's grid has 24 columns, and rows of 30 pixels. */
export interface PanelSize {
  readonly width: number;
  readonly height: PanelHeight;
}

const heightOfRows = (rows: number): PanelHeight => (rows <= 5 ? 'small' : rows <= 11 ? 'medium' : 'large');

const sizeOf = (panel: LooseObject, usual: PanelSize): PanelSize => {
  const columns = numberAt(panel, 'gridPos', 'w');
  const rows = numberAt(panel, 'gridPos', 'h');
  return {
    width: columns === undefined ? usual.width : Math.min(12, Math.max(1, Math.round(columns / 2))),
    height: rows === undefined ? usual.height : heightOfRows(rows),
  };
};

const isStacked = (panel: LooseObject): boolean => {
  const mode = textAt(panel, 'fieldConfig', 'defaults', 'custom', 'stacking', 'mode');
  return at(panel, 'stack') === true || mode === 'normal' || mode === 'percent';
};

const unitName = (panel: LooseObject): string =>
  textAt(panel, 'fieldConfig', 'defaults', 'unit') ||
  textAt(objectsAt(panel, 'yaxes')[0], 'format') ||
  textAt(panel, 'format');

/** The type of a data source: the panel's or a query's. Old files have its name alone. Empty if it is not said. */
const sourceType = (value: LooseObject): string => {
  const source = at(value, 'datasource');
  if (typeof source === 'string') return source.startsWith('-- ') ? source : '';
  const type = textAt(source, 'type');
  return type === 'datasource' ? textAt(source, 'uid') : type;
};

/** Data sources that speak PromQL have many types. `-- Mixed --` only says that each query names its own. */
const isForeign = (type: string): boolean => type !== '' && !/prometheus|victoriametrics|mixed/i.test(type);

const queriesOf = (panel: LooseObject, title: string, notes: LeftOutNotes): PanelQuery[] => {
  const queries: PanelQuery[] = [];
  for (const target of objectsAt(panel, 'targets')) {
    const name = `the query ${textAt(target, 'refId') || queries.length + 1}`;
    const expr = textAt(target, 'expr');
    const legend = textAt(target, 'legendFormat');
    const type = sourceType(target);
    if (isForeign(type)) notes.add(title, `${name}: its data source is ${quoted(type)}`);
    else if (at(target, 'hide') === true) notes.add(title, `${name}: it is hidden`);
    else if (expr.trim() === '') notes.add(title, `${name}: it has no expression in PromQL`);
    else if (expr.length > limits.queryLength)
      notes.add(title, `${name}: it is longer than ${limits.queryLength} characters`);
    else if (queries.length >= limits.queries) notes.add(title, `${name}: a panel has at most ${limits.queries}`);
    else queries.push({ expr, legend: legend === '__auto' ? '' : legend.slice(0, limits.textLength) });
  }
  return queries;
};

/** What is drawn in another way than Grafana would. */
const noteDifferences = (panel: LooseObject, title: string, notes: LeftOutNotes): void => {
  const transformations = objectsAt(panel, 'transformations').map((one) => textAt(one, 'id'));
  if (transformations.length > 0) notes.add(title, `its transformations: ${transformations.join(', ')}`);
  if (listAt(panel, 'fieldConfig', 'overrides').length > 0 || listAt(panel, 'seriesOverrides').length > 0)
    notes.add(title, 'the looks of single series (overrides)');
  if (listAt(panel, 'fieldConfig', 'defaults', 'mappings').length > 0 || listAt(panel, 'valueMaps').length > 0)
    notes.add(title, 'texts in place of values (mappings)');
  const thresholds = textAt(panel, 'fieldConfig', 'defaults', 'custom', 'thresholdsStyle', 'mode');
  if (!['', 'off'].includes(thresholds) || listAt(panel, 'thresholds').length > 0) notes.add(title, 'its thresholds');
  const scale = textAt(panel, 'fieldConfig', 'defaults', 'custom', 'scaleDistribution', 'type');
  if (scale === 'log') notes.add(title, 'its logarithmic axis');
  if (textAt(panel, 'description') !== '') notes.add(title, 'its description');
  if (textAt(panel, 'timeFrom') !== '' || textAt(panel, 'timeShift') !== '')
    notes.add(title, 'a range of time of its own');
  if (at(panel, 'alert') !== undefined) notes.add(title, 'its alert; rules have alerts here');
  const repeated = textAt(panel, 'repeat');
  if (repeated !== '') notes.add(title, `its repetition for each value of ${repeated}: it is shown once`);
  if (
    textAt(panel, 'fieldConfig', 'defaults', 'custom', 'stacking', 'mode') === 'percent' ||
    at(panel, 'percentage') === true
  )
    notes.add(title, 'shares of 100 %: the values themselves are stacked');
};

const noteDifferencesOfKind = (kind: PanelKind, panel: LooseObject, title: string, notes: LeftOutNotes): void => {
  const reduced = textAt(panel, 'valueName') || listAt(panel, 'options', 'reduceOptions', 'calcs').join(', ');
  if (kind === 'stat' && !['', 'current', 'last', 'lastNotNull'].includes(reduced))
    notes.add(title, `the figure ${quoted(reduced)}: the last value is shown`);
  const isCalculated = at(panel, 'options', 'calculate') === true || textAt(panel, 'dataFormat') === 'timeseries';
  if (kind === 'heatmap' && isCalculated)
    notes.add(title, 'buckets that are calculated from values: a heatmap here needs a histogram with the label le');
};

const unitOf = (panel: LooseObject, title: string, notes: LeftOutNotes): PanelUnit => {
  const name = unitName(panel);
  const unit = unitOfGrafana(name);
  if (unit === undefined) notes.add(title, `its unit ${quoted(name)}`);
  return unit ?? 'none';
};

/** The panel as it is shown here; `undefined` if it is left out. */
export const grafanaPanel = (panel: LooseObject, usual: PanelSize, notes: LeftOutNotes): Panel | undefined => {
  const type = textAt(panel, 'type');
  const title = textAt(panel, 'title') || `a panel without a title (${type || 'no type'})`;
  if (!Object.hasOwn(kinds, type)) {
    const why =
      at(panel, 'libraryPanel') !== undefined ? 'a panel of the library' : `a panel of the type ${quoted(type)}`;
    notes.add(title, `${why}; read are ${readTypes}`);
    return undefined;
  }
  const source = sourceType(panel);
  if (isForeign(source)) {
    notes.add(title, `its data source is ${quoted(source)}, not Prometheus`);
    return undefined;
  }
  const queries = queriesOf(panel, title, notes);
  if (queries.length === 0) {
    notes.add(title, 'it has no query that can be asked here');
    return undefined;
  }
  const kind = kinds[type] === 'lines' && isStacked(panel) ? 'stacked' : kinds[type];
  noteDifferences(panel, title, notes);
  noteDifferencesOfKind(kind, panel, title, notes);
  return {
    title: textAt(panel, 'title').slice(0, limits.textLength),
    kind,
    queries,
    unit: kind === 'heatmap' ? 'auto' : unitOf(panel, title, notes),
    ...sizeOf(panel, usual),
  };
};
