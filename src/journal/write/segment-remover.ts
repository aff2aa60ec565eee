/** Removes the journal's oldest segments, each one after its lifecycle events are durable in the history. */

import type { FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import type { Position } from '../../model/events.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HistoryLog } from '../history/history-log.ts';
import { listSegments } from '../read/segment-list.ts';
import type { SegmentFiles } from './segment-files.ts';

/** What a truncation removed. */
export interface Truncated {
  readonly segments: number;
  readonly bytes: number;
}

/** What keeps segments that could be removed otherwise. */
export interface Keep {
  /** The oldest position that a reader in this process still needs. Called again before each removal. */
  readonly from: () => Position;
  /** A segment stays for this time after it was created, if it also begins at `lingersFrom` or later. */
  readonly lingerMs: number;
  /** A segment that begins before this position is beyond the backlog bound and does not stay, however young it is. */
  readonly lingersFrom: () => Position;
}

export interface SegmentRemoverParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly files: SegmentFiles;
  readonly history: HistoryLog;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Asked between two segments: true ends the truncation. */
  readonly isClosed: () => boolean;
}

export class SegmentRemover {
  private readonly parts: SegmentRemoverParts;

  constructor(parts: SegmentRemoverParts) {
    this.parts = parts;
  }

  /** Removes the segments that end at a position or before it. Only one call may run at a time. */
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
      // A reader may have started in this segment while its events were moved. Moving them again later is harmless.
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
