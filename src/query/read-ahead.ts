/**
 * Reads the answers of a query whose series files are needed ahead of their turn, many in one batch: answers are given
 * in the order of labels, and series with files lie anywhere between series that are all in memory.
 *
 * Bounds: how many answers are held ({@link BATCH_SERIES_MAX}); SeriesReader bounds the chunks of a batch, so a batch of
 * long files is answered in part. Then the next one is smaller, for the headers of files that don't fit are read in vain.
 */
import type { FoundSeries } from './find-series.ts';
import type { Range, SeriesReader } from './read-series.ts';
import type { ReadSamples } from './samples.ts';

const BATCH_SERIES_MAX = 256;
/** Series looked at to fill a batch. */
const LOOK_AHEAD_SERIES = 4096;

/** What it asks of the reader. */
export type BatchReader = Pick<SeriesReader, 'needsFile' | 'readBatch'>;

export class ReadAhead {
  private readonly reader: BatchReader;
  private readonly found: readonly FoundSeries[];
  private readonly range: Range;
  /** By place in `found`: read, and not yet their turn. */
  private readonly answers = new Map<number, ReadSamples>();
  private batchSeries = BATCH_SERIES_MAX;

  constructor(reader: BatchReader, found: readonly FoundSeries[], range: Range) {
    this.reader = reader;
    this.found = found;
    this.range = range;
  }

  /** The answer of a series that was read ahead; once. */
  take(index: number): ReadSamples | undefined {
    if (this.answers.size === 0) return undefined;
    const answer = this.answers.get(index);
    this.answers.delete(index);
    return answer;
  }

  /** The answer of a series whose file is needed, and those of the next ones that need theirs. */
  async read(index: number): Promise<ReadSamples> {
    const indexes = this.nextWithFiles(index);
    const read = await this.reader.readBatch(
      indexes.map((each) => this.found[each]),
      this.range,
    );
    if (read.length < indexes.length) this.batchSeries = read.length;
    else if (read.length === this.batchSeries) this.batchSeries = Math.min(read.length * 2, BATCH_SERIES_MAX);
    for (let i = 1; i < read.length; i++) this.answers.set(indexes[i], read[i]);
    return read[0];
  }

  private nextWithFiles(index: number): number[] {
    const { found, reader, range } = this;
    const indexes = [index];
    const end = Math.min(index + LOOK_AHEAD_SERIES, found.length);
    for (let next = index + 1; next < end && indexes.length < this.batchSeries; next++) {
      if (!this.answers.has(next) && reader.needsFile(found[next], range.from)) indexes.push(next);
    }
    return indexes;
  }
}
