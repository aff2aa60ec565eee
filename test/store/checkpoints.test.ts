/**
 * The callers who wait for a checkpoint, and the statechart that decides when it is written. The writes are held open by
 * the test.
 */
import { expect } from 'chai';
import { createActor, fromPromise } from 'xstate';
import { type StoreContext, type StoreMachineEvent, storeMachine } from '../../machines/store.machine.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import type { CheckpointResult } from '../../src/recovery/checkpointer.ts';
import { Checkpoints, type CheckpointsParts } from '../../src/store/checkpoints.ts';
import { Counts } from '../../src/store/counts.ts';

const broken = new Error('disk full');

/** Lets everything happen that needs no write to end. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
};

/** A store with nothing but its chart and its checkpoints. */
class Rig {
  readonly told: string[] = [];
  readonly checkpoints: Checkpoints;
  readonly actor;
  private readonly writing: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  private written = 0;

  constructor() {
    const machine = storeMachine.provide({
      actors: {
        writeCheckpoint: fromPromise<void, StoreContext>(() => this.checkpoints.writeDue()),
        writeForBackup: fromPromise<void, StoreContext>(() => this.checkpoints.writeForBackup()),
        copyBackup: fromPromise<void, StoreContext>(() => this.checkpoints.copyBackup()),
      },
      actions: {
        noteCheckpointWritten: () => this.checkpoints.answer(),
        noteCheckpointFailed: () => this.checkpoints.answer(),
      },
    });
    const calm = { pressure: 'normal', checkpoint: 'idle', indexing: 'idle', health: 'healthy', clock: 'trusted' };
    const context: StoreContext = {
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
    const snapshot = machine.resolveState({ value: { running: calm } as never, context });
    this.actor = createActor(machine, { snapshot }).start();
    this.checkpoints = new Checkpoints(this.parts());
  }

  /** Notes when the promise settles. */
  note(name: string, promise: Promise<unknown>): void {
    promise.then(
      () => this.told.push(name),
      (error: Error) => this.told.push(`${name}: ${error.message}`),
    );
  }

  request(name: string): void {
    this.note(name, this.checkpoints.request());
  }

  /** Requests a backup that notes when it begins to copy. The result ends it. */
  backup(name: string): () => void {
    let release = (): void => {};
    const begun = this.checkpoints.requestBackup().then((hold) => {
      release = hold.release;
    });
    this.note(name, begun);
    return () => release();
  }

  /** Ends the write that is in progress. */
  async end(error?: unknown): Promise<void> {
    await settle();
    const write = this.writing.shift();
    if (write === undefined) throw new Error('no write is in progress');
    if (error === undefined) write.resolve();
    else write.reject(error);
    await settle();
  }

  send(event: StoreMachineEvent): void {
    this.actor.send(event);
  }

  private parts(): CheckpointsParts {
    const journal = { end: 0, first: 0, heldFrom: 0, segments: () => [], commit: async () => {} };
    const parts = {
      actor: this.actor,
      engine: {
        clock: { now: () => 0, monotonic: () => 0 },
        options: { readOnly: true, subscriptionBacklogBytes: 0 },
        retention: { limits: { bytes: Infinity } },
      },
      recovered: {
        replayFrom: 0,
        bus: { publish: () => {} },
        indexer: { position: 0 },
        journal: { ...journal, truncateBefore: async () => void this.told.push('journal shortened') },
      },
      checkpointer: { write: (final: boolean) => this.write(final) },
      disk: { note: () => {}, isWaiting: false },
      subscriptions: { list: () => [], overrun: async () => [] },
      counts: new Counts(),
    };
    return parts as unknown as CheckpointsParts;
  }

  private async write(final: boolean): Promise<CheckpointResult> {
    expect(this.writing.length, 'writes in progress').to.equal(0);
    this.written += 1;
    this.told.push(`${final ? 'last' : 'write'} ${this.written}`);
    await new Promise<void>((resolve, reject) => this.writing.push({ resolve, reject }));
    return { from: this.written, series: 0, chunks: 0, bytes: 0, durationMs: 0 } as unknown as CheckpointResult;
  }
}

describe('callers of a checkpoint', () => {
  it('are answered when the write that began after they asked has ended, not the one that was in progress', async () => {
    const rig = new Rig();
    rig.request('a');
    await settle();
    rig.request('b');
    rig.request('c');
    await rig.end();
    expect(rig.told).to.deep.equal(['write 1', 'journal shortened', 'a', 'write 2']);
    await rig.end();
    expect(rig.told.slice(4)).to.deep.equal(['journal shortened', 'b', 'c']);
  });

  it('share one more write, however many triggers fire during one', async () => {
    const rig = new Rig();
    for (const reason of ['interval', 'dirtySeries', 'journalBytes', 'interval'] as const) {
      rig.send({ type: 'checkpointDue', reason });
      await settle();
    }
    await rig.end();
    await rig.end();
    expect(rig.told.filter((what) => what.startsWith('write'))).to.deep.equal(['write 1', 'write 2']);
    expect(rig.actor.getSnapshot().hasTag('busy')).to.equal(false);
  });

  it('are told of the failure of their write, and the next write is another chance', async () => {
    const rig = new Rig();
    rig.request('a');
    await settle();
    rig.request('b');
    await rig.end(broken);
    await rig.end();
    expect(rig.told).to.deep.equal(['write 1', 'a: disk full', 'write 2', 'journal shortened', 'b']);
  });

  it('of a remembered write that fails are told of that failure', async () => {
    const rig = new Rig();
    rig.request('a');
    await settle();
    rig.request('b');
    await rig.end();
    await rig.end(broken);
    expect(rig.told).to.deep.equal(['write 1', 'journal shortened', 'a', 'write 2', 'b: disk full']);
    rig.request('c');
    await rig.end();
    expect(rig.told.slice(5)).to.deep.equal(['write 3', 'journal shortened', 'c']);
  });
});

describe('backups and checkpoints', () => {
  it('a backup begins with a write that keeps the journal, and others wait until it has its copy', async () => {
    const rig = new Rig();
    const end = rig.backup('copies');
    await rig.end();
    rig.request('a');
    await settle();
    expect(rig.told).to.deep.equal(['write 1', 'copies']);
    end();
    await rig.end();
    expect(rig.told.slice(2)).to.deep.equal(['write 2', 'journal shortened', 'a']);
  });

  it('a backup during a write waits for it, and goes before the write that is remembered', async () => {
    const rig = new Rig();
    rig.request('a');
    await settle();
    rig.request('b');
    const end = rig.backup('copies');
    await rig.end();
    await rig.end();
    expect(rig.told).to.deep.equal(['write 1', 'journal shortened', 'a', 'write 2', 'copies']);
    end();
    await rig.end();
    expect(rig.told.slice(5)).to.deep.equal(['write 3', 'journal shortened', 'b']);
  });

  it('two backups copy one after the other, each from a checkpoint of its own', async () => {
    const rig = new Rig();
    const endOne = rig.backup('one');
    const endTwo = rig.backup('two');
    await rig.end();
    expect(rig.told).to.deep.equal(['write 1', 'one']);
    endOne();
    await rig.end();
    expect(rig.told.slice(2)).to.deep.equal(['write 2', 'two']);
    endTwo();
    await settle();
    expect(rig.actor.getSnapshot().matches({ running: { checkpoint: 'idle' } })).to.equal(true);
  });

  it('a backup whose checkpoint fails is told, and the next one begins', async () => {
    const rig = new Rig();
    rig.backup('one');
    rig.backup('two');
    await rig.end(broken);
    await rig.end();
    expect(rig.told).to.deep.equal(['write 1', 'one: disk full', 'write 2', 'two']);
  });
});

describe('closing and checkpoints', () => {
  const close = (rig: Rig): void => {
    rig.send({ type: 'close' });
    rig.note('served', rig.checkpoints.serveWaiting());
  };

  it('the last write follows the one in progress and the one that was remembered', async () => {
    const rig = new Rig();
    rig.request('a');
    await settle();
    rig.request('b');
    close(rig);
    rig.note(
      'closed',
      rig.checkpoints.serveWaiting().then(() => rig.checkpoints.writeLast()),
    );
    await rig.end();
    expect(rig.told).to.deep.equal(['write 1', 'journal shortened', 'a', 'write 2']);
    await rig.end();
    expect(rig.told.slice(4)).to.deep.equal(['journal shortened', 'b', 'served', 'last 3']);
    await rig.end();
    expect(rig.told.slice(8)).to.deep.equal(['journal shortened', 'closed']);
  });

  it('a write in progress that fails is told to its callers', async () => {
    const rig = new Rig();
    rig.request('a');
    await settle();
    close(rig);
    await rig.end(broken);
    expect(rig.told).to.deep.equal(['write 1', 'a: disk full', 'served']);
  });

  it('the last write follows the backup that copies', async () => {
    const rig = new Rig();
    const end = rig.backup('copies');
    await rig.end();
    close(rig);
    rig.note('closed', rig.checkpoints.writeLast());
    await settle();
    expect(rig.told).to.deep.equal(['write 1', 'copies']);
    end();
    await rig.end();
    expect(rig.told.slice(2)).to.have.members(['served', 'last 2', 'journal shortened', 'closed']);
  });

  it('backups that wait are served by one write together, and the last write follows them', async () => {
    const rig = new Rig();
    const endOne = rig.backup('one');
    const endTwo = rig.backup('two');
    rig.request('a');
    await settle();
    close(rig);
    await rig.end();
    await rig.end();
    expect(rig.told.slice(0, 2)).to.deep.equal(['write 1', 'write 2']);
    expect(rig.told.slice(2)).to.have.members(['one', 'two', 'a', 'served']);
    rig.note('closed', rig.checkpoints.writeLast());
    endOne();
    await settle();
    expect(rig.told.length, 'the second one copies').to.equal(6);
    endTwo();
    await rig.end();
    expect(rig.told.slice(6)).to.deep.equal(['last 3', 'journal shortened', 'closed']);
  });

  it('a request of work that is not done yet is served too', async () => {
    const rig = new Rig();
    close(rig);
    await settle();
    rig.request('a');
    await rig.end();
    expect(rig.told).to.deep.equal(['served', 'write 1', 'journal shortened', 'a']);
  });

  it('after a failure of the store, callers of another write are refused, and the write in progress ends first', async () => {
    const rig = new Rig();
    rig.request('a');
    await settle();
    rig.request('b');
    rig.backup('copies');
    rig.send({ type: 'fail', error: broken });
    rig.note('abandoned', rig.checkpoints.abandon(new TidemarkError('TIDEMARK_CLOSED', 'the store is closed')));
    await settle();
    expect(rig.told).to.deep.equal(['write 1', 'b: the store is closed', 'copies: the store is closed']);
    await rig.end();
    expect(rig.told.slice(3)).to.deep.equal(['journal shortened', 'a', 'abandoned']);
  });

  it('no two writes are in progress when a user has sent the chart events of its own', async () => {
    const rig = new Rig();
    rig.request('a');
    await settle();
    rig.send({ type: 'xstate.done.actor.writeCheckpoint' } as unknown as StoreMachineEvent);
    rig.request('b');
    await settle();
    expect(rig.told, 'neither a second write nor an answer').to.deep.equal(['write 1']);
    await rig.end();
    expect(rig.told.slice(1)).to.have.members(['journal shortened', 'a', 'write 2']);
    await rig.end();
    expect(rig.told.at(-1)).to.equal('b');
  });
});
