import { expect } from 'chai';
import { type AnyEventObject, createActor, fromPromise, SimulatedClock } from 'xstate';
import { admissionOf, type StoreContext, type StoreMachineEvent, storeMachine } from '../../machines/store.machine.ts';
import { called, MachineSteps } from '../docs/generators/machine-steps.ts';

const calm = {
  pressure: 'normal',
  checkpoint: 'idle',
  indexing: 'idle',
  health: 'healthy',
  clock: 'trusted',
} as const;

type Regions = Partial<Record<keyof typeof calm, unknown>>;

const running = (regions: Regions = {}) => ({ running: { ...calm, ...regions } }) as never;
const recovering = (state: string) => ({ recovering: state }) as never;
const measured = (score: number) => ({ type: 'pressureMeasured', score });
const queue = (queued: number) => ({ type: 'indexingMeasured', queued, capacity: 100 });
const trouble = {
  type: 'diskTrouble',
  reason: 'ENOSPC: no space left on device',
  trouble: { code: 'TIDEMARK_DISK_FULL', error: undefined },
};
const broken = new Error('watermark beyond the chunks');

describe('machines/store.machine', () => {
  const steps = new MachineSteps(storeMachine);
  const context = {
    openedReadOnly: false,
    score: 0,
    reason: '',
    trouble: undefined,
    probes: 0,
    doubt: undefined,
    checkpointReasons: [],
    dueReasons: [],
    backupsWaiting: 0,
  };

  const expectStep = (given: unknown, event: AnyEventObject, then: unknown, actions: readonly string[] = []) => {
    const step = steps.step(given as never, context, event);
    expect(step.value).to.deep.equal(then);
    expect(step.actions).to.deep.equal(actions);
    return step;
  };

  describe('opening', () => {
    it('opens the directory, recovers, and runs', () => {
      expectStep('opening', called('openDirectory').done(), recovering('loading'));
      expectStep(recovering('settling'), called('settleContent').done(), running());
    });

    it('settles at once what was closed or is new', () => {
      for (const plan of ['created', 'clean'])
        expectStep(recovering('loading'), called('loadContent').done({ plan }), recovering('settling'));
    });

    it('replays the journal or scans the files as planned, then settles', () => {
      expectStep(recovering('loading'), called('loadContent').done({ plan: 'replay' }), recovering('replaying'));
      expectStep(recovering('replaying'), called('replayJournal').done(), recovering('settling'));
      expectStep(recovering('loading'), called('loadContent').done({ plan: 'scan' }), recovering('scanning'));
      expectStep(recovering('scanning'), called('scanFiles').done(), recovering('settling'));
    });

    it('releases what it took when the directory cannot be opened or recovered, and has failed', () => {
      const { context: after } = expectStep('opening', called('openDirectory').failed(broken), 'failing', [
        'announceFailure',
      ]);
      expect(after).to.include({ reason: broken.message });
      for (const [state, id] of [
        ['loading', 'loadContent'],
        ['replaying', 'replayJournal'],
        ['scanning', 'scanFiles'],
        ['settling', 'settleContent'],
      ] as const)
        expectStep(recovering(state), called(id).failed(broken), 'failing', ['announceFailure']);
      expectStep('failing', called('releaseFailed').done(), 'failed');
      expectStep('failing', called('releaseFailed').failed(broken), 'failed', ['announceFailure']);
    });

    it('releases what it took when it is closed before it runs, and is closed', () => {
      expectStep('opening', { type: 'close' }, { closing: 'releasing' });
      for (const state of ['loading', 'replaying', 'scanning', 'settling'])
        expectStep(recovering(state), { type: 'close' }, { closing: 'releasing' });
      expectStep({ closing: 'releasing' }, called('releaseUnopened').done(), 'closed');
      expectStep({ closing: 'releasing' }, called('releaseUnopened').failed(broken), 'failing', ['announceFailure']);
    });
  });

  describe('pressure', () => {
    const region = (pressure: string) => running({ pressure });
    const change = ['announcePressure'];
    const hurried = ['announcePressure', 'hurryMaintenance'];

    it('is rushed above 0.8, not at it', () => {
      expectStep(region('normal'), measured(0.8), region('normal'));
      const { performed } = expectStep(region('normal'), measured(0.81), region('rushed'), hurried);
      expect(performed[0]!.params).to.deep.equal({ from: 'normal', to: 'rushed', score: 0.81 });
    });

    it('is normal again below 0.7, not in between', () => {
      expectStep(region('rushed'), measured(0.75), region('rushed'));
      expectStep(region('rushed'), measured(0.7), region('rushed'));
      expectStep(region('rushed'), measured(0.69), region('normal'), change);
    });

    it('throttles from 1 on, also straight from normal', () => {
      expectStep(region('rushed'), measured(1), region('throttled'), hurried);
      expectStep(region('normal'), measured(1.2), region('throttled'), hurried);
      expectStep(region('throttled'), measured(1), region('throttled'));
    });

    it('goes back from throttled by way of rushed', () => {
      expectStep(region('throttled'), measured(0.2), region('rushed'), hurried);
    });

    it('announces a burst as normal, rushed, throttled, rushed, normal: each change once', () => {
      const changes: string[] = [];
      const machine = storeMachine.provide({
        actions: { announcePressure: (_, { from, to }) => changes.push(`${from} -> ${to}`) },
      });
      const actor = createActor(machine, { snapshot: machine.resolveState({ value: running(), context }) }).start();
      for (const score of [0.1, 0.5, 0.79, 0.85, 0.82, 0.9, 0.99, 1, 1, 1, 0.98, 0.9, 0.72, 0.69, 0.72, 0.3]) {
        actor.send({ type: 'pressureMeasured', score });
      }
      actor.stop();
      expect(changes).to.deep.equal([
        'normal -> rushed',
        'rushed -> throttled',
        'throttled -> rushed',
        'rushed -> normal',
      ]);
    });
  });

  describe('checkpoint', () => {
    const region = (checkpoint: unknown) => running({ checkpoint });
    const backup = (state: string) => region({ backup: state });
    const due = (reason: string) => ({ type: 'checkpointDue', reason });
    const wanted = { ...context, dueReasons: ['request'] as const };
    const awaited = { ...context, backupsWaiting: 1 };

    it('begins when one is due, and tells the triggers how it ends', () => {
      const { context: after } = expectStep(region('idle'), due('interval'), region('writing'), [
        'noteCheckpointBegun',
      ]);
      expect(after)
        .to.include({ backupsWaiting: 0 })
        .and.deep.include({ checkpointReasons: ['interval'], dueReasons: [] });
      expectStep(region('writing'), called('writeCheckpoint').done(), region('idle'), ['noteCheckpointWritten']);
      const { performed } = expectStep(region('writing'), called('writeCheckpoint').failed(broken), region('idle'), [
        'noteCheckpointFailed',
      ]);
      expect(performed[0]!.params).to.deep.equal({ error: broken });
    });

    it('remembers why another is due during a write, each reason once, and begins it at once after a write', () => {
      const { context: one } = expectStep(region('writing'), due('request'), region('writing'));
      const { context: two } = steps.step(region('writing'), one, due('dirtySeries'));
      const { context: three } = steps.step(region('writing'), two, due('request'));
      expect(three).to.deep.include({ dueReasons: ['request', 'dirtySeries'] });
      const next = steps.step(region('writing'), three, called('writeCheckpoint').done());
      expect(next.value).to.deep.equal(region('writing'));
      expect(next.actions).to.deep.equal(['noteCheckpointWritten', 'noteCheckpointBegun']);
      expect(next.context).to.deep.include({ checkpointReasons: ['request', 'dirtySeries'], dueReasons: [] });
    });

    it('begins the remembered one also when the write before it has failed', () => {
      const next = steps.step(region('writing'), wanted, called('writeCheckpoint').failed(broken));
      expect(next.value).to.deep.equal(region('writing'));
      expect(next.actions).to.deep.equal(['noteCheckpointFailed', 'noteCheckpointBegun']);
    });

    it('lets a backup begin with a checkpoint of its own, and holds back others while it copies', () => {
      const { context: begun } = expectStep(region('idle'), { type: 'backupRequested' }, backup('writing'));
      expect(begun).to.include({ backupsWaiting: 0 });
      expectStep(backup('writing'), called('writeForBackup').done(), backup('copying'));
      const { context: held } = expectStep(backup('copying'), due('journalBytes'), backup('copying'));
      const after = steps.step(backup('copying'), held, called('copyBackup').done());
      expect(after.value).to.deep.equal(region('writing'));
      expect(after.context).to.deep.include({ checkpointReasons: ['journalBytes'] });
      expectStep(backup('copying'), called('copyBackup').done(), region('idle'));
    });

    it('goes on when the checkpoint of a backup fails: with the one that is due, or with the next backup', () => {
      expectStep(backup('writing'), called('writeForBackup').failed(broken), region('idle'));
      const written = steps.step(backup('writing'), wanted, called('writeForBackup').failed(broken));
      expect(written.value).to.deep.equal(region('writing'));
      const copied = steps.step(backup('writing'), awaited, called('writeForBackup').failed(broken));
      expect(copied.value).to.deep.equal(backup('writing'));
    });

    it('begins a backup that is requested during a write when that has ended, before the checkpoint that is due', () => {
      const { context: one } = expectStep(region('writing'), { type: 'backupRequested' }, region('writing'));
      const { context: both } = steps.step(region('writing'), one, due('request'));
      for (const ended of [called('writeCheckpoint').done(), called('writeCheckpoint').failed(broken)]) {
        const next = steps.step(region('writing'), both, ended);
        expect(next.value).to.deep.equal(backup('writing'));
        expect(next.context).to.deep.include({ backupsWaiting: 0, dueReasons: ['request'] });
      }
    });

    it('makes one backup after the other, and writes the checkpoint that is due between them', () => {
      const { context: two } = expectStep(backup('copying'), { type: 'backupRequested' }, backup('copying'));
      const next = steps.step(backup('copying'), two, called('copyBackup').done());
      expect(next.value).to.deep.equal(backup('writing'));
      expect(next.context).to.include({ backupsWaiting: 0 });
      const both = { ...wanted, backupsWaiting: 1 };
      const between = steps.step(backup('copying'), both, called('copyBackup').done());
      expect(between.value).to.deep.equal(region('writing'));
      const last = steps.step(region('writing'), between.context, called('writeCheckpoint').done());
      expect(last.value).to.deep.equal(backup('writing'));
    });

    it('is left when the store closes: during a write, during a hold, and while others wait', () => {
      for (const state of [region('writing'), backup('writing'), backup('copying')]) {
        const { value } = steps.step(state, { ...wanted, backupsWaiting: 1 }, { type: 'close' });
        expect(value).to.deep.equal({ closing: 'finishing' });
      }
    });

    it('is busy while a checkpoint is written, not while a backup copies', () => {
      const isBusy = (value: unknown) => storeMachine.resolveState({ value: value as never, context }).hasTag('busy');
      expect([region('idle'), region('writing'), backup('writing'), backup('copying')].map(isBusy)).to.deep.equal([
        false,
        true,
        true,
        false,
      ]);
    });
  });

  describe('indexing', () => {
    const region = (indexing: string) => running({ indexing });

    it('writes while something is queued', () => {
      expectStep(region('idle'), queue(1), region('writing'));
      expectStep(region('writing'), queue(99), region('writing'));
      expectStep(region('writing'), queue(0), region('idle'));
    });

    it('is behind when the queue is full, until it is half empty', () => {
      expectStep(region('writing'), queue(100), region('behind'));
      expectStep(region('idle'), queue(100), region('behind'));
      expectStep(region('behind'), queue(51), region('behind'));
      expectStep(region('behind'), queue(50), region('writing'));
      expectStep(region('behind'), queue(0), region('idle'));
    });
  });

  describe('health', () => {
    const region = (health: unknown) => running({ health });
    const waiting = region({ readOnly: 'waiting' });
    const probing = region({ readOnly: 'probing' });

    it('is read-only when the disk had trouble, and says why once', () => {
      const { performed, context: after } = expectStep(region('healthy'), trouble, waiting, [
        'announceHealth',
        'makeRoom',
      ]);
      expect(performed[0]!.params).to.deep.equal({ to: 'readOnly', reason: trouble.reason });
      expect(after).to.include({ reason: trouble.reason, trouble: trouble.trouble });
      expectStep(waiting, trouble, waiting);
    });

    it('keeps the code and the reason of the last trouble, until the disk answers', () => {
      const later = { type: 'diskTrouble', reason: 'EIO: i/o error', trouble: { code: 'TIDEMARK_IO', error: broken } };
      const { context: after } = expectStep(waiting, later, waiting);
      expect(after).to.include({ reason: later.reason, trouble: later.trouble });
      const { context: healthy } = steps.step(probing, after, called('probeDisk').done());
      expect(healthy).to.include({ reason: '', trouble: undefined });
    });

    it('probes the disk at once when something was deleted', () => {
      expectStep(waiting, { type: 'diskFreed' }, probing);
    });

    it('is healthy again when the disk answers, and waits longer when it does not', () => {
      expectStep(probing, called('probeDisk').done(), region('healthy'), ['announceHealth']);
      const { context: after } = expectStep(probing, called('probeDisk').failed(broken), waiting);
      expect(after).to.include({ probes: 1 });
      expectStep(waiting, { type: 'xstate.after.probeAgain.store.running.health.readOnly.waiting' }, probing);
    });

    it('probes after 1, 2, 4 seconds and so on, at most a minute apart, until the disk answers', async () => {
      const clock = new SimulatedClock();
      const times: number[] = [];
      const machine = storeMachine.provide({
        actors: {
          probeDisk: fromPromise<void, StoreContext>(async () => {
            times.push(clock.now());
            if (times.length < 9) throw broken;
          }),
        },
      });
      const snapshot = machine.resolveState({ value: running(), context });
      const actor = createActor(machine, { snapshot, clock }).start();
      actor.send(trouble as StoreMachineEvent);
      for (let second = 0; second < 400 && actor.getSnapshot().hasTag('readOnly'); second += 1) {
        clock.increment(1000);
        for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
      }
      const waits = times.map((time, index) => (time - (times[index - 1] ?? 0)) / 1000);
      expect(waits).to.deep.equal([1, 2, 4, 8, 16, 32, 60, 60, 60]);
      expect(actor.getSnapshot().context).to.include({ probes: 0, reason: '' });
      actor.stop();
    });

    it('stays read-only when it was opened so', () => {
      const opened = createActor(
        storeMachine.provide({ actors: { openDirectory: fromPromise<void, StoreContext>(async () => {}) } }),
        { input: { openedReadOnly: true } },
      );
      expect(opened.getSnapshot().context.openedReadOnly).to.equal(true);
      const readOnly = { ...context, openedReadOnly: true };
      const step = steps.step(recovering('settling'), readOnly, called('settleContent').done());
      expect(step.value).to.deep.equal(region('openedReadOnly'));
      expect(steps.step(region('openedReadOnly'), readOnly, trouble).value).to.deep.equal(region('openedReadOnly'));
    });
  });

  describe('clock', () => {
    const region = (clock: string) => running({ clock });

    it('is doubted after a jump until it has settled', () => {
      const jump = { type: 'clockJumped', byMs: -3_600_000, doubt: { offset: 5, since: 7 } };
      const { context: after } = expectStep(region('trusted'), jump, region('doubted'), ['announceClockJump']);
      expect(after).to.include({ doubt: jump.doubt });
      expectStep(region('doubted'), jump, region('doubted'), ['announceClockJump']);
      const { context: settled } = steps.step(region('doubted'), after, { type: 'clockSettled' });
      expect(settled).to.include({ doubt: undefined });
      expectStep(region('doubted'), { type: 'clockSettled' }, region('trusted'));
    });
  });

  describe('closing', () => {
    it('finishes and is closed, whatever the regions were doing', () => {
      expectStep(running(), { type: 'close' }, { closing: 'finishing' });
      expectStep(
        running({ pressure: 'throttled', checkpoint: 'writing', health: { readOnly: 'waiting' } }),
        { type: 'close' },
        { closing: 'finishing' },
      );
      expectStep({ closing: 'finishing' }, called('finish').done(), 'closed');
    });

    it('leaves the directory as after a crash when it cannot finish', () => {
      const actions = ['announceFailure'];
      expectStep({ closing: 'finishing' }, called('finish').failed(broken), 'failing', actions);
      expectStep({ closing: 'finishing' }, { type: 'fail', error: broken }, 'failing', actions);
    });

    it('fails when an invariant broke', () => {
      const { performed } = expectStep(running(), { type: 'fail', error: broken }, 'failing', ['announceFailure']);
      expect(performed[0]!.params).to.deep.equal({ error: broken });
    });
  });

  // A suite of its own: mocha runs a suite's direct tests before the suites in it.
  describe('altogether', () => {
    it('has a test for every transition of its table', () => steps.expectAllTaken());
  });

  describe('admission', () => {
    const admission = (value: unknown) => admissionOf(storeMachine.resolveState({ value: value as never, context }));

    it('takes samples only while it runs, is not throttled, and the disk is well', () => {
      expect(admission(running())).to.equal('open');
      expect(admission(running({ pressure: 'rushed', indexing: 'behind', clock: 'doubted' }))).to.equal('open');
      expect(admission(running({ pressure: 'throttled' }))).to.equal('throttled');
      expect(admission(running({ pressure: 'throttled', health: { readOnly: 'probing' } }))).to.equal('readOnly');
      expect(admission(running({ health: 'openedReadOnly' }))).to.equal('readOnly');
      for (const value of ['opening', 'recovering', { closing: 'finishing' }, 'failing', 'closed', 'failed']) {
        expect(admission(value)).to.equal('closed');
      }
    });
  });
});
