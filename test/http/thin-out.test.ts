import { expect } from 'chai';
import fc from 'fast-check';
import { thinOut } from '../../src/http/thin-out.ts';

const series = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.oneof(fc.double(), fc.constant(Number.NaN))), {
    maxLength: 400,
  })
  .map((steps) => {
    let time = 0;
    return {
      timestamps: Float64Array.from(steps, ([step]) => {
        time += step;
        return time;
      }),
      values: Float64Array.from(steps, ([, value]) => value),
    };
  });

describe('thinning a series out for a chart', () => {
  it('keeps everything that fits', () => {
    const timestamps = Float64Array.of(1, 2, 3);
    expect(thinOut(timestamps, Float64Array.of(1, Number.NaN, Infinity), 1)).to.deep.equal({
      timestamps: [1, 2, 3],
      values: [1, null, null],
      holes: [],
      specials: { 1: 'NaN', 2: '+Inf' },
    });
  });

  it('names what JSON has no number for', () => {
    const values = Float64Array.of(-0, -Infinity, 0, 0);
    new BigUint64Array(values.buffer)[3] = 0x7ff0000000000002n;
    expect(thinOut(Float64Array.of(1, 2, 3, 4), values, 1).specials).to.deep.equal({ 0: '-0', 1: '-Inf', 3: 'stale' });
  });

  it('tells the holes of the samples as they were appended, and keeps a sample on both sides', () => {
    const timestamps = Float64Array.from({ length: 10_800 }, (_, i) => 1000 * i + (i < 5400 ? 0 : 600_000));
    const thin = thinOut(
      timestamps,
      Float64Array.from(timestamps, (_, i) => i),
      900,
    );
    expect(thin.timestamps.length).to.be.below(3600);
    expect(thin.holes).to.deep.equal([timestamps[5400]]);
    expect(thin.timestamps).to.include(timestamps[5399]).and.to.include(timestamps[5400]);
  });

  it('does not break the line of a counter or of a constant at any number of buckets', () => {
    const timestamps = Float64Array.from({ length: 10_800 }, (_, i) => 1000 * i);
    for (const values of [Float64Array.from(timestamps, (_, i) => i), new Float64Array(10_800).fill(7)])
      for (const buckets of [1, 100, 900, 4000]) expect(thinOut(timestamps, values, buckets).holes).to.deep.equal([]);
  });

  it('keeps the peaks beside values that are not numbers', () => {
    const values = Float64Array.of(Number.NaN, 5, 9, Number.NaN, 1, 3, Number.NaN, 2);
    const thin = thinOut(
      Float64Array.from(values, (_, i) => i),
      values,
      1,
    );
    expect(thin.values).to.include(9).and.to.include(1);
  });

  it('keeps first, last, highest and lowest, in order, and at most four samples a bucket', () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 20 }), ({ timestamps, values }, buckets) => {
        const thin = thinOut(timestamps, values, buckets);
        expect(thin.timestamps).to.have.length(thin.values.length);
        expect(thin.timestamps.length).to.be.at.most(Math.max(4 * buckets, 4));
        expect(thin.timestamps).to.deep.equal([...new Set(thin.timestamps)].sort((a, b) => a - b));
        if (timestamps.length === 0) return;
        expect(thin.timestamps[0]).to.equal(timestamps[0]);
        expect(thin.timestamps.at(-1)).to.equal(timestamps.at(-1));
        if (!values.every(Number.isFinite)) return;
        const kept = thin.values as number[];
        expect(Math.max(...kept)).to.equal(Math.max(...values));
        expect(Math.min(...kept)).to.equal(Math.min(...values));
      }),
    );
  });
});
