/**
 * The kinds of call that the store makes to its disk. Faults are aimed at these calls, and a large run must meet every
 * fault of each. A call that is missing here meets faults only by chance. A call that is listed and that the store no
 * longer makes fails the coverage of a large run.
 */
import { type FaultKind, type FileKind, faultsOf, type Operation } from './faults.ts';

export interface FaultTarget {
  readonly operation: Operation;
  readonly file: FileKind;
  /** The faults that this call can have, besides a crash. */
  readonly faults: readonly FaultKind[];
}

const calls: Readonly<Partial<Record<FileKind, readonly Operation[]>>> = {
  heads: ['open', 'read', 'close', 'stat', 'rename'],
  headsTmp: ['create', 'write', 'sync', 'close', 'remove'],
  mappings: ['open', 'read', 'close', 'stat', 'rename'],
  mappingsTmp: ['create', 'write', 'sync', 'close'],
  version: ['open', 'read', 'close', 'stat', 'create', 'write', 'sync', 'rename'],
  dirtyFlag: ['create', 'write', 'sync', 'close', 'stat', 'rename', 'remove'],
  lastClose: ['open', 'read', 'close', 'stat', 'create', 'write', 'sync', 'rename', 'remove'],
  journal: [
    'open',
    'read',
    'close',
    'stat',
    'create',
    'write',
    'sync',
    'dataSync',
    'truncate',
    'remove',
    'readDirectory',
    'makeDirectory',
    'syncDirectory',
  ],
  cursor: ['open', 'read', 'close', 'stat', 'create', 'write', 'sync', 'rename'],
  seriesFile: ['open', 'read', 'close', 'stat', 'create', 'write', 'sync', 'truncate', 'rename', 'remove'],
  seriesFileTmp: ['create', 'write', 'sync', 'close', 'stat'],
  orphaned: [
    'open',
    'read',
    'close',
    'stat',
    'create',
    'write',
    'sync',
    'rename',
    'readDirectory',
    'makeDirectory',
    'syncDirectory',
  ],
  index: ['openIndex', 'readIndex', 'writeIndex', 'readDirectory', 'stat'],
  directory: ['makeDirectory', 'readDirectory', 'syncDirectory', 'stat'],
};

export const faultTargets: readonly FaultTarget[] = Object.entries(calls).flatMap(([file, operations]) =>
  operations.map((operation) => ({ operation, file: file as FileKind, faults: faultsOf[operation] })),
);
