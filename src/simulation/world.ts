/**
 * One simulated machine: its time, its disk, its databases and the processes that live on it one after another. What
 * the store is given are the ports of the process that lives now.
 */
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import type { KeyValueStores } from '../index/key-value-store.ts';
import type { Random } from '../random.ts';
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

/** What a store takes from the world. */
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
  /** The process that lives now. */
  process = new SimulatedProcess(0);
  /** Its open files. */
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

  /** Starts a process; the one before is dead from here on. */
  boot(): Ports {
    this.process.crash();
    this.timeline.discard(this.process);
    this.process = new SimulatedProcess(this.process.id + 1);
    this.trace.write(`process ${this.process.id}`);
    this.fileSystem = new SimulatedFileSystem(this.disk, this.process);
    return this.portsOf(this.process, this.fileSystem);
  }

  /** Starts a process beside the one that lives, or after it died: it meets no faults. */
  spawn(): Bystander {
    const process = new SimulatedProcess(++this.bystanderCount, true);
    this.trace.write(`bystander ${process.id}`);
    const fileSystem = new SimulatedFileSystem(this.disk, process);
    return { process, fileSystem, ports: this.portsOf(process, fileSystem) };
  }

  /** Runs the world until an operation of a bystander comes out, and ends that process. */
  async runBeside<T>({ process }: Bystander, operation: () => Promise<T>): Promise<Outcome<T>> {
    const outcome = await drive(this.timeline, process, operation);
    process.crash();
    this.timeline.discard(process);
    return outcome;
  }

  /** Ends the process that lives, if it still does, and leaves what such a crash leaves. */
  crash(kind: CrashKind): void {
    this.process.crash();
    this.timeline.discard(this.process);
    this.disk.crash(kind);
    this.databases.crash(kind, this.disk.prng);
  }

  /** Runs the world until an operation of the living process comes out. */
  run<T>(operation: () => Promise<T>): Promise<Outcome<T>> {
    return drive(this.timeline, this.process, operation);
  }

  /** Runs the world until a started operation comes out. */
  runWatched<T>(watched: Watched<T>): Promise<Outcome<T>> {
    return driveWatched(this.timeline, this.process, watched);
  }

  /** Runs so many tasks, and what follows from them. */
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
