import { expect } from 'chai';
import type { EventBatch, Subscription } from '../../src/api/api.ts';
import { segmentName } from '../../src/journal/format/segment-header.ts';
import type { JournalWriter } from '../../src/journal/write/journal-writer.ts';
import type { JournalEvent } from '../../src/model/events.ts';
import { latestSaved } from '../../src/subscriptions/subscription-cursors.ts';
import { Subscriptions } from '../../src/subscriptions/subscriptions.ts';
import {
  append,
  directory,
  fingerprintOf,
  type OpenJournal,
  opened,
  openJournal,
  turn,
} from '../journal/journal-fixture.ts';
import { Crash, type MemoryFileSystem } from '../support/memory-file-system.ts';

interface Open extends OpenJournal {
  readonly subscriptions: Subscriptions;
}

const open = (fileSystem?: MemoryFileSystem, segmentBytes = 500): Open => {
  const parts = openJournal({ segmentBytes, batchSamples: 10 }, fileSystem);
  const subscriptions = new Subscriptions({ ...parts, directory });
  return { ...parts, subscriptions };
};

/** Events numbered by their time. */
const appendNumbered = (journal: JournalWriter, from: number, count: number): void => {
  for (let number = from; number < from + count; number++) journal.appendEvent({ ...opened, time: number });
};

const numbersOf = (events: readonly JournalEvent[]): number[] => events.map(({ time }) => time);

/** The next batch of a subscription that has one. */
const nextOf = async (subscription: Subscription): Promise<EventBatch> => {
  for await (const batch of subscription) return batch;
  throw new Error('the subscription ended');
};

const collect = async (subscription: Subscription, count: number): Promise<JournalEvent[]> => {
  const events: JournalEvent[] = [];
  for await (const batch of subscription) {
    events.push(...batch.events);
    if (events.length >= count) break;
  }
  return events;
};

describe('a durable subscription', () => {
  it('gets everything from the start, then what comes, in order', async () => {
    const { journal, subscriptions } = open();
    appendNumbered(journal, 0, 20);
    await journal.commit();
    const subscription = subscriptions.subscribe('mirror', { from: 'start', batchSize: 7 });
    const collected = collect(subscription, 40);
    await turn();
    appendNumbered(journal, 20, 20);
    await journal.commit();
    expect(numbersOf(await collected)).to.deep.equal(Array.from({ length: 40 }, (_, i) => i));
  });

  it('gets samples as columns with the fingerprints as text, bit for bit', async () => {
    const { journal, subscriptions } = open();
    append(journal, 0, 1000, -0);
    append(journal, 1, 1001, 2.5);
    append(journal, 0, 2000, Number.NaN);
    await journal.commit();
    const [event] = await collect(subscriptions.subscribe('a', { from: 'start' }), 1);
    if (event.type !== 'samplesAppended') throw new Error(event.type);
    expect(event.fingerprints).to.deep.equal([fingerprintOf(0), fingerprintOf(1), fingerprintOf(0)]);
    expect([...event.timestamps]).to.deep.equal([1000, 1001, 2000]);
    expect(Object.is(event.values[0], -0)).to.equal(true);
    expect([...event.values.subarray(1)]).to.deep.equal([2.5, Number.NaN]);
    expect(event.position).to.equal(journal.end);
  });

  it('gets nothing that is not on the disk yet', async () => {
    const { journal, subscriptions } = open();
    const subscription = subscriptions.subscribe('a', { from: 'start' });
    let batches = 0;
    const first = nextOf(subscription).then(() => batches++);
    appendNumbered(journal, 0, 1);
    journal.write();
    await turn();
    expect(batches).to.equal(0);
    await journal.commit();
    await first;
    expect(batches).to.equal(1);
  });

  it('begins at the end unless asked, and at a position when asked', async () => {
    const { journal, subscriptions } = open();
    appendNumbered(journal, 0, 5);
    const position = journal.end;
    appendNumbered(journal, 5, 5);
    await journal.commit();
    const atEnd = subscriptions.subscribe('end');
    const atPosition = subscriptions.subscribe('position', { from: position });
    appendNumbered(journal, 10, 1);
    await journal.commit();
    expect(numbersOf((await nextOf(atEnd)).events)).to.deep.equal([10]);
    expect(numbersOf((await nextOf(atPosition)).events)).to.deep.equal([5, 6, 7, 8, 9, 10]);
  });

  it('goes on after what it acknowledged, and again with what it did not', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 10);
    await journal.commit();
    const subscription = subscriptions.subscribe('a', { from: 'start', batchSize: 3 });
    const iterator = subscription[Symbol.asyncIterator]();
    await (await iterator.next()).value?.ack();
    await iterator.next();
    const machine = fileSystem.afterPowerLoss();
    const again = open(machine);
    const rest = await collect(again.subscriptions.subscribe('a', { from: 'start' }), 7);
    expect(numbersOf(rest)).to.deep.equal([3, 4, 5, 6, 7, 8, 9]);
  });

  it('acknowledges all before with one, and never goes back', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 9);
    await journal.commit();
    const iterator = subscriptions.subscribe('a', { from: 'start', batchSize: 3 })[Symbol.asyncIterator]();
    const first: EventBatch = (await iterator.next()).value as EventBatch;
    const second: EventBatch = (await iterator.next()).value as EventBatch;
    await second.ack();
    await first.ack();
    expect(subscriptions.list()).to.deep.equal([
      { name: 'a', position: second.position, lagBytes: journal.end - second.position },
    ]);
    const again = open(fileSystem.afterPowerLoss());
    expect(again.subscriptions.list()[0].position).to.equal(second.position);
  });

  describe('that is rewound', () => {
    /** A subscription that has handled 12 events in 4 batches. */
    const handled = async (): Promise<
      Open & { readonly subscription: Subscription; readonly batches: EventBatch[] }
    > => {
      const parts = open();
      appendNumbered(parts.journal, 0, 12);
      await parts.journal.commit();
      const subscription = parts.subscriptions.subscribe('a', { from: 'start', batchSize: 3 });
      const iterator = subscription[Symbol.asyncIterator]();
      const batches: EventBatch[] = [];
      for (let i = 0; i < 4; i++) batches.push((await iterator.next()).value as EventBatch);
      await batches[3].ack();
      return { ...parts, subscription, batches };
    };

    it('delivers again what comes after the position, now and after a crash', async () => {
      const { fileSystem, subscription, batches } = await handled();
      await subscription.rewind(batches[1].position);
      expect(subscription.position).to.equal(batches[1].position);
      expect(numbersOf((await nextOf(subscription)).events)).to.deep.equal([6, 7, 8]);
      const again = open(fileSystem.afterPowerLoss());
      expect(numbersOf(await collect(again.subscriptions.subscribe('a'), 6))).to.deep.equal([6, 7, 8, 9, 10, 11]);
    });

    it('wakes a loop that waits', async () => {
      const { subscription, batches } = await handled();
      const next = nextOf(subscription);
      await turn();
      await subscription.rewind(batches[2].position);
      expect(numbersOf((await next).events)).to.deep.equal([9, 10, 11]);
    });

    it('takes no acknowledgement of a batch from before, not even one that is being written', async () => {
      const { fileSystem, subscription, batches, subscriptions } = await handled();
      const late = batches[3].ack();
      const rewound = subscription.rewind(batches[0].position);
      await Promise.all([late, rewound, batches[2].ack()]);
      expect(subscriptions.list()[0].position).to.equal(batches[0].position);
      const again = open(fileSystem.afterPowerLoss());
      expect(again.subscriptions.list()[0].position).to.equal(batches[0].position);
    });

    it('has the old position or the new one, whenever the machine crashes', async () => {
      let survived = 0;
      for (let calls = 0; survived === 0; calls++) {
        const { fileSystem, subscription, batches } = await handled();
        let left = calls;
        fileSystem.onCall = () => {
          if (left-- <= 0) throw new Crash();
        };
        const done = await subscription.rewind(batches[0].position).then(
          () => true,
          () => false,
        );
        fileSystem.onCall = () => {};
        for (const machine of [fileSystem.afterKill(), fileSystem.afterPowerLoss()]) {
          const [status] = open(machine).subscriptions.list();
          if (done) survived = status.position;
          expect(status.position).to.be.oneOf(
            done ? [batches[0].position] : [batches[0].position, batches[3].position],
          );
        }
      }
    });

    it('keeps its position and delivers again when the new one can not be saved', async () => {
      const { fileSystem, subscription, batches } = await handled();
      fileSystem.fail('rename', 'EIO');
      const error: unknown = await subscription.rewind(batches[0].position).catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'TIDEMARK_IO');
      expect(subscription.position).to.equal(batches[3].position);
    });

    it('refuses a position that is not acknowledged, and a closed subscription', async () => {
      const { subscription, batches } = await handled();
      const codeOf = async (to: number): Promise<unknown> =>
        subscription.rewind(to).catch((error: unknown) => (error as { code?: unknown }).code);
      for (const to of [batches[3].position + 1, -1, 0.5, Number.NaN])
        expect(await codeOf(to)).to.equal('TIDEMARK_INVALID_POSITION');
      await subscription.close();
      expect(await codeOf(0)).to.equal('TIDEMARK_CLOSED');
    });
  });

  it('writes acknowledgements that come together once', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 50);
    await journal.commit();
    const batches: EventBatch[] = [];
    for await (const batch of subscriptions.subscribe('a', { from: 'start', batchSize: 1 })) {
      batches.push(batch);
      if (batches.length === 50) break;
    }
    await Promise.all(batches.map((batch) => batch.ack()));
    expect(fileSystem.calls.filter(({ operation }) => operation === 'rename').length).to.be.at.most(2);
    expect(subscriptions.list()[0].lagBytes).to.equal(0);
  });

  it('rejects an acknowledgement that could not be written, and writes it with the next', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 4);
    await journal.commit();
    const iterator = subscriptions.subscribe('a', { from: 'start', batchSize: 2 })[Symbol.asyncIterator]();
    const first: EventBatch = (await iterator.next()).value as EventBatch;
    await turn();
    fileSystem.fail('rename', 'EIO');
    const error: unknown = await first.ack().catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'TIDEMARK_IO');
    const second: EventBatch = (await iterator.next()).value as EventBatch;
    await second.ack();
    expect(open(fileSystem.afterPowerLoss()).subscriptions.list()[0].position).to.equal(second.position);
    expect(fileSystem.paths().filter((path) => path.endsWith('.tmp'))).to.deep.equal([]);
  });

  it('stands where the disk has it when a later acknowledgement failed, so that an earlier one is written', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 4);
    await journal.commit();
    const iterator = subscriptions.subscribe('a', { from: 'start', batchSize: 2 })[Symbol.asyncIterator]();
    const first: EventBatch = (await iterator.next()).value as EventBatch;
    const second: EventBatch = (await iterator.next()).value as EventBatch;
    fileSystem.fail('sync', 'EIO');
    const error: unknown = await second.ack().catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'TIDEMARK_IO');
    await first.ack();
    expect(open(fileSystem.afterPowerLoss()).subscriptions.list()[0].position).to.equal(first.position);
    expect(subscriptions.list()[0].position).to.equal(first.position);
  });

  it('holds its journal back until the disk has that it was moved on', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 30);
    await journal.commit();
    const iterator = subscriptions.subscribe('a', { from: 'start', batchSize: 2 })[Symbol.asyncIterator]();
    const first: EventBatch = (await iterator.next()).value as EventBatch;
    await first.ack();
    const to = journal.segments()[4].start;
    const overruns = (): { name: string; from: number; to: number }[] =>
      subscriptions.list().map(({ name, position }) => ({ name, from: position, to }));
    fileSystem.fail('sync', 'EIO');
    const error: unknown = await subscriptions.overrun(overruns()).catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'TIDEMARK_IO');
    expect(overruns(), 'planned again').to.deep.equal([{ name: 'a', from: first.position, to }]);
    const second: EventBatch = (await iterator.next()).value as EventBatch;
    expect(second.lost, 'nothing is gone').to.equal(undefined);
    expect(await subscriptions.overrun(overruns())).to.deep.equal([
      { type: 'subscriptionOverrun', time: 1_700_000_000_000, name: 'a', from: first.position, to },
    ]);
    expect(open(fileSystem.afterPowerLoss()).subscriptions.list()[0].position).to.equal(to);
    expect(((await iterator.next()).value as EventBatch).lost).to.deep.equal({ from: second.position, to });
  });

  it('that acknowledges while it is to be moved on loses nothing, when that comes to the disk', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 30);
    await journal.commit();
    const iterator = subscriptions.subscribe('a', { from: 'start', batchSize: 20 })[Symbol.asyncIterator]();
    const first: EventBatch = (await iterator.next()).value as EventBatch;
    const acknowledged = first.ack();
    const to = journal.segments()[2].start;
    expect(await subscriptions.overrun([{ name: 'a', from: 0, to }])).to.deep.equal([]);
    expect(open(fileSystem.afterPowerLoss()).subscriptions.list()[0].position).to.equal(first.position);
    await acknowledged;
  });

  it('is acknowledged for good only when the name of its directory is, whoever failed to sync it before', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 1);
    await journal.commit();
    const namesSynced = (): number =>
      fileSystem.calls.filter(({ operation, path }) => operation === 'syncDirectory' && path === directory).length;
    const before = namesSynced();
    fileSystem.fail('syncDirectory', 'EIO');
    const { ack } = await nextOf(subscriptions.subscribe('a', { from: 'start' }));
    await turn();
    expect(namesSynced(), 'failed while the subscription began').to.equal(before + 1);
    await ack();
    expect(namesSynced(), 'and again').to.equal(before + 2);
  });

  it('is told exactly what it lost when it held back more than it may, open or not', async () => {
    for (const isOpen of [true, false]) {
      const { journal, fileSystem, subscriptions } = open();
      appendNumbered(journal, 0, 30);
      await journal.commit();
      const subscription = subscriptions.subscribe('a', { from: 'start', batchSize: 2 });
      const iterator = subscription[Symbol.asyncIterator]();
      const first: EventBatch = (await iterator.next()).value as EventBatch;
      await first.ack();
      if (!isOpen) await subscription.close();
      const to = journal.segments()[4].start;
      const events = await subscriptions.overrun([{ name: 'a', from: first.position, to }]);
      expect(events).to.deep.equal([
        { type: 'subscriptionOverrun', time: 1_700_000_000_000, name: 'a', from: first.position, to },
      ]);
      await journal.truncateBefore(to);

      const lost = { from: first.position, to };
      if (isOpen) {
        const next: EventBatch = (await iterator.next()).value as EventBatch;
        expect(next.lost).to.deep.equal(lost);
        const after: EventBatch = (await iterator.next()).value as EventBatch;
        expect(after.lost).to.equal(undefined);
      }
      const again = open(fileSystem.afterPowerLoss());
      const resumed = await nextOf(again.subscriptions.subscribe('a'));
      expect(resumed.lost, 'after a restart, because it was not acknowledged').to.deep.equal(lost);
      expect(resumed.events[0].position).to.be.above(to);
      await resumed.ack();
      const third = open(again.fileSystem.afterPowerLoss());
      appendNumbered(third.journal, 100, 1);
      await third.journal.commit();
      expect((await nextOf(third.subscriptions.subscribe('a'))).lost).to.equal(undefined);
    }
  });

  it('is told of a range that is damaged, before what follows it', async () => {
    const { journal, fileSystem, subscriptions } = open(undefined, 1_000_000);
    appendNumbered(journal, 0, 10);
    await journal.commit();
    const path = `${directory}/${segmentName(0)}`;
    const whole = await collect(subscriptions.subscribe('whole', { from: 'start' }), 10);
    const bytes = fileSystem.content(path);
    bytes[48 + whole[3].position + 30] ^= 1;
    fileSystem.put(path, bytes);
    const iterator = subscriptions.subscribe('a', { from: 'start' })[Symbol.asyncIterator]();
    const before: EventBatch = (await iterator.next()).value as EventBatch;
    const after: EventBatch = (await iterator.next()).value as EventBatch;
    expect(numbersOf(before.events)).to.deep.equal([0, 1, 2, 3]);
    expect(before.lost).to.equal(undefined);
    expect(numbersOf(after.events)).to.deep.equal([5, 6, 7, 8, 9]);
    expect(after.lost).to.deep.equal({ from: whole[3].position, to: whole[4].position });
  });

  it('ends when it is closed, aborted, left, or when all are closed', async () => {
    const { journal, subscriptions, fileSystem, clock } = open();
    const ends: string[] = [];
    const run = async (subscription: Subscription): Promise<void> => {
      for await (const _ of subscription);
      ends.push(subscription.name);
    };
    const closed = subscriptions.subscribe('closed');
    const controller = new AbortController();
    const runs = [
      run(closed),
      run(subscriptions.subscribe('aborted', { signal: controller.signal })),
      run(subscriptions.subscribe('aborted-before', { signal: AbortSignal.abort() })),
      run(subscriptions.subscribe('rest')),
    ];
    await turn();
    await closed.close();
    await turn();
    controller.abort();
    await turn();
    expect(ends).to.have.members(['aborted-before', 'closed', 'aborted']);
    await subscriptions.close();
    await Promise.all(runs);
    expect(() => subscriptions.subscribe('late'))
      .to.throw()
      .with.property('code', 'TIDEMARK_CLOSED');
    appendNumbered(journal, 0, 1);
    await journal.commit();
    const others = new Subscriptions({ journal, fileSystem, clock, directory });
    const left = others.subscribe('left', { from: 'start' });
    for await (const _ of left) break;
    expect(() => others.subscribe('left')).not.to.throw();
  });

  it('frees its name at once when its signal had aborted, when it is closed, left or fails', async () => {
    const { journal, subscriptions } = open();
    appendNumbered(journal, 0, 3);
    await journal.commit();
    const again = (options = {}): Subscription => subscriptions.subscribe('a', { from: 'start', ...options });
    for await (const _ of again({ signal: AbortSignal.abort() })) throw new Error('a batch');
    const controller = new AbortController();
    const aborted = again({ signal: controller.signal });
    controller.abort();
    for await (const _ of aborted) throw new Error('a batch');
    void again().close();
    for await (const _ of again()) break;
    const failing = (async () => {
      for await (const _ of again()) throw new Error('mine');
    })();
    expect(await failing.catch((error: Error) => error.message)).to.equal('mine');
    const iterator = again()[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    await turn();
    expect(await iterator.return?.()).to.deep.equal({ done: true, value: undefined });
    expect(await waiting).to.deep.equal({ done: true, value: undefined });
    expect(numbersOf((await nextOf(again())).events)).to.deep.equal([0, 1, 2]);
  });

  it('gives each batch to one of its loops, and ends for all of them', async () => {
    const { journal, subscriptions } = open();
    const subscription = subscriptions.subscribe('a', { from: 'start', batchSize: 1 });
    const seen: number[] = [];
    const loops = [0, 1, 2].map(async () => {
      for await (const { events } of subscription) seen.push(...numbersOf(events));
    });
    for (let number = 0; number < 20; number++) {
      appendNumbered(journal, number, 1);
      await journal.commit();
      await turn();
    }
    for (let turns = 0; turns < 40; turns++) await turn();
    await subscription.close();
    await Promise.all(loops);
    expect(seen).to.deep.equal(Array.from({ length: 20 }, (_, index) => index));
  });

  it('refuses to acknowledge for a name that was forgotten, also when another has it by then', async () => {
    const { journal, subscriptions } = open();
    appendNumbered(journal, 0, 3);
    await journal.commit();
    const late = await nextOf(subscriptions.subscribe('a', { from: 'start' }));
    await subscriptions.remove('a');
    const codeOf = (acknowledging: Promise<void>): Promise<unknown> =>
      acknowledging.then(
        () => undefined,
        (error: { code: unknown }) => error.code,
      );
    expect(await codeOf(late.ack())).to.equal('TIDEMARK_CLOSED');
    subscriptions.subscribe('a', { from: 'start' });
    expect(await codeOf(late.ack())).to.equal('TIDEMARK_CLOSED');
    expect(subscriptions.list()[0].position).to.equal(0);
  });

  it('is one per name, and can be forgotten', async () => {
    const { fileSystem, subscriptions } = open();
    subscriptions.subscribe('a');
    expect(() => subscriptions.subscribe('a')).to.throw(/open already/);
    await turn();
    await subscriptions.remove('a');
    await subscriptions.remove('never-there');
    expect(subscriptions.list()).to.deep.equal([]);
    expect(open(fileSystem.afterPowerLoss()).subscriptions.list()).to.deep.equal([]);
  });

  it('has a name that can be a file, a position that is there, and batches of at least one', () => {
    const { subscriptions } = open();
    for (const name of ['', '.', '..', '../x', 'a/b', 'a b', '-a', 'x'.repeat(101)]) {
      expect(() => subscriptions.subscribe(name), name).to.throw(/subscription name/);
    }
    expect(() => subscriptions.subscribe('a', { from: 17 })).to.throw(/from is 17; allowed/);
    expect(() => subscriptions.subscribe('a', { from: -1 })).to.throw(/from is -1/);
    expect(() => subscriptions.subscribe('a', { batchSize: 0 })).to.throw(/batchSize is 0/);
    expect(subscriptions.list()).to.deep.equal([]);
  });

  it('whose cursor can not be read starts over', async () => {
    const { journal, fileSystem } = open();
    appendNumbered(journal, 0, 3);
    await journal.close();
    const texts = ['', '{', 'null', '{"position":"1"}', '{"position":-1}', '{"position":1,"lost":7}'];
    for (const text of [...texts, `{"position":${2 ** 50 + 2}}`, '{"position":1,"crc32":1}']) {
      fileSystem.put(`${directory}/subscriptions/a.json`, Buffer.from(text));
      const { subscriptions } = open(fileSystem);
      expect(numbersOf((await nextOf(subscriptions.subscribe('a'))).events), text).to.deep.equal([0, 1, 2]);
    }
  });

  it('whose position has another digit starts over', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 3);
    await journal.commit();
    const batch = await nextOf(subscriptions.subscribe('a', { from: 'start', batchSize: 1 }));
    await batch.ack();
    const path = `${directory}/subscriptions/a.json`;
    const text = fileSystem.content(path).toString();
    await journal.close();
    expect(open(fileSystem).subscriptions.list()[0].position).to.equal(batch.position);
    fileSystem.put(path, Buffer.from(text.replace(/("position":\d*)(\d)/, (_, start, last) => `${start}${last ^ 1}`)));
    expect(open(fileSystem).subscriptions.list()[0].position).to.equal(0);
  });

  it('is not on the disk before the journal that comes before it', async () => {
    const { journal, fileSystem, subscriptions } = open();
    appendNumbered(journal, 0, 3);
    fileSystem.fail('sync', 'EIO');
    const { end } = journal;
    const subscription = subscriptions.subscribe('a');
    await turn();
    expect(journal.durable).to.be.below(end);
    expect(fileSystem.paths()).to.not.include(`${directory}/subscriptions/a.json`);
    await subscription.close();
    await journal.retry();
    await turn();
    expect(latestSaved(fileSystem, directory)).to.equal(end);
    expect(open(fileSystem.afterPowerLoss()).subscriptions.list()[0].position).to.equal(end);
  });

  it('has the latest of the saved positions found', async () => {
    const { journal, fileSystem, subscriptions } = open();
    expect(latestSaved(fileSystem, directory)).to.equal(0);
    appendNumbered(journal, 0, 9);
    await journal.commit();
    const positions: number[] = [];
    for (const [name, batchSize] of Object.entries({ a: 2, b: 7, c: 4 })) {
      const batch = await nextOf(subscriptions.subscribe(name, { from: 'start', batchSize }));
      await batch.ack();
      positions.push(batch.position);
    }
    expect(latestSaved(fileSystem, directory)).to.equal(Math.max(...positions));
  });

  it('gets every event at least once, in order, across 60 crashes at random moments', async () => {
    // A linear congruential generator: the run is the same every time.
    let state = 20_231;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >>> 8) % limit;
    };
    let machine = open().fileSystem;
    let appended = 0;
    const durable: number[] = [];
    const seen: number[] = [];
    for (let session = 0; session < 60; session++) {
      const { journal, subscriptions } = open(machine);
      let callsLeft = below(60);
      machine.onCall = () => {
        if (callsLeft-- <= 0) throw new Crash();
      };
      const seenNow: number[] = [];
      const consume = async (): Promise<void> => {
        for await (const batch of subscriptions.subscribe('a', { from: 'start', batchSize: 1 + below(5) })) {
          seenNow.push(...numbersOf(batch.events));
          if (below(3) > 0) await batch.ack();
        }
      };
      const consuming = consume().catch(() => undefined);
      try {
        for (let step = 0; step < 40; step++) {
          const count = 1 + below(4);
          appendNumbered(journal, appended, count);
          appended += count;
          await journal.commit();
          for (let number = appended - count; number < appended; number++) durable.push(number);
          await turn();
        }
      } catch {
        // The machine is gone.
      }
      await subscriptions.close();
      await consuming;
      expect(seenNow, 'in order').to.deep.equal([...new Set(seenNow)].sort((a, b) => a - b));
      seen.push(...seenNow);
      machine.onCall = () => {};
      machine = below(2) === 0 ? machine.afterKill() : machine.afterPowerLoss();
    }
    const { journal, subscriptions } = open(machine);
    appendNumbered(journal, appended, 1);
    await journal.commit();
    for await (const batch of subscriptions.subscribe('a', { from: 'start' })) {
      seen.push(...numbersOf(batch.events));
      if (seen.at(-1) === appended) break;
    }
    const firstSeen = [...new Set(seen)];
    expect(firstSeen, 'in order over all sessions').to.deep.equal([...firstSeen].sort((a, b) => a - b));
    const known = new Set(seen);
    expect(
      durable.filter((number) => !known.has(number)),
      'durable, but never seen',
    ).to.deep.equal([]);
    expect(durable.length).to.be.above(200);
  });
});
