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
    });
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
