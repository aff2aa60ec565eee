/**
 * Reads what is in a directory before anything of its content is changed: the checkpoint goes into the series table, the
 * archive's times into memory, the journal's end is found. The findings decide the recovery (recovery-plan.ts).
 */
import { allOf } from '../async/all-of.ts';
import type { HeadsRead } from '../disk/heads/heads.ts';
import type { HeadsWritten } from '../disk/heads/heads-writer.ts';
import { stampOfCheckpoint } from '../disk/store-directory.ts';
import { ArchiveDirectory } from '../indexes/archive-directory.ts';
import { ArchiveIndex, type BadEntry } from '../indexes/archive-index.ts';
import { LabelIndex } from '../indexes/label-index.ts';
import { describeFinding, type FindingListener, type JournalFinding } from '../journal/read/journal-findings.ts';
import { isSettled, readSettledDamage } from '../journal/read/settled-damage.ts';
import type { JournalWriter } from '../journal/write/journal-writer.ts';
import { TidemarkError } from '../model/errors.ts';
import { findContradiction, findLostHeads } from '../recovery/contradictions.ts';
import { comparedWithClose, loadHeads } from '../recovery/load-heads.ts';
import type { ProgressReporter } from '../recovery/progress.ts';
import type { Problem } from '../recovery/reconcile-touched.ts';
import type { Findings } from '../recovery/recovery-plan.ts';
import { chooseTier, type TierChoice } from '../recovery/tier.ts';
import { latestSaved } from '../subscriptions/subscription-cursors.ts';
import { copyAgain, type Databases, databasePartsOf, renewUnreadable } from './databases.ts';
import type { Engine } from './engine.ts';
import { openJournal } from './open-journal.ts';
import type { Found } from './opening.ts';

/** What the databases hold. */
export interface LoadedIndexes {
  readonly labels: LabelIndex;
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  /** Entries of the archive's time-range index that could not be read. */
  readonly unreadable: readonly BadEntry[];
}

export interface Assessment extends Pick<TierChoice, 'ownHeads' | 'sessionHeads'> {
  readonly findings: Findings;
  readonly indexes: LoadedIndexes;
  readonly journal: JournalWriter;
  /** Logs damage in the journal, each finding once: the journal is read more than once. */
  readonly onFinding: FindingListener;
  readonly heads: HeadsRead;
  /** Set when the table is exactly what a clean close wrote. */
  readonly exactHeads: HeadsWritten | undefined;
  readonly problems: readonly Problem[];
}

export const assess = async (engine: Engine, found: Found, progress: ProgressReporter): Promise<Assessment> => {
  const { fileSystem, directory, journalDirectory, options } = engine;
  const { databases, created, dirty, predecessor } = found;
  const headsLoaded = loadHeads({ ...engine, progress });
  if (options.readOnly) {
    await headsLoaded;
    await copyAgainIfOlder(engine, found);
  }
  const [indexesAtFirst, loaded] = await allOf([loadIndexes(engine, databases, progress), headsLoaded]);
  const { exactHeads, problems } = loaded;
  const heads = comparedWithClose(directory, found, loaded.heads);
  // The journal must not reuse positions that the checkpoint, the indexes or subscriptions have recorded, even if the
  // journal was deleted or a loss of power took its end.
  const indexed = await indexesAtFirst.labels.position();
  const subscribed = latestSaved(fileSystem, journalDirectory);
  const notBefore = Math.max(heads.trailer?.position ?? 0, indexed ?? 0, subscribed);
  const journal = openJournal(engine, notBefore, dirty && !options.readOnly);
  const onFinding = findingLogger(engine);
  for (const finding of journal.findings) onFinding(finding);
  const { tier, ownHeads, sessionHeads } = chooseTier({
    fileSystem,
    directory: journalDirectory,
    dirty,
    forced: options.forceRecovery,
    overtaken: predecessor === 'other',
    heads,
    first: journal.first,
    recordsEnd: journal.foundEnd,
  });
  // The full recovery can find the missing entries of a damaged database elsewhere, so damage is looked for first.
  const isRenewed = tier.kind === 'crash' && (await renewUnreadable(databasePartsOf(engine), databases));
  const indexes = isRenewed ? await loadIndexes(engine, databases, progress) : indexesAtFirst;
  const { lost, pairs } = databases;
  const { unreadable } = indexes;
  const headsBytes = Math.max(found.lastClose?.heads.bytes ?? 0, sessionHeads?.bytes ?? 0);
  const lostHeads = created ? undefined : await findLostHeads({ ...engine, pairs, heads, headsBytes });
  const contradiction =
    created || tier.kind === 'crash'
      ? undefined
      : findContradiction({ ...engine, lost, lostHeads, ownHeads, unreadable });
  if (lostHeads !== undefined && tier.kind !== 'journal')
    engine.logger.warn(
      { finding: 'checkpointMissing' },
      `${lostHeads}. Samples that only it held are lost, unless the journal still has them.`,
    );
  const findings = {
    predecessor,
    tier,
    contradiction,
    labelsAreLost: !created && (lost.has('names') || lost.has('pairs')),
    labelsHavePosition: indexed !== undefined,
  };
  return { findings, indexes, journal, onFinding, heads, ownHeads, sessionHeads, exactHeads, problems };
};

/**
 * A program that writes may have written a checkpoint since a read-only store copied the databases. What the journal said
 * to the indexes before that checkpoint is not replayed, so the copies must be younger than the checkpoint that was read.
 */
const copyAgainIfOlder = async (engine: Engine, { databases, checkpointAtCopy }: Found): Promise<void> => {
  if (stampOfCheckpoint(engine.outside, engine.directory) === checkpointAtCopy) return;
  await copyAgain(databasePartsOf(engine), databases);
};

/**
 * Loads the archive, with its time ranges in memory. Databases that can't be read to their end are replaced and count
 * as lost.
 */
const loadIndexes = async (
  engine: Engine,
  databases: Databases,
  progress: ProgressReporter,
): Promise<LoadedIndexes> => {
  const { clock, texts } = engine;
  for (let attempt = 1; ; attempt++) {
    const archive = new ArchiveIndex(databases.metric, databases.timeRange, texts);
    const archived = new ArchiveDirectory();
    try {
      const unreadable = await archive.loadDirectory(archived, (done) => progress.report('archive', done, 0));
      // `learnMappings` reads these entries later. Damage that is found now can still be recovered.
      for await (const page of archive.scanMapped()) if (page.entries.length > 0) await clock.breathe();
      const labels = new LabelIndex(databases.names, databases.pairs, { texts });
      return { labels, archive, archived, unreadable };
    } catch (error) {
      if (attempt > 1 || !(error instanceof TidemarkError) || error.code !== 'TIDEMARK_CORRUPT_INDEX') throw error;
      await renewUnreadable(databasePartsOf(engine), databases);
    }
  }
};

const findingLogger = ({ fileSystem, journalDirectory, logger }: Engine): FindingListener => {
  const told = new Set<string>();
  const settled = readSettledDamage(fileSystem, journalDirectory);
  return (finding: JournalFinding): void => {
    if (isSettled(settled, finding)) return;
    const description = describeFinding(finding);
    if (told.has(description)) return;
    told.add(description);
    logger.warn({ finding }, description);
  };
};
