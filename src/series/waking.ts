/** Makes series accept samples: wakes archived ones, and refuses samples of those that are being removed. */
import { seriesTags } from '../../machines/series-states.ts';
import { TidemarkError } from '../model/errors.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { ActorRows } from './actor-rows.ts';
import type { SeriesActors } from './actors.ts';
import { keyOfRow } from './row-identity.ts';
import { NO_ROW, type Row, type SeriesTable } from './table.ts';

export interface WakingParts {
  readonly table: SeriesTable;
  readonly rows: Pick<ActorRows, 'borrow'>;
  readonly actors: Pick<SeriesActors, 'send' | 'settled'>;
}

export class Waking {
  private readonly parts: WakingParts;
  /** The row of the last refused sample. */
  private refusedRow: Row = NO_ROW;

  constructor(parts: WakingParts) {
    this.parts = parts;
  }

  /** Wakes an archived series for a sample. */
  wakeForSample(high: number, low: number, pairs: LabelPairs): Row {
    const { table, rows, actors } = this.parts;
    const found = table.findFingerprint(high, low);
    const row = found === NO_ROW ? rows.borrow(high, low, pairs) : found;
    actors.send(row, { type: 'wake' });
    return row;
  }

  /** For a row whose state takes no samples: wakes an archived series, otherwise throws. */
  makeWritable(row: Row): void {
    const { table, actors } = this.parts;
    if (seriesTags.onDisk[table.stateCode(row)] === 1) actors.send(row, { type: 'wake' });
    if (seriesTags.writable[table.stateCode(row)] === 1) return;
    this.refusedRow = row;
    throw new TidemarkError(
      'TIDEMARK_THROTTLED',
      `series ${keyOfRow(table, row)} is being removed and takes samples again when that is done; await store.ready() and append again`,
    );
  }

  /** Resolves when the running call of the series of the last refused sample has ended. */
  async refusedRowSettled(): Promise<void> {
    await this.parts.actors.settled(this.refusedRow);
  }
}
