/** What a dashboard makes of texts: variables in queries, names in legends, values of variables. */
import { expect } from 'chai';
import { pageModule } from './page-module.ts';

interface ChosenValue {
  readonly values: readonly string[];
  readonly isRegex: boolean;
}

interface Modules {
  readonly fillIn: (query: string, chosen: Readonly<Record<string, ChosenValue>>) => string;
  readonly fillInTitle: (title: string, chosen: Readonly<Record<string, ChosenValue>>) => string;
}

const one = (value: string): ChosenValue => ({ values: [value], isRegex: false });
const several = (...values: string[]): ChosenValue => ({ values, isRegex: true });

describe('variables in queries', () => {
  let fillIn: Modules['fillIn'];
  let fillInTitle: Modules['fillInTitle'];

  before(async () => {
    ({ fillIn, fillInTitle } = await pageModule<Modules>('pages/dashboards/fill-in-variables.ts'));
  });

  it('are replaced in all spellings', () => {
    for (const spelling of ['$job', `\${job}`, '[[job]]', `\${job:raw}`, '[[job:raw]]'])
      expect(fillIn(`up{job="${spelling}"}`, { job: one('node') }), spelling).to.equal('up{job="node"}');
  });

  it('stay as they are where there is none of that name', () => {
    for (const query of [
      'up{a=~"x$"}',
      '$jobs',
      `\${other}`,
      'label_replace(up, "a", "$1", "b", "(.*)")',
      '$constructor',
    ])
      expect(fillIn(query, { job: one('node') })).to.equal(query);
  });

  it('with several values are a regular expression that matches each of them and nothing else', () => {
    expect(fillIn('up{job=~"$job"}', { job: several('a', 'b') })).to.equal('up{job=~"(a|b)"}');
    expect(fillIn('up{job=~"$job"}', { job: several('a.b') })).to.equal('up{job=~"a\\\\.b"}');
    expect(fillIn('up{job=~"$job"}', { job: several() })).to.equal('up{job=~".*"}');
    expect(fillIn('up{path=~"$p"}', { p: several('/a?b=(1)', '[x]') })).to.equal(
      'up{path=~"(/a\\\\?b=\\\\(1\\\\)|\\\\[x\\\\])"}',
    );
    expect(fillIn('up{job=~`$job`}', { job: several('a.b') })).to.equal('up{job=~`a\\.b`}');
  });

  it('can ask for a format', () => {
    const job = several('a.b', 'c');
    expect(fillIn(`x{a=~"\${job:regex}"}`, { job: one('a.b') })).to.equal('x{a=~"a\\\\.b"}');
    expect(fillIn(`x{a=~"\${job:pipe}"}`, { job })).to.equal('x{a=~"a.b|c"}');
    expect(fillIn(`x{a="\${job:csv}"}`, { job })).to.equal('x{a="a.b,c"}');
    expect(fillIn(`x{a=~"\${job:constructor}"}`, { job })).to.equal('x{a=~"(a\\\\.b|c)"}');
  });

  it('cannot break out of a string', () => {
    expect(fillIn('up{job="$job"}', { job: one('a"} or vector(1) #') })).to.equal('up{job="a\\"} or vector(1) #"}');
    expect(fillIn("up{job='$job'}", { job: one('a\'b"c') })).to.equal("up{job='a\\'b\"c'}");
    expect(fillIn('up{job="$job"}', { job: one('a\\b\nc') })).to.equal('up{job="a\\\\b\\nc"}');
    expect(fillIn('up{job=`$job`}', { job: one('a`b') })).to.equal('up{job=`ab`}');
    expect(fillIn('up{a="\\"$job"}', { job: one('"') })).to.equal('up{a="\\"\\""}');
  });

  it('outside of strings are as they are, such as durations', () => {
    expect(fillIn('rate(x[$interval]) > $limit', { interval: one('5m'), limit: one('10') })).to.equal(
      'rate(x[5m]) > 10',
    );
  });

  it('are not replaced again in values', () => {
    expect(fillIn('$a', { a: one('$b'), b: one('c') })).to.equal('$b');
  });

  it('are shown in titles', () => {
    expect(fillInTitle(`Requests of $job, \${x}`, { job: several('a', 'b') })).to.equal(`Requests of a, b, \${x}`);
  });
});

describe('the range and the step in queries', () => {
  it("are those of Grafana, with a rate's interval of at least four scrapes", async () => {
    const { timeVariables } = await pageModule<{
      timeVariables: (range: readonly [number, number], stepMs: number) => Readonly<Record<string, ChosenValue>>;
    }>('pages/dashboards/time-variables.ts');
    const values = (stepMs: number): Record<string, string> =>
      Object.fromEntries(
        Object.entries(timeVariables([0, 3_600_000], stepMs)).map(
          ([
            name,
            {
              values: [value],
            },
          ]) => [name, value],
        ),
      );
    expect(values(5000)).to.deep.equal({
      __interval: '5s',
      __interval_ms: '5000',
      __rate_interval: '1m',
      __range: '3600s',
      __range_s: '3600',
      __range_ms: '3600000',
      __from: '0',
      __to: '3600000',
    });
    expect(values(300_000)['__rate_interval']).to.equal('5m15s');
  });
});

describe('the names of series in a panel', () => {
  it('follow the text of the legend, or else the labels and the query', async () => {
    const { legendNames } = await pageModule<{
      legendNames: (
        list: readonly Record<string, string>[],
        texts: readonly string[],
        queries: readonly string[],
      ) => readonly string[];
    }>('pages/dashboards/legend-text.ts');
    const list = [
      { __name__: 'a', job: 'x', instance: 'i' },
      { __name__: 'a', job: 'y' },
    ];
    expect(legendNames(list, ['{{job}} on {{ instance }}', '{{job}} on {{instance}}'], ['a', 'a'])).to.deep.equal([
      'x on i',
      'y on ',
    ]);
    expect(legendNames(list, ['', ''], ['a', 'a'])).to.deep.equal(['{instance="i", job="x"}', '{job="y"}']);
    expect(legendNames([{}], [''], ['sum(up)'])).to.deep.equal(['sum(up)']);
    expect(legendNames([{ a: 'b' }, {}], ['{{missing}}', 'all'], ['up', 'sum(up)'])).to.deep.equal(['up', 'all']);
    expect(legendNames([{}], ['{{constructor}}'], ['q'])).to.deep.equal(['q']);
  });
});

describe('the values of a variable', () => {
  interface VariableQueries {
    readonly parseVariableQuery: (text: string) => unknown;
    readonly filterValues: (values: readonly string[], regex: string) => readonly string[];
  }
  let queries: VariableQueries;

  before(async () => {
    queries = await pageModule<VariableQueries>('pages/dashboards/variable-queries.ts');
  });

  it('are those of a label, perhaps of some series only', () => {
    const parse = queries.parseVariableQuery;
    expect(parse('label_values(job)')).to.deep.equal({ selector: '', label: 'job' });
    expect(parse(' label_values( up{a="b,c", d=~"(x|y)"} , instance ) ')).to.deep.equal({
      selector: 'up{a="b,c", d=~"(x|y)"}',
      label: 'instance',
    });
    for (const text of ['', 'up', 'label_values()', 'label_values(up, )', 'metrics(up)', 'label_values(a b)'])
      expect(parse(text), text).to.equal(undefined);
  });

  it('are filtered, sorted as people count, and there once', () => {
    const { filterValues } = queries;
    expect(filterValues(['b', 'a10', 'a2', 'a2'], '')).to.deep.equal(['a2', 'a10', 'b']);
    expect(filterValues(['a:9100', 'b:9100', 'c'], '(.*):\\d+')).to.deep.equal(['a', 'b']);
    expect(filterValues(['a:9100'], '(?<text>.*):(?<value>\\d+)')).to.deep.equal(['9100']);
    expect(filterValues(['a'], '(')).to.deep.equal([]);
  });
});

describe('what Explore adds to a dashboard', () => {
  it('is what it shows, with a window of rates that suits any range', async () => {
    const { dashboardLink } = await pageModule<{ dashboardLink: (view: object) => string }>(
      'pages/explore/dashboard-link.ts',
    );
    const added = (queries: readonly string[], look: string): readonly (readonly string[])[] => [
      ...new URL(dashboardLink({ queries, look, rate: undefined }), 'http://localhost').searchParams,
    ];
    expect(added(['up', ' ', 'requests_total'], 'chart')).to.deep.equal([
      ['add', 'up'],
      ['add', 'rate(requests_total[$__rate_interval])'],
      ['kind', 'lines'],
    ]);
    expect(added(['latency_bucket{job="a"}'], 'heatmap')).to.deep.equal([
      ['add', 'sum by (le) (rate(latency_bucket{job="a"}[$__rate_interval]))'],
      ['kind', 'heatmap'],
    ]);
    expect(added(['sum(x) by (le)'], 'quantiles')).to.deep.equal([
      ['add', 'histogram_quantile(0.5, sum(x) by (le))'],
      ['add', 'histogram_quantile(0.9, sum(x) by (le))'],
      ['add', 'histogram_quantile(0.99, sum(x) by (le))'],
      ['kind', 'lines'],
    ]);
    expect(added(['up'], 'table')).to.deep.equal([
      ['add', 'up'],
      ['kind', 'table'],
    ]);
  });
});
