/**
 * Moves damaged series to quarantine: the file goes to orphaned/, the series leaves the indexes. Samples that are only
 * in memory stay, as a new series with the same labels, because they were acknowledged and are not damaged.
 */
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Indexer } from '../indexes/indexer.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { type ChangeFileParts, changeFile } from './change-file.ts';
import type { EventBus } from './event-bus.ts';
import { keyOfRow, pairsOfRow } from './row-identity.ts';
import type { SeriesMemory } from './series-memory.ts';
import { NO_ROW, type Row } from './table.ts';

export interface IsolationParts extends ChangeFileParts, Pick<SeriesMemory, 'table' | 'chunks' | 'cache'> {
  readonly archived: ArchiveDirectory;
  readonly indexer: Pick<Indexer, 'enqueue'>;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Pick<Logger, 'error'>;
}

/** A series on its way to quarantine. */
interface Leaving {
  readonly row: Row;
  readonly pairs: LabelPairs;
  readonly wasArchived: boolean;
  /** Ends the hold on the journal. */
  readonly letGo: () => void;
}

export class Isolation {
  /** How often a damaged file could not be moved away. Each move is retried. */
  failedCount = 0;
  private readonly parts: IsolationParts;
  /** Series whose damaged files are not moved away yet. Nothing may be written to these files. */
  private readonly unmoved = new Map<string, Leaving>();

  constructor(parts: IsolationParts) {
    this.parts = parts;
  }

  /** Rows of series whose files could not be moved away yet. */
  get unfinishedRows(): Row[] {
    return [...this.unmoved.values()].map(({ row }) => row);
  }

  /** Whether the file of this row's series is still to be moved away. Nothing may be written to it. */
  isLeaving(row: Row): boolean {
    return this.unmoved.has(keyOfRow(this.parts.table, row));
  }

  /** The labels of a series on its way to quarantine. Its fingerprint stays in use until its file has been moved. */
  leavingPairs(high: number, low: number): LabelPairs | undefined {
    return this.unmoved.size === 0 ? undefined : this.unmoved.get(fingerprintText(high, low))?.pairs;
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
    const leaving = this.unmoved.get(key) ?? {
      row,
      pairs,
      wasArchived: archived.has(high, low),
      letGo: fileChanges.hold(),
    };
    this.unmoved.set(key, leaving);
    // From here on a sample must not wake the series from the archive: it creates a new series instead.
    archived.remove(high, low);
    await changeFile(this.parts, {
      row,
      request: { kind: 'quarantine', high, low, reason, pairs },
      publish: (file) => {
        const hasSuccessor = successor !== NO_ROW || table.findFingerprint(high, low) !== NO_ROW;
        this.publishMoved(leaving, { high, low, reason, hasSuccessor, file });
      },
    });
  }

  private publishMoved({ pairs, wasArchived, letGo }: Leaving, { high, low, reason, hasSuccessor, file }: Moved): void {
    const { indexer, bus, clock, logger } = this.parts;
    const fingerprint = fingerprintText(high, low);
    const labels = toLabels(pairs);
    const what = { fingerprint, labels, reason, hasSuccessor };
    const event = { type: 'seriesQuarantined', time: clock.now(), ...what } as const;
    const position = bus.publish(file === undefined ? event : { ...event, file });
    letGo();
    this.unmoved.delete(fingerprint);
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

  /** Moves the chunks in memory to a new row with the same labels. The old row is no longer found. */
  private split(row: Row): Row {
    const { table, chunks } = this.parts;
    const wasFound = table.findFingerprint(table.high[row], table.low[row]) === row;
    if (!wasFound) return NO_ROW;
    const pairs = pairsOfRow(table, row);
    const kept = table.chunksUnpersisted[row] > 0;
    table.detach(row);
    if (!kept) return NO_ROW;
    const successor = table.add(table.high[row], table.low[row], pairs);
    chunks.move(row, successor);
    return successor;
  }
}

/** A damaged file that is in orphaned/ now. */
interface Moved {
  readonly high: number;
  readonly low: number;
  readonly reason: string;
  readonly hasSuccessor: boolean;
  /** Its new path; `undefined` when there was no file. */
  readonly file: string | undefined;
}
