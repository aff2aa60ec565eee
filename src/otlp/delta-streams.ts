/**
 * Running totals of sums and histograms that their sender counts from zero for each point (delta temporality). There is
 * one total for each label set. Points of several scopes or resources may become the same label set; their amounts are
 * added to the same total. The totals take a bounded amount of memory: beyond it, those that were not added to for the
 * longest time are forgotten. A total that was forgotten begins at zero again, like the counter of a process that was
 * restarted.
 *
 * A point that is sent again is recognized by its source and its times and not added again, so a sender may repeat a
 * request whose answer it has not seen.
 */

const BYTES_MAX = 64 * 1024 * 1024;
/** What a stream takes beside its key and its numbers, and what one of its sources takes, roughly. */
const STREAM_BYTES = 200;
const SOURCE_BYTES = 150;
/** Sources of one stream that are remembered. Processes that were restarted may leave many that never send again. */
const SOURCES_MAX = 1000;

/** The times of the last point that a source has sent. */
interface Span {
  readonly startTime: number;
  readonly time: number;
}

export interface DeltaStream {
  /** Time of the sample that has the totals. */
  time: number;
  /** Whether a sample with this time was written, so that it can't have another value any more. */
  isWritten: boolean;
  /** Whether the point that was added last is the first one. */
  isNew: boolean;
  readonly totals: number[];
  /** Upper bounds of a histogram's buckets. */
  readonly bounds: readonly number[];
  /** The source that sent longest ago comes first. */
  readonly sources: Map<string, Span>;
  bytes: number;
}

/** The amounts of a point. */
export interface Amounts extends Span {
  /** The series that the point becomes. */
  readonly key: string;
  /** What the sender sees as one stream: the resource, the scope, the metric and the attributes. */
  readonly source: string;
  readonly amounts: readonly number[];
  readonly bounds: readonly number[];
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
   * Adds a point's amounts to the totals of its stream. Returns the stream, or why the amounts can't be added. A histogram
   * whose bounds change begins at zero.
   */
  add(point: Amounts): DeltaStream | string {
    const { key, source, startTime, time, amounts } = point;
    const known = this.streams.get(key);
    if (known === undefined) return this.begin(point);
    const last = known.sources.get(source);
    if (last !== undefined && time < last.time) return 'its time is before the last point that was added up';
    if (!areEqual(known.bounds, point.bounds)) {
      if (isShared(known, source, startTime))
        return 'its bounds differ from those of another scope or resource whose points become the same series';
      return this.begin(point);
    }
    this.streams.delete(key);
    this.streams.set(key, known);
    if (last !== undefined && time === last.time && startTime === last.startTime) return known;
    for (let i = 0; i < amounts.length; i++) known.totals[i] += amounts[i];
    if (time > known.time) known.time = time;
    else if (known.isWritten) known.time += 1;
    known.isWritten = false;
    known.isNew = false;
    this.noteSource(known, source, { startTime, time });
    this.makeRoom(key);
    return known;
  }

  private begin({ key, source, startTime, time, amounts, bounds }: Amounts): DeltaStream {
    this.forget(key);
    const bytes = STREAM_BYTES + 2 * key.length + 8 * (amounts.length + bounds.length);
    const stream: DeltaStream = {
      time,
      isWritten: false,
      isNew: true,
      totals: [...amounts],
      bounds: [...bounds],
      sources: new Map(),
      bytes,
    };
    this.streams.set(key, stream);
    this.bytes += bytes;
    this.noteSource(stream, source, { startTime, time });
    this.makeRoom(key);
    return stream;
  }

  private noteSource(stream: DeltaStream, source: string, span: Span): void {
    const { sources } = stream;
    const before = sources.size;
    sources.delete(source);
    sources.set(source, span);
    for (const oldest of sources.keys()) {
      if (sources.size <= SOURCES_MAX) break;
      sources.delete(oldest);
    }
    const bytes = SOURCE_BYTES * (sources.size - before);
    stream.bytes += bytes;
    this.bytes += bytes;
  }

  /** Forgets the streams that were not added to for the longest time, but not the one with this key. */
  private makeRoom(key: string): void {
    for (const oldest of this.streams.keys()) {
      if (this.bytes <= this.bytesMax || oldest === key) break;
      this.forget(oldest);
    }
  }

  private forget(key: string): void {
    this.bytes -= this.streams.get(key)?.bytes ?? 0;
    this.streams.delete(key);
  }
}

/** Whether another source than the given one has sent a point that ends after a time. */
const isShared = ({ sources }: DeltaStream, source: string, startTime: number): boolean => {
  for (const [other, { time }] of sources) if (other !== source && time > startTime) return true;
  return false;
};

const areEqual = (a: readonly number[], b: readonly number[]): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};
