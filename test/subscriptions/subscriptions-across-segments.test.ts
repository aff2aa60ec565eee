/** Subscribers, and other readers, of a journal whose segments are a few records long and go as soon as they may. */
import { expect } from 'chai';
import type { EventBatch, Subscription } from '../../src/api/api.ts';
import type { JournalWriter } from '../../src/journal/write/journal-writer.ts';
import { planTruncation } from '../../src/journal/write/plan-truncation.ts';
import type { JournalEvent, Position } from '../../src/model/events.ts';
import { followJournal } from '../../src/subscriptions/follow.ts';
import { Subscriptions } from '../../src/subscriptions/subscriptions.ts';
import { directory, type OpenJournal, opened, openJournal, turn } from '../journal/journal-fixture.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { seeded } from '../support/seeded.ts';

interface Open extends OpenJournal {
  readonly subscriptions: Subscriptions;
}

const open = (fileSystem = new MemoryFileSystem(), segmentBytes = 400): Open => {
  const parts = openJournal({ segmentBytes, batchSamples: 10 }, fileSystem);
  return { ...parts, subscriptions: new Subscriptions({ ...parts, directory }) };
};

/** What a checkpoint does to the journal when replay needs nothing of it any more. */
const truncate = async ({ journal, subscriptions }: Open, backlogBytes = Number.POSITIVE_INFINITY): Promise<void> => {
  const { before, overruns } = planTruncation({
    segmentStarts: journal.segments().map(({ start }) => start),
    end: journal.end,
    checkpoint: journal.end,
    indexes: journal.end,
    subscriptions: subscriptions.list(),
    readers: journal.heldFrom,
    subscriptionBacklogBytes: backlogBytes,
  });
  await subscriptions.overrun(overruns);
  await journal.truncateBefore(before, { backlogBytes });
};

const appendNumbered = (journal: JournalWriter, from: number, count: number): void => {
  for (let number = from; number < from + count; number++) journal.appendEvent({ ...opened, time: number });
};

const numbersOf = (events: readonly JournalEvent[]): number[] => events.map(({ time }) => time);

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** A subscriber that notes what it got, and acknowledges now and then. */
class Reader {
  readonly name: string;
  readonly got: number[] = [];
  /** How many of `got` were acknowledged. */
  handled = 0;
  readonly lost: EventBatch['lost'][] = [];
  private readonly everyTurns: number;
  private readonly chance: () => number;

  constructor(name: string, everyTurns: number, chance: () => number) {
    this.name = name;
    this.everyTurns = everyTurns;
    this.chance = chance;
  }

  async run(subscription: Subscription): Promise<void> {
    this.got.length = this.handled;
    for await (const batch of subscription) {
      this.got.push(...numbersOf(batch.events));
      if (batch.lost !== undefined) this.lost.push(batch.lost);
      for (let turns = 0; turns < this.everyTurns; turns++) await turn();
      if (this.chance() > 0.5) continue;
      const count = this.got.length;
      // The subscriptions are closed in the middle of it at the end of a session.
      const refusal = await batch.ack().catch((error: unknown) => error);
      if (refusal === undefined) this.handled = count;
      else expect(refusal).to.have.property('code', 'TIDEMARK_CLOSED');
    }
  }
}

describe('reading a journal whose segments come and go', () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`subscribers of every speed get each event once, in order, and nothing is lost (seed ${seed})`, async () => {
      const { next: chance, int: below } = seeded(seed * 7919);
      let machine = new MemoryFileSystem();
      let appended = 0;
      const readers = range(0, 4).map((number) => new Reader(`reader-${number}`, number * 2, chance));
      for (let session = 0; session < 4; session++) {
        const parts = open(machine, 200 + below(400));
        const { journal, subscriptions, fileSystem } = parts;
        // The disk takes its time: what is written is not durable for a while, over several segments.
        fileSystem.holdSync = async () => {
          for (let turns = below(6); turns > 0; turns--) await turn();
        };
        const running = readers.map(({ name }, index) =>
          readers[index].run(subscriptions.subscribe(name, { from: 'start', batchSize: 1 + below(7) })),
        );
        const commits: Promise<unknown>[] = [];
        for (let step = 0; step < 40; step++) {
          const count = below(6);
          appendNumbered(journal, appended, count);
          appended += count;
          journal.write();
          commits.push(journal.commit());
          if (chance() < 0.3) await truncate(parts);
          await turn();
        }
        await Promise.all(commits);
        for (let turns = 0; turns < 40; turns++) await turn();
        if (chance() < 0.5) await truncate(parts);
        await subscriptions.close();
        await Promise.all(running);
        if (chance() < 0.5) {
          await journal.close();
          machine = fileSystem;
        } else machine = chance() < 0.5 ? fileSystem.afterKill() : fileSystem.afterPowerLoss();
      }
      const last = open(machine);
      const running = readers.map((reader) => reader.run(last.subscriptions.subscribe(reader.name)));
      const enough = (): boolean => readers.every(({ got }) => got.length >= appended);
      for (let turns = 0; turns < 5000 && !enough(); turns++) await turn();
      await last.subscriptions.close();
      await Promise.all(running);
      for (const { name, got, lost } of readers) {
        expect(lost, name).to.deep.equal([]);
        expect(got, name).to.deep.equal(range(0, appended));
      }
      expect(last.journal.first, 'segments went').to.be.above(0);
    });
  }

  it('leaves a segment only when it is complete: what is written but not durable follows', async () => {
    const parts = open();
    const { journal, subscriptions, fileSystem } = parts;
    const batches: EventBatch[] = [];
    const subscription = subscriptions.subscribe('a', { from: 'start' });
    const reading = (async () => {
      for await (const batch of subscription) batches.push(batch);
    })();
    appendNumbered(journal, 0, 2);
    await journal.commit();
    await turn();
    let release = (): void => {};
    fileSystem.holdSync = () => new Promise((resolve) => (release = resolve));
    appendNumbered(journal, 2, 1);
    const commit = journal.commit();
    await turn();
    // Two more segments are begun, and written, while the disk has confirmed but one record more.
    appendNumbered(journal, 3, 12);
    journal.write();
    expect(journal.segments().length).to.be.above(2);
    expect(journal.first, 'the oldest segment waits for the disk, and is there').to.equal(0);
    fileSystem.holdSync = () => Promise.resolve();
    release();
    await commit;
    await turn();
    await turn();
    await journal.commit();
    for (let turns = 0; turns < 10; turns++) await turn();
    await subscription.close();
    await reading;
    expect(batches.flatMap(({ events }) => numbersOf(events))).to.deep.equal(range(0, 15));
    expect(batches.filter(({ lost }) => lost !== undefined)).to.deep.equal([]);
  });

  it('begins at the start of what is there, also while that is waiting for the disk', async () => {
    const { journal, subscriptions, ...parts } = open();
    appendNumbered(journal, 0, 12);
    journal.write();
    const first: number[] = [];
    for await (const event of followJournal({ ...parts, journal, journalDirectory: directory }, {}))
      first.push(event.time);
    expect(first).to.deep.equal(range(0, 12));
    const subscription = subscriptions.subscribe('a', { from: 'start', batchSize: 100 });
    await journal.commit();
    for await (const batch of subscription) {
      expect(numbersOf(batch.events)).to.deep.equal(range(0, 12));
      break;
    }
  });

  it('begins at a position in the middle of a segment, exactly there, whatever was damaged before', async () => {
    const { journal, subscriptions, fileSystem } = open(undefined, 1_000_000);
    const positions: Position[] = [];
    for (let number = 0; number < 10; number++) positions.push(journal.appendEvent({ ...opened, time: number }));
    await journal.commit();
    const [path] = fileSystem.paths().filter((name) => name.endsWith('.journal'));
    const bytes = fileSystem.content(path);
    bytes[48 + positions[1] + 30] ^= 1;
    fileSystem.put(path, bytes);
    for await (const batch of subscriptions.subscribe('a', { from: positions[5] })) {
      expect(numbersOf(batch.events)).to.deep.equal(range(6, 10));
      expect(batch.lost).to.equal(undefined);
      break;
    }
  });

  it('begins anywhere, also in a segment that is about to go, and loses nothing then', async () => {
    const parts = open();
    const { journal, subscriptions, fileSystem } = parts;
    appendNumbered(journal, 0, 30);
    await journal.commit();
    let subscription: Subscription | undefined;
    fileSystem.onCall = (operation) => {
      // The events of the oldest segment are moved to the history: the next thing is that it goes.
      if (operation === 'sync') subscription ??= subscriptions.subscribe('a', { from: 'start', batchSize: 100 });
    };
    await truncate(parts);
    fileSystem.onCall = () => {};
    for await (const batch of subscription!) {
      expect(batch.lost).to.equal(undefined);
      expect(numbersOf(batch.events)).to.deep.equal(range(0, 30));
      break;
    }
  });

  it('loses what its bound does not cover, and exactly that', async () => {
    const parts = open();
    const { journal, subscriptions } = parts;
    appendNumbered(journal, 0, 30);
    await journal.commit();
    const iterator = subscriptions.subscribe('a', { from: 'start', batchSize: 2 })[Symbol.asyncIterator]();
    const first: EventBatch = (await iterator.next()).value as EventBatch;
    await first.ack();
    await truncate(parts, 1200);
    expect(journal.first).to.be.above(first.position);
    const next: EventBatch = (await iterator.next()).value as EventBatch;
    expect(next.lost).to.deep.equal({ from: first.position, to: journal.first });
    expect(numbersOf(next.events)[0]).to.be.above(1);
  });

  it('tells nothing as lost where nothing was: an empty last segment went with a crash', async () => {
    const before = open();
    appendNumbered(before.journal, 0, 3);
    await before.journal.commit();
    const cursor = before.subscriptions.subscribe('a', { from: 'end' });
    await turn();
    await cursor.close();
    await before.subscriptions.close();
    const machine = before.fileSystem.afterKill();
    // Half a record at the end, which was never acknowledged.
    const [path] = machine.paths().filter((name) => name.endsWith('.journal'));
    machine.put(path, Buffer.concat([machine.content(path), Buffer.alloc(40, 7)]));
    const { journal, subscriptions } = open(machine);
    expect(journal.end).to.be.above(subscriptions.list()[0].position);
    const reading = subscriptions.subscribe('a');
    appendNumbered(journal, 3, 1);
    await journal.commit();
    await truncate({ ...before, journal, subscriptions });
    for await (const batch of reading) {
      expect(batch.lost).to.equal(undefined);
      expect(numbersOf(batch.events)).to.deep.equal([3]);
      break;
    }
  });

  it('a reader of the journal holds back what it has not read, while it reads', async () => {
    const parts = open();
    const { journal } = parts;
    // More than the 1,000 events that are read at a time.
    appendNumbered(journal, 0, 2500);
    await journal.commit();
    const events = followJournal({ ...parts, journalDirectory: directory }, {});
    const numbers = [(await events.next()).value?.time];
    appendNumbered(journal, 2500, 30);
    await journal.commit();
    await truncate(parts);
    for await (const event of events) numbers.push(event.time);
    expect(numbers).to.deep.equal(range(0, 2500));
    await truncate(parts);
    expect(journal.segments().length, 'nothing is held back any more').to.equal(1);
  });
});
