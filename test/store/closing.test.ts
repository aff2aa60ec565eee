/** What closing ends, and that nothing derived from a store changes the directory afterwards: it may be another store's. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Gauge, Registry } from 'prom-client';
import { type EventBatch, openStore, recordRegistry, type Store, TidemarkError } from '../../src/index.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const BASE = 1_700_000_000_000;

const options = { retention: 'off' } as const;

const codeOf = async (action: () => unknown): Promise<unknown> => {
  try {
    await action();
    return undefined;
  } catch (error) {
    return error instanceof TidemarkError ? error.code : error;
  }
};

const fill = (store: Store, count = 50, at = BASE): void => {
  for (let index = 0; index < count; index++) store.append({ __name__: 'm', id: String(index) }, at, index);
};

const seriesCount = async (store: Store): Promise<number> => {
  let count = 0;
  for await (const _ of store.select('m')) count++;
  return count;
};

/** Every file below a directory with its size and time of change. */
const stateOf = (directory: string): Record<string, string> => {
  const state: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const stat = statSync(join(directory, name));
    if (stat.isFile()) state[name] = `${stat.size} bytes, ${stat.mtimeMs}, ${stat.ino}`;
  }
  return state;
};

/** Long enough for a timer, a retry or a file call that was left behind. */
const aWhile = async (): Promise<void> => {
  for (let turns = 0; turns < 200; turns++) await systemClock.breathe();
  await new Promise((resolve) => setTimeout(resolve, 300));
};

const firstBatch = async (store: Store, name: string): Promise<EventBatch> => {
  for await (const batch of store.subscribe(name, { from: 'start' })) return batch;
  throw new Error('the subscription ended');
};

describe('closing a store', () => {
  afterEach(removeTemporaryDirectories);

  it('is one promise, however often it is asked for', async () => {
    const store = await openStore(temporaryDirectory(), options);
    const closing = store.close();
    expect(store.close()).to.equal(closing);
    await closing;
    expect(store.close()).to.equal(closing);
    expect(store[Symbol.asyncDispose]()).to.equal(closing);
  });

  it('refuses everything afterwards, and nothing is written', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, options);
    fill(store);
    await store.flush();
    const batch = await firstBatch(store, 'a');
    const handle = store.series({ __name__: 'm', id: '1' });
    const subscription = store.subscribe('b', { from: 'start' });
    const journal = store.journal({ follow: true })[Symbol.asyncIterator]();
    await journal.next();
    await store.close();
    const closed = stateOf(directory);
    const calls: [string, () => unknown][] = [
      ['append', () => store.append({ __name__: 'm' }, BASE + 1, 1)],
      ['append by handle', () => handle.append(BASE + 1, 1)],
      ['appendBits', () => handle.appendBits(BASE + 1, 1, 1)],
      ['appendStale', () => handle.appendStale(BASE + 1)],
      ['actor', () => handle.actor()],
      ['ready', () => store.ready()],
      ['flush', () => store.flush()],
      ['select', () => store.select('m')[Symbol.asyncIterator]().next()],
      ['instant', () => store.instant('m')],
      ['lastSamples', () => store.lastSamples('m')],
      ['metrics', () => store.metrics('m')],
      ['labelNames', () => store.labelNames()],
      ['labelValues', () => store.labelValues('id')],
      ['drop', () => store.drop('m')],
      ['quarantined', () => store.quarantined()],
      ['checkpoint', () => store.checkpoint()],
      ['backup', () => store.backup(join(temporaryDirectory(), 'to'))],
      ['waitForIndexing', () => store.waitForIndexing()],
      ['rebuildIndexes', () => store.rebuildIndexes()],
      ['maintain', () => store.maintain()],
      ['subscribe', () => store.subscribe('c')],
      ['unsubscribe', () => store.unsubscribe('a')],
      ['ack', () => batch.ack()],
      ['history', () => store.history({ __name__: 'm', id: '1' })],
      ['journal', () => store.journal()],
      ['chunks', () => store.chunks({ __name__: 'm', id: '1' })],
      ['info', () => store.info()],
    ];
    for (const [name, call] of calls) expect(await codeOf(call), name).to.equal('TIDEMARK_CLOSED');
    expect(store.appendBatch([{ labels: { __name__: 'm' }, timestamp: BASE, value: 1 }])).to.deep.equal({
      accepted: 0,
      rejected: [{ index: 0, code: 'TIDEMARK_CLOSED' }],
    });
    for await (const _ of subscription) throw new Error('a batch after the end');
    await subscription.close();
    handle.release();
    // One record was in hand already.
    while (!(await journal.next()).done);
    await aWhile();
    expect(stateOf(directory)).to.deep.equal(closed);
  });

  it('leaves a store that is made in the same place alone', async () => {
    const directory = join(temporaryDirectory(), 'store');
    const first = await openStore(directory, options);
    fill(first);
    await first.flush();
    const late = await firstBatch(first, 'a');
    const lateOther = await firstBatch(first, 'only-of-the-first');
    await first.close();
    rmSync(directory, { recursive: true });
    const second = await openStore(directory, options);
    second.append({ __name__: 'new' }, BASE, 1);
    await second.flush();
    const subscription = second.subscribe('a', { from: 'start' });
    expect(await codeOf(() => late.ack())).to.equal('TIDEMARK_CLOSED');
    expect(await codeOf(() => lateOther.ack())).to.equal('TIDEMARK_CLOSED');
    expect(await codeOf(() => first.unsubscribe('a'))).to.equal('TIDEMARK_CLOSED');
    await subscription.close();
    await second.close();
    const again = await openStore(directory, options);
    expect(again.subscriptions().map(({ name, position }) => [name, position])).to.deep.equal([['a', 0]]);
    await again.close();
  });

  it('waits for what is in flight, and leaves a directory that is whole', async () => {
    const directory = temporaryDirectory();
    const copy = join(temporaryDirectory(), 'copy');
    const store = await openStore(directory, options);
    fill(store, 500);
    const registry = new Registry();
    new Gauge({ name: 'g', help: 'g', registers: [registry] }).set(1);
    const recording = recordRegistry(store, registry, { interval: 5 });
    const batch = await firstBatch(store, 'a');
    const gone = await firstBatch(store, 'gone');
    const settled: string[] = [];
    const calls: Record<string, Promise<unknown>> = {
      flush: store.flush(),
      maintain: store.maintain(),
      backup: store.backup(copy),
      rebuildIndexes: store.rebuildIndexes(),
      drop: store.drop('m{id="7"}'),
      checkpoint: store.checkpoint(),
      ack: batch.ack(),
      unsubscribe: store.unsubscribe('gone'),
    };
    const errors: unknown[] = [];
    for (const [name, call] of Object.entries(calls)) {
      call.catch((error: unknown) => errors.push([name, error])).finally(() => settled.push(name));
    }
    await store.close();
    const closed = stateOf(directory);
    await Promise.allSettled(Object.values(calls));
    await codeOf(() => gone.ack());
    await recording.stop();
    await aWhile();
    expect(stateOf(directory)).to.deep.equal(closed);
    for (const error of errors) expect((error as [string, unknown])[1]).to.be.instanceOf(TidemarkError);
    const again = await openStore(directory, options);
    expect((await again.info()).opened).to.equal('clean');
    expect(await seriesCount(again)).to.be.oneOf([499, 500]);
    expect((await again.metrics('m{id="499"}')).length, 'found by its label').to.equal(1);
    await again.close();
  });

  it('after two backups and a checkpoint that were asked for before, all of which succeed', async () => {
    const directory = temporaryDirectory();
    const copies = ['one', 'two'].map((name) => join(temporaryDirectory(), name));
    const store = await openStore(directory, options);
    fill(store);
    const calls = [store.checkpoint(), ...copies.map((copy) => store.backup(copy)), store.checkpoint()];
    await store.close();
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(calls.map(() => 'fulfilled'));
    for (const opened of [directory, ...copies]) {
      const again = await openStore(opened, options);
      expect(await seriesCount(again), opened).to.equal(50);
      await again.close();
    }
  });

  it('while the label indexes are made, ends when they are whole', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, options);
    fill(store, 20_000);
    await store.flush();
    let isBegun = (): void => {};
    const begun = new Promise<void>((resolve) => {
      isBegun = resolve;
    });
    const rebuilding = store.rebuildIndexes({ onProgress: () => isBegun() });
    await begun;
    await store.close();
    await rebuilding;
    const again = await openStore(directory, options);
    expect((await again.metrics('m')).length).to.equal(20_000);
    await again.close();
  });

  const thing = {};
  const strange: [string, (store: Store) => void][] = [
    ['its actor was stopped', ({ actor }) => actor.stop()],
    ['its actor was stopped twice', ({ actor }) => void [actor.stop(), actor.stop()]],
    ['its actor was sent close', ({ actor }) => actor.send({ type: 'close' })],
    ['its actor was sent xstate.stop', ({ actor }) => actor.send({ type: 'xstate.stop' })],
    ['its actor was sent a failure', ({ actor }) => actor.send({ type: 'fail', error: new Error('mine') })],
    ['its actor was sent a failure of nothing', ({ actor }) => actor.send({ type: 'fail' })],
    ['its actor was sent an unknown event', ({ actor }) => actor.send({ type: 'whatever', thing })],
    ['its actor was sent no event', ({ actor }) => actor.send(undefined as never)],
    ['its actor was sent null', ({ actor }) => actor.send(null as never)],
    ['its actor was sent pressure', ({ actor }) => actor.send({ type: 'pressureMeasured', score: 5 })],
    ['its actor was sent pressure of nothing', ({ actor }) => actor.send({ type: 'pressureMeasured' })],
    [
      'its actor was sent pressure that throws',
      ({ actor }) => actor.send({ type: 'pressureMeasured', score: Symbol('s') }),
    ],
    ['its actor was sent trouble', ({ actor }) => actor.send({ type: 'diskTrouble' })],
    ['its actor was sent a jump of the clock', ({ actor }) => actor.send({ type: 'clockJumped', byMs: 1n })],
    [
      'its actor was sent the end of a checkpoint',
      ({ actor }) => {
        for (const type of ['backupRequested', 'checkpointDue', 'checkpointDue']) actor.send({ type });
        for (const call of ['writeForBackup', 'copyBackup', 'writeCheckpoint'])
          actor.send({ type: `xstate.done.actor.${call}`, output: undefined });
        actor.send({ type: 'xstate.error.actor.writeCheckpoint', error: new Error('not so') });
      },
    ],
    [
      'its actor was told that closing is done before it is',
      ({ actor }) => {
        actor.send({ type: 'close' });
        actor.send({ type: 'xstate.done.actor.finish', output: undefined });
      },
    ],
    [
      'its actor was told that closing has failed before it has',
      ({ actor }) => {
        actor.send({ type: 'close' });
        actor.send({ type: 'xstate.error.actor.finish', error: new Error('not so') });
      },
    ],
    [
      'its actor was stopped while closing',
      ({ actor }) => {
        actor.send({ type: 'close' });
        actor.stop();
      },
    ],
  ];
  for (const [what, act] of strange) {
    it(`ends, frees the directory and keeps what was flushed when ${what}`, async () => {
      const directory = temporaryDirectory();
      const store = await openStore(directory, options);
      const events: string[] = [];
      let isCompleted = false;
      store.events$.subscribe({ next: ({ type }) => events.push(type), complete: () => (isCompleted = true) });
      fill(store);
      await store.flush();
      await codeOf(() => act(store));
      const [subscribed] = await Promise.allSettled([codeOf(() => store.subscribe('a'))]);
      expect(subscribed.status).to.equal('fulfilled');
      const failure: unknown = await store.close().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure !== undefined) expect(failure).to.be.instanceOf(TidemarkError);
      expect(isCompleted, 'events$ has ended').to.equal(true);
      expect(await codeOf(() => store.append({ __name__: 'late' }, BASE, 1))).to.equal('TIDEMARK_CLOSED');
      expect(await codeOf(() => store.flush())).to.equal('TIDEMARK_CLOSED');
      const closed = stateOf(directory);
      await aWhile();
      expect(stateOf(directory)).to.deep.equal(closed);
      const again = await openStore(directory, options);
      expect(await seriesCount(again)).to.equal(50);
      await again.close();
    });
  }

  it('is orderly when the actor of the open store was stopped', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, options);
    fill(store);
    store.actor.stop();
    expect(await codeOf(() => store.append({ __name__: 'late' }, BASE, 1))).to.equal('TIDEMARK_CLOSED');
    await store.close();
    expect(readdirSync(directory)).not.to.contain('DIRTY');
    expect(readFileSync(join(directory, 'heads.db')).length).to.be.above(0);
  });

  it('is not held up by the pressure that a user has sent', async () => {
    const store = await openStore(temporaryDirectory(), options);
    store.actor.send({ type: 'pressureMeasured', score: 5 });
    expect(await codeOf(() => store.append({ __name__: 'm' }, BASE, 1))).to.equal('TIDEMARK_THROTTLED');
    await store.ready();
    store.append({ __name__: 'm' }, BASE, 1);
    await store.close();
  });

  it('waits for no series whose actor was stopped or confused, and maintains it again', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, { ...options, headChunkTimeout: 1 });
    fill(store);
    for (let index = 0; index < 20; index++) {
      const handle = store.series({ __name__: 'm', id: String(index) });
      const actor = handle.actor();
      const { status } = actor.getSnapshot();
      expect(status).to.equal('active');
      if (index % 4 === 0) actor.stop();
      if (index % 4 === 1) await codeOf(() => actor.send({ type: 'maintain' }));
      if (index % 4 === 2) await codeOf(() => actor.send({ type: 'whatever' }));
      if (index % 4 === 3) {
        const visit = store.maintain();
        actor.stop();
        await visit;
      }
    }
    await store.maintain();
    await store.close();
    const again = await openStore(directory, options);
    expect(await seriesCount(again)).to.equal(50);
    await again.close();
  });
});

describe('a program that ends without closing its store', () => {
  it('ends, and what it has flushed is there', async () => {
    const directory = temporaryDirectory();
    const library = new URL('../../src/index.js', import.meta.url).href;
    const program = `
      const { openStore } = await import('${library}');
      const store = await openStore(${JSON.stringify(directory)}, { retention: 'off' });
      store.append({ __name__: 'm' }, ${BASE}, 1);
      await store.flush();
    `;
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 30_000 });
    const store = await openStore(directory, { retention: 'off' });
    expect((await store.lastSamples('m')).map(({ value }) => value)).to.deep.equal([1]);
    await store.close();
  });
});
