/**
 * Decides which call to the disk meets which fault. The steps of a sequence arm faults ("the third write to a journal
 * segment from now on fails with EIO"), so that a replay of the sequence repeats them. In addition, short reads and
 * writes happen by chance at any time, as POSIX allows.
 *
 * A call is named by its operation and its kind of file. Coverage counts calls by these names: every kind of call that
 * a run makes must meet every fault that can happen to it.
 */

/** What a call does. `create` opens a file that need not exist. `sync` and `dataSync` include their blocking forms. */
export type Operation =
  | 'open'
  | 'create'
  | 'close'
  | 'read'
  | 'write'
  | 'truncate'
  | 'stat'
  | 'readDirectory'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'removeDirectory'
  | 'sync'
  | 'dataSync'
  | 'syncDirectory'
  | 'openIndex'
  | 'readIndex'
  | 'writeIndex'
  | 'destroyIndex';

/**
 * - `crash`: the process dies in this call: before its effect, after it, or in the middle of a write
 * - `EIO`, `ENOSPC`, `EMFILE`: the call fails with this system error
 * - `short`: a read or write moves fewer bytes than asked
 * - `slow`: the call takes seconds
 * - `corrupt`: an index can't be opened until it is destroyed
 */
export type FaultKind = 'crash' | 'EIO' | 'ENOSPC' | 'EMFILE' | 'short' | 'slow' | 'corrupt';

/** The faults that can happen to each operation, besides `crash`, which can happen to all. */
export const faultsOf: Readonly<Record<Operation, readonly FaultKind[]>> = {
  open: ['EIO', 'EMFILE'],
  create: ['EIO', 'EMFILE', 'ENOSPC'],
  close: ['EIO'],
  read: ['EIO', 'short'],
  write: ['EIO', 'ENOSPC', 'short'],
  truncate: ['EIO'],
  stat: ['EIO'],
  readDirectory: ['EIO', 'EMFILE'],
  makeDirectory: ['EIO', 'ENOSPC'],
  rename: ['EIO', 'ENOSPC'],
  remove: ['EIO'],
  removeDirectory: ['EIO'],
  sync: ['EIO', 'ENOSPC', 'slow'],
  dataSync: ['EIO', 'ENOSPC', 'slow'],
  syncDirectory: ['EIO'],
  openIndex: ['EIO', 'corrupt'],
  readIndex: ['EIO'],
  writeIndex: ['EIO', 'ENOSPC', 'slow'],
  destroyIndex: ['EIO'],
};

/** One fault to arm, as a step of a sequence describes it. */
export interface Fault {
  readonly fault: FaultKind;
  /** The operation that it strikes. Default: any operation that can have this fault. */
  readonly operation?: Operation;
  /** The kind of file. Default: any. */
  readonly file?: FileKind;
  /** Matching calls that pass before it strikes. */
  readonly skip: number;
  /** How often it strikes from then on. Default 1. */
  readonly times?: number;
}

/** What a file of a store's directory is for. It is part of a call's name. */
export type FileKind =
  | 'heads'
  | 'headsTmp'
  | 'mappings'
  | 'mappingsTmp'
  | 'version'
  | 'dirtyFlag'
  | 'lastClose'
  | 'journal'
  | 'cursor'
  | 'seriesFile'
  | 'seriesFileTmp'
  | 'orphaned'
  | 'index'
  | 'directory'
  | 'other';

const seriesDirectory = /^[0-9a-f]{2}$/;

/** The kind of a path, from the names below the store's directory. */
export const fileKindOf = (path: string, directory: string): FileKind => {
  if (path === directory) return 'directory';
  if (!path.startsWith(`${directory}/`)) return 'other';
  const below = path.slice(directory.length + 1);
  const names = below.split('/');
  const [first] = names;
  if (first === 'heads.db') return 'heads';
  if (first === 'heads.db.tmp') return 'headsTmp';
  if (first === 'mappings.db') return 'mappings';
  if (first === 'mappings.db.tmp') return 'mappingsTmp';
  if (first === 'VERSION' || first === '.VERSION.tmp') return 'version';
  if (first === 'DIRTY' || first === 'DIRTY.tmp') return 'dirtyFlag';
  if (first.includes('LAST_CLOSE')) return 'lastClose';
  if (first === 'orphaned') return 'orphaned';
  if (first.startsWith('archived_') || first.startsWith('label')) return 'index';
  if (names.length === 1 && seriesDirectory.test(first)) return 'directory';
  if (first.includes('journal')) return below.includes('.json') ? 'cursor' : 'journal';
  if (seriesDirectory.test(first)) return below.endsWith('.tmp') ? 'seriesFileTmp' : 'seriesFile';
  return 'other';
};

interface Armed {
  readonly fault: Fault;
  skip: number;
  times: number;
}

/** The armed faults, in the order in which they were armed. */
export class FaultPlan {
  private armed: Armed[] = [];

  arm(fault: Fault): void {
    this.armed.push({ fault, skip: fault.skip, times: fault.times ?? 1 });
  }

  /** Removes the armed faults of a kind. */
  disarm(kind: FaultKind): void {
    this.armed = this.armed.filter(({ fault }) => fault.fault !== kind);
  }

  clear(): void {
    this.armed = [];
  }

  /** The fault that strikes this call, if any. */
  next(operation: Operation, file: FileKind): FaultKind | undefined {
    for (const armed of this.armed) {
      if (!matches(armed.fault, operation, file)) continue;
      if (armed.skip > 0) {
        armed.skip--;
        continue;
      }
      if (--armed.times === 0) this.armed = this.armed.filter((other) => other !== armed);
      return armed.fault.fault;
    }
    return undefined;
  }
}

const matches = (fault: Fault, operation: Operation, file: FileKind): boolean =>
  (fault.operation === undefined || fault.operation === operation) &&
  (fault.file === undefined || fault.file === file) &&
  (fault.fault === 'crash' || faultsOf[operation].includes(fault.fault));
