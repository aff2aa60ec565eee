/**
 * Plays a sequence from its first step to its last, looks at the store after each, and at what is left in the end. A
 * {@link Violation} ends it.
 */
import type { Store } from '../api.ts';
import { append, appendBatch, appendOdd } from './appending.ts';
import { Consumers } from './consumers.ts';
import type { Life, LifeOptions } from './life.ts';
import { EVERYTHING, type ModelSeries, nameOf, Violation } from './model.ts';
import { observe } from './observers.ts';
import { Reading } from './reading.ts';
import { numbersByFingerprint } from './series-numbers.ts';
import { isSimulatedCrash } from './simulated-process.ts';
import type { Step } from './steps.ts';
import { labelsOf, SERIES_MAX } from './values.ts';

/** Every so many steps all series are looked at; after the others, one. */
const FULL_LOOK_EVERY = 8;

/** In the end the store gets this much time to come to rest. */
const REST_MS = 60_000;

/** Times that a store that can't be read for trouble is opened anew. */
const LOOKS_MAX = 10;

export class Player {
  stepCount = 0;
  private readonly life: Life;
  private readonly reading: Reading;
  private readonly consumers: Consumers;
  /** Series of which a drop is running. */
  private readonly drops = new Set<ModelSeries>();
  private readonly open: LifeOptions['openStore'];

  constructor(life: Life, open: LifeOptions['openStore']) {
    this.life = life;
    this.open = open;
    this.reading = new Reading(life);
    this.consumers = new Consumers(life);
  }

  async play(steps: readonly Step[]): Promise<void> {
    // Faults that come first befall the first opening.
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

  /** A call that blocks may be the one that the process dies in. */
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
      case 'drop':
        return this.drop(step);
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
        return reading.backup(`/backup-${this.stepCount}`, (directory) => this.openReadOnly(directory));
      case 'peek':
        return reading.peek((directory) => this.openReadOnly(directory));
      case 'restart':
        return this.restart();
      case 'abortOpening':
        return this.restart(step.tasks);
      case 'crash':
        life.die(step.kind, step.again);
        return this.openAndLook();
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
    // One that failed may be tried again.
    if (series === undefined || this.drops.has(series)) return;
    series.dropping = true;
    const done = (deleted: number): void => {
      if (model.series.get(step.series) !== series) return;
      if (deleted > 0) model.end(series);
      else this.noteGone(series);
    };
    const call = async (): Promise<number> => {
      this.drops.add(series);
      try {
        return await this.life.store.drop(labelsOf(step.series));
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

  /** A drop found nothing: retention or quarantine came before. A loss of power may undo those, and then it is there again. */
  private noteGone(series: ModelSeries): void {
    const { life } = this;
    series.dropping = false;
    if (!life.everHarmed && life.model.mustExist(series)) {
      throw new Violation(`a drop of ${nameOf(series.number)} did not find it`);
    }
    series.quarantined = series.count;
  }

  /** Closes and opens again; before that, an opening may be aborted after so many tasks. */
  private async restart(abortAfterTasks?: number): Promise<void> {
    const { life } = this;
    const isClosed = await life.close();
    if (isClosed && life.alive) await this.reading.endQueries();
    life.bury();
    if (abortAfterTasks !== undefined) {
      await life.abortOpening(abortAfterTasks);
      life.bury();
    }
    await this.openAndLook();
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
      // Chunks have no checksum of their own: what is kept of a damaged checkpoint may have the flipped bit in it.
      if (file === 'heads') {
        for (const series of life.model.series.values()) series.suspect = true;
        life.model.garbled = true;
      }
    }
    life.decayed = true;
    life.world.disk.flipBit(path, Math.floor(at * life.world.disk.sizeOf(path) * 8));
  }

  /** After every step: what came out meanwhile, whether it died, and whether what is there is right. */
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

  /** Opens the store and looks at everything: what a crash took is known from then on. */
  private async openAndLook(): Promise<void> {
    const { life } = this;
    this.consumers.forget();
    this.reading.forgetQueries();
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      await life.open();
      this.life.passRetention();
      life.hasLearned = await this.reading.lookAtEverything({ ...EVERYTHING, afterCrash: true });
      if (life.hasLearned) return;
      life.calm();
      life.bury();
    }
    await life.open();
    life.hasLearned = await this.reading.lookAtEverything({ ...EVERYTHING, afterCrash: true });
  }

  /** Without any more faults the store comes to rest, everything is flushed, and a restart and a kill change nothing. */
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
    await this.restart();
    await this.reading.labels({ type: 'labels', series: null });
    life.die('kill', []);
    await this.openAndLook();
    await life.close();
    life.assertBounds();
  }

  private openReadOnly(directory: string): Promise<Store> {
    const { fileSystem, ...rest } = this.life.ports;
    const retention = this.life.setting.retentionMs ?? 'off';
    return this.open(directory, { ...rest, ...this.life.extra, fileSystem, retention, readOnly: true });
  }
}
