/**
 * A durable subscription to a store that crashes and closes many times. It gets every event at least once and in order,
 * although checkpoints truncate the journal. One test has a subscription that is too slow.
 */
import { expect } from 'chai';
import type { EventBatch, Store, Subscription } from '../../src/api/api.ts';
import { openStore } from '../../src/index.ts';
import { World } from '../simulation/world.ts';
import { seeded } from '../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { boot, directory, succeed } from './crash-world.ts';

const RESTARTS = 50;
const BASE = 1_700_000_000_000;
const seed = Number(process.env['TIDEMARK_SEED'] ?? 4711);

/** The samples of one series, whose values count up from 0. */
const valuesOf = ({ events }: EventBatch): number[] =>
  events.flatMap((event) => (event.type === 'samplesAppended' ? [...event.values] : []));

/** A subscriber, with what it has received in all its lives. */
class Subscriber {
  /** Every sample below it was handled at least once. */
  handled = 0;
  batches = 0;
  acknowledged = 0;
  private readonly random: ReturnType<typeof seeded>;

  constructor(random: ReturnType<typeof seeded>) {
    this.random = random;
  }

  /** Handles batches until `isEnough` returns true, and acknowledges some of them. */
  async consume(subscription: Subscription, isEnough: () => boolean): Promise<void> {
    let next: number | undefined;
    for await (const batch of subscription) {
      expect(batch.lost, 'nothing is lost').to.equal(undefined);
      for (const value of valuesOf(batch)) {
        expect(value, 'in order').to.equal(next ?? value);
        expect(value, 'without a gap').to.be.at.most(this.handled);
        next = value + 1;
        this.handled = Math.max(this.handled, next);
      }
      this.batches++;
      if (this.random.int(3) > 0) {
        await batch.ack();
        this.acknowledged++;
      }
      if (isEnough()) return;
    }
  }
}

describe('a durable subscription', () => {
  afterEach(removeTemporaryDirectories);

  it(`gets every event at least once, in order, over ${RESTARTS} restarts at random moments`, async () => {
    const random = seeded(seed);
    const world = new World({ seed, directory, mischief: 0 });
    const subscriber = new Subscriber(random);
    let flushed = 0;
    for (let restart = 0; restart <= RESTARTS; restart++) {
      const store = await boot(world);
      const [last] = await succeed(world, () => store.lastSamples('counter'));
      let appended = last === undefined ? 0 : last.value + 1;
      expect(appended, 'what was flushed is there').to.be.at.least(flushed);
      expect(appended, 'nothing is delivered that a crash takes back').to.be.at.least(subscriber.handled);
      const isLast = restart === RESTARTS;
      let isAllAppended = false;
      const subscription = store.subscribe('mirror', { from: 'start', batchSize: 1 + random.int(5) });
      const stopAfter = subscriber.batches + random.int(12);
      const consumed = subscriber.consume(subscription, () =>
        isLast ? isAllAppended && subscriber.handled === appended : subscriber.batches > stopAfter,
      );
      // If the process dies, this promise may stay pending or reject.
      consumed.catch(() => undefined);
      const append = (): void => {
        store.append({ __name__: 'counter' }, BASE + appended, appended);
        appended++;
      };
      await succeed(world, async () => {
        for (let round = 1 + random.int(8); round > 0; round--) {
          for (let count = 1 + random.int(20); count > 0; count--) append();
          if (random.int(2) === 0) await store.flush().then(() => (flushed = appended));
          if (random.int(4) === 0) await store.maintain();
          if (random.int(4) === 0) await store.checkpoint();
        }
        if (!isLast) return;
        // One more sample, so that a subscriber that has already caught up still gets a batch.
        isAllAppended = true;
        append();
        await store.flush();
      });
      if (isLast) await succeed(world, () => consumed);
      const end = isLast ? 'close' : (['close', 'kill', 'power'] as const)[random.int(3)];
      if (end !== 'close') {
        world.crash(end);
        continue;
      }
      await succeed(world, () => store.close());
      flushed = appended;
      if (isLast) expect(subscriber.handled, `TIDEMARK_SEED=${seed}`).to.equal(appended);
    }
    expect(subscriber.acknowledged).to.be.greaterThan(RESTARTS);
  });

  it('that holds back too much journal is told which range it lost, and the journal stays bounded', async () => {
    const options = { retention: 'off', subscriptionBacklogBytes: 1024 * 1024, checkpointInterval: '1h' } as const;
    const path = temporaryDirectory();
    let store: Store = await openStore(path, options);
    const slow = store.subscribe('slow', { from: 'start', batchSize: 1 });
    const iterator = slow[Symbol.asyncIterator]();
    const series = Array.from({ length: 100 }, (_, i) => store.series({ __name__: 'noise', id: String(i) }));
    let k = 0;
    const fill = async (): Promise<void> => {
      // More than a segment of 32 MiB.
      for (const end = k + 40_000; k < end; k++) for (const each of series) each.append(BASE + k, Math.random());
      await store.flush();
    };
    await fill();
    const first = (await iterator.next()).value as EventBatch;
    await first.ack();
    expect(slow.lagBytes).to.be.greaterThan(30 * 1024 * 1024);
    expect(await store.registry.getSingleMetricAsString('tidemark_subscription_lag_bytes')).to.contain('"slow"');
    await store.checkpoint();
    const { first: oldest } = (await store.info()).journal;
    expect(oldest).to.be.greaterThan(first.position);
    // The reader has already read the next batch; the journal after it is gone.
    await iterator.return?.();
    await store.close();
    store = await openStore(path, options);
    const [status] = store.subscriptions();
    expect(status?.position).to.equal(oldest);
    for await (const batch of store.subscribe('slow')) {
      expect(batch.lost).to.deep.equal({ from: first.position, to: oldest });
      expect(batch.events[0]?.position).to.be.greaterThan(oldest);
      await batch.ack();
      break;
    }
    for await (const batch of store.subscribe('slow')) {
      expect(batch.lost, 'told once it is acknowledged').to.equal(undefined);
      break;
    }
    await store.unsubscribe('slow');
    expect(store.subscriptions()).to.deep.equal([]);
    await store.close();
  }).timeout(60_000);

  it('keeps its position across clean closes and checkpoints that shorten the journal', async () => {
    const path = temporaryDirectory();
    let store = await openStore(path, { retention: 'off' });
    const names: string[] = [];
    const take = async (count: number): Promise<void> => {
      for await (const batch of store.subscribe('mirror', { from: 'start', batchSize: 1 })) {
        for (const event of batch.events)
          if (event.type === 'seriesCreated') names.push(event.labels['__name__'] ?? '');
        await batch.ack();
        if (names.length === count) return;
      }
    };
    for (let session = 0; session < 4; session++) {
      store.append({ __name__: `series_${session}` }, BASE, session);
      await store.flush();
      await take(session + 1);
      await store.checkpoint();
      await store.close();
      store = await openStore(path, { retention: 'off' });
    }
    expect(names).to.deep.equal(['series_0', 'series_1', 'series_2', 'series_3']);
    await store.close();
  });
});
