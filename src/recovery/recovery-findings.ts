/**
 * Logs what recovery found and did, series by series. The first findings of each kind are described; all are counted.
 */

import { type Fingerprint, fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';
import type { Logger } from '../ports/logger.ts';

/** The kinds of findings. They are the keys of the counts in the log. */
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

/** Most findings of one kind that are described. */
export const DESCRIBED_MAX = 100;

export class RecoveryFindings {
  readonly counts: Partial<Record<RecoveryFindingKind, number>> = {};
  private readonly logger: Logger;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** Notes a finding about one series. */
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

  /** Notes a finding about a file or a directory. */
  note(kind: RecoveryFindingKind, facts: Readonly<Record<string, unknown>>, message: string): void {
    const count = (this.counts[kind] ?? 0) + 1;
    this.counts[kind] = count;
    if (count <= DESCRIBED_MAX) this.logger.warn({ finding: kind, ...facts }, message);
    else if (count === DESCRIBED_MAX + 1)
      this.logger.warn({ finding: kind }, 'More findings of this kind follow; they are only counted.');
  }
}
