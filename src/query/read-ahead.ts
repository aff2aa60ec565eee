/**
 * Reads series files ahead of their turn, many in one batch. A query returns series in the order of labels, and series
 * that need their file may be anywhere between series that are completely in memory.
 *
 * Bounds: at most {@link BATCH_SERIES_MAX} answers are held. SeriesReader bounds the chunks of a batch, so a batch of
 * long files is only partly answered. The next batch is then smaller, because headers of files that do not fit would be
 * read for nothing.
 */
import type { FoundSeries } from './find-series.ts';
import type { Range, SeriesReader } from './read-series.ts';
import type { ReadSamples } from './samples.ts';

const BATCH_SERIES_MAX = 256;
/** How many series to look at to fill a batch. */
const LOOK_AHEAD_SERIES = 4096;
/** How many of them between two looks at the clock. */
const SERIES_PER_LOOK = 64;

/** The functions of the reader that are used here. */
export type BatchReader = Pick<SeriesReader, 'needsFile' | 'readBatch'>;

export class ReadAhead {
  private readonly reader: BatchReader;
  private readonly found: readonly FoundSeries[];
  private readonly range: Range;
  private readonly breathe: () => Promise<void> | undefined;
  /** Answers that were read ahead, by index in `found`. */
  private readonly answers = new Map<number, ReadSamples>();
  private batchSeries = BATCH_SERIES_MAX;

  /** `breathe` gives the thread to others when it is time to, and rejects when nobody waits for the query any more. */
  constructor(
    reader: BatchReader,
    found: readonly FoundSeries[],
    range: Range,
    breathe: () => Promise<void> | undefined,
  ) {
    this.reader = reader;
    this.found = found;
    this.range = range;
    this.breathe = breathe;
  }

  /** Removes and returns the answer of a series that was read ahead. */
  take(index: number): ReadSamples | undefined {
    if (this.answers.size === 0) return undefined;
    const answer = this.answers.get(index);
    this.answers.delete(index);
    return answer;
  }

  /** Reads the answer of a series that needs its file, and reads ahead the next series that need theirs. */
  async read(index: number): Promise<ReadSamples> {
    const indexes = await this.nextWithFiles(index);
    const read = await this.reader.readBatch(
      indexes.map((each) => this.found[each]),
      this.range,
    );
    if (read.length < indexes.length) this.batchSeries = read.length;
    else if (read.length === this.batchSeries) this.batchSeries = Math.min(read.length * 2, BATCH_SERIES_MAX);
    for (let i = 1; i < read.length; i++) this.answers.set(indexes[i], read[i]);
    return read[0];
  }

  private async nextWithFiles(index: number): Promise<number[]> {
    const { found, reader, range } = this;
    const indexes = [index];
    const end = Math.min(index + LOOK_AHEAD_SERIES, found.length);
    for (let next = index + 1; next < end && indexes.length < this.batchSeries; next++) {
      if (next % SERIES_PER_LOOK === 0) await this.breathe();
      if (!this.answers.has(next) && reader.needsFile(found[next], range)) indexes.push(next);
    }
    return indexes;
  }
}
