import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from '../../src/promql/syntax/parse.ts';
import { pageModule } from './page-module.ts';

interface QueryText {
  readonly isSelector: (text: string) => boolean;
  readonly metricOf: (text: string) => string;
  readonly isCounter: (text: string) => boolean;
  readonly bucketsOf: (text: string, stepMs: number) => string;
  readonly quantileOf: (text: string, quantile: number, stepMs: number) => string;
}

interface Parts {
  readonly metric: string;
  readonly filters: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
  readonly timeFunction: string;
  readonly window: string;
  readonly aggregation: string;
  readonly by: readonly string[];
}

interface Built {
  readonly builtExpression: (parts: Parts) => string;
  readonly timeFunctions: readonly (readonly [string, string])[];
  readonly aggregations: readonly (readonly [string, string])[];
}

interface MeasureModule {
  readonly measureOf: (
    text: string,
    declared: (name: string) => string | undefined,
  ) => { readonly unit: string; readonly perSecond: boolean };
}

interface Durations {
  readonly durationMs: (text: string) => number | undefined;
  readonly durationText: (milliseconds: number) => string;
  readonly stepFor: (rangeMs: number, points: number) => number;
}

describe('what Explore knows of a query by its text', () => {
  let text: QueryText;
  let built: Built;
  let measure: MeasureModule;
  let durations: Durations;

  before(async () => {
    text = await pageModule('parts/queries/query-text.ts');
    built = await pageModule('pages/explore/built-expression.ts');
    measure = await pageModule('parts/queries/measure-of.ts');
    durations = await pageModule('parts/text/duration-text.ts');
  });

  it('tells selectors from other expressions', () => {
    for (const selector of [
      'up',
      ' up ',
      'a:b',
      'up{job="node"}',
      '{"room.temperature"}',
      'up{a="}", b=~\'x{2}\'}',
      '{a="\\""}',
    ])
      expect(text.isSelector(selector), selector).to.equal(true);
    for (const other of ['', 'sum(up)', 'up[5m]', 'up offset 5m', 'up + 1', 'up{a="b"', '1', 'up{a="b"} > 0', 'up up'])
      expect(text.isSelector(other), other).to.equal(false);
  });

  it('finds the metric of a selector', () => {
    expect(text.metricOf('up{job="a"}')).to.equal('up');
    expect(text.metricOf('{"room.temperature", a="b"}')).to.equal('room.temperature');
    expect(text.metricOf('{__name__="up"}')).to.equal('up');
    expect(text.metricOf('{job="a"}')).to.equal('');
  });

  it('takes metrics for counters by their names, and only plain selectors of them', () => {
    expect(text.isCounter('http_requests_total{path="/"}')).to.equal(true);
    expect(text.isCounter('{"http.requests_total"}')).to.equal(true);
    expect(text.isCounter('sum(http_requests_total)')).to.equal(false);
    expect(text.isCounter('memory_bytes')).to.equal(false);
  });

  it('asks for the buckets of a histogram, and leaves other expressions as they are', () => {
    expect(text.bucketsOf('a_bucket{job="x"}', 1000)).to.equal('sum by (le) (rate(a_bucket{job="x"}[1m]))');
    expect(text.bucketsOf('sum by (le) (rate(a_bucket[5m]))', 1000)).to.equal('sum by (le) (rate(a_bucket[5m]))');
    expect(text.quantileOf('a_bucket', 0.9, 60_000)).to.equal(
      'histogram_quantile(0.9, sum by (le) (rate(a_bucket[4m])))',
    );
  });

  it('builds only expressions that can be parsed', () => {
    const label = fc.constantFrom('job', 'le', 'the room', 'a.b', 'quoted"');
    const parts = fc.record({
      metric: fc.constantFrom('up', 'a_bucket', 'room.temperature', 'with "quotes"'),
      filters: fc.array(
        fc.record({
          label,
          operator: fc.constantFrom('=', '!=', '=~', '!~'),
          value: fc.constantFrom('', 'a', 'a.*', '"', '\\\\', 'ä\n'),
        }),
        { maxLength: 3 },
      ),
      timeFunction: fc.constantFrom(...built.timeFunctions.map(([name]) => name)),
      window: fc.constantFrom('', '5m', '1h30m'),
      aggregation: fc.constantFrom(...built.aggregations.map(([name]) => name)),
      by: fc.array(label, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(parts, (one) => {
        const expression = built.builtExpression(one);
        expect(() => parse(expression), expression).not.to.throw();
      }),
    );
  });

  it('finds the unit of an expression, or none', () => {
    const of = (expression: string): string => {
      const { unit, perSecond } = measure.measureOf(expression, (name) => (name === 'odd' ? 'bytes' : undefined));
      return perSecond ? `${unit}/s` : unit;
    };
    expect(of('memory_bytes')).to.equal('bytes');
    expect(of('odd{a="b"}')).to.equal('bytes');
    expect(of('sum by (job_seconds) (rate(received_bytes_total{a="x+y"}[5m]))')).to.equal('bytes/s');
    expect(of('histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))')).to.equal('seconds');
    expect(of('avg_over_time(room_temperature_celsius[1h])')).to.equal('celsius');
    for (const unknown of ['memory_bytes / 2', 'count(memory_bytes)', 'a_bytes + b_seconds', 'memory_bytes > 5', '1'])
      expect(of(unknown), unknown).to.equal('other');
  });

  it('reads durations, and writes them so that they are read back', () => {
    expect(durations.durationMs('1h30m')).to.equal(5_400_000);
    expect(durations.durationMs('500ms')).to.equal(500);
    for (const wrong of ['', '5', 'h', '5 m', '-5m', '5mm'])
      expect(durations.durationMs(wrong), wrong).to.equal(undefined);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
        expect(durations.durationMs(durations.durationText(ms))).to.equal(ms);
      }),
    );
  });

  it('chooses steps that give no more points than asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 1e13 }), fc.integer({ min: 50, max: 2000 }), (range, points) => {
        const step = durations.stepFor(range, points);
        expect(range / step).to.be.at.most(points);
        expect(step).to.be.at.least(1000);
      }),
    );
  });
});
