/** Moves series between memory and the archive, and keeps the archive's time ranges. */
import type { FileResult } from '../../machines/series.machine.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Indexer } from '../indexes/indexer.ts';
import { toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventBus } from './event-bus.ts';
import { keyOfRow, pairsOfRow } from './row-identity.ts';
import type { SeriesMemory } from './series-memory.ts';
import { EARLIEST, type Row } from './table.ts';

export interface ArchivingParts extends Pick<SeriesMemory, 'table' | 'chunks' | 'cache'> {
  readonly archived: ArchiveDirectory;
  readonly indexer: Pick<Indexer, 'enqueue'>;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
  /** First time in the series' file, read on this thread. Needed only if the checkpoint did not have it. */
  readonly firstTimeInFile: (high: number, low: number) => number;
}

export class Archiving {
  /** Series archived, and series woken, since the store was opened. */
  archivedCount = 0;
  wokenCount = 0;
  private readonly parts: ArchivingParts;

  constructor(parts: ArchivingParts) {
    this.parts = parts;
  }

  archive(row: Row): void {
    const { table, archived, indexer, bus, clock, cache, chunks } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const pairs = pairsOfRow(table, row);
    const fingerprint = keyOfRow(table, row);
    if (table.firstTime[row] === EARLIEST) table.firstTime[row] = this.parts.firstTimeInFile(high, low);
    const firstTime = table.firstTime[row];
    const lastTime = table.lastTime(row);
    cache.forgetSeries(fingerprint);
    const labels = toLabels(pairs);
    bus.publish({ type: 'seriesArchived', time: clock.now(), fingerprint, labels, firstTime, lastTime });
    archived.add(high, low, firstTime, lastTime);
    indexer.enqueue({ type: 'archive', high, low, pairs, firstTime, lastTime });
    chunks.clean(row);
    this.archivedCount++;
  }

  wake(row: Row): void {
    const { table, archived, indexer, bus, clock, chunks } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    bus.publish({
      type: 'seriesUnarchived',
      time: clock.now(),
      fingerprint: keyOfRow(table, row),
      labels: toLabels(pairsOfRow(table, row)),
      lastTime: archived.lastTimeOf(high, low),
    });
    archived.remove(high, low);
    indexer.enqueue({ type: 'unarchive', high, low });
    chunks.touch(row);
    this.wokenCount++;
  }

  /** Applies the result of a file call that dropped chunks of an archived series. */
  noteTrimmed(row: Row, result: FileResult): void {
    const { table, archived, indexer } = this.parts;
    if (result.dropped === 0 || result.allDropped) return;
    const high = table.high[row];
    const low = table.low[row];
    const lastTime = archived.lastTimeOf(high, low);
    archived.add(high, low, result.firstTime, lastTime);
    indexer.enqueue({ type: 'updateTimeRange', high, low, firstTime: result.firstTime, lastTime });
  }
}
