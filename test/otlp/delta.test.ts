/** Delta temporality made cumulative: running totals, points sent again, totals that were forgotten. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { OtlpOptions } from '../../src/otlp/conversion-options.ts';
import { DeltaStreams } from '../../src/otlp/delta-streams.ts';
import {
  asProtobuf,
  type Converted,
  convert,
  requestOf,
  type TestMetric,
  type TestPoint,
  type TestRequest,
  text,
} from './requests.ts';

const ms = (milliseconds: number): bigint => BigInt(milliseconds) * 1_000_000n;

const point = (start: number, time: number, asDouble: number, name = ''): TestPoint => ({
  startTimeUnixNano: ms(start),
  timeUnixNano: ms(time),
  asDouble,
  attributes: name === '' ? [] : [text('a', name)],
});

const sum = (...dataPoints: TestPoint[]): TestMetric => ({
  name: 'd',
  sum: { dataPoints, aggregationTemporality: 1, isMonotonic: true },
});

const histogram = (...dataPoints: TestPoint[]): TestMetric => ({
  name: 'h',
  histogram: { dataPoints, aggregationTemporality: 1 },
});

describe('delta temporality', () => {
  let deltas: DeltaStreams;
  const send = (...metrics: TestMetric[]): Converted => convert('protobuf', asProtobuf(requestOf(metrics)), {}, deltas);

  beforeEach(() => {
    deltas = new DeltaStreams();
  });

  it('is added up, from a zero just after the first start', () => {
    expect(send(sum(point(1000, 2000, 5))).samples).to.deep.equal(['d_total{} 0 @1001', 'd_total{} 5 @2000']);
    expect(send(sum(point(2000, 3000, 1), point(3000, 4000, 2.5))).samples).to.deep.equal([
      'd_total{} 6 @3000',
      'd_total{} 8.5 @4000',
    ]);
  });

  it('has no zero before a first point without a start', () => {
    expect(send(sum({ timeUnixNano: ms(2000), asDouble: 5 })).samples).to.deep.equal(['d_total{} 5 @2000']);
  });

  it('has a total for each label set', () => {
    send(sum(point(0, 1, 1, 'x'), point(0, 1, 10, 'y')));
    expect(send(sum(point(1, 2, 1, 'y'), point(1, 2, 1, 'x'))).samples).to.deep.equal([
      'd_total{a="y"} 11 @2',
      'd_total{a="x"} 2 @2',
    ]);
  });

  it('adds up the buckets, the count and the sum of histograms', () => {
    const one = (start: number, time: number): TestPoint => ({
      startTimeUnixNano: ms(start),
      timeUnixNano: ms(time),
      count: 3n,
      sum: 4.5,
      bucketCounts: [1n, 2n],
      explicitBounds: [1],
    });
    send(histogram(one(1000, 2000)));
    expect(send(histogram(one(2000, 3000))).samples).to.deep.equal([
      'h_sum{} 9 @3000',
      'h_count{} 6 @3000',
      'h_bucket{le="1"} 2 @3000',
      'h_bucket{le="+Inf"} 6 @3000',
    ]);
    // Other bounds: the buckets can't be added, so all of them begin again.
    expect(send(histogram({ ...one(3000, 4000), explicitBounds: [2] })).samples).to.include.members([
      'h_count{} 0 @3001',
      'h_count{} 3 @4000',
      'h_bucket{le="2"} 1 @4000',
    ]);
  });

  it('does not add a point that is sent again', () => {
    send(sum(point(1000, 2000, 5)));
    expect(send(sum(point(2000, 3000, 1))).samples).to.deep.equal(['d_total{} 6 @3000']);
    expect(send(sum(point(2000, 3000, 1))).samples).to.deep.equal(['d_total{} 6 @3000']);
    expect(send(sum(point(3000, 4000, 1))).samples).to.deep.equal(['d_total{} 7 @4000']);
  });

  it('refuses a point from before the last one, and an amount that is not finite', () => {
    send(sum(point(1000, 2000, 5)));
    const { samples, refused, message } = send(sum(point(500, 1500, 1), point(2000, 3000, Number.NaN)));
    expect([samples, refused]).to.deep.equal([[], 2]);
    expect(message).to.match(/before the last point.*; .*not finite/);
    expect(send(sum(point(3000, 4000, 1))).samples).to.deep.equal(['d_total{} 6 @4000']);
  });

  it('goes on after a point without a value', () => {
    send(sum(point(1000, 2000, 5)));
    expect(send(sum({ timeUnixNano: ms(2500), flags: 1 })).samples).to.deep.equal(['d_total{} 7ff0000000000002 @2500']);
    expect(send(sum(point(3000, 4000, 1))).samples).to.deep.equal(['d_total{} 6 @4000']);
  });

  describe('of several scopes or resources that become one label set', () => {
    const scopes = (...points: TestPoint[][]): TestRequest => ({
      resourceMetrics: [
        {
          scopeMetrics: points.map((dataPoints, index) => ({
            scope: { name: `scope${index}` },
            metrics: [sum(...dataPoints)],
          })),
        },
      ],
    });
    const resources = (...points: TestPoint[][]): TestRequest => ({
      resourceMetrics: points.map((dataPoints, index) => ({
        resource: { attributes: [text('process.pid', `${index}`)] },
        scopeMetrics: [{ metrics: [sum(...dataPoints)] }],
      })),
    });
    const sendAll = (request: TestRequest, options: OtlpOptions = {}): Converted =>
      convert('protobuf', asProtobuf(request), options, deltas);

    for (const [what, make] of Object.entries({ scopes, resources }))
      it(`adds the points of ${what} to one total, and writes it once for each time`, () => {
        const first = sendAll(make([point(1000, 2000, 5), point(2000, 3000, 1)], [point(1000, 2000, 3)]));
        expect(first).to.include({ accepted: 3, refused: 0 });
        expect(first.samples).to.deep.equal(['d_total{} 0 @1001', 'd_total{} 5 @2000', 'd_total{} 9 @3000']);
        expect(sendAll(make([point(3000, 4000, 1)], [point(3000, 4000, 1)])).samples).to.deep.equal([
          'd_total{} 11 @4000',
        ]);
      });

    it('writes a total that grew at a time that has one a millisecond later', () => {
      expect(sendAll(scopes([point(1000, 2000, 5)], [])).samples).to.include('d_total{} 5 @2000');
      expect(sendAll(scopes([], [point(1000, 2000, 3)])).samples).to.deep.equal(['d_total{} 8 @2001']);
      expect(sendAll(scopes([], [point(2000, 2001, 1)], [point(1000, 1900, 1)])).samples).to.deep.equal([
        'd_total{} 10 @2002',
      ]);
    });

    it('does not add a request that is sent again', () => {
      const request = scopes([point(1000, 2000, 5)], [point(1000, 2000, 3)]);
      expect(sendAll(request).samples.at(-1)).to.equal('d_total{} 8 @2000');
      expect(sendAll(request).samples).to.deep.equal(['d_total{} 8 @2000']);
      expect(sendAll(scopes([], [point(1000, 2000, 3), point(2000, 3000, 1)])).samples).to.deep.equal([
        'd_total{} 8 @2000',
        'd_total{} 9 @3000',
      ]);
    });

    it('keeps scopes apart with promoteScope', () => {
      const { samples } = sendAll(scopes([point(1000, 2000, 5)], [point(1000, 2000, 3)]), { promoteScope: true });
      expect(samples.slice(-2)).to.deep.equal([
        'd_total{otel_scope_name="scope0"} 5 @2000',
        'd_total{otel_scope_name="scope1"} 3 @2000',
      ]);
    });

    it('adds points whose attributes become the same labels', () => {
      const points = [
        { ...point(1000, 2000, 5), attributes: [text('a.b', 'x')] },
        { ...point(1000, 2000, 3), attributes: [text('a_b', 'x')] },
      ];
      expect(sendAll(scopes(points)).samples.at(-1)).to.equal('d_total{a_b="x"} 8 @2000');
    });

    it('refuses a histogram with other bounds while both send, and begins again after a restart', () => {
      const buckets = (bound: number, start: number, time: number): TestMetric =>
        histogram({
          startTimeUnixNano: ms(start),
          timeUnixNano: ms(time),
          count: 1n,
          bucketCounts: [1n, 0n],
          explicitBounds: [bound],
        });
      const by = (pid: string, metric: TestMetric): Converted => sendAll(requestOf([metric], [text('pid', pid)]));
      expect(by('1', buckets(1, 1000, 2000)).refused).to.equal(0);
      const { refused, message } = by('2', buckets(5, 1000, 2000));
      expect([refused, message]).to.match(/1,.*bounds differ from those of another scope or resource/);
      expect(by('1', buckets(1, 2000, 3000)).samples).to.include('h_count{} 2 @3000');
      expect(by('2', buckets(5, 3500, 4000)).samples).to.include('h_count{} 1 @4000');
    });

    it('gives the sum of all amounts, in whatever order the sources send', () => {
      const sending = fc.record({ source: fc.nat(3), amount: fc.integer({ min: 1, max: 9 }), time: fc.nat(5) });
      fc.assert(
        fc.property(fc.array(fc.array(sending, { minLength: 1 }), { minLength: 1 }), (requests) => {
          deltas = new DeltaStreams();
          const clocks = [1000, 1000, 1000, 1000];
          const stored = new Map<string, string>();
          let expected = 0;
          for (const request of requests) {
            const points: TestPoint[][] = [[], [], [], []];
            for (const { source, amount, time } of request) {
              const start = clocks[source];
              clocks[source] += 1 + time;
              points[source].push(point(start, clocks[source], amount));
              expected += amount;
            }
            const { samples, refused } = sendAll(scopes(...points));
            expect(refused).to.equal(0);
            for (const sample of samples) {
              const [, value, at] = sample.split(' ');
              expect(stored.get(at) ?? value, 'one value for each time').to.equal(value);
              stored.set(at, value);
            }
          }
          const totals = [...stored].map(([at, value]) => [Number(at.slice(1)), Number(value)]);
          totals.sort(([a], [b]) => a - b);
          expect(totals.at(-1)?.[1]).to.equal(expected);
          for (let i = 1; i < totals.length; i++) expect(totals[i][1]).to.be.at.least(totals[i - 1][1]);
        }),
      );
    });
  });

  it('gives the sum of all amounts, however they are put into requests', () => {
    const amounts = fc.array(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 5 }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(amounts, (requests) => {
        deltas = new DeltaStreams();
        let time = 1000;
        let last = '';
        for (const request of requests) {
          const points = request.map((amount) => {
            time += 10;
            return point(time - 10, time, amount);
          });
          last = send(sum(...points)).samples.at(-1) ?? '';
        }
        expect(last).to.equal(`d_total{} ${requests.flat().reduce((a, b) => a + b)} @${time}`);
      }),
    );
  });

  it('takes a bounded amount of memory: the total that was used longest ago begins again', () => {
    deltas = new DeltaStreams(1000);
    send(sum(point(1000, 2000, 5, 'first'), point(1000, 2000, 5, 'second')));
    for (let i = 0; i < 100; i++) {
      send(sum(point(2000 + i, 2001 + i, 1, 'first')));
      send(sum(point(1000, 2000, 1, `other${i}`)));
      expect(deltas.size).to.be.below(6);
    }
    expect(send(sum(point(3000, 4000, 1, 'first'))).samples).to.deep.equal(['d_total{a="first"} 106 @4000']);
    expect(send(sum(point(3000, 4000, 1, 'second'))).samples).to.deep.equal([
      'd_total{a="second"} 0 @3001',
      'd_total{a="second"} 1 @4000',
    ]);
  });
});
