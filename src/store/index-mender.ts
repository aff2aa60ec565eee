/**
 * Rebuilds indexes that are found damaged while the store runs: by a read, by a write, or by the verification after
 * opening. Meanwhile appends go on, lookups wait, and index operations wait in the queue.
 *
 *   time ranges    written from the archive directory, which has all of them in memory
 *   metrics        the entries that can still be read; the labels of other series from the mapping table, the label
 *                  indexes, hint files and the journal
 *   label indexes  from the series in memory and the archive
 *
 * An archived series whose labels are found nowhere goes to quarantine. LOST_INDEXES names the damaged index before the
 * rebuild begins, so the next opening completes a rebuild that did not end.
 */

import { pause } from '../async/pause.ts';
import { SingleRun } from '../async/single-run.ts';
import { Slices } from '../async/slices.ts';
import { ArchiveBatch } from '../indexes/archive-index.ts';
import { type DatabaseName, databaseFolders } from '../indexes/database-folders.ts';
import { forgetLostIndexes } from '../indexes/lost-indexes.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { databasePartsOf, noteDamage, renew } from './databases.ts';
import type { Engine } from './engine.ts';
import { nameArchived } from './name-archived.ts';
import { fillLabelIndexes } from './rebuild-indexes.ts';
import type { Recovered } from './recovered.ts';

/**
 * Maximum number of rounds: one for each index, and one more. A rebuild may find another index damaged, or the same one
 * again.
 */
const ROUNDS_MAX = 5;
const TIME_RANGES_PER_BATCH = 8192;
/** The verification begins so long after the opening, because a program asks its first queries at once. */
const VERIFY_DELAY_MS = 200;
const databaseNames = Object.keys(databaseFolders) as DatabaseName[];

class Stopped extends Error {}

export class IndexMender {
  /** Number of indexes rebuilt in this session. */
  mendedCount = 0;
  private readonly engine: Engine;
  private readonly recovered: Recovered;
  private readonly damaged = new Set<DatabaseName>();
  private readonly mending = new SingleRun();
  private verifying: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  constructor(engine: Engine, recovered: Recovered) {
    this.engine = engine;
    this.recovered = recovered;
    for (const name of databaseNames) {
      recovered.databases[name].onDamage = (error) => this.note(name, error);
    }
  }

  private get isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Verifies, in the background, the tables that were too large to be verified at opening. */
  verify(): void {
    this.verifying = this.verifyAll().catch((error: unknown) => {
      if (!(error instanceof Stopped)) this.engine.logger.warn({ err: error }, 'An index could not be verified.');
    });
  }

  /** Ends the verification. Resolves when no index is being rebuilt any more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.verifying;
    await this.mending.ended();
  }

  /** Resolves when all damaged indexes are whole again. Rejects with the error that prevented it. */
  mend(): Promise<void> {
    return this.mending.join(() => this.run());
  }

  /**
   * Runs work that reads or writes the indexes. If the work finds an index damaged, the index is rebuilt and the work
   * runs again.
   */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!isCorruptIndex(error)) throw error;
      await this.mend();
      return work();
    }
  }

  private note(name: DatabaseName, error: unknown): void {
    if (this.damaged.has(name)) return;
    this.damaged.add(name);
    noteDamage(databasePartsOf(this.engine), name, error);
    if (this.mending.isRunning || this.isStopped) return;
    this.mend().catch((reason: unknown) => {
      this.engine.logger.error({ err: reason }, 'A damaged index could not be rebuilt; the next opening rebuilds it.');
    });
  }

  private run(): Promise<void> {
    // Begin in a microtask: `mending` must be set before the work starts.
    return Promise.resolve().then(() =>
      this.recovered.indexer.alone(async () => {
        const { indexer } = this.recovered;
        // A stop ends it between rounds. Label indexes that are half rebuilt are finished, because `close` needs them whole.
        for (let round = 1; this.damaged.size > 0 && !(this.isStopped && indexer.hasWholeLabels); round++)
          await this.mendOnce(round >= ROUNDS_MAX);
      }),
    );
  }

  private async mendOnce(isLast: boolean): Promise<void> {
    const names = new Set(this.damaged);
    this.damaged.clear();
    try {
      if (names.has('metric')) await this.mendMetrics();
      if (names.has('timeRange')) await this.mendTimeRanges();
      if (names.has('names') || names.has('pairs')) await this.mendLabels(names);
      this.mendedCount += names.size;
    } catch (error) {
      for (const name of names) this.damaged.add(name);
      // Another index was found damaged on the way. The next round rebuilds them all.
      if (!isCorruptIndex(error) || isLast) throw error;
    }
  }

  private replace(name: DatabaseName): Promise<void> {
    const parts = databasePartsOf(this.engine);
    return this.recovered.databases[name].replace((damaged) => renew(parts, name, damaged));
  }

  private async mendMetrics(): Promise<void> {
    const { engine, recovered } = this;
    const { named, unnamed } = await nameArchived(engine, recovered);
    await this.replace('metric');
    const { archive } = recovered;
    await archive.apply(named, { sync: true });
    engine.logger.warn(
      { named: named.metrics.length, unnamed: unnamed.length },
      'The labels of archived series were damaged and have been rebuilt.',
    );
    const slices = new Slices(engine.clock);
    for (const { high, low } of unnamed) {
      this.quarantine(high, low);
      if (slices.isOver) await slices.breathe();
    }
    this.forget('metric');
  }

  private quarantine(high: number, low: number): void {
    const { engine, recovered } = this;
    const { archived, indexer, bus } = recovered;
    if (engine.options.readOnly || !archived.remove(high, low)) return;
    const reason = 'the archive index is damaged, and nothing else names the series of this file';
    const file = engine.seriesFiles.quarantine(high, low, reason, undefined);
    const fingerprint = fingerprintText(high, low);
    engine.logger.error({ fingerprint, file }, 'An archived series has no labels any more and was quarantined.');
    const time = engine.clock.now();
    const event = { type: 'seriesQuarantined', time, fingerprint, reason } as const;
    const position = bus.publish(file === undefined ? event : { ...event, file });
    indexer.enqueue({ type: 'unarchive', high, low, position });
  }

  private async mendTimeRanges(): Promise<void> {
    const { archive, archived } = this.recovered;
    await this.replace('timeRange');
    let batch = new ArchiveBatch();
    for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
      const times = { firstTime: archived.firstTimeAt(slot), lastTime: archived.lastTimeAt(slot) };
      batch.updateTimeRange(archived.highAt(slot), archived.lowAt(slot), times);
      if (batch.timeRanges.length < TIME_RANGES_PER_BATCH) continue;
      await archive.apply(batch, { sync: false });
      await this.engine.clock.breathe();
      batch = new ArchiveBatch();
    }
    await archive.apply(batch, { sync: true });
    this.forget('timeRange');
  }

  private async mendLabels(names: ReadonlySet<DatabaseName>): Promise<void> {
    const { engine, recovered } = this;
    if (names.has('names')) await this.replace('names');
    if (names.has('pairs')) await this.replace('pairs');
    const position = await recovered.journal.commit();
    await fillLabelIndexes(engine, recovered, position, () => {});
    engine.logger.warn({ series: engine.table.live + recovered.archived.size }, 'The label indexes were rebuilt.');
  }

  /** Removes the index from LOST_INDEXES: its new content is on disk. */
  private forget(name: DatabaseName): void {
    const { fileSystem, directory, options } = this.engine;
    if (!options.readOnly) forgetLostIndexes(fileSystem, directory, [name]);
  }

  private async verifyAll(): Promise<void> {
    const { clock } = this.engine;
    await pause(clock, VERIFY_DELAY_MS, this.stopping.signal);
    if (this.isStopped) return;
    const breathe = async (): Promise<void> => {
      if (this.isStopped) throw new Stopped();
      await clock.breathe();
    };
    for (const name of databaseNames) {
      const database = this.recovered.databases[name];
      if (database.unverifiedBytes === 0) continue;
      const problem = await database.verify(breathe);
      if (problem !== undefined) this.note(name, problem);
    }
  }
}
