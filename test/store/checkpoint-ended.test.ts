import { expect } from 'chai';
import { Subject } from 'rxjs';
import { createActor } from 'xstate';
import { type StoreMachineEvent, storeMachine } from '../../machines/store.machine.ts';
import { checkpointEnded } from '../../src/store/checkpoint-ended.ts';
import { called } from '../docs/generators/machine-steps.ts';

const due = { type: 'checkpointDue', reason: 'interval' } as const;
const written = called('writeCheckpoint').done() as StoreMachineEvent;

/** An actor of a store that has been opened. Its calls report only by events that the test sends. */
const opened = () => {
  const actor = createActor(storeMachine).start();
  for (const event of [
    called('openDirectory').done(),
    called('loadContent').done({ plan: 'clean' }),
    called('settleContent').done(),
  ])
    actor.send(event as StoreMachineEvent);
  return actor;
};

describe('the end of a checkpoint', () => {
  const hurry$ = new Subject<void>();

  /** Whether the wait has ended, after everything has happened that needs no more events. */
  const waitOn = (actor: ReturnType<typeof opened>): (() => Promise<boolean>) => {
    let isOver = false;
    void checkpointEnded(actor, hurry$).then(() => {
      isOver = true;
    });
    return async () => {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      return isOver;
    };
  };

  it('is not waited for when none is being written, or when the store has stopped', async () => {
    const actor = opened();
    expect(await waitOn(actor)()).to.equal(true);
    actor.send(due);
    actor.stop();
    expect(await waitOn(actor)()).to.equal(true);
  });

  it('comes when it is written, although another one follows at once', async () => {
    const actor = opened();
    actor.send(due);
    const isOver = waitOn(actor);
    actor.send(due);
    actor.send({ type: 'pressureMeasured', score: 0.1 });
    expect(await isOver()).to.equal(false);
    actor.send(written);
    expect(actor.getSnapshot().hasTag('busy'), 'the other one is being written').to.equal(true);
    expect(await isOver()).to.equal(true);
    actor.stop();
  });

  it('is not waited for any more when there is a hurry, or when the store closes', async () => {
    for (const event of ['hurry', 'close'] as const) {
      const actor = opened();
      actor.send(due);
      const isOver = waitOn(actor);
      expect(await isOver()).to.equal(false);
      if (event === 'hurry') hurry$.next();
      else actor.send({ type: 'close' });
      expect(await isOver(), event).to.equal(true);
      expect(hurry$.observed, 'still subscribed').to.equal(false);
      actor.stop();
    }
  });

  it('is waited for while a backup writes its checkpoint, not while it copies', async () => {
    const actor = opened();
    actor.send({ type: 'backupRequested' });
    const isOver = waitOn(actor);
    expect(await isOver()).to.equal(false);
    actor.send(called('writeForBackup').done() as StoreMachineEvent);
    expect(await isOver()).to.equal(true);
    expect(await waitOn(actor)(), 'while it copies').to.equal(true);
    actor.stop();
  });
});
