/** Each action of the statecharts does something in the store. */
import { expect } from 'chai';
import type { AnyStateMachine } from 'xstate';
import { seriesMachine } from '../../machines/series.machine.ts';
import { storeMachine } from '../../machines/store.machine.ts';
import { RESERVE_BYTES } from '../../src/files/reserve-file.ts';
import type { LifecycleEvent } from '../../src/model/events.ts';
import { SeriesActors, type SeriesEffects } from '../../src/series/actors.ts';
import { Inspection } from '../../src/series/inspection.ts';
import type { Background } from '../../src/store/background.ts';
import { RESERVE_AFTER_MS } from '../../src/store/disk-guard.ts';
import { Engine } from '../../src/store/engine.ts';
import { resolveOptions } from '../../src/store/options.ts';
import { Session } from '../../src/store/session.ts';
import type { CheckpointPhase } from '../../streams/checkpoint-triggers.ts';
import { codeOf, HOUR_MS } from '../store/support.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { MemoryStores } from '../support/memory-stores.ts';

const actionsOf = (machine: AnyStateMachine): Record<string, unknown> => machine.implementations.actions;

/** An action that only changes the machine's context is whole in the machine's own file. */
const isAssign = (action: unknown): boolean => (action as { type?: string }).type === 'xstate.assign';

/** The names of the machine's actions that the store must provide. */
const placeholdersOf = (machine: AnyStateMachine): string[] =>
  Object.entries(actionsOf(machine)).flatMap(([name, action]) => (isAssign(action) ? [] : [name]));

/** The placeholders that `provided` still has. */
const unprovided = (machine: AnyStateMachine, provided: AnyStateMachine): string[] =>
  placeholdersOf(machine).filter((name) => actionsOf(provided)[name] === actionsOf(machine)[name]);

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('the actions of the chart of a series', () => {
  /** Actors whose effects only note their names. What each effect does: test/series/effects.test.ts. */
  const actorsNoting = (called: string[]): SeriesActors =>
    new SeriesActors({
      rows: {
        factsOf: () => ({ code: 0, fingerprint: '0000000000000001', chunksInFile: 0, reason: '' }),
        writeState: () => {},
        passivated: () => {},
      },
      effects: new Proxy({} as SeriesEffects, { get: (_, name) => () => called.push(String(name)) }),
      inspection: new Inspection(() => {}),
      onError: () => {},
    });

  it('are provided, and each calls the effect of its name', () => {
    const called: string[] = [];
    const actors = actorsNoting(called);
    const provided = actors.hold(0).logic as unknown as AnyStateMachine;
    expect(unprovided(seriesMachine, provided)).to.deep.equal([]);
    const names = placeholdersOf(seriesMachine);
    for (const name of names) {
      const run = actionsOf(provided)[name] as (scope: object, params: object) => void;
      run({ context: { row: 0 } }, {});
    }
    expect(called).to.deep.equal(names);
    actors.abandon();
  });
});

describe('the actions of the chart of the store', () => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  const trouble = { code: 'TIDEMARK_DISK_FULL', error: full } as const;

  const open = async () => {
    const fileSystem = new MemoryFileSystem();
    const clock = new ManualClock();
    const ports = { fileSystem, clock, keyValueStores: new MemoryStores() };
    const session = new Session(new Engine('/store', resolveOptions({ ...ports, retention: 'off' })));
    await session.open();
    await turns();
    const events: LifecycleEvent[] = [];
    session.running.recovered.bus.listen(
      (event) => events.push(event),
      ['pressureChanged', 'healthChanged', 'clockJumped'],
    );
    return { session, fileSystem, clock, events, actor: session.actor };
  };
  type Opened = Awaited<ReturnType<typeof open>>;

  /** What the session tells its background work of checkpoints from now on. */
  const phasesTold = (session: Session): CheckpointPhase[] => {
    const phases: CheckpointPhase[] = [];
    const { background } = session as unknown as { background: Background };
    const tell = background.noteCheckpoint.bind(background);
    background.noteCheckpoint = (phase) => {
      phases.push(phase);
      tell(phase);
    };
    return phases;
  };

  /** For each action: causes it in an open store, and sees its effect. */
  const effects: Readonly<Record<string, (opened: Opened) => void | Promise<void>>> = {
    announcePressure: ({ actor, events }) => {
      actor.send({ type: 'pressureMeasured', score: 0.9 });
      expect(events.map(({ type }) => type)).to.deep.equal(['pressureChanged']);
    },
    hurryMaintenance: async ({ actor, session }) => {
      const { ingest, visits } = session.running;
      ingest.append({ __name__: 'm' }, 0, 1);
      const before = visits.inMemory;
      actor.send({ type: 'pressureMeasured', score: 0.9 });
      await turns();
      expect(visits.inMemory, 'a visit without waiting').to.be.above(before);
    },
    makeRoom: async ({ actor, fileSystem, clock }) => {
      clock.step(RESERVE_AFTER_MS);
      for (let waited = 0; waited < 100 && fileSystem.stat('/store/journal/reserve')?.size !== RESERVE_BYTES; waited++)
        await turns();
      expect(fileSystem.paths()).to.include('/store/journal/reserve');
      actor.send({ type: 'diskTrouble', reason: 'full', trouble });
      await turns();
      expect(fileSystem.paths()).to.not.include('/store/journal/reserve');
    },
    announceHealth: ({ actor, events }) => {
      actor.send({ type: 'diskTrouble', reason: 'full', trouble });
      expect(events).to.have.nested.property('[0].to', 'readOnly');
    },
    announceClockJump: ({ actor, events }) => {
      actor.send({ type: 'clockJumped', byMs: 5, doubt: { offset: 0, since: 0 } });
      expect(events).to.have.nested.property('[0].byMs', 5);
    },
    announceFailure: async ({ actor, session }) => {
      actor.send({ type: 'fail', error: new Error('a defect') });
      expect(await codeOf(() => session.close())).to.equal('TIDEMARK_INTERNAL');
    },
    noteScore: ({ actor }) => {
      actor.send({ type: 'pressureMeasured', score: 0.3 });
      expect(actor.getSnapshot().context.score).to.equal(0.3);
    },
    noteReason: async ({ actor, session }) => {
      actor.send({ type: 'fail', error: new Error('a defect') });
      expect(actor.getSnapshot().context.reason).to.equal('a defect');
      await codeOf(() => session.close());
    },
    noteTrouble: async ({ actor, session }) => {
      actor.send({ type: 'diskTrouble', reason: 'full', trouble });
      const { ingest } = session.running;
      expect(await codeOf(() => ingest.append({ __name__: 'm' }, 0, 1))).to.equal('TIDEMARK_DISK_FULL');
    },
    noteDoubt: ({ actor, session, clock }) => {
      clock.wallOffsetMs += HOUR_MS;
      session.running.trustedClock.look();
      expect(actor.getSnapshot().context.doubt).to.have.property('offset', clock.wallOffsetMs);
      expect(session.running.trustedClock.now()).to.equal(clock.now() - HOUR_MS);
    },
    forgetDoubt: async ({ actor, session, clock }) => {
      clock.wallOffsetMs += HOUR_MS;
      session.running.trustedClock.look();
      while (actor.getSnapshot().hasTag('clockDoubted')) {
        clock.step(10_000);
        await turns();
      }
      expect(actor.getSnapshot().context.doubt).to.equal(undefined);
      expect(session.running.trustedClock.now()).to.equal(clock.now());
    },
    countProbe: async ({ actor, fileSystem, clock }) => {
      fileSystem.capacityBytes = 0;
      actor.send({ type: 'diskTrouble', reason: 'full', trouble });
      await turns();
      clock.step(1000);
      await turns();
      expect(actor.getSnapshot().context.probes).to.equal(1);
      fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    },
    addDueReason: async ({ actor, session }) => {
      const calls = [session.checkpoint(), session.checkpoint()];
      expect(actor.getSnapshot().context.dueReasons, 'of the second call').to.deep.equal(['request']);
      await Promise.all(calls);
    },
    takeDueReasons: async ({ actor, session }) => {
      const written = session.checkpoint();
      expect(actor.getSnapshot().context).to.deep.include({ checkpointReasons: ['request'], dueReasons: [] });
      await written;
    },
    noteCheckpointBegun: async ({ session }) => {
      const phases = phasesTold(session);
      const written = session.checkpoint();
      expect(phases).to.deep.equal(['begun']);
      await written;
    },
    noteCheckpointWritten: async ({ session }) => {
      const phases = phasesTold(session);
      await session.checkpoint();
      expect(phases).to.deep.equal(['begun', 'written']);
    },
    noteCheckpointFailed: async ({ session, fileSystem }) => {
      const phases = phasesTold(session);
      fileSystem.onCall = (operation, path) => {
        if (operation === 'write' && path.endsWith('heads.db.tmp')) throw full;
      };
      session.running.ingest.append({ __name__: 'm' }, 0, 1);
      expect(await codeOf(() => session.checkpoint())).to.equal('TIDEMARK_DISK_FULL');
      expect(phases).to.deep.equal(['begun', 'failed']);
      fileSystem.onCall = () => {};
    },
    addBackup: async ({ actor, session }) => {
      const written = session.checkpoint();
      const backup = session.running.checkpoints.requestBackup();
      expect(actor.getSnapshot().context.backupsWaiting).to.equal(1);
      await written;
      (await backup).release();
    },
    takeBackup: async ({ actor, session }) => {
      const { release } = await session.running.checkpoints.requestBackup();
      expect(actor.getSnapshot().context.backupsWaiting).to.equal(0);
      release();
    },
    forgetTrouble: async ({ actor, clock }) => {
      actor.send({ type: 'diskTrouble', reason: 'full', trouble });
      await turns();
      clock.step(1000);
      while (actor.getSnapshot().hasTag('diskRefuses')) await turns();
      expect(actor.getSnapshot().context).to.include({ reason: '', trouble: undefined, probes: 0 });
    },
  };

  it('are provided', async () => {
    const { session } = await open();
    expect(unprovided(storeMachine, session.actor.logic as unknown as AnyStateMachine)).to.deep.equal([]);
    await session.close();
  });

  it('have an effect each', () => {
    expect(Object.keys(effects).sort()).to.deep.equal(Object.keys(actionsOf(storeMachine)).sort());
  });

  for (const [name, see] of Object.entries(effects))
    it(`${name} has an effect`, async () => {
      const opened = await open();
      await see(opened);
      await codeOf(() => opened.session.close());
    });
});
