import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { expectedCounts, fillExpected, freshLabelsOf, labelsOf, Rounds, roundMs, sampleCount } from './workload.ts';

const workload = { seriesCount: 1000, rounds: 60, base: 1_700_000_000_000 };

const expectedOf = (i: number) =>
  fillExpected(workload, i, {
    timestamps: new Float64Array(workload.rounds),
    values: new Float64Array(workload.rounds),
  });

describe('the benchmark workload', () => {
  it('is the same on every machine: its samples have a fixed checksum', () => {
    const rounds = new Rounds(workload);
    const hash = createHash('sha256');
    for (let round = 0; round < workload.rounds; round++) {
      rounds.next();
      hash.update(new Uint8Array(rounds.timestamps.buffer)).update(new Uint8Array(rounds.values.buffer));
    }
    expect(hash.digest('hex').slice(0, 16)).to.equal('9f68effccde13a24');
    expect(sampleCount(workload)).to.equal(60_000);
  });

  it('gives the same samples by series as by round', () => {
    const rounds = new Rounds(workload);
    const expected = Array.from({ length: 20 }, (_, i) => expectedOf(i));
    for (let round = 0; round < workload.rounds; round++) {
      rounds.next();
      for (const [i, series] of expected.entries()) {
        expect(rounds.values[i]).to.equal(series.values[round]);
        expect(rounds.timestamps[i]).to.equal(series.timestamps[round]);
      }
    }
  });

  it('has the five kinds of values', () => {
    const [constant, counter, gauge, noise, steps] = [0, 1, 2, 3, 4].map((i) => [...expectedOf(i).values]);
    expect(new Set(constant)).to.deep.equal(new Set([1]));
    expect(counter).to.deep.equal(counter.toSorted((a, b) => a - b));
    expect(gauge.every((value) => Math.round(value * 100) / 100 === value)).to.equal(true);
    expect(noise.every((value) => value >= 0 && value < 1)).to.equal(true);
    expect(steps.every((value, round) => value - (steps[round - 1] ?? 0) <= 1)).to.equal(true);
  });

  it('keeps even series on the round and odd ones less than 7 ms late', () => {
    const lateness = (i: number) =>
      [...expectedOf(i).timestamps].map((t, round) => t - workload.base - round * roundMs);
    expect(new Set(lateness(0))).to.deep.equal(new Set([0]));
    expect(Math.max(...lateness(1))).to.be.within(1, 6);
  });

  it('labels the series as documented', () => {
    expect(labelsOf(254_321)).to.deep.equal({
      __name__: 'metric_21',
      job: 'job-3',
      instance: '10.0.4.1:9100',
      path: '/api/v1/resource/321',
      status: '201',
      id: '254321',
    });
    expect(freshLabelsOf(254_321)).to.deep.equal(labelsOf(254_321));
  });

  it('knows what its queries find at the main size', () => {
    expect(expectedCounts({ seriesCount: 100_000, rounds: 240 })).to.deep.equal({
      range: 500,
      lookup: 18_000,
      regex: 18_000,
    });
  });
});
