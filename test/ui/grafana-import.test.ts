/** Dashboards of Grafana: what is read of each version's JSON, what is said of the rest, and JSON that means harm. */
import { expect } from 'chai';
import type { Dashboard, Panel, Variable } from '../../src/dashboards/dashboard.ts';
import { parseDashboard } from '../../src/dashboards/parse-dashboard.ts';
import { pageModule } from './page-module.ts';

interface Imported {
  readonly dashboard: Dashboard;
  readonly leftOut: readonly { readonly what: string; readonly why: string }[];
}

let readImport: (text: string) => Imported;

const read = (value: unknown): Imported => readImport(JSON.stringify(value));
const saidOf = ({ leftOut }: Imported): string[] => leftOut.map(({ what, why }) => `${what}: ${why}`);

const target = (expr: string, more: object = {}): object => ({ refId: 'A', expr, ...more });
const series = (title: string, more: object = {}): object => ({
  type: 'timeseries',
  title,
  datasource: { type: 'prometheus', uid: `\${DS_PROMETHEUS}` },
  targets: [target('up')],
  gridPos: { x: 0, y: 0, w: 12, h: 8 },
  ...more,
});
const withPanels = (...panels: unknown[]): object => ({ schemaVersion: 39, title: 'Imported one', panels });
const withVariables = (...list: unknown[]): object => ({ ...withPanels(series('a')), templating: { list } });
const panelOf = (panel: unknown): Panel => read(withPanels(panel)).dashboard.panels[0];
const variableOf = (variable: unknown): Variable | undefined => read(withVariables(variable)).dashboard.variables[0];

describe("a dashboard of Grafana's", () => {
  before(async () => {
    ({ readImport } = await pageModule<{ readImport: typeof readImport }>('pages/dashboards/read-import.ts'));
  });

  it('is read: title, range, refresh, panels with queries, legends, units and sizes', () => {
    const imported = read({
      schemaVersion: 39,
      title: 'Shop',
      time: { from: 'now-6h', to: 'now' },
      refresh: '30s',
      panels: [
        series('Requests', {
          fieldConfig: { defaults: { unit: 'reqps' } },
          targets: [target('sum(rate(http_requests_total[$__rate_interval])) by (code)', { legendFormat: '{{code}}' })],
        }),
      ],
    });
    expect(imported.leftOut).to.deep.equal([]);
    expect(imported.dashboard).to.deep.equal({
      version: 1,
      title: 'Shop',
      range: '6h',
      refresh: '30s',
      variables: [],
      panels: [
        {
          title: 'Requests',
          kind: 'lines',
          queries: [{ expr: 'sum(rate(http_requests_total[$__rate_interval])) by (code)', legend: '{{code}}' }],
          unit: 'requests per second',
          width: 6,
          height: 'medium',
        },
      ],
    });
  });

  it('is read as its API answers, and as an object of its resources', () => {
    expect(read({ meta: {}, dashboard: withPanels(series('a')) }).dashboard.title).to.equal('Imported one');
    expect(read({ kind: 'Dashboard', spec: withPanels(series('a')) }).dashboard.title).to.equal('Imported one');
  });

  it('keeps the order of its grid, with the panels of collapsed rows', () => {
    const place = (x: number, y: number): object => ({ gridPos: { x, y, w: 6, h: 4 } });
    const imported = read(
      withPanels(
        { type: 'row', title: 'Later', collapsed: true, ...place(0, 20), panels: [series('e', place(0, 21))] },
        series('d', place(12, 9)),
        series('b', place(6, 1)),
        { type: 'row', title: 'First', collapsed: false, panels: [], ...place(0, 0) },
        series('a', place(0, 1)),
        series('c', place(0, 9)),
      ),
    );
    expect(imported.dashboard.panels.map(({ title }) => title)).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    expect(imported.dashboard.panels[0]).to.include({ width: 3, height: 'small' });
    expect(saidOf(imported)).to.deep.equal(['rows: their headings "Later", "First"; their panels are here, in order']);
  });

  it('has rows with spans in files of versions before 5', () => {
    const graph = { type: 'graph', title: 'Load', span: 8, stack: true, targets: [target('node_load1')] };
    const { dashboard } = read({
      schemaVersion: 14,
      title: 'Old',
      rows: [
        {
          title: '',
          height: '350px',
          panels: [
            { ...graph, datasource: 'Prometheus', yaxes: [{ format: 'short' }, {}] },
            {
              type: 'singlestat',
              title: 'Free',
              span: 4,
              format: 'bytes',
              valueName: 'current',
              targets: [target('x')],
            },
          ],
        },
        { height: 100, panels: [{ ...graph, stack: false }] },
      ],
    });
    const looks = dashboard.panels.map(({ kind, unit, width, height }) => [kind, unit, width, height]);
    expect(looks).to.deep.equal([
      ['stacked', 'none', 8, 'medium'],
      ['stat', 'bytes', 4, 'medium'],
      ['lines', 'auto', 8, 'small'],
    ]);
  });

  it('has kinds that exist here under another name', () => {
    const kindOf = (type: string, more: object = {}): string => panelOf(series('a', { type, ...more })).kind;
    expect(
      ['timeseries', 'graph', 'stat', 'gauge', 'bargauge', 'table', 'table-old', 'heatmap'].map((type) => kindOf(type)),
    ).to.deep.equal(['lines', 'lines', 'stat', 'stat', 'stat', 'table', 'table', 'heatmap']);
    const stacking = { fieldConfig: { defaults: { custom: { stacking: { mode: 'normal' } } } } };
    expect(kindOf('timeseries', stacking)).to.equal('stacked');
  });

  it('has units that exist here under another name', () => {
    const unitOf = (unit: string): string => panelOf(series('a', { fieldConfig: { defaults: { unit } } })).unit;
    const known = {
      s: 'seconds',
      ms: 'milliseconds',
      bytes: 'bytes',
      decbytes: 'bytes',
      percent: 'percent',
      percentunit: 'ratio',
      short: 'none',
      ops: 'operations per second',
      reqps: 'requests per second',
      celsius: 'celsius',
      Bps: 'bytes per second',
      '': 'auto',
      furlongs: 'none',
      constructor: 'none',
    };
    for (const [unit, ours] of Object.entries(known)) expect(unitOf(unit), unit).to.equal(ours);
    expect(saidOf(read(withPanels(series('a', { fieldConfig: { defaults: { unit: 'furlongs' } } }))))).to.deep.equal([
      'a: its unit "furlongs"',
    ]);
  });

  it('says which panels are left out, and why', () => {
    const imported = read(
      withPanels(
        series('kept'),
        { type: 'text', title: 'Read me', gridPos: { y: 1 } },
        series('Logs', { type: 'logs', gridPos: { y: 2 } }),
        series('Loki', { datasource: { type: 'loki', uid: 'x' }, gridPos: { y: 3 } }),
        series('Mixed', {
          datasource: { type: 'datasource', uid: '-- Mixed --' },
          targets: [
            target('up'),
            target('down', { hide: true, refId: 'B' }),
            target('x', { datasource: { type: 'loki' }, refId: 'C' }),
            { refId: 'D', datasource: { type: '__expr__' }, expression: '$A * 2' },
          ],
          gridPos: { y: 4 },
        }),
        series('Empty', { targets: [target('')], gridPos: { y: 5 } }),
        { libraryPanel: { uid: 'abc' }, title: 'Shared', gridPos: { y: 6 } },
      ),
    );
    const types = 'timeseries, graph, stat, singlestat, gauge, bargauge, table, table-old, heatmap';
    expect(saidOf(imported)).to.deep.equal([
      `Read me: a panel of the type "text"; read are ${types}`,
      `Logs: a panel of the type "logs"; read are ${types}`,
      'Loki: its data source is "loki", not Prometheus',
      'Mixed: the query B: it is hidden',
      'Mixed: the query C: its data source is "loki"',
      'Mixed: the query D: its data source is "__expr__"',
      'Empty: the query A: it has no expression in PromQL',
      'Empty: it has no query that can be asked here',
      `Shared: a panel of the library; read are ${types}`,
    ]);
    expect(imported.dashboard.panels.map(({ title, queries }) => [title, queries.length])).to.deep.equal([
      ['kept', 1],
      ['Mixed', 1],
    ]);
  });

  it('says what is shown in another way', () => {
    const imported = read({
      ...withPanels(
        series('a', {
          type: 'stat',
          transformations: [{ id: 'reduce' }],
          options: { reduceOptions: { calcs: ['mean'] } },
          description: 'Why it matters',
          fieldConfig: {
            defaults: {
              mappings: [{ type: 'value' }],
              custom: { thresholdsStyle: { mode: 'line' }, scaleDistribution: { type: 'log' } },
            },
            overrides: [{}],
          },
          repeat: 'instance',
          timeFrom: '1d',
        }),
      ),
      annotations: { list: [{ builtIn: 1, name: 'Annotations & Alerts' }, { name: 'Deploys' }] },
      links: [{}],
      time: { from: 'now/d', to: 'now/d' },
      refresh: false,
    });
    expect(saidOf(imported)).to.deep.equal([
      'a: its transformations: reduce',
      'a: the looks of single series (overrides)',
      'a: texts in place of values (mappings)',
      'a: its thresholds',
      'a: its logarithmic axis',
      'a: its description',
      'a: a range of time of its own',
      'a: its repetition for each value of instance: it is shown once',
      'a: the figure "mean": the last value is shown',
      'annotations: "Deploys"',
      'links: to other dashboards and addresses',
      'the range of time: from "now/d" to "now/d"; it is the last hour',
    ]);
    expect(imported.dashboard.refresh).to.equal('');
  });

  describe('has variables', () => {
    it('of queries, with what was chosen', () => {
      const variable = {
        name: 'instance',
        label: 'Instance',
        type: 'query',
        query: { query: 'label_values(up{job="$job"}, instance)', refId: 'x' },
        regex: '/(.*):\\d+/',
        multi: true,
        includeAll: true,
        allValue: '.*',
        current: { text: 'All', value: ['$__all'] },
      };
      expect(variableOf(variable)).to.deep.equal({
        name: 'instance',
        label: 'Instance',
        multi: true,
        all: true,
        chosen: ['$__all'],
        kind: 'query',
        query: 'label_values(up{job="$job"}, instance)',
        regex: '(.*):\\d+',
      });
    });

    it('with lists of values', () => {
      const valuesOf = (variable: object): readonly string[] => {
        const found = variableOf({ name: 'v', ...variable });
        return found?.kind === 'list' ? found.values : [];
      };
      expect(valuesOf({ type: 'custom', query: 'a, two : 2,x\\,y' })).to.deep.equal(['a', '2', 'x,y']);
      expect(valuesOf({ type: 'interval', query: '1m,10m,1h', auto: true })).to.deep.equal(['1m', '10m', '1h']);
      expect(valuesOf({ type: 'constant', query: 'eu' })).to.deep.equal(['eu']);
      expect(valuesOf({ type: 'textbox', query: 'x', current: { value: 'typed' } })).to.deep.equal(['typed']);
      expect(valuesOf({ type: 'query', query: 'metrics(node_.*)', current: { value: 'node_load1' } })).to.deep.equal([
        'node_load1',
      ]);
    });

    it('that are left out, with the reason', () => {
      const imported = read(
        withVariables(
          { name: 'ds', type: 'datasource', query: 'prometheus' },
          { name: 'filter', type: 'adhoc' },
          { name: 'q', type: 'query', query: 'query_result(up)', current: { value: 'a' } },
          { name: 'bad name', type: 'custom', query: 'a' },
        ),
      );
      expect(saidOf(imported)).to.deep.equal([
        'the variable ds: a choice of data sources: there is one store here',
        'the variable filter: filters that apply to every query',
        'the variable q: its query "query_result(up)", which is not label_values(…): the values that were chosen are kept',
        'the variable bad name: its name is not one of letters, digits and _',
      ]);
      expect(imported.dashboard.variables.map(({ name }) => name)).to.deep.equal(['q']);
    });
  });

  describe('that is none', () => {
    const refusals: Readonly<Record<string, readonly [text: string, message: string]>> = {
      nothing: [' ', 'there is no text yet'],
      'no JSON': ['{"panels":', 'the text is no JSON'],
      'a number': ['5', 'the dashboard is 5; allowed: an object'],
      'no panels': ['{"schemaVersion":39}', 'nothing of this dashboard can be shown: it has no panels'],
      'no panel that can be shown': [
        JSON.stringify(withPanels({ type: 'text', title: 'T' })),
        'nothing of this dashboard can be shown: T: a panel of the type "text"',
      ],
      'the new schema': [
        '{"apiVersion":"dashboard.grafana.app/v2alpha1","spec":{"elements":{},"layout":{}}}',
        "this is Grafana's schema v2",
      ],
      'panels that are no list': ['{"schemaVersion":39,"panels":{"0":1}}', 'it has no panels'],
    };

    for (const [name, [text, message]] of Object.entries(refusals))
      it(`is refused with the reason: ${name}`, () => {
        expect(() => readImport(text)).to.throw(message);
      });

    it('is refused when it is too long, or too deep to be a dashboard', () => {
      expect(() => readImport(' '.repeat(5_000_001).replace(' ', '1'))).to.throw('longer than');
      expect(() => readImport('['.repeat(100_000) + ']'.repeat(100_000))).to.throw('allowed: an object');
    });
  });

  it('gives a dashboard that can be saved, whatever its fields are', () => {
    const odd: unknown[] = [null, 5, '', 'x'.repeat(10_000), [], {}, [null], { value: 1 }, -1, true];
    const fields = ['title', 'type', 'targets', 'gridPos', 'fieldConfig', 'options', 'datasource', 'span', 'yaxes'];
    for (const value of odd)
      for (const field of fields) {
        const { dashboard } = read({
          ...withPanels(series('a'), series('b', { [field]: value }), value),
          time: value,
          refresh: value,
          annotations: value,
          title: value,
          templating: { list: [value, { name: 'v', type: 'query', query: value, current: value }] },
          rows: value,
        });
        expect(parseDashboard(dashboard)).to.deep.equal(dashboard);
      }
  });

  it('has at most as many panels as a dashboard may have', () => {
    const panels = Array.from({ length: 130 }, (_, y) => series(`p${y}`, { gridPos: { x: 0, y, w: 4, h: 4 } }));
    const imported = read(withPanels(...panels));
    expect(imported.dashboard.panels).to.have.length(100);
    expect(imported.leftOut).to.have.length(30);
  });
});

describe('an exported dashboard of ours', () => {
  it('comes back as it was', () => {
    const dashboard = parseDashboard({ version: 1, title: 'Ours', panels: [{ queries: [{ expr: 'up' }] }] });
    expect(read(dashboard)).to.deep.equal({ dashboard, leftOut: [] });
  });
});
