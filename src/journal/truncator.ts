/** Removes the journal's oldest segments, each after what it tells of series' lives is in the history and on the disk. */
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { ioError } from '../disk/io-error.ts';
import type { Position } from '../model/events.ts';
import type { HistoryLog } from './history-log.ts';
import type { SegmentFiles } from './segment-files.ts';
import { listSegments } from './segment-list.ts';

/** What is gone. */
export interface Truncated {
  readonly segments: number;
  readonly bytes: number;
}

/** What keeps segments that may go otherwise. */
export interface Keep {
  /** The oldest position that a reader of this process still needs. Asked again before each removal. */
  readonly from: () => Position;
  /** Segments that were created within this time stay, */
  readonly lingerMs: number;
  /** and begin here or after it: what is older is beyond the bound, however young the segment is. */
  readonly lingersFrom: () => Position;
}

export interface TruncatorParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly files: SegmentFiles;
  readonly history: HistoryLog;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Ends a truncation between two segments. */
  readonly isClosed: () => boolean;
}

export class Truncator {
  private readonly parts: TruncatorParts;

  constructor(parts: TruncatorParts) {
    this.parts = parts;
  }

  /** Removes the segments that end at a position or before it. One call at a time. */
  async before(position: Position, keep: Keep): Promise<Truncated> {
    const { fileSystem, directory, files, history, clock, isClosed } = this.parts;
    const gone = { segments: 0, bytes: 0 };
    for (;;) {
      const oldest = files.closed[0];
      if (isClosed() || oldest === undefined || oldest.end > Math.min(position, keep.from())) return gone;
      const isYoung = clock.monotonic() - (oldest.createdAtMs ?? Number.NEGATIVE_INFINITY) < keep.lingerMs;
      if (isYoung && oldest.start >= keep.lingersFrom()) return gone;
      const entry = listSegments(fileSystem, directory).segments.find(({ start }) => start === oldest.start);
      if (entry !== undefined) await history.move(entry, oldest.end);
      // A reader may have begun in the segment while its events were moved. Moving them again is harmless.
      if (oldest.end > keep.from()) return gone;
      await this.removeOldest();
      gone.segments++;
      gone.bytes += oldest.bytes;
    }
  }

  private async removeOldest(): Promise<void> {
    try {
      await this.parts.files.removeOldest();
    } catch (error) {
      throw ioError(error, 'remove', 'the oldest journal segment');
    }
  }
}
