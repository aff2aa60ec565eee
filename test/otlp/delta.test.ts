/** Delta temporality made cumulative: running totals, points sent again, totals that were forgotten. */
import { expect } from 'chai';
import fc from 'fast-check';
import { DeltaStreams } from '../../src/otlp/delta-streams.ts';
import { asProtobuf, type Converted, convert, requestOf, type TestMetric, type TestPoint, text } from './requests.ts';

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
