/**
 * Moves damaged series to quarantine: the file goes to orphaned/, the series leaves the indexes. Samples that are only
 * in memory stay, as a new series with the same labels, because they were acknowledged and are not damaged.
 */
import { seriesTags } from '../../machines/series-states.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Indexer } from '../indexes/indexer.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { type ChangeFileParts, changeFile } from './change-file.ts';
import { chunkLate } from './chunk-late.ts';
import type { EventBus } from './event-bus.ts';
import { keyOfRow, pairsOfRow } from './row-identity.ts';
import type { SeriesMemory } from './series-memory.ts';
import { NO_ROW, type Row } from './table.ts';

export interface IsolationParts
  extends ChangeFileParts,
    Pick<SeriesMemory, 'table' | 'chunks' | 'cache' | 'late' | 'erased'> {
  readonly archived: ArchiveDirectory;
  readonly indexer: Pick<Indexer, 'enqueue'>;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Pick<Logger, 'error'>;
}

/** What the first attempt to move a file leaves for the next attempts. */
interface Departure {
  readonly row: Row;
  /** The first attempt removes the series from the archive. */
  readonly wasArchived: boolean;
  /** Ends the hold on the journal. */
  readonly letGo: () => void;
}

export class Isolation {
  /** How often a damaged file could not be moved away. Each move is retried. */
  failedCount = 0;
  private readonly parts: IsolationParts;
  /**
   * The departures by fingerprint: the table no longer finds their rows by it. The row's state says whether its file
   * still has to be moved.
   */
  private readonly departures = new Map<Fingerprint, Departure>();

  constructor(parts: IsolationParts) {
    this.parts = parts;
  }

  /** Whether the file at this row's fingerprint still has to be moved away. Nothing may be written to it. */
  isLeaving(row: Row): boolean {
    return this.leavingBefore(row) !== NO_ROW;
  }

  /** The series whose file at this row's fingerprint still has to be moved away; NO_ROW if there is none. */
  leavingBefore(row: Row): Row {
    return this.leavingRow(keyOfRow(this.parts.table, row));
  }

  /** The labels of a series on its way to quarantine. Its fingerprint stays in use until its file has been moved. */
  leavingPairs(high: number, low: number): LabelPairs | undefined {
    if (this.departures.size === 0) return undefined;
    const row = this.leavingRow(fingerprintText(high, low));
    return row === NO_ROW ? undefined : pairsOfRow(this.parts.table, row);
  }

  async isolate(row: Row, reason: string): Promise<void> {
    const { table, archived, cache, fileChanges } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const key = keyOfRow(table, row);
    const pairs = pairsOfRow(table, row);
    cache.forgetSeries(key);
    const successor = this.split(row);
    // No checkpoint includes a series to which the file belongs. So the journal is held: until the file has been moved,
    // recovery finds it only through the journal.
    const departure = this.departures.get(key) ?? {
      row,
      wasArchived: archived.has(high, low),
      letGo: fileChanges.hold(),
    };
    this.departures.set(key, departure);
    // From here on a sample must not wake the series from the archive: it creates a new series instead.
    archived.remove(high, low);
    await changeFile(this.parts, {
      row,
      request: { kind: 'quarantine', high, low, reason, pairs },
      publish: (file) => {
        // A query that waited for the file may have cached chunks of it since.
        cache.forgetSeries(key);
        const hasSuccessor = successor !== NO_ROW || table.findFingerprint(high, low) !== NO_ROW;
        this.publishMoved(departure, { high, low, pairs, reason, hasSuccessor, file });
      },
    });
  }

  private publishMoved({ wasArchived, letGo }: Departure, moved: Moved): void {
    const { high, low, pairs, reason, hasSuccessor, file } = moved;
    const { indexer, bus, clock, logger } = this.parts;
    const fingerprint = fingerprintText(high, low);
    const labels = toLabels(pairs);
    const what = { fingerprint, labels, reason, hasSuccessor };
    const event = { type: 'seriesQuarantined', time: clock.now(), ...what } as const;
    const position = bus.publish(file === undefined ? event : { ...event, file });
    letGo();
    this.departures.delete(fingerprint);
    logger.error({ fingerprint, labels, reason, file }, 'A series was quarantined.');
    if (hasSuccessor) {
      // The label indexes keep their entries: they are now the new series' entries.
      if (wasArchived) indexer.enqueue({ type: 'unarchive', high, low });
      bus.publish({ type: 'seriesCreated', time: clock.now(), fingerprint, labels });
    } else {
      if (wasArchived) indexer.enqueue({ type: 'purgeArchived', high, low, pairs });
      indexer.enqueue({ type: 'unindex', high, low, pairs, position });
    }
  }

  /** The row whose file is at this fingerprint and still has to be moved away; NO_ROW if there is none. */
  private leavingRow(fingerprint: Fingerprint): Row {
    const row = this.departures.get(fingerprint)?.row ?? NO_ROW;
    return row !== NO_ROW && seriesTags.leaving[this.parts.table.stateCode(row)] === 1 ? row : NO_ROW;
  }

  /** Moves the chunks in memory, and the late samples, to a new row. The old row is no longer found. */
  private split(row: Row): Row {
    const { table, chunks, late, erased } = this.parts;
    const wasFound = table.findFingerprint(table.high[row], table.low[row]) === row;
    if (!wasFound) return NO_ROW;
    const pairs = pairsOfRow(table, row);
    const kept = table.chunksUnpersisted[row] > 0 || late.has(row);
    table.detach(row);
    erased.forget(row);
    if (!kept) return NO_ROW;
    const successor = table.add(table.high[row], table.low[row], pairs);
    chunks.move(row, successor);
    late.move(row, successor);
    chunkLate(this.parts, successor);
    return successor;
  }
}

/** A damaged file that is in orphaned/ now. */
interface Moved {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
  readonly reason: string;
  readonly hasSuccessor: boolean;
  /** Its new path; `undefined` when there was no file. */
  readonly file: string | undefined;
}
