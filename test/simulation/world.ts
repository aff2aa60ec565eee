/**
 * One simulated machine: its time, its disk, its databases and the processes that run on it one after another. The
 * store gets the ports of the current process.
 */

import type { FileSystem } from '../../src/files/file-system.ts';
import type { KeyValueStores } from '../../src/indexes/key-value-store.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Random } from '../../src/ports/random.ts';
import { Coverage } from './coverage.ts';
import { advance, drainMicrotasks, drive, driveWatched, type Outcome, type Watched } from './drive.ts';
import { Prng } from './prng.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { type DiskOptions, SimulatedDisk } from './simulated-disk.ts';
import { SimulatedFileSystem } from './simulated-file-system.ts';
import { type CrashKind, SimulatedProcess } from './simulated-process.ts';
import { SimulatedDatabases, SimulatedStores } from './simulated-stores.ts';
import { Timeline } from './timeline.ts';
import { Trace } from './trace.ts';

export interface WorldOptions extends Partial<Pick<DiskOptions, 'capacityBytes' | 'descriptorsMax' | 'mischief'>> {
  readonly seed: number;
  /** The store's directory on the simulated disk. */
  readonly directory: string;
  readonly trace?: Trace;
  readonly coverage?: Coverage;
}

/** The ports that the world gives to a store. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly fileSystem: FileSystem;
  readonly keyValueStores: KeyValueStores;
}

/** A process beside the store's. */
export interface Bystander {
  readonly process: SimulatedProcess;
  readonly fileSystem: SimulatedFileSystem;
  readonly ports: Ports;
}

export class World {
  readonly trace: Trace;
  readonly coverage: Coverage;
  readonly timeline = new Timeline();
  readonly disk: SimulatedDisk;
  readonly databases = new SimulatedDatabases();
  /** The current process. */
  process = new SimulatedProcess(0);
  /** The file-system port of the current process, with its open files. */
  fileSystem: SimulatedFileSystem;
  private readonly prng: Prng;
  private bystanderCount = 0;

  constructor(options: WorldOptions) {
    this.trace = options.trace ?? new Trace();
    this.coverage = options.coverage ?? new Coverage();
    this.prng = new Prng(options.seed);
    const { timeline, trace, coverage } = this;
    this.disk = new SimulatedDisk({ ...options, timeline, trace, coverage, prng: this.prng.fork() });
    this.disk.namespace.links.set('link-to-store', 'store');
    this.fileSystem = new SimulatedFileSystem(this.disk, this.process);
  }

  /** Starts a process. The previous one is dead from now on. */
  boot(): Ports {
    this.process.crash();
    this.timeline.discard(this.process);
    this.process = new SimulatedProcess(this.process.id + 1);
    this.trace.write(`process ${this.process.id}`);
    this.fileSystem = new SimulatedFileSystem(this.disk, this.process);
    return this.portsOf(this.process, this.fileSystem);
  }

  /** Starts a process beside the current one, or after it died. It meets no faults. */
  spawn(): Bystander {
    const process = new SimulatedProcess(++this.bystanderCount, true);
    this.trace.write(`bystander ${process.id}`);
    const fileSystem = new SimulatedFileSystem(this.disk, process);
    return { process, fileSystem, ports: this.portsOf(process, fileSystem) };
  }

  /** Runs the world until an operation of a bystander settles, and ends the bystander. */
  async runBeside<T>({ process }: Bystander, operation: () => Promise<T>): Promise<Outcome<T>> {
    const outcome = await drive(this.timeline, process, operation);
    process.crash();
    this.timeline.discard(process);
    return outcome;
  }

  /** Ends the current process, if it is alive, and leaves the disk and the databases as such a crash does. */
  crash(kind: CrashKind): void {
    this.process.crash();
    this.timeline.discard(this.process);
    this.disk.crash(kind);
    this.databases.crash(kind, this.disk.prng);
  }

  /** Runs the world until an operation of the current process settles. */
  run<T>(operation: () => Promise<T>): Promise<Outcome<T>> {
    return drive(this.timeline, this.process, operation);
  }

  /** Runs the world until a started operation settles. */
  runWatched<T>(watched: Watched<T>): Promise<Outcome<T>> {
    return driveWatched(this.timeline, this.process, watched);
  }

  /** Runs this many tasks, and the microtasks that follow. */
  async runTasks(count: number): Promise<void> {
    for (let i = 0; i < count && this.process.alive; i++) {
      await drainMicrotasks();
      if (!this.timeline.runNext()) break;
    }
    await drainMicrotasks();
  }

  /** Lets simulated time pass. */
  advance(byMs: number): Promise<void> {
    return advance(this.timeline, this.process, byMs);
  }

  private portsOf(process: SimulatedProcess, fileSystem: FileSystem): Ports {
    return {
      clock: new SimulatedClock(this.timeline, process),
      random: this.prng.fork(),
      fileSystem,
      keyValueStores: new SimulatedStores(this.databases, this.disk, process),
    };
  }
}
