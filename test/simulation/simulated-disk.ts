/**
 * The simulated disk. It keeps what is written apart from what is durable, for files and for names, and it has the
 * faults of real disks. The store uses it through the file-system port of one process (simulated-file-system.ts).
 *
 * On loss of power:
 *
 * - **each dirty 4 KiB page of a file is lost, kept or torn** at 512-byte sectors, independently of the other pages.
 *   The page cache is written back in an order that suits the disk, and a sector is the largest unit that a disk writes
 *   atomically.
 * - **the size is any that the file had since its last sync**, or a page boundary in between: the size is metadata,
 *   which is journalled separately from the data. A lost page below the size reads as zeros (delayed allocation).
 * - **names that were created, renamed or removed without a sync of their directory are each kept or lost**, so they
 *   may be reordered. File systems may commit them in any order; POSIX promises nothing before the sync.
 * - **the modification time may be older than the data**: a data sync does not write it.
 *
 * On `kill`, everything written stays: it is in the kernel's page cache. At any time:
 *
 * - **reads and writes are short** by chance, as after a signal, or when the disk fills up midway.
 * - **EIO**: a sector can't be read, or the connection to the disk was lost. After a failed sync the pages are clean
 *   but not on the disk, and the next sync succeeds: Linux reports a write-back error only once.
 * - **ENOSPC** when the quota is used up, after a short write of the bytes that still fit; or from a sync, where space
 *   is allocated late. It lasts until space is freed.
 * - **EMFILE** above a number of open files.
 * - **slow syncs**: a disk that empties its own cache takes seconds, and other calls continue meanwhile.
 * - **dirty pages are written back early**, so that half of a change is durable before its sync.
 * - **bits flip at rest**: media decay, which is not noticed until the bytes are read.
 * - **modification times tick** in steps of 4 ms.
 */
import { type Coverage, crashedMerge } from './coverage.ts';
import { type FaultKind, FaultPlan, type FileKind, fileKindOf, type Operation } from './faults.ts';
import type { Prng } from './prng.ts';
import { PAGE_BYTES, SimulatedFile } from './simulated-file.ts';
import { type SimulatedDirectory, SimulatedNamespace } from './simulated-namespace.ts';
import { type CrashKind, SimulatedCrash, type SimulatedProcess } from './simulated-process.ts';
import { systemError } from './system-error.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

export interface DiskOptions {
  readonly timeline: Timeline;
  readonly prng: Prng;
  readonly trace: Trace;
  readonly coverage: Coverage;
  /** The store's directory: calls are named by the file's place in it. */
  readonly directory: string;
  /** Capacity in bytes. Default: unlimited. */
  readonly capacityBytes?: number;
  /** Files that a process may have open. Default 256. */
  readonly descriptorsMax?: number;
  /** Probability that a read or write is short, or that pages are written back at a write. Default 0.02. */
  readonly mischief?: number;
}

/** What a blocking call costs, in microseconds of simulated time. */
const CALL_COST_US = 8;

/** Copies of databases are made here, so that writing to a copy changes nothing in the store's directory. */
export const COPIES = '/copies';

/** Calls that change what is on the disk. */
const changing: ReadonlySet<Operation> = new Set([
  'create',
  'write',
  'truncate',
  'makeDirectory',
  'rename',
  'remove',
  'removeDirectory',
  'writeIndex',
  'destroyIndex',
]);

/** Faults that leave every sample where it was, so that the store must not treat them as damage. */
const harmlessOperations: ReadonlySet<Operation> = new Set(['open', 'read', 'stat', 'readDirectory', 'readIndex']);
const harmlessFiles: ReadonlySet<FileKind> = new Set(['cursor', 'version', 'dirtyFlag', 'lastClose', 'other']);
const harmlessFaults: ReadonlySet<FaultKind> = new Set(['slow', 'EMFILE']);

export class SimulatedDisk {
  readonly timeline: Timeline;
  readonly prng: Prng;
  readonly trace: Trace;
  readonly coverage: Coverage;
  readonly directory: string;
  readonly faults = new FaultPlan();
  readonly descriptorsMax: number;
  readonly mischief: number;
  capacityBytes: number;
  /** Number of next pieces of work for which the thread for files is slow. */
  slowWorks = 0;
  namespace = new SimulatedNamespace();
  /** Calls so far, of all processes. */
  callCount = 0;
  /** Faults that struck, including calls that the quota refused. */
  faultCount = 0;
  /** Faults that excuse errors. Crashes and short reads and writes are not among them: they excuse no error. */
  troubleCount = 0;
  /** Monotonic time of the last fault that excuses errors. */
  troubleMs = Number.NEGATIVE_INFINITY;
  /** Faults that excuse errors and after which files may go to quarantine. */
  harmCount = 0;
  /** The process that has claimed each directory. */
  readonly claims = new Map<SimulatedDirectory, SimulatedProcess>();
  /** Monotonic time of the last write to each series file, or to the file that was to replace it. */
  readonly seriesFilesWrittenMs = new Map<string, number>();

  constructor(options: DiskOptions) {
    this.timeline = options.timeline;
    this.prng = options.prng;
    this.trace = options.trace;
    this.coverage = options.coverage;
    this.directory = options.directory;
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.descriptorsMax = options.descriptorsMax ?? 256;
    this.mischief = options.mischief ?? 0.02;
  }

  /**
   * Every call of a port goes through this method: it costs time, is traced and counted, and meets its fault. `effect`
   * performs the call. It gets the faults that the call implements itself: all but plain errors, except that syncs and
   * `close` implement these too.
   */
  call<T>(process: SimulatedProcess, operation: Operation, path: string, effect: (fault?: FaultKind) => T): T {
    process.assertAlive();
    this.callCount++;
    this.timeline.spend(CALL_COST_US);
    const file = fileKindOf(path, this.directory);
    if (operation === 'write' && (file === 'seriesFile' || file === 'seriesFileTmp')) {
      this.seriesFilesWrittenMs.set(path.replace(/\.tmp$/, ''), this.timeline.monotonicMs);
    }
    if (changing.has(operation) && !path.startsWith(COPIES)) process.changes.push(`${operation} ${path}`);
    const fault = process.isBystander ? undefined : this.faults.next(operation, file);
    this.coverage.countCall(operation, file, fault);
    if (fault !== undefined) this.faultCount++;
    if (fault !== undefined && fault !== 'crash' && fault !== 'short') this.countTrouble(operation, file, fault);
    this.trace.write(`${operation} ${path}${fault === undefined ? '' : ` ${fault}`}`);
    if (fault === 'crash' && this.coverage.isMerging && (file === 'seriesFile' || file === 'seriesFileTmp'))
      this.coverage.countMerge(crashedMerge(operation, file));
    if (fault === 'crash') return this.crashIn(process, effect);
    const actsOut = operation === 'sync' || operation === 'dataSync' || operation === 'close';
    if (!actsOut && (fault === 'EIO' || fault === 'ENOSPC' || fault === 'EMFILE')) {
      throw systemError(fault, operation, path);
    }
    return effect(fault);
  }

  /** Counts a call that the quota refused: the same fault with another cause. */
  countQuotaRefusal(operation: Operation, path: string): void {
    this.faultCount++;
    this.countTrouble(operation, fileKindOf(path, this.directory), 'ENOSPC');
    this.coverage.countFault(operation, fileKindOf(path, this.directory), 'ENOSPC');
  }

  /** Counts a read or write that moved fewer bytes than requested, as POSIX allows at any time. */
  countShort(operation: Operation, path: string): void {
    this.coverage.countFault(operation, fileKindOf(path, this.directory), 'short');
  }

  /** Bytes that all files occupy. */
  get usedBytes(): number {
    let bytes = 0;
    for (const [, file] of this.namespace.files()) bytes += Math.ceil(file.size / PAGE_BYTES) * PAGE_BYTES;
    return bytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  /** Leaves the disk as the next process finds it after a crash. */
  crash(kind: CrashKind): void {
    this.trace.write(`crash ${kind}`);
    if (kind === 'kill') return;
    for (const file of this.namespace.everyFile()) file.losePower(this.prng);
    this.namespace.losePower(this.prng);
  }

  /** Files of a kind, in name order. */
  pathsOf(kind: FileKind): string[] {
    return [...this.namespace.files()]
      .map(([path]) => path)
      .filter((path) => fileKindOf(path, this.directory) === kind);
  }

  sizeOf(path: string): number {
    const node = this.namespace.find(path);
    return node instanceof SimulatedFile ? node.size : 0;
  }

  /** Flips a bit of a file at rest. False when there is no such byte. */
  flipBit(path: string, bit: number): boolean {
    const node = this.namespace.find(path);
    if (!(node instanceof SimulatedFile) || bit >= node.size * 8) return false;
    this.trace.write(`flip bit ${bit} of ${path}`);
    node.flipBit(bit);
    return true;
  }

  private countTrouble(operation: Operation, file: FileKind, fault: FaultKind): void {
    this.troubleCount++;
    this.troubleMs = this.timeline.monotonicMs;
    if (harmlessOperations.has(operation) || harmlessFiles.has(file) || harmlessFaults.has(fault)) return;
    this.harmCount++;
  }

  private crashIn<T>(process: SimulatedProcess, effect: (fault?: FaultKind) => T): never {
    const before = this.prng.chance(0.4);
    if (!before) {
      try {
        effect('crash');
      } catch {
        // The call would have failed anyway, and the process is dead before it can see the error.
      }
    }
    process.crash();
    throw new SimulatedCrash();
  }
}
