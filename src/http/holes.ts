/**
 * Where the line of a series is broken: before a sample that comes after a pause. Whether a distance between two samples
 * is a pause depends on the distances near it, so that a series whose interval changes from 15 s to 1 s has no hole at
 * the change, and none before it.
 *
 * Holes are found in the samples as they were appended, before any are left out for a chart: distances between the
 * samples that are left say nothing about the interval of the series.
 */

/** A distance is a pause if it is more than this many times the usual distance, both before and after it. */
const pauseFactor = 6;
/** The usual distance is the median of this many distances at most. */
const nearbyMax = 5;

const nearby = new Float64Array(nearbyMax);

/** The median distance of neighbours from `from` to `through`; 0 if there are no two. */
const usualDistance = (times: Float64Array, from: number, through: number): number => {
  const count = Math.min(nearbyMax, through - from);
  if (count <= 0) return 0;
  for (let i = 0; i < count; i++) nearby[i] = times[from + i + 1] - times[from + i];
  const sorted = nearby.subarray(0, count).sort();
  return sorted[count >> 1];
};

/** Whether the line is broken before sample `i`, which is not the first. */
const isHole = (times: Float64Array, i: number): boolean => {
  const before = usualDistance(times, Math.max(0, i - 1 - nearbyMax), i - 1);
  const after = usualDistance(times, i, Math.min(times.length - 1, i + nearbyMax));
  const usual = Math.max(before, after);
  return usual > 0 && times[i] - times[i - 1] > pauseFactor * usual;
};

/**
 * The times of the samples that come after a hole, ascending.
 *
 * @param narrowestMs Shorter holes are not told: a chart can't show what is narrower than one of its columns.
 */
export const holesOf = (times: Float64Array, narrowestMs = 0): number[] => {
  const holes: number[] = [];
  for (let i = 1; i < times.length; i++)
    if (times[i] - times[i - 1] >= narrowestMs && isHole(times, i)) holes.push(times[i]);
  return holes;
};

/**
 * Finds the holes of one series while its samples arrive. A hole is told when the sample after the next one has arrived:
 * only then the distance after it is known. Until then the line goes on.
 */
export class ArrivingHoles {
  /** The newest times; the last two distances are those that are not decided yet. */
  private readonly times = new Float64Array(nearbyMax + 3);
  private count = 0;

  /** Takes the time of the next sample; returns the time of a sample before it that comes after a hole, if there is one. */
  add(time: number, narrowestMs = 0): number | undefined {
    const { times } = this;
    if (this.count === times.length) {
      times.copyWithin(0, 1);
      this.count--;
    }
    times[this.count++] = time;
    const i = this.count - 2;
    if (i < 1 || times[i] - times[i - 1] < narrowestMs) return undefined;
    return isHole(times.subarray(0, this.count), i) ? times[i] : undefined;
  }
}
