/**
 * The kinds of call that the store makes to its disk: what faults are aimed at, and what a large run must have reached
 * with each fault. A call that is missing here is met by chance only; one that the store no longer makes fails the
 * coverage of a large run.
 */
import { type FaultKind, type FileKind, faultsOf, type Operation } from './faults.ts';

export interface FaultTarget {
  readonly operation: Operation;
  readonly file: FileKind;
  /** The faults that this call can have, beside a crash. */
  readonly faults: readonly FaultKind[];
}

const calls: Readonly<Partial<Record<FileKind, readonly Operation[]>>> = {
  heads: ['open', 'read', 'close', 'stat'],
  headsTmp: ['open', 'write', 'sync', 'close', 'rename'],
  mappings: ['open', 'read', 'close', 'rename'],
  mappingsTmp: ['open', 'write', 'sync', 'close'],
  version: ['open', 'read', 'close'],
  dirtyFlag: ['open', 'close', 'stat', 'remove'],
  journal: ['open', 'read', 'write', 'dataSync', 'close', 'remove', 'readDirectory', 'makeDirectory', 'syncDirectory'],
  seriesFile: ['open', 'read', 'write', 'sync', 'close', 'rename', 'remove', 'truncate'],
  seriesFileTmp: ['open', 'write', 'sync', 'close', 'remove'],
  orphaned: ['open', 'write', 'makeDirectory', 'rename', 'syncDirectory'],
  index: ['openIndex', 'readIndex', 'writeIndex', 'destroyIndex'],
  directory: ['makeDirectory', 'readDirectory', 'syncDirectory'],
};

export const faultTargets: readonly FaultTarget[] = Object.entries(calls).flatMap(([file, operations]) =>
  operations.map((operation) => ({ operation, file: file as FileKind, faults: faultsOf[operation] })),
);
