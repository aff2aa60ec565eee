/**
 * The store under test on its simulated machine, from its first opening through restarts and crashes, together with the
 * model of what must be true. `Life` has what all steps of a sequence share: opening, closing and crashing, operations
 * that are left running, and the judgement of outcomes.
 */

import type { Store, StoreOptions } from '../../src/api/api.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { BelievedTime } from './believed-time.ts';
import type { Coverage } from './coverage.ts';
import { type Outcome, type Watched, watch } from './drive.ts';
import { Model, Violation } from './model.ts';
import { Refusals } from './refusals.ts';
import { retentionOption } from './retention-rule.ts';
import { type CrashKind, isSimulatedCrash } from './simulated-process.ts';
import type { CrashPoint, Setting } from './steps.ts';
import type { Trace } from './trace.ts';
import { type Ports, World } from './world.ts';

/** How the store under test is opened. */
export type OpenStore = (directory: string, options: StoreOptions) => Promise<Store>;

/** How a directory is verified while no process has it open. */
export type CheckDirectory = (
  directory: string,
  ports: Ports,
) => Promise<{ readonly problems: readonly { message: string }[] }>;

/** The store's directory on the simulated disk. */
export const DIRECTORY = '/store';

/** How often an opening is tried that faults or crashes prevent. */
const OPENINGS_MAX = 20;

/** Bounds that hold at any time. */
const OPEN_FILES_MAX = 100;
const TASKS_MAX = 300;

/** After this time all calls of an aborted opening have ended. */
const CALLS_MS = 10_000;

/** With durability `interval`, every sample is on the disk after this time: the interval and a generous sync. */
const COMMIT_MS_MAX = 2_000;

/** After this time the last call that met trouble has ended, however slow it was. */
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
  /** Called with every opened store, before its first use. */
  readonly onOpened: (store: Store) => void;
  /** Options beyond those of the setting. */
  readonly extra?: StoreOptions;
}

/** What the check says of a series in memory whose entry in the archive was not removed. */
const IN_BOTH = 'the series is in the checkpoint and in the archive';
const WITHOUT_TIMES = 'the archive has its labels but not its times';

/** The series of which one of the problems says this. */
const seriesThat = (problems: readonly { readonly message: string }[], what: string): Set<string> =>
  new Set(problems.flatMap(({ message }) => (message.endsWith(what) ? [message.slice(0, -what.length)] : [])));

export class Life {
  readonly world: World;
  readonly model = new Model();
  readonly setting: Setting;
  /** The store of this process. It must not be used while no store is open. */
  store!: Store;
  /** The ports of this process. */
  ports!: Ports;
  /** Uncaught exceptions and unhandled rejections. Each is a violation. */
  readonly strays: unknown[] = [];
  crashCount = 0;
  openCount = 0;
  /** The log of the archive's labels was cut once. */
  archiveLogCut = false;
  /** Errors in this process that faults excused. */
  excusedCount = 0;
  /** A file decayed at rest, so loss and quarantine are expected. */
  decayed = false;
  /** The original has had the directory: its samples are in no journal, and the older journal may be gone. */
  overtaken = false;
  /** Power was lost at least once. */
  powerLost = false;
  /** The model has learned what this process found. Until then it is not known what the previous process lost. */
  hasLearned = false;
  /** The retention of this process; `null` keeps everything. */
  retentionMs: number | null;
  /** Whether a rule keeps some series longer in this process. */
  ruleIsOn = false;
  /** The late samples that merges of this process must refuse. */
  refusals = new Refusals(true, true);
  /** The last process closed the directory, so that no late sample waits. */
  private isMerged = true;
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
    this.model.windowMs = this.windowMs;
    this.retentionMs = this.setting.retentionMs;
    const { seed, setting, coverage, trace } = options;
    this.world = new World({ seed, directory: DIRECTORY, mischief: setting.mischief, coverage, trace });
    this.believedTime = new BelievedTime(this.world.timeline);
    this.world.timeline.onUncaught = (error) => this.strays.push(error);
  }

  /** Options beyond those of the setting. */
  get extra(): StoreOptions {
    return this.options.extra ?? {};
  }

  /** How much older than its series' newest sample a sample may be. */
  get windowMs(): number {
    return this.setting.outOfOrderWindowMs ?? Number.POSITIVE_INFINITY;
  }

  get alive(): boolean {
    return this.world.process.alive;
  }

  /** Whether something happened in this process that excuses errors. */
  get troubled(): boolean {
    return this.decayed || this.diskFilled || this.world.disk.troubleCount > this.troubleBefore;
  }

  /** Whether something ever happened to the store that excuses quarantine. */
  get everHarmed(): boolean {
    return this.decayed || this.world.disk.harmCount > 0;
  }

  /** Whether there is a store in the directory. */
  get wasOpened(): boolean {
    return this.openCount > 0;
  }

  /** Whether the directory can be inspected by another process. */
  get canBeInspected(): boolean {
    return this.wasOpened && this.options.checkDirectory !== undefined;
  }

  /** Whether the disk's space is limited now, so that operations may wait for space. */
  get diskIsFull(): boolean {
    return Number.isFinite(this.world.disk.capacityBytes);
  }

  /** Opens the store in a new process. Tries again if the process crashes or meets a fault. */
  async open(): Promise<void> {
    for (let attempt = 0; attempt < OPENINGS_MAX; attempt++) {
      this.ports = this.world.boot();
      this.startProcess();
      const options = { ...this.storeOptions(), ...this.extra, ...this.ports };
      const outcome = await this.world.run(() => this.options.openStore(DIRECTORY, options));
      if (outcome.kind === 'value') {
        this.store = outcome.value;
        this.openCount++;
        this.refusals = new Refusals(this.isMerged, this.retentionMs === null);
        this.refusals.listen(this.store);
        this.isMerged = false;
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

  /** Begins to open the store in a new process and aborts after this many tasks. No file or timer may be left open. */
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
    // A database call that was under way at the abort still ends.
    await this.world.advance(CALLS_MS);
    if (this.alive && !this.troubled) this.assertNothingLeft();
  }

  /** Crashes the process now. The recoveries that follow crash at the calls in `again`. */
  die(kind: CrashKind, again: readonly CrashPoint[]): void {
    this.armCrash(kind, again);
    this.world.process.crash();
    this.bury();
  }

  /** Sets the kind of the next crash, and the calls at which the recoveries that follow crash. */
  armCrash(kind: CrashKind, again: readonly CrashPoint[]): void {
    this.crashKind = kind;
    this.crashesToCome = [...again];
  }

  /** Makes the next crash leave everything that was written, synced or not. */
  spareThePageCache(): void {
    this.crashKind = 'kill';
  }

  /** Ends the process, if it is alive, and leaves the disk as the next process finds it. */
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
    this.model.leaveDrops();
    this.world.disk.faults.disarm('crash');
  }

  /** Closes the store. Returns false if the close failed for an excused reason, or the process died in it. */
  async close(): Promise<boolean> {
    const mark = this.model.mark();
    this.closing = true;
    const closed = await this.perform('close', () => this.store.close());
    if (closed === undefined) return false;
    this.model.acknowledge(mark);
    this.isMerged = true;
    if (!this.troubled && !this.everHarmed) this.refusals.check();
    await this.settle();
    if (this.alive) this.assertNothingLeft();
    await this.checkDirectory();
    return true;
  }

  /** Opens a directory in another process, with the options of the setting; `options` has the ports of that process. */
  openBeside(directory: string, options: StoreOptions): Promise<Store> {
    return this.options.openStore(directory, { ...this.storeOptions(), ...options });
  }

  /** Checks a directory in another process. Returns the first problem; `undefined` if there is none. */
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

  /** Checks the directory after a close: no problem may be found. */
  private async checkDirectory(): Promise<void> {
    const { checkDirectory } = this.options;
    if (checkDirectory === undefined || this.everHarmed || !this.alive) return;
    const { troubleCount } = this.world.disk;
    const report = await this.perform('check', () => checkDirectory(DIRECTORY, this.ports));
    const problem = this.unexcused(report?.value.problems ?? []);
    // A fault may have struck the check itself.
    if (problem !== undefined && this.world.disk.troubleCount === troubleCount)
      throw new Violation(`check finds after close: ${problem}`);
  }

  /**
   * The first problem that is not excused. After a loss of power, the check may report holes in unsynced journal. A cut log
   * of the archive's labels may have lost the removal of a series that is in memory again: no sample depends on the entry
   * that is left, and finding it at each opening would mean to read the whole archive.
   */
  private unexcused(problems: readonly { readonly message: string }[]): string | undefined {
    const left = this.archiveLogCut ? seriesThat(problems, IN_BOTH) : new Set<string>();
    return problems.find(
      ({ message }) =>
        !(this.powerLost && message.endsWith(' are lost')) &&
        !(message.endsWith(IN_BOTH) && left.has(message.slice(0, -IN_BOTH.length))) &&
        !(message.endsWith(WITHOUT_TIMES) && left.has(message.slice(0, -WITHOUT_TIMES.length))),
    )?.message;
  }

  /** Runs an operation and judges its outcome. `undefined` after an excused failure, a wait for space, or a crash. */
  async perform<T>(what: string, operation: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    const watched = watch(this.world.process, operation);
    const outcome = await this.world.runWatched(watched);
    if (outcome.kind === 'stuck' && this.diskIsFull) {
      this.running.push({ what, watched, onValue: () => {} });
      return undefined;
    }
    return this.judge(what, outcome);
  }

  /** Starts an operation and leaves it running. `onValue` is called once its success is noticed. */
  start<T>(what: string, operation: () => Promise<T>, onValue: (value: T) => void): void {
    const watched = watch(this.world.process, operation);
    this.running.push({ what, watched, onValue: onValue as (value: unknown) => void });
  }

  /** Judges the operations left running that have settled by now. */
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

  /** Waits for all operations left running, unless the disk is full. */
  async settle(): Promise<void> {
    this.collect();
    while (this.running.length > 0 && this.alive && !this.diskIsFull) {
      const [{ what, watched }] = this.running;
      const outcome = await this.world.runWatched(watched);
      if (outcome.kind === 'stuck') throw new Violation(`${what} never came to an end: ${outcome.reason}`);
      this.collect();
    }
  }

  /** Throws if the operation must not have failed, or if the error is not one of the store's. */
  judgeError(what: string, error: unknown): void {
    if (isSimulatedCrash(error)) return;
    if (!(error instanceof TidemarkError)) {
      throw new Violation(`${what} failed with an error that is not one of the store's: ${inFull(error)}`);
    }
    // An operation that is under way when the store closes may succeed or be refused.
    if (this.closing && error.code === 'TIDEMARK_CLOSED') return;
    if (error.code === 'TIDEMARK_INTERNAL' || !this.troubled) throw new Violation(`${what} failed: ${inFull(error)}`);
    this.world.trace.write(`${what}: ${error.code}`);
    this.excusedCount++;
  }

  /** Limits the disk to this many more bytes. */
  fillDisk(freeBytes: number): void {
    this.world.disk.capacityBytes = this.world.disk.usedBytes + freeBytes;
    this.diskFilled = true;
  }

  freeDisk(): void {
    this.world.disk.capacityBytes = Number.POSITIVE_INFINITY;
  }

  /** Removes all armed faults and the limit of the disk. */
  calm(): void {
    this.world.disk.faults.clear();
    this.freeDisk();
  }

  /** Checks the bounds that must hold at any time. */
  assertBounds(): void {
    const [stray] = this.strays;
    if (stray !== undefined) throw new Violation(`an error was not handled: ${inFull(stray)}`);
    if (this.world.timeline.pendingCount > TASKS_MAX) {
      throw new Violation(`${this.world.timeline.pendingCount} timers and calls are pending, more than ${TASKS_MAX}`);
    }
    const open = this.world.fileSystem.openPaths;
    if (open.length > OPEN_FILES_MAX) throw new Violation(`${open.length} files are open: ${open.join(' ')}`);
  }

  /** The retention of the next opening; `null` keeps everything. */
  get nextRetentionMs(): number | null {
    const { retentionMs, otherRetentionMs, retentionOnce } = this.setting;
    if (otherRetentionMs === undefined || retentionOnce || this.openCount % 2 === 0) return retentionMs;
    return otherRetentionMs;
  }

  /** Whether the next opening keeps some series longer, by a rule. */
  get nextRuleIsOn(): boolean {
    const { rules, retentionOnce } = this.setting;
    return rules === 'always' || (rules === 'sometimes' && (retentionOnce === true || this.openCount % 2 === 0));
  }

  /** Tells the model that retention may have been applied up to this moment. */
  passRetention(): void {
    const { retentionMs } = this;
    const nowMs = this.believedTime.latest();
    if (retentionMs !== null) this.model.passRetention(nowMs - retentionMs, this.ruleIsOn);
  }

  /** With durability `interval`, samples are acknowledged as time passes, as long as the disk has no trouble. */
  passInterval(): void {
    if (this.setting.durability !== 'interval' || !this.hasLearned || !this.commitsItself) return;
    this.model.acknowledgeUntil(this.world.timeline.monotonicMs - COMMIT_MS_MAX);
  }

  /**
   * Whether the store commits by itself. After trouble it does so again once the trouble is over and the store's state
   * says so; by then the samples that it took before are on the disk.
   */
  private get commitsItself(): boolean {
    if (!this.troubled) return true;
    const { disk, timeline } = this.world;
    if (this.decayed || timeline.monotonicMs - disk.troubleMs < TROUBLE_MS_MAX) return false;
    const snapshot = this.store.actor.getSnapshot();
    return snapshot.hasTag('running') && !snapshot.hasTag('readOnly');
  }

  private startProcess(): void {
    this.retentionMs = this.nextRetentionMs;
    this.ruleIsOn = this.nextRuleIsOn;
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
    // Time passed during the operation, and retention went on.
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
    if (tasks > 0) throw new Violation(`${tasks} timers or calls are pending after close`);
  }

  private storeOptions(): StoreOptions {
    const { setting } = this;
    return {
      // The timeline jumps back, and the samples of a series go on from its newest one, so that they run ahead.
      futureTolerance: 'off',
      durability: setting.durability,
      chunkEncoding: setting.chunkEncoding,
      syncSeriesFiles: setting.syncSeriesFiles,
      ...(setting.retentionOnce && this.wasOpened
        ? {}
        : {
            retention: retentionOption(this.nextRetentionMs, {
              hasRules: setting.rules !== undefined,
              ruleIsOn: this.nextRuleIsOn,
            }),
          }),
      minShrinkRatio: setting.minShrinkRatio,
      checkpointInterval: setting.checkpointIntervalMs,
      checkpointDirtySeries: setting.checkpointDirtySeries,
      headChunkTimeout: setting.headChunkTimeoutMs,
      memoryTarget: setting.memoryTarget,
      ...(Number.isFinite(this.windowMs) ? { outOfOrderWindow: this.windowMs } : {}),
      subscriptionBacklogBytes: setting.subscriptionBacklogBytes,
      ...(setting.checkpointJournalBytes === undefined
        ? {}
        : { checkpointJournalBytes: setting.checkpointJournalBytes }),
    };
  }
}

/** The text of an error and of all its causes. */
export const inFull = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${String(error.code)} ` : '';
  return `${code}${error.stack ?? error.message}${error.cause === undefined ? '' : `\ncaused by ${inFull(error.cause)}`}`;
};
