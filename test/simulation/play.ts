/**
 * Plays a sequence from its first step to its last, and checks the store after each step and at the end. A
 * {@link Violation} ends it.
 */
import type { Store } from '../../src/api/api.ts';
import { databaseFolders } from '../../src/indexes/database-folders.ts';
import { append, appendBatch, appendLate, appendOdd } from './appending.ts';
import { backfill } from './backfilling.ts';
import { Backups } from './backups.ts';
import { Consumers } from './consumers.ts';
import { intrude } from './intruder.ts';
import { DIRECTORY, type Life, type LifeOptions } from './life.ts';
import { lookOf } from './look.ts';
import { compareInspection, type Inspection, inspectDirectory } from './look-beside.ts';
import { EVERYTHING, type ModelSeries, nameOf, Violation } from './model.ts';
import { isWithin, SEVERAL_DROPS } from './model-series.ts';
import { observe } from './observers.ts';
import { OtherProgram } from './other-program.ts';
import { Reading, rangeOf } from './reading.ts';
import { retentionOption } from './retention-rule.ts';
import { numbersByFingerprint } from './series-numbers.ts';
import { isSimulatedCrash } from './simulated-process.ts';
import type { Step } from './steps.ts';
import { ALL_SERIES, labelsOf, SERIES_MAX } from './value-source.ts';

/** All series are checked every eighth step; after the other steps, one series is. */
const FULL_LOOK_EVERY = 8;

/** At the end the store gets this much time to come to rest. */
const REST_MS = 60_000;

/** How often a store is opened again that can't be read because of trouble. */
const LOOKS_MAX = 10;

export class Player {
  stepCount = 0;
  private readonly life: Life;
  private readonly reading: Reading;
  private readonly consumers: Consumers;
  private readonly backups: Backups;
  private readonly otherProgram: OtherProgram;
  /** Series of which a drop is running. */
  private readonly drops = new Set<ModelSeries>();
  private readonly open: LifeOptions['openStore'];

  constructor(life: Life, open: LifeOptions['openStore']) {
    this.life = life;
    this.open = open;
    this.reading = new Reading(life);
    this.consumers = new Consumers(life);
    this.backups = new Backups(life);
    this.otherProgram = new OtherProgram(life);
  }

  async play(steps: readonly Step[]): Promise<void> {
    // Faults at the beginning of the sequence strike the first opening.
    const early = steps.findIndex((step) => step.type !== 'fault' && step.type !== 'crashAt');
    for (const [index, step] of steps.entries()) {
      if (index === early) await this.openAndLook();
      this.stepCount++;
      this.life.world.trace.write(`step ${this.stepCount} ${JSON.stringify(step)}`);
      this.life.passRetention();
      this.life.passInterval();
      await this.performUnlessDead(step);
      if (index >= early && early >= 0) await this.lookAround();
    }
    if (early < 0) await this.openAndLook();
    await this.finish();
  }

  /** Performs a step. The process may die in a blocking call of the step. */
  private async performUnlessDead(step: Step): Promise<void> {
    try {
      await this.perform(step);
    } catch (error) {
      if (!isSimulatedCrash(error)) throw error;
    }
  }

  private async perform(step: Step): Promise<void> {
    const { life, reading } = this;
    life.world.coverage.countStep(step.type);
    switch (step.type) {
      case 'append':
        return append(life, step);
      case 'appendBatch':
        return appendBatch(life, step);
      case 'appendOdd':
        return appendOdd(life, step);
      case 'command':
        return this.command(step);
      case 'backfill':
        return backfill(life, step);
      case 'appendLate':
        return appendLate(life, step);
      case 'drop':
        return this.drop(step);
      case 'dropRange':
        return this.dropRange(step);
      case 'settle':
        return life.settle();
      case 'breathe':
        return life.world.runTasks(step.tasks);
      case 'advance':
        return life.world.advance(step.byMs);
      case 'jump':
        life.world.timeline.jumpWall(step.byMs);
        return life.passRetention();
      case 'query':
        return reading.query(step);
      case 'instant':
        return reading.instant(step);
      case 'labels':
        return reading.labels(step);
      case 'openQuery':
        return reading.openQuery(step);
      case 'readQuery':
        return reading.readQuery(step);
      case 'closeQuery':
        return reading.closeQuery(step);
      case 'consume':
        return this.consumers.consume(step);
      case 'observe':
        observe(life.store, step);
        return;
      case 'inspect':
        return reading.inspect(step);
      case 'backup':
        return this.backups.take(`/backup-${this.stepCount}`, step);
      case 'openBackup':
        return this.backups.open(step);
      case 'peek':
        return reading.peek((directory) => this.openReadOnly(directory));
      case 'intrude':
        return intrude(life, step);
      case 'otherProgram':
        return this.lend(step);
      case 'indexDecay':
        return this.decayIndex(step);
      case 'restart':
        return this.restart(step);
      case 'abortOpening':
        return this.restart({ abortAfterTasks: step.tasks });
      case 'crash':
        life.die(step.kind, step.again);
        // A file that a loss of power has torn looks damaged until the next opening repairs it.
        return this.openAndLook(step.inspected ? await inspectDirectory(life, step.kind === 'kill') : undefined);
      case 'crashAt':
        life.armCrash(step.kind, step.again);
        life.world.disk.faults.arm({ ...step.fault, fault: 'crash' });
        return;
      case 'fault':
        life.world.disk.faults.arm(step.fault);
        return;
      case 'diskFull':
        return life.fillDisk(step.freeBytes);
      case 'diskFreed':
        return life.freeDisk();
      case 'decay':
        return this.decay(step);
      case 'slowThread':
        life.world.disk.slowWorks = step.works;
        return;
      case 'together':
        return this.together(step);
    }
  }

  private async together({ steps }: Extract<Step, { type: 'together' }>): Promise<void> {
    for (const step of steps) {
      if (!this.life.alive) return;
      await this.perform(step);
      this.life.passRetention();
      this.life.collect();
    }
  }

  private async command({ command, detached }: Extract<Step, { type: 'command' }>): Promise<void> {
    const { life } = this;
    const mark = life.model.mark();
    const done = (): void => {
      if (command === 'flush') life.model.acknowledge(mark);
    };
    const call = (): Promise<void> => life.store[command]();
    if (detached) life.start(command, call, done);
    else if ((await life.perform(command, call)) !== undefined) done();
  }

  private async drop(step: Extract<Step, { type: 'drop' }>): Promise<void> {
    const { model } = this.life;
    const series = model.series.get(step.series);
    // A drop that failed may be tried again.
    if (series === undefined || this.drops.has(series)) return;
    // The store goes on by itself with a drop that met an error of the disk. So the next one may find nothing.
    const failedBefore = series.dropping;
    // A backfill that is under way may not have begun the series yet.
    const mayNotBegin = series.samples.every(({ isBackfilled }) => isBackfilled) && model.isBeingFilled(step.series);
    series.dropping = true;
    this.life.refusals.noteDrop();
    const done = (deleted: number): void => {
      if (deleted > 0 || model.series.get(step.series) !== series) return;
      if (mayNotBegin) series.dropping = false;
      else if (!failedBefore) this.noteGone(series);
    };
    const call = async (): Promise<number> => {
      this.drops.add(series);
      try {
        const deleted = await this.life.store.drop(labelsOf(step.series));
        if (deleted > 0 && model.series.get(step.series) === series) model.end(series);
        return deleted;
      } finally {
        this.drops.delete(series);
      }
    };
    if (step.detached) this.life.start('drop', call, done);
    else {
      const deleted = await this.life.perform('drop', call);
      if (deleted !== undefined) done(deleted.value);
    }
  }

  /** Drops a time range: that of the window among the times of the series. */
  private async dropRange(step: Extract<Step, { type: 'dropRange' }>): Promise<void> {
    const { life } = this;
    const { model } = life;
    const all = [...model.series.values()].filter(({ dropping, suspect }) => !dropping && !suspect);
    const some = step.series === null ? all : all.filter(({ number }) => number === step.series);
    const range = rangeOf(step.window, some);
    // Without a range, this would drop the whole series.
    if (range === undefined || Object.keys(range).length === 0) return;
    const numbers = some.map(({ number }) => number);
    life.refusals.noteDrop();
    // Another drop may purge the series before this one finds it.
    const wasAlone = !model.isBeingDropped(numbers);
    const drop = model.beginDrop(numbers, range.from ?? Number.NEGATIVE_INFINITY, range.through ?? Infinity);
    // The store may find a series that is being deleted before it is gone, or not.
    if (step.series === null) {
      for (const series of model.series.values()) if (series.dropping) series.doubt((sample) => isWithin(drop, sample));
    }
    const { dropsBegun } = model;
    const isAlone = (): boolean => wasAlone && model.dropsBegun === dropsBegun;
    const found = some.filter((series) => series.samples.some((one) => isWithin(drop, one) && !model.mayBeHidden(one)));
    const wereDropped = found.some(({ samples }) => samples.some(({ fading }) => fading === SEVERAL_DROPS));
    // The series may have been dropped as a whole meanwhile.
    const isStill = (series: ModelSeries): boolean => model.series.get(series.number) === series && !series.dropping;
    const isHarmed = (): boolean =>
      !isAlone() || life.everHarmed || model.damaged || wereDropped || !found.every(isStill);
    const done = (count: number): void => {
      if (count === 0 && found.length > 0 && !isHarmed())
        throw new Violation(`a drop of a time range did not find ${nameOf(found[0].number)}`);
    };
    const selector = step.series === null ? ALL_SERIES : labelsOf(step.series);
    const call = async (): Promise<number> => {
      try {
        const count = await life.store.drop(selector, range);
        if (count === 0) model.cancelDrop(drop);
        else model.endDrop(drop);
        return count;
      } catch (error) {
        model.leaveDrop(drop);
        throw error;
      }
    };
    if (step.detached) return life.start('drop of a time range', call, done);
    const dropped = await life.perform('drop of a time range', call);
    if (dropped !== undefined) done(dropped.value);
  }

  /** A drop found nothing because retention or quarantine came before. After a loss of power the series may be back. */
  private noteGone(series: ModelSeries): void {
    const { life } = this;
    series.dropping = false;
    if (!life.everHarmed && life.model.mustExist(series)) {
      throw new Violation(`a drop of ${nameOf(series.number)} did not find it`);
    }
    for (const sample of series.samples) sample.quarantined = true;
  }

  /** Closes the store and opens it again. In between, an opening may be aborted after a number of tasks. */
  private async restart({
    abortAfterTasks,
    inspected,
  }: {
    readonly abortAfterTasks?: number;
    readonly inspected?: boolean;
  } = {}): Promise<void> {
    const { life } = this;
    const isClosed = await life.close();
    if (isClosed && life.alive) await this.reading.endQueries();
    if (isClosed && life.alive) await this.consumers.acknowledgeLate();
    life.bury();
    const inspection = inspected ? await inspectDirectory(life, isClosed) : undefined;
    if (abortAfterTasks !== undefined) {
      await life.abortOpening(abortAfterTasks);
      life.bury();
    }
    await this.openAndLook(inspection);
  }

  /** Damages an index. An index is a projection, so everything that it loses is found elsewhere. */
  private async decayIndex(step: Extract<Step, { type: 'indexDecay' }>): Promise<void> {
    const { life } = this;
    const { disk, databases } = life.world;
    if (life.everHarmed || life.diskIsFull) return;
    if (step.after === 'close') {
      await life.close();
      life.bury();
    } else life.die('kill', []);
    const path = `${DIRECTORY}/${databaseFolders[step.decay.index]}`;
    if (!life.everHarmed) {
      databases.decay(disk.namespace.find(path), step.decay);
      life.archiveLogCut ||= step.decay.index === 'metric' && step.decay.what === 'log';
    }
    await this.openAndLook(step.inspected ? await inspectDirectory(life, false) : undefined);
  }

  /** Lets the original use the directory for a while. Not after damage, which the two programs repair differently. */
  private async lend(step: Extract<Step, { type: 'otherProgram' }>): Promise<void> {
    const { life } = this;
    if (life.everHarmed || life.diskIsFull) return;
    let isClosed = false;
    if (step.after === 'close') {
      isClosed = await life.close();
      life.bury();
    } else life.die('kill', []);
    if (!life.everHarmed) await this.otherProgram.take(step, isClosed);
    // The original has no journal. So if it was killed after its retention had deleted or shortened series files, the check
    // cannot tell these from lost ones.
    const isSound = !(step.ending === 'kill' && life.nextRetentionMs !== null);
    await this.openAndLook(step.inspected ? await inspectDirectory(life, isSound) : undefined);
  }

  /** Flips a bit in one file of the kind. */
  private decay({ file, which, at, series: wanted }: Extract<Step, { type: 'decay' }>): void {
    const { life } = this;
    const paths = life.world.disk.pathsOf(file).filter((path) => life.world.disk.sizeOf(path) > 0);
    if (paths.length === 0) return;
    const numbers = numbersByFingerprint(life);
    const numberOf = (path: string): number | undefined => numbers?.get(path.slice(-20).replace(/[/]|\.db$/g, ''));
    const path = paths.find((path) => wanted !== undefined && numberOf(path) === wanted) ?? paths[which % paths.length];
    if (file === 'seriesFile') {
      const number = numberOf(path);
      const series = number === undefined ? undefined : life.model.series.get(number);
      if (series === undefined) return;
      series.suspect = true;
    } else {
      life.model.damaged = true;
      // Chunks have no checksum of their own, so the flipped bit may be in what is kept of a damaged checkpoint.
      if (file === 'heads') {
        for (const series of life.model.series.values()) series.suspect = true;
        life.model.garbled = true;
      }
    }
    life.decayed = true;
    life.world.disk.flipBit(path, Math.floor(at * life.world.disk.sizeOf(path) * 8));
  }

  /** Called after every step: collects settled operations, checks the store, and opens it again if the process died. */
  private async lookAround(): Promise<void> {
    const { life } = this;
    await life.world.advance(0);
    this.life.passRetention();
    life.collect();
    if (life.alive) {
      life.assertBounds();
      if (this.stepCount % FULL_LOOK_EVERY === 0) await this.reading.lookAtEverything();
      else await this.reading.lookAt(this.stepCount % SERIES_MAX);
      life.collect();
    }
    life.assertBounds();
    if (!life.alive) {
      life.bury();
      await this.openAndLook();
    }
  }

  /**
   * Opens the store and looks at everything, from which the model learns what a crash lost. If a reader inspected the
   * directory before, the store must show the same.
   */
  private async openAndLook(inspection?: Inspection): Promise<void> {
    const { life } = this;
    this.consumers.forget();
    this.reading.forgetQueries();
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      await this.openOnce();
      if (life.hasLearned) break;
      life.calm();
      life.bury();
    }
    if (!life.hasLearned) await this.openOnce();
    if (life.hasLearned) await this.reading.labels({ type: 'labels', series: null });
    if (inspection === undefined || !life.hasLearned || !life.alive) return;
    const look = await life.perform('a look at everything', () => lookOf(life.store));
    life.passRetention();
    if (look !== undefined) compareInspection(life, inspection, look.value);
  }

  private async openOnce(): Promise<void> {
    const { life } = this;
    await life.open();
    life.passRetention();
    life.hasLearned = await this.reading.lookAtEverything({ ...EVERYTHING, afterCrash: true });
  }

  /** Ends without further faults: the store comes to rest and is flushed; a restart and a kill must change nothing. */
  private async finish(): Promise<void> {
    const { life } = this;
    life.world.trace.write('end');
    life.calm();
    await life.world.advance(REST_MS);
    await life.settle();
    if (life.alive && life.excusedCount > 0) await this.restart();
    await this.command({ type: 'command', command: 'flush', detached: false });
    await this.lookAround();
    await this.consumers.finish();
    await this.backups.finish();
    await this.restart({ inspected: true });
    await this.reading.labels({ type: 'labels', series: null });
    life.die('kill', []);
    await this.openAndLook(await inspectDirectory(life));
    await life.close();
    life.assertBounds();
  }

  private openReadOnly(directory: string): Promise<Store> {
    const { fileSystem, ...rest } = this.life.ports;
    const { retentionMs, ruleIsOn, setting } = this.life;
    const retention = retentionOption(retentionMs, { hasRules: setting.rules !== undefined, ruleIsOn });
    return this.open(directory, { ...rest, ...this.life.extra, fileSystem, retention, readOnly: true });
  }
}
