/** Tidemark: an embedded, in-process, event-driven time-series store. docs/api.md describes every call. */
export type * from './api.ts';
export { type Clock, systemClock, type TimerHandle } from './clock.ts';
export type { FileSystem } from './disk/file-system.ts';
export { type ErrorCode, errorCodes, TidemarkError } from './errors.ts';
export type { KeyValueOperation, KeyValueStore, KeyValueStores } from './index/key-value-store.ts';
export { type ReadEventsOptions, readEvents } from './journal/read-events.ts';
export type { Logger } from './logger.ts';
export { machines, machineToJson, machineToMermaid } from './machine-export.ts';
export type * from './model/events.ts';
export type { Fingerprint } from './model/fingerprint.ts';
export type { Labels } from './model/labels.ts';
export type { Random } from './random.ts';
export { type Recording, type RecordRegistryOptions, recordRegistry } from './record-registry.ts';
export {
  type CheckOptions,
  type CheckProblem,
  type CheckProblemKind,
  type CheckReport,
  checkDirectory,
} from './recovery/check.ts';
export {
  type HeadsChunk,
  type HeadsListing,
  type HeadsListingOptions,
  type HeadsSeries,
  listHeads,
} from './recovery/heads-listing.ts';
export { openStore } from './store.ts';
