/**
 * One session with a directory, from the lock to the clean mark: the store's statechart with its calls provided. The
 * chart's decisions are carried out here; the work itself is in opening.ts, recovering.ts, compose.ts, checkpoints.ts,
 * visits.ts, disk-guard.ts and background.ts.
 */
import { type Actor, fromPromise } from 'xstate';
import { type LoadedContent, type StoreContext, storeMachine } from '../../machines/store.machine.ts';
import { type ClosedIndex, writeLastClose } from '../disk/last-close.ts';
import { writeMappings } from '../disk/mappings.ts';
import { listQuarantined } from '../disk/quarantine/quarantine-list.ts';
import { markClean, markDirty, releaseMark } from '../disk/store-directory.ts';
import { type DatabaseName, databaseFolders } from '../indexes/database-folders.ts';
import { type IndexSequences, sequencesOf } from '../indexes/index-sequences.ts';
import type { DatabaseDescription } from '../indexes/key-value-store.ts';
import { forgetLostIndexes } from '../indexes/lost-indexes.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import { isDiskFull, TidemarkError } from '../model/errors.ts';
import type { LifecycleEvent } from '../model/events.ts';
import type { CheckpointResult } from '../recovery/checkpointer.ts';
import { ProgressReporter } from '../recovery/progress.ts';
import { startRootActor } from '../series/actors.ts';
import { announceRetention } from './announce-retention.ts';
import { Background } from './background.ts';
import { compose } from './compose.ts';
import { closeDatabases, describeDatabases, flushLogs } from './databases.ts';
import type { Engine } from './engine.ts';
import { type Found, openDirectory } from './opening.ts';
import { buildLabelIndexes, rebuildIndexes } from './rebuild-indexes.ts';
import type { Recovered } from './recovered.ts';
import { loadContent, type Recovery } from './recovering.ts';
import type { Running } from './running.ts';
import { StateEntries } from './state-entries.ts';

export class Session {
  readonly engine: Engine;
  readonly progress: ProgressReporter;
  readonly actor: Actor<typeof storeMachine>;
  /** How often the actor has entered each of its states. */
  readonly entries = new StateEntries();
  private background: Background | undefined;
  /** What the opening found; `undefined` before it. */
  found: Found | undefined;
  /** The recovery, from its first step on. */
  private begun: Recovery | undefined;
  private recovered: Recovered | undefined;
  private composed: Running | undefined;
  private failure: unknown;
  /** Resolves when everything is released, however the statechart ended. */
  private readonly ended: Promise<void>;
  private closing: Promise<void> | undefined;
  private finishing: Promise<void> | undefined;
  private releasing: Promise<void> | undefined;
  private isGivenBack = false;
  /** Running calls of users that change the directory. */
  private readonly work = new Set<Promise<unknown>>();
  /** The current or last step of opening. */
  private opening: Promise<void> = Promise.resolve();

  constructor(engine: Engine) {
    this.engine = engine;
    const { options, clock, logger, inspection } = engine;
    this.progress = new ProgressReporter(clock, options.onProgress);
    if (options.inspect !== undefined) inspection.observe(options.inspect);
    const machine = storeMachine.provide({
      actors: {
        openDirectory: fromPromise<void, StoreContext>(() => this.begin(() => this.openDirectory())),
        loadContent: fromPromise<LoadedContent, StoreContext>(() => this.begin(() => this.loadContent())),
        replayJournal: fromPromise<void, StoreContext>(() => this.begin(() => this.recovery.replay())),
        scanFiles: fromPromise<void, StoreContext>(() => this.begin(() => this.recovery.scan())),
        settleContent: fromPromise<void, StoreContext>(() => this.begin(() => this.settleContent())),
        finish: fromPromise<void, StoreContext>(() => this.finishOnce()),
        release: fromPromise<void, StoreContext>(() => this.release()),
        probeDisk: fromPromise<void, StoreContext>(() => this.running.disk.probe()),
        writeCheckpoint: fromPromise<void, StoreContext>(() => this.running.checkpoints.writeDue()),
        writeForBackup: fromPromise<void, StoreContext>(() => this.running.checkpoints.writeForBackup()),
        copyBackup: fromPromise<void, StoreContext>(() => this.running.checkpoints.copyBackup()),
      },
      actions: {
        announcePressure: (_, { from, to, score }) => {
          logger.info({ from, to, score }, `Pressure is ${to}.`);
          this.announce({ type: 'pressureChanged', time: clock.now(), from, to, score });
        },
        hurryMaintenance: () => this.background?.hurry(),
        announceHealth: (_, { to, reason }) => {
          logger.warn({ to, reason }, `The store is ${to === 'healthy' ? 'healthy again' : 'read-only'}.`);
          this.announce({ type: 'healthChanged', time: clock.now(), to, reason });
        },
        makeRoom: (_, { trouble }) => void this.running.disk.makeRoom(trouble).then(() => this.background?.hurry()),
        noteCheckpointBegun: () => this.background?.noteCheckpoint('begun'),
        noteCheckpointWritten: () => {
          this.running.checkpoints.answer();
          this.background?.noteCheckpoint('written');
        },
        noteCheckpointFailed: (_, { error }) => {
          this.running.disk.note('A checkpoint failed.', error);
          this.running.checkpoints.answer();
          this.background?.noteCheckpoint('failed');
        },
        announceClockJump: (_, { byMs }) => {
          logger.warn({ byMs }, 'Wall time jumped; retention and archiving use the earlier of both times.');
          this.announce({ type: 'clockJumped', time: clock.now(), byMs });
        },
        announceFailure: (_, { error }) => {
          this.fail(error);
          logger.error({ err: error }, 'The store failed and closes.');
        },
      },
    });
    this.actor = startRootActor(machine, {
      id: 'store',
      input: { openedReadOnly: options.readOnly },
      inspection,
      clock,
      onError: (error) => {
        this.fail(error);
        engine.admission.end('TIDEMARK_CLOSED', 'the store failed');
      },
    });
    this.entries.follow(this.actor);
    this.ended = new Promise((resolve) => {
      const end = (): void => void this.end().then(resolve);
      this.actor.subscribe({ complete: end, error: end });
    });
  }

  /** The running store. It exists from the step on that settles the recovered content. */
  get running(): Running {
    if (this.composed === undefined) throw new TidemarkError('TIDEMARK_INTERNAL', 'the store does not run yet');
    return this.composed;
  }

  /** Resolves when the store runs. Rejects with the error that opening failed with, after everything is released. */
  open(): Promise<void> {
    const { signal } = this.engine.options;
    return new Promise((resolve, reject) => {
      const abort = (): void => this.actor.send({ type: 'close' });
      if (signal?.aborted === true) queueMicrotask(abort);
      signal?.addEventListener('abort', abort, { once: true });
      const opening = this.actor.subscribe({
        next: (snapshot) => {
          if (!snapshot.hasTag('running')) return;
          opening.unsubscribe();
          signal?.removeEventListener('abort', abort);
          try {
            this.start();
            resolve();
          } catch (error) {
            this.actor.send({ type: 'fail', error });
          }
        },
        // `ended` handles the error.
        error: () => {},
      });
      void this.ended.then(() => {
        signal?.removeEventListener('abort', abort);
        reject(
          this.failure ??
            new TidemarkError('TIDEMARK_ABORTED', 'opening the store was aborted', { cause: signal?.reason }),
        );
      });
    });
  }

  /** Closes in order. Rejects with the store's first failure. Every call returns the same promise. */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  /** Runs work that changes the directory. Closing waits for it. */
  during<Result>(work: () => Promise<Result>): Promise<Result> {
    const running = work();
    this.work.add(running);
    const forget = (): void => void this.work.delete(running);
    running.then(forget, forget);
    return running;
  }

  checkpoint(): Promise<void> {
    if (this.background === undefined || this.engine.options.readOnly) throw this.engine.admission.error();
    return this.running.checkpoints.request();
  }

  private async closeOnce(): Promise<void> {
    if (this.actor.getSnapshot().status === 'active') this.actor.send({ type: 'close' });
    await this.ended;
    if (this.failure !== undefined) throw this.failure;
  }

  /**
   * Runs when the statechart has ended. If it ended in order, everything is already released. But users can reach the
   * actor, stop it, and send it any event, so other cases occur too. If the actor of an open store was stopped, the
   * store is closed in order here.
   */
  private async end(): Promise<void> {
    this.engine.admission.end('TIDEMARK_CLOSED', 'the store is closed');
    try {
      await (this.background !== undefined && this.failure === undefined ? this.finishOnce() : this.finishing);
    } catch (error) {
      this.fail(error);
    }
    await this.release();
  }

  /** Keeps the first failure; closing rejects with it. */
  private fail(error: unknown): void {
    this.failure ??=
      error instanceof TidemarkError
        ? error
        : new TidemarkError('TIDEMARK_INTERNAL', `the store failed: ${messageOf(error)}`, { cause: error });
  }

  /**
   * Publishes an event of the store itself. These events only inform observers, so a journal that takes no more events
   * must not stop the store.
   */
  private announce(event: LifecycleEvent): void {
    try {
      this.recovered?.bus.publish(event);
    } catch (error) {
      this.engine.logger.warn({ err: error, type: event.type }, 'An event of the store is missing from the journal.');
    }
  }

  private begin<Result>(step: () => Promise<Result>): Promise<Result> {
    const running = step();
    this.opening = Promise.allSettled([this.opening, running]).then(() => {});
    return running;
  }

  private async openDirectory(): Promise<void> {
    this.progress.report('opening', 0, 1);
    this.found = await openDirectory(this.engine);
    this.progress.report('opening', 1, 1);
  }

  private async loadContent(): Promise<LoadedContent> {
    if (this.found === undefined) throw new TidemarkError('TIDEMARK_INTERNAL', 'recovering before opening');
    this.begun = await loadContent(this.engine, this.found, this.progress);
    return { plan: this.begun.plan.kind };
  }

  private get recovery(): Recovery {
    if (this.begun === undefined) throw new TidemarkError('TIDEMARK_INTERNAL', 'recovering before loading');
    return this.begun;
  }

  private async settleContent(): Promise<void> {
    const { engine, progress, found } = this;
    const recovered = await this.recovery.settle();
    this.recovered = recovered;
    this.composed = compose(engine, recovered, this.actor);
    const { journal, bus, indexer, labels } = recovered;
    let heads = recovered.heads;
    if (recovered.needsCheckpoint) {
      heads = await this.running.checkpoints.write(false);
      for (const operation of recovered.afterCheckpoint) {
        if (indexer.queued >= indexer.capacity) await indexer.flush();
        indexer.enqueue(operation);
      }
    }
    if (recovered.needsLabels) {
      const total = engine.table.live + recovered.archived.size;
      await this.running.mender.during(() =>
        buildLabelIndexes(engine, recovered, (done) => progress.report('label indexes', done, total)),
      );
    } else if (recovered.how !== 'journal') {
      await this.running.mender.during(() => labels.apply([], journal.end));
    }
    if (recovered.databases.lost.size > 0) await this.settleLostIndexes(recovered);
    bus.publish({
      type: 'storeOpened',
      time: engine.clock.now(),
      how: recovered.how,
      series: engine.table.live,
      archivedSeries: recovered.archived.size,
      headsBytes: heads.bytes,
      headsCrc32: heads.crc32,
    });
    await announceRetention(engine, recovered, this.running.trustedClock.now());
    await journal.commit();
    // The journal now names the checkpoint that it continues, whichever program wrote that. So DIRTY no longer needs to
    // say that the original was there before.
    if (found?.predecessor === 'other')
      markDirty(engine.fileSystem, engine.directory, engine.clock.now(), 'tidemark', found.claim?.identity);
  }

  /** Removes the rebuilt databases from LOST_INDEXES when their content is on disk again. */
  private async settleLostIndexes({ indexer, databases }: Recovered): Promise<void> {
    const { fileSystem, directory, options } = this.engine;
    await indexer.flush();
    if (!options.readOnly) forgetLostIndexes(fileSystem, directory, [...databases.lost]);
  }

  private start(): void {
    const { running, engine } = this;
    this.background = new Background(running);
    this.actor.subscribe({ next: () => running.disk.applyAdmission(), error: () => {} });
    running.disk.applyAdmission();
    engine.onJournalError = (error) => running.disk.note('The journal can not be written.', error);
    this.background.start();
    running.mender.verify();
    running.journalAudit.start();
    this.countQuarantined();
    if (!engine.options.readOnly) running.disk.keepReserve();
    for (const { high, low, reason } of (this.recovered as Recovered).damaged) running.reportDamage(high, low, reason);
  }

  private countQuarantined(): void {
    const { fileSystem, directory, logger } = this.engine;
    try {
      this.running.counts.quarantined = listQuarantined(fileSystem, directory).length;
    } catch (error) {
      logger.warn({ err: error }, 'The series in quarantine could not be counted.');
    }
  }

  private finishOnce(): Promise<void> {
    this.finishing ??= this.finish();
    return this.finishing;
  }

  /** The clean close. It leaves the directory exactly as the original would. */
  private async finish(): Promise<void> {
    const { engine, composed: running, recovered } = this;
    if (recovered === undefined || running === undefined) return;
    const { subscriptions } = running;
    running.disk.applyAdmission();
    if (engine.options.readOnly) return this.giveBack();
    // Work in the background and calls of users may wait for a checkpoint.
    await Promise.all([this.background?.stop(), running.checkpoints.serveWaiting()]);
    await Promise.allSettled(this.work);
    await running.mender.stop();
    await running.journalAudit.stop();
    await running.disk.close();
    await running.damageReports.idle();
    await running.finishFiles();
    await running.actors.close();
    await running.persister.idle();
    await subscriptions.close();
    const { bus, journal, indexer, labels } = recovered;
    // A directory with incomplete label indexes must not be closed in order: the original would not notice.
    if (!indexer.hasWholeLabels) await rebuildIndexes(engine, recovered, () => {});
    const heads = await this.writeLastCheckpoint();
    // Off this thread, beside the steps that follow.
    const reserveLeft = running.disk.leaveReserve();
    writeMappings(engine.fileSystem, engine.directory, engine.mapper.entries());
    await this.unlessDamaged(() => indexer.close());
    bus.publish({
      type: 'storeClosed',
      time: engine.clock.now(),
      headsBytes: heads.bytes,
      headsCrc32: heads.crc32,
    });
    await journal.close();
    await subscriptions.end();
    // Not before the end of the session is on disk: after a crash, label indexes without a position are rebuilt.
    await this.unlessDamaged(() => labels.clearPosition());
    await flushLogs(recovered.databases, engine.logger);
    await this.unlessDamaged(() => closeDatabases(recovered.databases));
    const { bytes, crc32 } = heads;
    const described = await describeDatabases(engine.stores, engine.directory);
    const indexes = closedIndexes(described, sequencesOf(recovered.databases));
    writeLastClose(engine.fileSystem, engine.directory, { heads: { bytes, crc32 }, indexes });
    await reserveLeft;
    this.found?.claim?.noteMarked(false);
    markClean(engine.fileSystem, engine.directory);
    await engine.files.close();
    await this.found?.claim?.release();
    this.isGivenBack = true;
  }

  /**
   * Runs a step of the clean close. A damaged index does not stop it: LOST_INDEXES names the index, and the next
   * opening rebuilds it.
   */
  private async unlessDamaged(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!isCorruptIndex(error)) throw error;
      this.engine.logger.error({ err: error }, 'An index is damaged; the next opening rebuilds it.');
    }
  }

  /**
   * Writes the last checkpoint, and releases the reserve if the disk is full. Journal writes that the disk refused
   * before are tried once more: no probe will follow, and the samples in them are nowhere else.
   */
  private async writeLastCheckpoint(): Promise<Pick<CheckpointResult, 'bytes' | 'crc32'>> {
    const { checkpoints, disk } = this.running;
    const write = async (): Promise<CheckpointResult> => {
      await disk.retryJournal();
      return checkpoints.writeLast();
    };
    try {
      return await write();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      disk.releaseReserve();
      return write();
    }
  }

  /** Releases everything that a clean close has not released, and leaves the directory as after a crash. */
  private release(): Promise<void> {
    this.releasing ??= this.releaseOnce();
    return this.releasing;
  }

  private async releaseOnce(): Promise<void> {
    // An aborted opening may be in the middle of a step. The resources that the step opens must be closed too.
    await this.opening;
    await this.finishing?.catch(() => {});
    if (!this.isGivenBack) await this.giveBack();
  }

  private async giveBack(): Promise<void> {
    const { engine, found } = this;
    engine.admission.end('TIDEMARK_CLOSED', 'the store is closed');
    const closed = new TidemarkError('TIDEMARK_CLOSED', 'the store is closed');
    await Promise.all([this.background?.stop(), this.composed?.checkpoints.abandon(closed)]);
    const steps: (() => unknown)[] = [
      () => this.composed?.mender.stop(),
      () => this.composed?.journalAudit.stop(),
      () => this.composed?.disk.close(),
      () => this.composed?.actors.abandon(),
      () => this.composed?.subscriptions.close(),
      () => this.begun?.indexer.close(),
      () => this.begun?.journal.close(),
      () => this.composed?.subscriptions.end(),
      () => Promise.allSettled(this.work),
      () => found && closeDatabases(found.databases),
      () => engine.files.close(),
      () => found?.claim && releaseMark(engine.fileSystem, engine.directory, engine.clock.now(), found.claim),
      () => found?.claim?.release(),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        engine.logger.warn({ err: error }, 'A part of the store could not be closed.');
      }
    }
    this.isGivenBack = true;
  }
}

const closedIndexes = (
  described: Readonly<Record<string, DatabaseDescription>>,
  sequences: IndexSequences,
): Readonly<Record<string, ClosedIndex>> =>
  Object.fromEntries(
    Object.entries(databaseFolders).map(([name, folder]) => [
      folder,
      { files: described[folder]?.files ?? {}, sequence: sequences[name as DatabaseName] },
    ]),
  );

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : `its statechart ended with a ${typeof error}`;
