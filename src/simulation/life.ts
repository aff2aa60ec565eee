/**
 * The store under test on its simulated machine, from its first opening through restarts and crashes, beside the model
 * of what must be true. What all steps of a sequence share is here: opening, closing and dying, operations left running,
 * and the judgement of how operations come out.
 */
import type { Store, StoreOptions } from '../api.ts';
import { TidemarkError } from '../errors.ts';
import { BelievedTime } from './believed-time.ts';
import type { Coverage } from './coverage.ts';
import { type Outcome, type Watched, watch } from './drive.ts';
import { Model, Violation } from './model.ts';
import { type CrashKind, isSimulatedCrash } from './simulated-process.ts';
import type { CrashPoint, Setting } from './steps.ts';
import type { Trace } from './trace.ts';
import { type Ports, World } from './world.ts';

/** How the store under test is opened. */
export type OpenStore = (directory: string, options: StoreOptions) => Promise<Store>;

/** How a directory is verified while nobody has it open. */
export type CheckDirectory = (
  directory: string,
  ports: Ports,
) => Promise<{ readonly problems: readonly { message: string }[] }>;

/** Where the store lies on the simulated disk. */
export const DIRECTORY = '/store';

/** Attempts to open a store that faults or crashes keep from opening. */
const OPENINGS_MAX = 20;

/** Bounds that hold whatever happens. */
const OPEN_FILES_MAX = 100;
const TASKS_MAX = 300;

/** The calls of an opening that was given up have ended after this. */
const CALLS_MS = 10_000;

/** With durability `interval`, every sample is on the disk after this time: the interval and a generous sync. */
const COMMIT_MS_MAX = 2_000;

/** The last call that met trouble has ended after this, however slow it was. */
const TROUBLE_MS_MAX = 15_000;

/** An operation that was left running. */
interface Running {
  readonly what: string;
  readonly watched: Watched<unknown>;
  readonly onValue: (value: unknown) => void;
}

export interface LifeOptions {
  readonly seed: number;
  readonly setting: Setting;
  readonly openStore: OpenStore;
  readonly checkDirectory?: CheckDirectory;
  readonly coverage: Coverage;
  readonly trace: Trace;
  /** Called with every store that was opened, before anything else is done with it. */
  readonly onOpened: (store: Store) => void;
  /** Options beyond those of the setting. */
  readonly extra?: StoreOptions;
}

export class Life {
  readonly world: World;
  readonly model = new Model();
  readonly setting: Setting;
  /** The store of this process; not to be used while there is none. */
  store!: Store;
  /** The ports of this process. */
  ports!: Ports;
  /** Uncaught exceptions and unhandled rejections; any is a violation. */
  readonly strays: unknown[] = [];
  crashCount = 0;
  openCount = 0;
  /** Errors that faults excused, in this process. */
  excusedCount = 0;
  /** Something decayed at rest, so that loss and quarantine are to be expected. */
  decayed = false;
  /** The original had the directory since: its samples are in no journal, and the journal from before may be gone. */
  overtaken = false;
  /** Power was lost at least once. */
  powerLost = false;
  /** The model has learned what this process found: until then, nobody knows what the one before it took along. */
  hasLearned = false;
  private readonly believedTime: BelievedTime;
  private readonly options: LifeOptions;
  private running: Running[] = [];
  private crashKind: CrashKind = 'power';
  private crashesToCome: CrashPoint[] = [];
  private troubleBefore = 0;
  private diskFilled = false;
  private closing = false;

  constructor(options: LifeOptions) {
    this.options = options;
    this.setting = options.setting;
    const { seed, setting, coverage, trace } = options;
    this.world = new World({ seed, directory: DIRECTORY, mischief: setting.mischief, coverage, trace });
    this.believedTime = new BelievedTime(this.world.timeline);
    this.world.timeline.onUncaught = (error) => this.strays.push(error);
  }

  /** Options beyond those of the setting. */
  get extra(): StoreOptions {
    return this.options.extra ?? {};
  }

  get alive(): boolean {
    return this.world.process.alive;
  }

  /** Whether something befell this process that excuses errors. */
  get troubled(): boolean {
    return this.decayed || this.diskFilled || this.world.disk.troubleCount > this.troubleBefore;
  }

  /** Whether anything ever befell the store that excuses quarantine. */
  get everHarmed(): boolean {
    return this.decayed || this.world.disk.harmCount > 0;
  }

  /** Whether there is a store in the directory. */
  get wasOpened(): boolean {
    return this.openCount > 0;
  }

  /** Whether there is a directory that can be looked at from outside. */
  get canBeInspected(): boolean {
    return this.wasOpened && this.options.checkDirectory !== undefined;
  }

  /** Whether the disk is filled up now, so that operations may wait for space. */
  get diskIsFull(): boolean {
    return Number.isFinite(this.world.disk.capacityBytes);
  }

  /** Opens the store in a new process, again and again if it crashes meanwhile or meets a fault. */
  async open(): Promise<void> {
    for (let attempt = 0; attempt < OPENINGS_MAX; attempt++) {
      this.ports = this.world.boot();
      this.startProcess();
      const options = { ...this.storeOptions(), ...this.extra, ...this.ports };
      const outcome = await this.world.run(() => this.options.openStore(DIRECTORY, options));
      if (outcome.kind === 'value') {
        this.store = outcome.value;
        this.openCount++;
        this.options.onOpened(this.store);
        return;
      }
      if (outcome.kind === 'stuck') throw new Violation(`opening never came to an end: ${outcome.reason}`);
      if (outcome.kind === 'error') {
        this.judgeError('opening', outcome.error);
        this.calm();
      }
      this.bury();
    }
    throw new Violation(`the store could not be opened in ${OPENINGS_MAX} attempts`);
  }

  /** Begins to open the store in a new process and gives up after so many tasks. Nothing may be left of it. */
  async abortOpening(tasks: number): Promise<void> {
    this.ports = this.world.boot();
    this.startProcess();
    const controller = new AbortController();
    const options = { ...this.storeOptions(), ...this.extra, ...this.ports, signal: controller.signal };
    const opening = watch(this.world.process, () => this.options.openStore(DIRECTORY, options));
    await this.world.runTasks(tasks);
    controller.abort();
    const outcome = await this.world.runWatched(opening);
    const isAborted =
      outcome.kind === 'error' && outcome.error instanceof TidemarkError && outcome.error.code === 'TIDEMARK_ABORTED';
    const opened = isAborted ? undefined : this.judge('an opening that is aborted', outcome);
    if (opened !== undefined) await this.perform('close', () => opened.value.close());
    // A call to a database that was under way when it gave up comes to its end.
    await this.world.advance(CALLS_MS);
    if (this.alive && !this.troubled) this.assertNothingLeft();
  }

  /** The process dies now. */
  die(kind: CrashKind, again: readonly CrashPoint[]): void {
    this.armCrash(kind, again);
    this.world.process.crash();
    this.bury();
  }

  /** A crash to come is of this kind, and the recoveries after it crash at these calls. */
  armCrash(kind: CrashKind, again: readonly CrashPoint[]): void {
    this.crashKind = kind;
    this.crashesToCome = [...again];
  }

  /** The crash to come, if there is one, leaves what was written, synced or not. */
  spareThePageCache(): void {
    this.crashKind = 'kill';
  }

  /** What a dead process leaves is what the next one finds. */
  bury(): void {
    this.passInterval();
    if (this.alive) this.world.crash('kill');
    else {
      this.crashCount++;
      this.world.crash(this.crashKind);
      if (this.crashKind === 'power') {
        this.powerLost = true;
        this.model.loseUnsynced();
      }
    }
    this.running = [];
    this.world.disk.faults.disarm('crash');
  }

  /** Closes the store. False when that failed as it may; the process may have died over it. */
  async close(): Promise<boolean> {
    const mark = this.model.mark();
    this.closing = true;
    const closed = await this.perform('close', () => this.store.close());
    if (closed === undefined) return false;
    this.model.acknowledge(mark);
    await this.settle();
    if (this.alive) this.assertNothingLeft();
    await this.checkDirectory();
    return true;
  }

  /** Opens a directory in a process beside the store's, as the setting says; `options` has the ports of that process. */
  openBeside(directory: string, options: StoreOptions): Promise<Store> {
    return this.options.openStore(directory, { ...this.storeOptions(), ...options });
  }

  /** What is wrong with a directory, as another process sees it; `undefined` when nothing is. */
  async checkBeside(directory: string): Promise<string | undefined> {
    const { checkDirectory } = this.options;
    if (checkDirectory === undefined) return undefined;
    const bystander = this.world.spawn();
    const outcome = await this.world.runBeside(bystander, () => checkDirectory(directory, bystander.ports));
    if (outcome.kind === 'stuck') throw new Violation(`check never came to an end: ${outcome.reason}`);
    if (outcome.kind === 'error') throw new Violation(`check failed: ${inFull(outcome.error)}`);
    const [change] = bystander.process.changes;
    if (change !== undefined) throw new Violation(`check changed something: ${change}`);
    return outcome.kind === 'value' ? this.unexcused(outcome.value.problems) : undefined;
  }

  /** A directory that was closed in order has nothing wrong with it. */
  private async checkDirectory(): Promise<void> {
    const { checkDirectory } = this.options;
    if (checkDirectory === undefined || this.everHarmed || !this.alive) return;
    const { troubleCount } = this.world.disk;
    const report = await this.perform('check', () => checkDirectory(DIRECTORY, this.ports));
    const problem = this.unexcused(report?.value.problems ?? []);
    // A fault may have befallen the check itself.
    if (problem !== undefined && this.world.disk.troubleCount === troubleCount)
      throw new Violation(`check finds after close: ${problem}`);
  }

  /** After a loss of power there may be holes in what was not synced; that they are said is right. */
  private unexcused(problems: readonly { readonly message: string }[]): string | undefined {
    return problems.find(({ message }) => !(this.powerLost && message.endsWith(' are lost')))?.message;
  }

  /** Runs an operation to its end and judges it. `undefined` when it failed as it may, waits for space, or died. */
  async perform<T>(what: string, operation: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    const watched = watch(this.world.process, operation);
    const outcome = await this.world.runWatched(watched);
    if (outcome.kind === 'stuck' && this.diskIsFull) {
      this.running.push({ what, watched, onValue: () => {} });
      return undefined;
    }
    return this.judge(what, outcome);
  }

  /** Starts an operation and leaves it running; `onValue` is called when it is found to have succeeded. */
  start<T>(what: string, operation: () => Promise<T>, onValue: (value: T) => void): void {
    const watched = watch(this.world.process, operation);
    this.running.push({ what, watched, onValue: onValue as (value: unknown) => void });
  }

  /** Takes note of what has come out of the operations that were left running. */
  collect(): void {
    const waiting: Running[] = [];
    for (const running of this.running) {
      if (running.watched.outcome === undefined) waiting.push(running);
      else {
        const result = this.judge(running.what, running.watched.outcome);
        if (result !== undefined) running.onValue(result.value);
      }
    }
    this.running = waiting;
  }

  /** Waits for all that was left running, unless the disk is full. */
  async settle(): Promise<void> {
    this.collect();
    while (this.running.length > 0 && this.alive && !this.diskIsFull) {
      const [{ what, watched }] = this.running;
      const outcome = await this.world.runWatched(watched);
      if (outcome.kind === 'stuck') throw new Violation(`${what} never came to an end: ${outcome.reason}`);
      this.collect();
    }
  }

  /** Throws when an operation failed that must not, or with an error that is not one of the store's. */
  judgeError(what: string, error: unknown): void {
    if (isSimulatedCrash(error)) return;
    if (!(error instanceof TidemarkError)) {
      throw new Violation(`${what} failed with an error that is not one of the store's: ${inFull(error)}`);
    }
    // What is under way when the store closes may be done or refused.
    if (this.closing && error.code === 'TIDEMARK_CLOSED') return;
    if (error.code === 'TIDEMARK_INTERNAL' || !this.troubled) throw new Violation(`${what} failed: ${inFull(error)}`);
    this.world.trace.write(`${what}: ${error.code}`);
    this.excusedCount++;
  }

  /** The disk has room for so many bytes more. */
  fillDisk(freeBytes: number): void {
    this.world.disk.capacityBytes = this.world.disk.usedBytes + freeBytes;
    this.diskFilled = true;
  }

  freeDisk(): void {
    this.world.disk.capacityBytes = Number.POSITIVE_INFINITY;
  }

  /** No more faults from here on. */
  calm(): void {
    this.world.disk.faults.clear();
    this.freeDisk();
  }

  /** What must hold at any time. */
  assertBounds(): void {
    const [stray] = this.strays;
    if (stray !== undefined) throw new Violation(`an error reached nobody: ${inFull(stray)}`);
    if (this.world.timeline.pendingCount > TASKS_MAX) {
      throw new Violation(`${this.world.timeline.pendingCount} timers and calls wait: more than ${TASKS_MAX}`);
    }
    const open = this.world.fileSystem.openPaths;
    if (open.length > OPEN_FILES_MAX) throw new Violation(`${open.length} files are open: ${open.join(' ')}`);
  }

  /** Retention may have been applied up to this moment. */
  passRetention(): void {
    const { retentionMs } = this.setting;
    const nowMs = this.believedTime.latest();
    if (retentionMs !== null) this.model.passRetention(nowMs - retentionMs);
  }

  /** With durability `interval`, time acknowledges what was appended, as long as the disk gives no trouble. */
  passInterval(): void {
    if (this.setting.durability !== 'interval' || !this.hasLearned || !this.commitsItself) return;
    this.model.acknowledgeUntil(this.world.timeline.monotonicMs - COMMIT_MS_MAX);
  }

  /** After trouble it does again when that is over and the store says so: what it took before is on the disk by then. */
  private get commitsItself(): boolean {
    if (!this.troubled) return true;
    const { disk, timeline } = this.world;
    if (this.decayed || timeline.monotonicMs - disk.troubleMs < TROUBLE_MS_MAX) return false;
    const snapshot = this.store.actor.getSnapshot();
    return snapshot.hasTag('running') && !snapshot.hasTag('readOnly');
  }

  private startProcess(): void {
    this.believedTime.restart();
    this.troubleBefore = this.world.disk.troubleCount;
    this.diskFilled = this.diskIsFull;
    this.excusedCount = 0;
    this.hasLearned = false;
    this.closing = false;
    const point = this.crashesToCome.shift();
    if (point === undefined) return;
    this.world.disk.faults.arm({ ...(typeof point === 'number' ? { skip: point } : point), fault: 'crash' });
  }

  private judge<T>(what: string, outcome: Outcome<T>): { readonly value: T } | undefined {
    // It took its time, and retention went on meanwhile.
    this.passRetention();
    if (outcome.kind === 'value') return { value: outcome.value };
    if (outcome.kind === 'stuck') throw new Violation(`${what} never came to an end: ${outcome.reason}`);
    if (outcome.kind === 'error') this.judgeError(what, outcome.error);
    return undefined;
  }

  /** A closed store holds no file, no database and no timer. */
  private assertNothingLeft(): void {
    const open = this.world.fileSystem.openPaths;
    if (open.length > 0) throw new Violation(`files are open after close: ${open.join(' ')}`);
    const databases = this.world.databases.openCount(this.world.process);
    if (databases > 0) throw new Violation(`${databases} databases are open after close`);
    const tasks = this.world.timeline.pendingCount;
    if (tasks > 0) throw new Violation(`${tasks} timers or calls wait after close`);
  }

  private storeOptions(): StoreOptions {
    const { setting } = this;
    return {
      durability: setting.durability,
      chunkEncoding: setting.chunkEncoding,
      syncSeriesFiles: setting.syncSeriesFiles,
      ...(setting.retentionOnce && this.wasOpened ? {} : { retention: setting.retentionMs ?? 'off' }),
      minShrinkRatio: setting.minShrinkRatio,
      checkpointInterval: setting.checkpointIntervalMs,
      checkpointDirtySeries: setting.checkpointDirtySeries,
      headChunkTimeout: setting.headChunkTimeoutMs,
      memoryTarget: setting.memoryTarget,
      subscriptionBacklogBytes: setting.subscriptionBacklogBytes,
      ...(setting.checkpointJournalBytes === undefined
        ? {}
        : { checkpointJournalBytes: setting.checkpointJournalBytes }),
    };
  }
}

/** An error with all that caused it. */
export const inFull = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${String(error.code)} ` : '';
  return `${code}${error.stack ?? error.message}${error.cause === undefined ? '' : `\ncaused by ${inFull(error.cause)}`}`;
};
