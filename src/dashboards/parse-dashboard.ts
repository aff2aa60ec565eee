/** Checks JSON of unknown origin, and completes it to a dashboard. */
import {
  type Dashboard,
  dashboardColumns,
  dashboardVersion,
  dashboardLimits as limits,
  type Panel,
  type PanelQuery,
  panelHeights,
  panelKinds,
  panelUnits,
  type Variable,
} from './dashboard.ts';
import { DashboardError, JsonFields, refuse } from './json-fields.ts';

const duration = /^(?:\d{1,6}(?:ms|[smhdwy])){1,7}$/;
const durationRule = 'a duration such as 30s or 1h30m';
/** As a range, `0s` would show nothing. */
const positive = /[1-9]/;

const variableQuery = /^label_values\(.*\)$/s;

const queryOf = (value: unknown, path: string): PanelQuery => {
  const fields = new JsonFields(value, path, ['expr', 'legend']);
  return {
    expr: fields.text('expr', { lengthMax: limits.queryLength }),
    legend: fields.text('legend', { lengthMax: limits.textLength, fallback: '' }),
  };
};

const panelOf = (value: unknown, path: string): Panel => {
  const fields = new JsonFields(value, path, ['title', 'kind', 'queries', 'unit', 'width', 'height']);
  return {
    title: fields.text('title', { lengthMax: limits.textLength, fallback: '' }),
    kind: fields.oneOf('kind', panelKinds, 'lines'),
    queries: fields.list('queries', limits.queries, queryOf),
    unit: fields.oneOf('unit', panelUnits, 'auto'),
    width: fields.whole('width', { minimum: 1, maximum: dashboardColumns, fallback: 6 }),
    height: fields.oneOf('height', panelHeights, 'medium'),
  };
};

const variableFields = ['name', 'label', 'multi', 'all', 'chosen', 'kind'];

const variableOf = (value: unknown, path: string): Variable => {
  const isList = typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'list';
  const fields = new JsonFields(value, path, [...variableFields, ...(isList ? ['values'] : ['query', 'regex'])]);
  const base = {
    name: fields.text('name', {
      lengthMax: 100,
      pattern: /^(?!__)[a-zA-Z_]\w*$/,
      rule: 'letters, digits and _, no digit and no __ at the beginning',
    }),
    label: fields.text('label', { lengthMax: limits.textLength, fallback: '' }),
    multi: fields.flag('multi'),
    all: fields.flag('all'),
    chosen: fields.texts('chosen', limits.values, limits.textLength),
  };
  if (fields.oneOf('kind', ['query', 'list'], 'query') === 'list')
    return { ...base, kind: 'list', values: fields.texts('values', limits.values, limits.textLength) };
  const query = fields.text('query', {
    lengthMax: limits.queryLength,
    pattern: variableQuery,
    rule: 'label_values(label) or label_values(selector, label)',
  });
  const regex = fields.text('regex', { lengthMax: limits.textLength, fallback: '' });
  try {
    new RegExp(regex);
  } catch {
    throw refuse(fields.nameOf('regex'), regex, 'a regular expression');
  }
  return { ...base, kind: 'query', query, regex };
};

const checkVersion = (version: unknown): void => {
  if (version === dashboardVersion) return;
  if (typeof version === 'number' && version > dashboardVersion)
    throw new DashboardError(`version is ${version}: a later version of Tidemark wrote this dashboard`);
  throw refuse('version', version, String(dashboardVersion));
};

/** The dashboard that parsed JSON describes. Throws {@link DashboardError}. */
export const parseDashboard = (value: unknown): Dashboard => {
  // Of a later version, the other fields are not judged.
  if (typeof value === 'object' && value !== null && 'version' in value) checkVersion(value.version);
  const fields = new JsonFields(value, '', ['version', 'title', 'range', 'refresh', 'variables', 'panels']);
  checkVersion(fields.of('version'));
  const variables = fields.list('variables', limits.variables, variableOf);
  const twice = variables.find(({ name }, i) => variables.findIndex((other) => other.name === name) !== i);
  if (twice !== undefined) throw new DashboardError(`variables has the name ${twice.name} twice; allowed: each once`);
  const range = fields.text('range', { lengthMax: 50, fallback: '1h', pattern: duration, rule: durationRule });
  if (!positive.test(range)) throw refuse('range', range, `${durationRule}, above 0`);
  const refresh = fields.text('refresh', {
    lengthMax: 50,
    fallback: '',
    pattern: new RegExp(`^$|${duration.source}`),
    rule: `${durationRule}, or empty for never`,
  });
  if (refresh !== '' && !positive.test(refresh)) throw refuse('refresh', refresh, `${durationRule}, above 0, or empty`);
  return {
    version: dashboardVersion,
    title: fields.text('title', { lengthMax: limits.textLength, mayBeEmpty: false }),
    range,
    refresh,
    variables,
    panels: fields.list('panels', limits.panels, panelOf),
  };
};

/** The dashboard of a text. Throws {@link DashboardError}, also for text that is no JSON. */
export const parseDashboardText = (text: string): Dashboard => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DashboardError(`the text is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseDashboard(value);
};

/** The JSON of a dashboard, as it is kept and exported. */
export const dashboardText = (dashboard: Dashboard): string => `${JSON.stringify(dashboard, undefined, 2)}\n`;
