/**
 * The rows of the series table, as the actor registry uses them. `writeState` is the only place that changes the state of
 * a row; adding a row (as `borrow` does) sets its first state. So a row and its actor never disagree.
 */
import type { SeriesContext } from '../../machines/series.machine.ts';
import { codeOfPath, type SeriesStateCode, seriesTags } from '../../machines/series-states.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { SeriesFacts, SeriesRows } from './actors.ts';
import type { MemoryChunks } from './memory-chunks.ts';
import { keyOfRow } from './row-identity.ts';
import type { Row, SeriesTable } from './table.ts';

export interface ActorRowsParts {
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly archived: ArchiveDirectory;
  /** `forget` is called when a row is freed, before it can go to another series. */
  readonly journal: { forget(row: Row): void };
  /** Number of chunks in the series' file, read from the file system on this thread. */
  readonly chunksInFile: (high: number, low: number) => number;
}

const ARCHIVED = codeOfPath('archived.resting');

export class ActorRows implements SeriesRows {
  private readonly parts: ActorRowsParts;
  /** The reasons for which rows are quarantined or about to be. */
  private readonly reasons = new Map<Row, string>();

  constructor(parts: ActorRowsParts) {
    this.parts = parts;
  }

  factsOf(row: Row): SeriesFacts {
    const { table } = this.parts;
    return {
      code: table.stateCode(row),
      fingerprint: keyOfRow(table, row),
      chunksInFile: table.chunksInFile[row],
      reason: this.reasons.get(row) ?? '',
    };
  }

  writeState(row: Row, code: SeriesStateCode, context: SeriesContext): void {
    this.parts.table.setState(row, code, seriesTags.writable[code] === 1);
    if (context.reason !== '') this.reasons.set(row, context.reason);
    else this.reasons.delete(row);
  }

  passivated(row: Row, code: SeriesStateCode): void {
    if (seriesTags.resident[code] === 1) return;
    const { table, chunks, journal } = this.parts;
    this.reasons.delete(row);
    chunks.releaseAll(row);
    chunks.clean(row);
    journal.forget(row);
    table.remove(row);
  }

  /** Adds a row for an archived series, for the time that its actor is in memory. */
  borrow(high: number, low: number, pairs: LabelPairs): Row {
    const { table, archived } = this.parts;
    // Read before the row is added: if the disk fails, no row with an unknown chunk count must remain.
    const chunksInFile = this.parts.chunksInFile(high, low);
    const row = table.add(high, low, pairs, ARCHIVED);
    table.setState(row, ARCHIVED, false);
    table.chunksInFile[row] = chunksInFile;
    table.firstTime[row] = archived.firstTimeOf(high, low);
    table.setLastTime(row, archived.lastTimeOf(high, low));
    table.lastChunkLastTime[row] = archived.lastTimeOf(high, low);
    return row;
  }
}
