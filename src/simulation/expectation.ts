/** What a large run has to have reached: every kind of step, every event, every transition, every fault of every call. */
import { seriesMachine } from '../../machines/series.machine.ts';
import { storeMachine } from '../../machines/store.machine.ts';
import type { DomainEvent } from '../model/events.ts';
import { type Expectation, faultName } from './coverage.ts';
import { faultTargets } from './fault-targets.ts';
import { transitionNames } from './observers.ts';
import { stepTypes } from './steps.ts';

/** From so many sequences on, nothing of it may be missing. */
export const LARGE_RUN_SEQUENCES = 2_000;

const eventTypes: Readonly<Record<DomainEvent['type'], true>> = {
  seriesCreated: true,
  samplesAppended: true,
  headChunksClosed: true,
  seriesFilesChanging: true,
  chunksPersisted: true,
  chunksDropped: true,
  seriesArchived: true,
  seriesUnarchived: true,
  seriesQuarantined: true,
  seriesPurged: true,
  checkpointWritten: true,
  storeOpened: true,
  storeClosing: true,
  storeClosed: true,
  pressureChanged: true,
  healthChanged: true,
  clockJumped: true,
  subscriptionOverrun: true,
};

/**
 * What no sequence can reach:
 * - The index queue takes 2^18 operations before it is behind: the simulation's twelve series never make as many.
 * - A recovery ends series that a crash has left without a sample, so that no visit finds one.
 * - The persistence-urgency score is at most 1, and one that is as before is not sent: nothing new comes while throttled.
 * - `fail` is sent, and giving back what is open fails, by a defect of the store's own; that ends a sequence as a failure.
 */
const unreachable = [
  /indexing\.behind/,
  /inMemory on maintain -> series\.purged/,
  /pressure\.throttled on pressureMeasured$/,
  / on fail /,
  /error\.actor\.(releaseUnopened|releaseFailed)/,
];

const isReachable = (transition: string): boolean => !unreachable.some((pattern) => pattern.test(transition));

export const largeRun: Expectation = {
  faults: faultTargets.flatMap(({ operation, file, faults }) =>
    [...faults, 'crash' as const].map((fault) => faultName(operation, file, fault)),
  ),
  transitions: [...transitionNames(seriesMachine), ...transitionNames(storeMachine)].filter(isReachable),
  events: Object.keys(eventTypes),
  steps: stepTypes,
};
