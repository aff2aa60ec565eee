/** Tidemark: an embedded, in-process, event-driven time-series store. docs/api.md describes every call. */

export { machines, machineToJs, machineToJson, machineToMermaid } from '../machines/export.ts';
export type * from './api/api.ts';
export type { FileSystem } from './files/file-system.ts';
export type { KeyValueOperation, KeyValueStore, KeyValueStores } from './indexes/key-value-store.ts';
export { type ErrorCode, errorCodes, TidemarkError } from './model/errors.ts';
export type * from './model/events.ts';
export type { Fingerprint } from './model/fingerprint.ts';
export type { Labels } from './model/labels.ts';
export { type Clock, systemClock, type TimerHandle } from './ports/clock.ts';
export type { Logger } from './ports/logger.ts';
export type { Random } from './ports/random.ts';
export type { CheckOptions, CheckProblem, CheckProblemKind, CheckReport } from './recovery/check.ts';
export type { HeadsChunk, HeadsListing, HeadsListingOptions, HeadsSeries } from './recovery/heads-listing.ts';
export { checkDirectory, listHeads } from './recovery/on-demand.ts';
export {
  type RecordableRegistry,
  type Recording,
  type RecordRegistryOptions,
  recordRegistry,
} from './store/metrics/record-registry.ts';
export { openStore } from './store/store.ts';
export { type ReadEventsOptions, readEvents } from './subscriptions/read-events.ts';
