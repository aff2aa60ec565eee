/**
 * Replays the journal's tail and brings everything that the tail names up to date: first memory and the indexes
 * (replay.ts), then the series files (reconcile-touched.ts), then series without samples (empty-series.ts).
 */
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Indexer } from '../indexes/indexer.ts';
import { type FindingListener, type JournalFinding, losesRecords } from '../journal/read/journal-findings.ts';
import type { Position } from '../model/events.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { ErasedRanges } from '../series/erased-ranges.ts';
import type { LateSamples } from '../series/late-samples.ts';
import { endEmptySeries } from './empty-series.ts';
import type { ProgressReporter } from './progress.ts';
import { type Problem, reconcileTouched, type TouchedParts } from './reconcile-touched.ts';
import { RecoveryFindings } from './recovery-findings.ts';
import { replay } from './replay.ts';

export interface TailParts
  extends Omit<
    TouchedParts,
    'late' | 'erased' | 'emptied' | 'rewritten' | 'tailIsDamaged' | 'writtenAgain' | 'onProgress' | 'findings'
  > {
  readonly journalDirectory: string;
  readonly archived: ArchiveDirectory;
  readonly late: LateSamples;
  readonly erased: ErasedRanges;
  readonly indexer: Indexer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly readOnly: boolean;
  readonly onFinding: FindingListener;
  readonly progress: Pick<ProgressReporter, 'report'>;
}

export interface Tail {
  readonly from: Position;
  readonly end: Position;
  /** The series files were scanned before, so any of them may lack checksums. */
  readonly isAfterScan: boolean;
  /** Series that are already known to be damaged. */
  readonly damaged: readonly Problem[];
}

/** Resolves to the series whose files turned out to be damaged. They are quarantined when the store runs. */
export const replayTail = async (
  parts: TailParts,
  { from, end, isAfterScan, damaged }: Tail,
): Promise<readonly Problem[]> => {
  const { files, logger, progress, readOnly, publish } = parts;
  let tailIsDamaged = false;
  const onFinding = (finding: JournalFinding): void => {
    if (losesRecords(finding)) tailIsDamaged = true;
    parts.onFinding(finding);
  };
  const onProgress = (done: number, total: number): void => progress.report('journal', done, total, done);
  const result = await replay({ ...parts, directory: parts.journalDirectory, onFinding, onProgress }, from, end);
  // The damaged tail may not name every changed file, so the checksum of any file may be outdated.
  if (tailIsDamaged) files.discardChecksums();
  const reconciled = await reconcileTouched(
    {
      ...parts,
      findings: new RecoveryFindings(logger),
      emptied: result.emptied,
      rewritten: result.rewritten,
      tailIsDamaged,
      writtenAgain: readOnly ? 'none' : isAfterScan || tailIsDamaged ? 'all' : 'new',
      onProgress: (done, total) => progress.report('series files', done, total),
    },
    result.touched,
    result.purged,
  );
  const lossy = new Set([...damaged, ...reconciled.damaged].map(({ high, low }) => fingerprintText(high, low)));
  await endEmptySeries({ ...parts, publish }, lossy);
  const { records, samples, skipped, touched } = result;
  const { chunksCut, filesRemoved } = reconciled;
  logger.info(
    { records, samples, skipped, touched: touched.size, chunksCut, filesRemoved },
    'The journal was replayed.',
  );
  return reconciled.damaged;
};
