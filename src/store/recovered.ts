/** What a recovery hands over to the running store. */
import type { HeadsRead } from '../disk/heads/heads.ts';
import type { HeadsWritten } from '../disk/heads/heads-writer.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { ArchiveIndex } from '../indexes/archive-index.ts';
import type { Indexer, IndexingOperation } from '../indexes/indexer.ts';
import type { LabelIndex } from '../indexes/label-index.ts';
import type { FindingListener } from '../journal/read/journal-findings.ts';
import type { JournalWriter } from '../journal/write/journal-writer.ts';
import type { Position } from '../model/events.ts';
import type { Problem } from '../recovery/reconcile-touched.ts';
import type { HowOpened } from '../recovery/recovery-plan.ts';
import type { EventBus } from '../series/event-bus.ts';
import type { Databases } from './databases.ts';

/** The parts that recovery adds to the engine. */
export interface Recovered {
  readonly databases: Databases;
  readonly journal: JournalWriter;
  readonly bus: EventBus;
  readonly labels: LabelIndex;
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  readonly how: HowOpened;
  readonly heads: Pick<HeadsRead, 'bytes' | 'crc32'>;
  /**
   * The checkpoint, if the store's content is exactly that of heads.db, so that a clean close need not write it again.
   */
  readonly exactHeads: HeadsWritten | undefined;
  /** Damaged series. They are quarantined as soon as their statecharts run. */
  readonly damaged: readonly Problem[];
  /** Position at which replay began, or would begin. */
  readonly replayFrom: Position;
  /** A checkpoint must be written before anything else: the recovered content exists only in memory. */
  readonly needsCheckpoint: boolean;
  /** Changes of the archive that must wait for that checkpoint. */
  readonly afterCheckpoint: readonly IndexingOperation[];
  /** The label indexes must be rebuilt from the existing series. */
  readonly needsLabels: boolean;
  /** Logs damage in the journal, each finding once. */
  readonly onFinding: FindingListener;
}
