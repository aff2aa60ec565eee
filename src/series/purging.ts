/** Ends series: because all their samples are past retention, because they are empty, or on request. */
import type { PurgeReason } from '../../machines/series.machine.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Indexer } from '../indexes/indexer.ts';
import type { Position } from '../model/events.ts';
import { toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import { type ChangeFileParts, changeFile } from './change-file.ts';
import type { EventBus } from './event-bus.ts';
import { keyOfRow, pairsOfRow } from './row-identity.ts';
import type { SeriesMemory } from './series-memory.ts';
import type { Row } from './table.ts';

export interface PurgingParts
  extends ChangeFileParts,
    Pick<SeriesMemory, 'table' | 'chunks' | 'cache' | 'late' | 'erased'> {
  readonly archived: ArchiveDirectory;
  readonly indexer: Pick<Indexer, 'enqueue'>;
  readonly journal: { readonly end: Position };
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
}

export class Purging {
  /** Series purged since the store was opened, by where they were and why. */
  readonly counts = { fromMemory: 0, fromArchive: 0, onRequest: 0 };
  private readonly parts: PurgingParts;
  /** By row: ends the hold on the journal, which lasts from the first attempt to delete the file to the last. */
  private readonly holds = new Map<Row, () => void>();

  constructor(parts: PurgingParts) {
    this.parts = parts;
  }

  /** A series that {@link deleteFile} has deleted is already removed here. */
  purge(row: Row, reason: PurgeReason): void {
    if (reason === 'dropped') return;
    this.publish(row, reason);
    this.remove(row, reason);
  }

  /**
   * The purge is durable in the journal before the file is deleted, so that a crash in between does not leave a part of
   * the series. The series is removed from memory while the change still counts as under way, so that no checkpoint
   * both includes the series and drops the purge from the journal.
   */
  async deleteFile(row: Row): Promise<void> {
    const { table, fileChanges } = this.parts;
    // After the purge no checkpoint includes the series. So the journal is held until the file is deleted.
    const letGo = this.holds.get(row) ?? fileChanges.hold();
    this.holds.set(row, letGo);
    await changeFile(this.parts, {
      row,
      request: { kind: 'remove', high: table.high[row], low: table.low[row] },
      announce: () => this.publish(row, 'dropped'),
      publish: () => {
        letGo();
        this.holds.delete(row);
        table.chunksInFile[row] = 0;
        this.remove(row, 'dropped');
      },
    });
  }

  private publish(row: Row, reason: PurgeReason): void {
    const { table, bus, clock } = this.parts;
    const labels = toLabels(pairsOfRow(table, row));
    bus.publish({ type: 'seriesPurged', time: clock.now(), fingerprint: keyOfRow(table, row), labels, reason });
  }

  private remove(row: Row, reason: PurgeReason): void {
    const { table, archived, indexer, cache, chunks, late, erased, journal } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const pairs = pairsOfRow(table, row);
    cache.forgetSeries(keyOfRow(table, row));
    chunks.releaseAll(row);
    late.forget(row);
    erased.forget(row);
    const wasArchived = archived.has(high, low);
    if (wasArchived) {
      archived.remove(high, low);
      indexer.enqueue({ type: 'purgeArchived', high, low, pairs });
    }
    if (reason === 'dropped') this.counts.onRequest++;
    else if (wasArchived) this.counts.fromArchive++;
    else this.counts.fromMemory++;
    indexer.enqueue({ type: 'unindex', high, low, pairs, position: journal.end });
    table.detach(row);
  }
}
