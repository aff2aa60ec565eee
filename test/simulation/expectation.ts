/** What a large run must reach: every kind of step, every event, every transition, and every fault of every call. */
import { seriesMachine } from '../../machines/series.machine.ts';
import { storeMachine } from '../../machines/store.machine.ts';
import type { AlertEvent, DomainEvent } from '../../src/model/events.ts';
import { crashedMerge, type Expectation, faultName } from './coverage.ts';
import { faultTargets } from './fault-targets.ts';
import { mergeCounts, transitionNames } from './observers.ts';
import { stepTypes } from './steps.ts';

/** A run of this many sequences or more must reach everything. */
export const LARGE_RUN_SEQUENCES = 2_000;

/** The simulator has no rules; the events of alerts have their own tests. */
const eventTypes: Readonly<Record<Exclude<DomainEvent, AlertEvent>['type'], true>> = {
  seriesCreated: true,
  samplesAppended: true,
  lateSamplesAppended: true,
  lateSamplesMerged: true,
  samplesDropped: true,
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
  retentionChanged: true,
};

/**
 * Transitions that no sequence can reach:
 * - The index queue takes 2^18 operations before it is behind. The simulation's twelve series never make that many.
 * - Recovery ends the series that a crash has left without samples, so that no maintenance visit finds one.
 * - `fail` is sent, and the release of open resources fails, only through a defect of the store. That is a failure.
 */
const unreachable = [
  /indexing\.behind/,
  /inMemory on maintain -> series\.purged/,
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
  merges: [
    ...mergeCounts,
    ...(['create', 'write', 'sync', 'close'] as const).map((operation) => crashedMerge(operation, 'seriesFileTmp')),
    crashedMerge('rename', 'seriesFile'),
  ],
};
