/**
 * What recovery found and did, series by series: said in the log, the first ones in words, all of them in numbers.
 */
import type { Logger } from '../logger.ts';
import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';

/** What can be said of a series. The kinds are the keys of the counts in the log. */
export type RecoveryFindingKind =
  | 'junkDeleted'
  | 'junkKept'
  | 'trimmed'
  | 'completed'
  | 'stitched'
  | 'hole'
  | 'fileMissing'
  | 'seriesLost'
  | 'renamed'
  | 'named'
  | 'timesCorrected'
  | 'backInMemory'
  | 'archiveCleaned'
  | 'merged'
  | 'salvaged'
  | 'quarantined';

/** Findings of one kind that are described one by one. */
const DESCRIBED_MAX = 100;

export class RecoveryFindings {
  readonly counts: Partial<Record<RecoveryFindingKind, number>> = {};
  private readonly logger: Logger;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** Something about one series. */
  noteSeries(
    kind: RecoveryFindingKind,
    high: number,
    low: number,
    pairs: LabelPairs | undefined,
    message: string,
  ): void {
    const fingerprint: Fingerprint = fingerprintText(high, low);
    this.note(kind, pairs === undefined ? { fingerprint } : { fingerprint, labels: toLabels(pairs) }, message);
  }

  /** Something about a file or a directory. */
  note(kind: RecoveryFindingKind, facts: Readonly<Record<string, unknown>>, message: string): void {
    const count = (this.counts[kind] ?? 0) + 1;
    this.counts[kind] = count;
    if (count <= DESCRIBED_MAX) this.logger.warn({ finding: kind, ...facts }, message);
    else if (count === DESCRIBED_MAX + 1)
      this.logger.warn({ finding: kind }, 'More of this kind follow; they are counted.');
  }
}
