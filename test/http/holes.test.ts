import { expect } from 'chai';
import fc from 'fast-check';
import { ArrivingHoles, holesOf } from '../../src/http/holes.ts';

/** Times from distances. */
const timesOf = (distances: readonly number[]): Float64Array => {
  let time = 1_000_000;
  return Float64Array.from([0, ...distances], (distance) => {
    time += distance;
    return time;
  });
};

const repeated = (distance: number, count: number): number[] => new Array<number>(count).fill(distance);

describe('the holes of a series', () => {
  it('are where samples are missing', () => {
    const times = timesOf([...repeated(1000, 20), 60_000, ...repeated(1000, 20)]);
    expect(holesOf(times)).to.deep.equal([times[21]]);
  });

  it('are not where the interval changes, to a shorter or a longer one', () => {
    expect(holesOf(timesOf([...repeated(15_000, 20), ...repeated(1000, 200)]))).to.deep.equal([]);
    expect(holesOf(timesOf([...repeated(1000, 200), ...repeated(15_000, 20)]))).to.deep.equal([]);
  });

  it('are found before the newest sample', () => {
    const times = timesOf([...repeated(1000, 20), 60_000]);
    expect(holesOf(times)).to.deep.equal([times[21]]);
  });

  it('are told only from a width on', () => {
    const times = timesOf([...repeated(1000, 20), 60_000, ...repeated(1000, 20)]);
    expect(holesOf(times, 60_000)).to.have.length(1);
    expect(holesOf(times, 60_001)).to.deep.equal([]);
  });

  it('are none in a series of regular samples, whatever the interval', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(50), (interval, count) => {
        expect(holesOf(timesOf(repeated(interval, count)))).to.deep.equal([]);
      }),
    );
  });

  it('are found while samples arrive, when the distance after them is known', () => {
    const times = timesOf([...repeated(1000, 20), 60_000, ...repeated(1000, 3)]);
    const arriving = new ArrivingHoles();
    const told = Array.from(times, (time) => arriving.add(time));
    expect(told.indexOf(times[21])).to.equal(22);
    expect(told.filter((hole) => hole !== undefined)).to.have.length(1);
  });

  it('are found between the first two samples that arrive', () => {
    const arriving = new ArrivingHoles();
    expect([1000, 90_000, 91_000].map((time) => arriving.add(time))).to.deep.equal([undefined, undefined, 90_000]);
  });

  it('are none while samples arrive in another interval', () => {
    const arriving = new ArrivingHoles();
    const times = timesOf([...repeated(1000, 20), ...repeated(15_000, 20), ...repeated(1000, 20)]);
    expect(Array.from(times, (time) => arriving.add(time)).filter((hole) => hole !== undefined)).to.deep.equal([]);
  });
});
