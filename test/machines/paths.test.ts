/** Walks both statecharts along XState's shortest paths, every call done and failed by hand. */
import { expect } from 'chai';
import { type AnyEventObject, type AnyMachineSnapshot, type AnyStateMachine, createActor } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { seriesMachine } from '../../machines/series.machine.ts';
import { pathOfValue, seriesStates } from '../../machines/series-states.ts';
import { storeMachine } from '../../machines/store.machine.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { called } from '../docs/generators/machine-steps.ts';
import { statesOf } from '../support/machine-table.ts';

const nothing = {
  empty: false,
  headOpen: false,
  headIdle: false,
  chunksWaiting: 0,
  droppable: false,
  idle: false,
  forgettable: false,
};
const written = { written: 1, dropped: 0, chunksInFile: 1, allDropped: false, firstTime: 0, mtime: 0 };
const disk = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
const damaged = new TidemarkError('TIDEMARK_CORRUPT_CHUNK', 'bad');

const outcomes = (id: string, output?: object): AnyEventObject[] => [
  called(id).done(output),
  called(id).failed(disk),
  called(id).failed(damaged),
];

const seriesEvents: AnyEventObject[] = [
  { type: 'maintain', facts: nothing },
  { type: 'maintain', facts: { ...nothing, empty: true } },
  { type: 'maintain', facts: { ...nothing, headIdle: true } },
  { type: 'maintain', facts: { ...nothing, chunksWaiting: 1 } },
  { type: 'maintain', facts: { ...nothing, droppable: true } },
  { type: 'maintain', facts: { ...nothing, idle: true } },
  { type: 'wake' },
  { type: 'drop' },
  { type: 'damage', reason: 'found by a reader' },
  ...outcomes('persistChunks', written),
  ...outcomes('persistChunks', { ...written, allDropped: true, chunksInFile: 0 }),
  ...outcomes('trimFile', written),
  ...outcomes('trimFile', { ...written, allDropped: true, chunksInFile: 0 }),
  ...outcomes('isolateFile'),
  ...outcomes('deleteFile'),
];

const storeEvents: AnyEventObject[] = [
  ...[0.2, 0.75, 0.9, 1].map((score) => ({ type: 'pressureMeasured', score })),
  { type: 'checkpointDue', reason: 'interval' },
  { type: 'backupRequested' },
  ...[0, 40, 80, 100].map((queued) => ({ type: 'indexingMeasured', queued, capacity: 100 })),
  { type: 'diskTrouble', reason: 'full' },
  { type: 'diskFreed' },
  { type: 'xstate.after.probeAgain.store.running.health.readOnly.waiting' },
  { type: 'clockJumped', byMs: 1 },
  { type: 'clockSettled' },
  { type: 'close' },
  { type: 'fail', error: disk },
  ...['created', 'clean', 'replay', 'scan'].map((plan) => called('loadContent').done({ plan })),
  called('loadContent').failed(disk),
  called('copyBackup').done(),
  ...[
    'openDirectory',
    'replayJournal',
    'scanFiles',
    'settleContent',
    'finish',
    'releaseUnopened',
    'releaseFailed',
    'probeDisk',
    'writeCheckpoint',
    'writeForBackup',
  ].flatMap((id) => outcomes(id)),
];

/** Enough to see where a store that was opened for reading only begins. */
const startEvents = storeEvents.filter(({ type }) =>
  /openDirectory|loadContent|replayJournal|scanFiles|settleContent/.test(type),
);

/** Paths to every combination of states; contexts that differ count as one. */
const pathsOf = (machine: AnyStateMachine, events: AnyEventObject[], input?: object) =>
  getShortestPaths(machine, {
    events,
    input,
    serializeState: (snapshot: AnyMachineSnapshot) => JSON.stringify(snapshot.value),
  } as never) as { state: AnyMachineSnapshot; steps: { event: AnyEventObject }[] }[];

// The store's regions multiply to some hundred combinations: walked once, for all tests.
let walked: ReturnType<typeof pathsOf> | undefined;
const storePaths = (): ReturnType<typeof pathsOf> => {
  walked ??= pathsOf(storeMachine, storeEvents);
  return walked;
};

/** Sends a path's events to an actor whose calls never report by themselves. */
const replay = (machine: AnyStateMachine, events: readonly AnyEventObject[], input?: object): AnyMachineSnapshot => {
  const actor = createActor(machine, { input });
  actor.subscribe({
    error: (error) => {
      throw error;
    },
  });
  actor.start();
  for (const event of events) if (event.type !== 'xstate.init') actor.send(event);
  const snapshot = actor.getSnapshot();
  actor.stop();
  return snapshot;
};

const leafPaths = (snapshot: AnyMachineSnapshot): string[] =>
  snapshot._nodes.filter((node) => Object.keys(node.states).length === 0).map((node) => node.path.join('.'));

describe('machines, walked along their graph', function () {
  this.timeout(20_000);

  it('reaches every state of a series', () => {
    const reached = pathsOf(seriesMachine, seriesEvents).map(({ state }) => pathOfValue(state.value));
    expect(reached.sort()).to.deep.equal([...seriesStates].sort());
  });

  it('reaches every state of the store', () => {
    const reached = new Set([
      ...storePaths().flatMap(({ state }) => leafPaths(state)),
      ...pathsOf(storeMachine, startEvents, { openedReadOnly: true }).flatMap(({ state }) => leafPaths(state)),
    ]);
    const leaves = statesOf(storeMachine).filter(({ type }) => type === 'atomic' || type === 'final');
    expect([...reached].sort()).to.deep.equal(leaves.map(({ path }) => path).sort());
  });

  it('takes an actor where the pure transitions say', () => {
    for (const { state, steps } of pathsOf(seriesMachine, seriesEvents)) {
      const events = steps.map(({ event }) => event);
      expect(replay(seriesMachine, events).value).to.deep.equal(state.value);
    }
    for (const { state, steps } of storePaths()) {
      const events = steps.map(({ event }) => event);
      expect(replay(storeMachine, events).value).to.deep.equal(state.value);
    }
  });

  it('has no state of a series, but quarantine, from which a drop does not lead to the end', () => {
    for (const path of seriesStates.filter((state) => !state.startsWith('quarantined'))) {
      const toPath = pathsOf(seriesMachine, seriesEvents).find(({ state }) => pathOfValue(state.value) === path)!;
      const after = [
        { type: 'drop' },
        called('persistChunks').done(written),
        called('trimFile').done(written),
        called('deleteFile').done(),
      ];
      const end = replay(seriesMachine, [...toPath.steps.map(({ event }) => event), ...after]);
      expect(pathOfValue(end.value), `dropped in ${path}`).to.equal('purged');
      expect(end.status).to.equal('done');
    }
  });

  it('has no state of the store from which it cannot be closed', () => {
    for (const { state, steps } of storePaths()) {
      const after = [
        { type: 'close' },
        called('finish').done(),
        called('releaseUnopened').done(),
        called('releaseFailed').done(),
      ];
      const end = replay(storeMachine, [...steps.map(({ event }) => event), ...after]);
      expect(end.status, JSON.stringify(state.value)).to.equal('done');
    }
  });
});
