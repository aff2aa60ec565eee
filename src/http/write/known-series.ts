/**
 * The series that senders of remote write 1.0 have named, by the bytes of their labels. A sender writes the labels of a
 * series in the same way each time, so most series are found again without making texts of their labels.
 */
import type { SeriesHandle } from '../../index.ts';

/** Series that are kept. Twice as many are in memory at most. */
const SERIES_MAX = 32_768;
/** Longer labels are not kept. */
const BYTES_MAX = 512;

interface Known {
  readonly bytes: Buffer;
  readonly series: SeriesHandle;
}

export class KnownSeries {
  /** By hash. Of two series with the same hash, the later one is kept. */
  private recent = new Map<number, Known>();
  /** The series before: those that are named again move to `recent`. */
  private former = new Map<number, Known>();

  /** The series whose labels are the bytes from `start` to before `end`. */
  find(content: Buffer, start: number, end: number): SeriesHandle | undefined {
    if (end - start > BYTES_MAX) return undefined;
    const hash = hashOf(content, start, end);
    const recent = this.recent.get(hash);
    if (recent !== undefined && isOf(recent, content, start, end)) return recent.series;
    const former = this.former.get(hash);
    if (former === undefined || !isOf(former, content, start, end)) return undefined;
    this.keep(hash, former);
    return former.series;
  }

  add(content: Buffer, start: number, end: number, series: SeriesHandle): void {
    if (end - start > BYTES_MAX) return;
    this.keep(hashOf(content, start, end), { bytes: Buffer.from(content.subarray(start, end)), series });
  }

  private keep(hash: number, known: Known): void {
    if (this.recent.size >= SERIES_MAX) {
      this.former = this.recent;
      this.recent = new Map();
    }
    this.recent.set(hash, known);
  }
}

const isOf = ({ bytes }: Known, content: Buffer, start: number, end: number): boolean =>
  bytes.length === end - start && content.compare(bytes, 0, bytes.length, start, end) === 0;

/** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
const hashOf = (content: Buffer, start: number, end: number): number => {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ content[i], 0x01000193);
  return hash;
};
