/**
 * Finds the series that a lost checkpoint took with it: the label indexes name them, and neither the series files nor the
 * archive nor the journal have anything of them. The rebuilt label indexes no longer name them, so they are reported.
 */
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { LabelIndex } from '../indexes/label-index.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import type { Logger } from '../ports/logger.ts';
import { NO_ROW, type SeriesTable } from '../series/table.ts';
import { type NamingParts, nameSeries } from './naming.ts';
import { DESCRIBED_MAX, RecoveryFindings } from './recovery-findings.ts';

/** Series of which this many have been compared are followed by a turn of the event loop. */
const SERIES_PER_BREATH = 4096;

export interface LostSeriesParts extends NamingParts {
  readonly labels: LabelIndex;
  readonly table: Pick<SeriesTable, 'findFingerprint'>;
  readonly archived: Pick<ArchiveDirectory, 'has'>;
  readonly logger: Logger;
}

/** Logs each lost series as a finding. Call it when everything else has been recovered. */
export const noteLostSeries = async (parts: LostSeriesParts): Promise<void> => {
  const { labels, table, archived, logger, breathe } = parts;
  const lost: { readonly high: number; readonly low: number }[] = [];
  const all = await labels.allFingerprints({ isOver: true, breathe }).catch((error: unknown) => {
    if (isCorruptIndex(error)) return undefined;
    throw error;
  });
  if (all === undefined) return;
  for (let i = 0; i < all.size; i++) {
    if ((i + 1) % SERIES_PER_BREATH === 0) await breathe();
    const high = all.high(i);
    const low = all.low(i);
    if (table.findFingerprint(high, low) === NO_ROW && !archived.has(high, low)) lost.push({ high, low });
  }
  const names = await nameSeries(parts, lost.slice(0, DESCRIBED_MAX));
  const findings = new RecoveryFindings(logger);
  const message = 'The label indexes name the series, but nothing is left of it.';
  for (const { high, low } of lost) findings.noteSeries('seriesLost', high, low, names.get(high, low), message);
};
