/** What a row of the series table is called elsewhere. */
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { Row, SeriesTable } from './table.ts';

/** The fingerprint as text: the key of the series' file. */
export const keyOfRow = (table: SeriesTable, row: Row): Fingerprint => fingerprintText(table.high[row], table.low[row]);

export const pairsOfRow = (table: SeriesTable, row: Row): LabelPairs => table.labels[row] ?? [];
