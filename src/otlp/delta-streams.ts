/**
 * Running totals of sums and histograms that their sender counts from zero for each point (delta temporality). The totals
 * take a bounded amount of memory: beyond it, those that were not added to for the longest time are forgotten. A total
 * that was forgotten begins at zero again, like the counter of a process that was restarted.
 *
 * A point that is sent again is recognized by its times and not added again, so a sender may repeat a request whose
 * answer it has not seen.
 */

const BYTES_MAX = 64 * 1024 * 1024;
/** What a stream takes beside its key and its numbers, roughly. */
const STREAM_BYTES = 200;

export interface DeltaStream {
  startTime: number;
  time: number;
  /** Whether the point that was added last is the first one. */
  isNew: boolean;
  readonly totals: number[];
  /** Upper bounds of a histogram's buckets. */
  readonly bounds: readonly number[];
  readonly bytes: number;
}

export class DeltaStreams {
  /** The stream that was added to longest ago comes first. */
  private readonly streams = new Map<string, DeltaStream>();
  private readonly bytesMax: number;
  private bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  /** Number of streams with a total in memory. */
  get size(): number {
    return this.streams.size;
  }

  /**
   * Adds a point's amounts to the totals of its stream. Returns the stream; `undefined` if the point is older than the
   * newest one of the stream, so that it can't be added any more. A histogram whose bounds change begins at zero.
   */
  add(
    key: string,
    startTime: number,
    time: number,
    amounts: readonly number[],
    bounds: readonly number[],
  ): DeltaStream | undefined {
    const known = this.streams.get(key);
    if (known !== undefined && time < known.time) return undefined;
    if (known === undefined || !areEqual(known.bounds, bounds))
      return this.begin(key, startTime, time, amounts, bounds);
    this.streams.delete(key);
    this.streams.set(key, known);
    if (time === known.time && startTime === known.startTime) return known;
    for (let i = 0; i < amounts.length; i++) known.totals[i] += amounts[i];
    known.startTime = startTime;
    known.time = time;
    known.isNew = false;
    return known;
  }

  private begin(
    key: string,
    startTime: number,
    time: number,
    amounts: readonly number[],
    bounds: readonly number[],
  ): DeltaStream {
    this.forget(key);
    const bytes = STREAM_BYTES + 2 * key.length + 8 * (amounts.length + bounds.length);
    const stream: DeltaStream = { startTime, time, isNew: true, totals: [...amounts], bounds: [...bounds], bytes };
    this.streams.set(key, stream);
    this.bytes += bytes;
    for (const oldest of this.streams.keys()) {
      if (this.bytes <= this.bytesMax || oldest === key) break;
      this.forget(oldest);
    }
    return stream;
  }

  private forget(key: string): void {
    this.bytes -= this.streams.get(key)?.bytes ?? 0;
    this.streams.delete(key);
  }
}

const areEqual = (a: readonly number[], b: readonly number[]): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};
