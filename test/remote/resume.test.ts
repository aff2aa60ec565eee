/** Forwarding over restarts: what is sent again, what is not, and what a new name begins with. */
import { expect } from 'chai';
import type { Forwarding } from '../../src/remote/index.ts';
import { codeOf } from '../store/support.ts';
import { Setup } from './forwarding.ts';

const SECOND = 1000;
const HOUR = 3_600_000;

describe('forwarding', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = await new Setup().open();
  });

  afterEach(() => setup.close());

  const key = (name: string, time: number, value: number): string => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return `${JSON.stringify({ __name__: name })} ${time} ${bytes.toString('hex')}`;
  };

  /** Lets everything happen that needs no time. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await setup.clock.breathe();
  };

  const stopWithin5s = async (forwarding: Forwarding): Promise<void> => {
    const stopped = forwarding.stop();
    setup.clock.advance(5000);
    await stopped;
  };

  describe('over a restart', () => {
    it('sends what was not answered again, with the same bytes, although more was appended', async () => {
      const first = setup.forward();
      setup.receiver.script = () => 'hang';
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      await setup.store.flush();
      await settle();
      setup.clock.advance(5500);
      await setup.receiver.received(1);
      for (let i = 1; i < 5; i++) {
        setup.clock.advance(5000);
        setup.store.append({ __name__: 'a' }, setup.at(), i);
      }
      await setup.store.flush();
      await stopWithin5s(first);
      setup.receiver.script = () => undefined;
      const second = setup.forward();
      await second.caughtUp();
      const { requests } = setup.receiver;
      expect(requests[1].bytes.equals(requests[0].bytes)).to.equal(true);
      expect(second.status().sentSamples).to.equal(5);
      await second.stop();
      const third = setup.forward();
      await third.caughtUp();
      expect(third.status().sentSamples).to.equal(0);
    });

    it('of the store knows the labels of series whose creation was acknowledged before', async () => {
      const first = setup.forward();
      setup.store.append({ __name__: 'a', room: 'x' }, setup.at(), 1);
      await first.caughtUp();
      await first.stop();
      await setup.store.close();
      await setup.openStore();
      const second = setup.forward();
      setup.store.append({ __name__: 'a', room: 'x' }, setup.at(1), 2);
      await second.caughtUp();
      expect(setup.receiver.requests.at(-1)?.series[0].labels).to.deep.equal({ __name__: 'a', room: 'x' });
    });

    it('knows the labels of a series that was deleted meanwhile', async () => {
      const first = setup.forward();
      setup.store.append({ __name__: 'a', room: 'x' }, setup.at(), 1);
      await first.caughtUp();
      await first.stop();
      setup.store.append({ __name__: 'a', room: 'x' }, setup.at(1), 2);
      await setup.store.drop('a');
      const second = setup.forward();
      await second.caughtUp();
      expect(setup.receiver.requests.at(-1)?.series).to.deep.include({
        labels: { __name__: 'a', room: 'x' },
        names: ['__name__', 'room'],
        timestamps: [setup.at(1)],
        values: [2],
        bits: ['4000000000000000'],
      });
      expect(second.status().droppedSamples).to.deep.equal({});
    });

    it('of a process that ends after the answer and before the acknowledgement: the same bytes again', async () => {
      const first = setup.forward();
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      // The place can't be saved, as if the process had ended before.
      const { replace, rename } = setup.fileSystem;
      setup.fileSystem.rename = (from, to) => {
        if (to.endsWith('central.json')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
        rename.call(setup.fileSystem, from, to);
      };
      await first.caughtUp();
      expect(first.status().lastError?.message).to.contain('subscriptions');
      await first.stop();
      Object.assign(setup.fileSystem, { replace, rename });
      const second = setup.forward();
      await second.caughtUp();
      const { requests } = setup.receiver;
      expect(requests).to.have.length(2);
      expect(requests[1].bytes.equals(requests[0].bytes)).to.equal(true);
    });
  });

  describe('cuts batches by the journal alone', () => {
    it('however its records were read', async () => {
      // The same records: read as they come, and read from the start at once.
      const live = setup.forward({ batchSamples: 50, protocol: '1.0' }, 'live');
      const paused = setup.forward({ batchSamples: 50, protocol: '1.0', url: 'http://127.0.0.1:1/' }, 'later');
      for (let i = 0; i < 60; i++) {
        for (let j = 0; j <= i % 7; j++) setup.store.append({ __name__: 'a', j: String(j) }, setup.at(), i);
        await setup.store.flush();
        await settle();
        setup.clock.advance(i % 11 === 0 ? 7000 : 400);
        await settle();
      }
      await live.caughtUp();
      await stopWithin5s(paused);
      const bytesLive = setup.receiver.requests.map(({ bytes }) => bytes.toString('hex'));
      const later = setup.forward({ batchSamples: 50, protocol: '1.0' }, 'later');
      await later.caughtUp();
      const bytesLater = setup.receiver.requests.slice(bytesLive.length).map(({ bytes }) => bytes.toString('hex'));
      expect(bytesLive).to.have.length.above(6);
      expect(bytesLater).to.deep.equal(bytesLive);
    });

    it('waits for batchDelay with a batch that is not full', async () => {
      setup.forward();
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      await setup.store.flush();
      await settle();
      setup.clock.advance(5499);
      await settle();
      expect(setup.receiver.requests).to.have.length(0);
      setup.clock.advance(1);
      await setup.receiver.received(1);
    });
  });

  describe('of late samples', () => {
    it('sends them in requests of their own, so that a receiver that takes none refuses only those', async () => {
      const forwarding = setup.forward();
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      setup.store.append({ __name__: 'a' }, setup.at(-2000), 2);
      setup.store.append({ __name__: 'a' }, setup.at(-3000), 3);
      setup.store.append({ __name__: 'a' }, setup.at(1), 4);
      await forwarding.caughtUp();
      expect(setup.receiver.requests.map(({ series }) => series.map(({ values }) => values))).to.deep.equal([
        [[1, 4]],
        [[3, 2]],
      ]);
    });
  });

  describe("from 'start'", () => {
    /** Two hours of three series, a minute apart. */
    const fill = (): string[] => {
      const expected: string[] = [];
      for (let time = setup.at(-2 * HOUR); time < setup.at(); time += 60 * SECOND)
        for (const name of ['a', 'b', 'c']) {
          setup.store.append({ __name__: name }, time, time % 1000);
          expected.push(key(name, time, time % 1000));
        }
      return expected;
    };

    it('sends everything that the store has, in windows of time, then the journal', async () => {
      const expected = fill();
      await setup.store.close();
      await setup.openStore();
      const forwarding = setup.forward({ from: 'start', batchSamples: 50 });
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      await forwarding.caughtUp();
      expected.push(key('a', setup.at(), 1));
      expect([...setup.receiver.samples].sort()).to.deep.equal(expected.sort());
      const starts = setup.receiver.requests.map(({ series }) =>
        Math.min(...series.map(({ timestamps }) => timestamps[0])),
      );
      for (const [i, start] of starts.entries())
        expect(start, 'at most one window back').to.be.above(Math.max(...starts.slice(0, i), 0) - HOUR / 2);
      expect(setup.events.map(({ type }) => type)).to.include('historySent');
    });

    it('sends samples once that are appended while the history is sent, late ones too', async () => {
      const expected = fill();
      await setup.store.flush();
      const forwarding = setup.forward({ from: 'start', batchSamples: 20, protocol: '1.0' });
      let requests = 0;
      setup.receiver.script = () => {
        requests += 1;
        if (requests > 12) return undefined;
        setup.store.append({ __name__: 'a' }, setup.at(requests), requests);
        setup.store.append({ __name__: 'b' }, setup.at(-HOUR + requests), requests);
        setup.store.append({ __name__: 'new' }, setup.at(-HOUR + requests), requests);
        expected.push(key('a', setup.at(requests), requests), key('b', setup.at(-HOUR + requests), requests));
        expected.push(key('new', setup.at(-HOUR + requests), requests));
        return undefined;
      };
      await forwarding.caughtUp();
      expect([...setup.receiver.samples].sort()).to.deep.equal(expected.sort());
    });

    it('continues after a stop in the middle, and repeats only the request that was not answered', async () => {
      const expected = fill();
      await setup.store.flush();
      let hangsAt = 3;
      setup.receiver.script = () => (setup.receiver.requests.length === hangsAt ? 'hang' : undefined);
      const options = { from: 'start', batchSamples: 40, protocol: '1.0' } as const;
      for (let round = 0; round < 3; round++) {
        const forwarding = setup.forward(options);
        await setup.receiver.received(hangsAt + 1);
        await stopWithin5s(forwarding);
        setup.store.append({ __name__: 'a' }, setup.at(round), round);
        expected.push(key('a', setup.at(round), round));
        if (round === 1) {
          await setup.store.close();
          await setup.openStore();
        }
        hangsAt += 3;
      }
      hangsAt = -1;
      const last = setup.forward(options);
      await last.caughtUp();
      expect([...setup.receiver.samples].sort()).to.deep.equal(expected.sort());
      const { requests } = setup.receiver;
      for (const [i, { status, bytes }] of requests.entries())
        if (status === 0) expect(requests[i + 1].bytes.equals(bytes), `request ${i}`).to.equal(true);
    });

    it('finds its way over years without samples', async () => {
      const times = [0, 60 * SECOND, 24 * HOUR * 365, 24 * HOUR * 900, 24 * HOUR * 900 + HOUR];
      for (const time of times) setup.store.append({ __name__: 'a' }, time, 1);
      const forwarding = setup.forward({ from: 'start' });
      await forwarding.caughtUp();
      expect(setup.receiver.samples).to.deep.equal(times.map((time) => key('a', time, 1)));
    });

    it('of a store without samples begins with the journal', async () => {
      const forwarding = setup.forward({ from: 'start' });
      await forwarding.caughtUp();
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      await forwarding.caughtUp();
      expect(setup.receiver.samples).to.deep.equal([key('a', setup.at(), 1)]);
    });
  });

  describe('leaves out', () => {
    it("what was appended before a name that begins at the 'end'", async () => {
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      await setup.store.flush();
      const forwarding = setup.forward();
      setup.store.append({ __name__: 'a' }, setup.at(1), 2);
      await forwarding.caughtUp();
      expect(setup.receiver.samples).to.deep.equal([key('a', setup.at(1), 2)]);
    });

    it('series that the selector does not match', async () => {
      const forwarding = setup.forward({ selector: '{__name__=~"a|b"}' });
      for (const name of ['a', 'b', 'c']) setup.store.append({ __name__: name }, setup.at(), 1);
      await forwarding.caughtUp();
      expect(setup.receiver.samples).to.deep.equal([key('a', setup.at(), 1), key('b', setup.at(), 1)]);
    });

    it('samples older than maxSampleAge, also those that became so while they waited', async () => {
      const forwarding = setup.forward({ maxSampleAge: '10s' });
      setup.store.append({ __name__: 'a' }, setup.at(-11 * SECOND), 1);
      setup.store.append({ __name__: 'a' }, setup.at(-8 * SECOND), 2);
      setup.store.append({ __name__: 'a' }, setup.at(), 3);
      setup.receiver.script = () =>
        setup.receiver.requests.length === 0 ? { status: 503, headers: { 'retry-after': '5' } } : undefined;
      const caughtUp = forwarding.caughtUp();
      await setup.reaches(forwarding, 'waiting');
      setup.clock.advance(5000);
      await caughtUp;
      expect(setup.receiver.requests.map(({ sampleCount }) => sampleCount)).to.deep.equal([2, 1]);
      expect(forwarding.status()).to.deep.include({ droppedSamples: { too_old: 2 }, sentSamples: 1 });
    });

    it('series without a metric name, which it counts', async () => {
      const forwarding = setup.forward();
      setup.store.append({ room: 'x' }, setup.at(), 1);
      await forwarding.caughtUp();
      expect(setup.receiver.requests).to.have.length(0);
      expect(forwarding.status().droppedSamples).to.deep.equal({ no_name: 1 });
    });
  });

  it('tells of a part of the journal that was lost, and goes on after it', async () => {
    const first = setup.forward();
    await first.caughtUp();
    await first.stop();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 50_000; i++) setup.store.append({ __name__: 'a' }, setup.at(i), Math.sin(i));
      setup.clock.advance(60_000);
      await setup.store.close();
      await setup.openStore({ subscriptionBacklogBytes: 4096 });
    }
    const second = setup.forward();
    setup.store.append({ __name__: 'last' }, setup.at(), 1);
    await second.caughtUp();
    expect(setup.receiver.samples.at(-1)).to.equal(key('last', setup.at(), 1));
    expect(second.status().lostRanges).to.equal(1);
    const lost = setup.events.find(({ type }) => type === 'rangeLost') as { from: number; to: number };
    expect(await setup.store.registry.metrics()).to.contain(
      `tidemark_forward_lost_bytes_total{name="central"} ${lost.to - lost.from}`,
    );
  });

  describe('caughtUp', () => {
    it('resolves under steady appends, when everything that was appended before is sent', async () => {
      const forwarding = setup.forward();
      setup.store.append({ __name__: 'before' }, setup.at(), 1);
      let isDone = false;
      const caughtUp = forwarding.caughtUp().then(() => {
        isDone = true;
      });
      let appended = 0;
      for (; !isDone && appended < 3000; appended++) {
        setup.store.append({ __name__: 'later' }, setup.at(appended), appended);
        await setup.clock.breathe();
      }
      expect(appended, 'appended meanwhile').to.be.below(1500);
      await caughtUp;
      expect(setup.receiver.samples).to.include(key('before', setup.at(), 1));
    });

    it('resolves a second call only when what was appended before it is sent', async () => {
      const forwarding = setup.forward({ protocol: '1.0' });
      setup.receiver.script = () => (setup.receiver.requests.length === 0 ? 'hang' : undefined);
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      const first = forwarding.caughtUp();
      await setup.receiver.received(1);
      setup.store.append({ __name__: 'b' }, setup.at(), 2);
      const second = forwarding.caughtUp().then(() => [...setup.receiver.samples]);
      setup.receiver.release();
      await first;
      expect(await second).to.include(key('b', setup.at(), 2));
    });
  });

  describe('stops', () => {
    it('within 5 s, whatever the receiver does', async () => {
      const forwarding = setup.forward();
      setup.receiver.script = () => 'hang';
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      void forwarding.caughtUp();
      await setup.receiver.received(1);
      const stopped = forwarding.stop();
      setup.clock.advance(4999);
      expect(forwarding.state).to.equal('connecting');
      setup.clock.advance(1);
      await stopped;
      expect(forwarding.state).to.equal('stopped');
      expect(setup.events.at(-1)).to.deep.equal({ type: 'stopped' });
    });

    it('after the answer of the request under way, which it acknowledges', async () => {
      const forwarding = setup.forward({ protocol: '1.0' });
      setup.receiver.script = () => 'hang';
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      void forwarding.caughtUp();
      await setup.receiver.received(1);
      const stopped = forwarding.stop();
      setup.receiver.release();
      await stopped;
      setup.receiver.script = () => undefined;
      const again = setup.forward();
      await again.caughtUp();
      expect(setup.receiver.requests).to.have.length(1);
    });

    it('with the store, also while it waits', async () => {
      const forwarding = setup.forward();
      setup.receiver.script = () => ({ status: 500 });
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      void forwarding.caughtUp();
      await setup.reaches(forwarding, 'waiting');
      await setup.store.close();
      await forwarding.done;
      expect(forwarding.state).to.equal('stopped');
      await setup.openStore();
    });

    it('with its signal', async () => {
      const abort = new AbortController();
      const forwarding = setup.forward({ signal: abort.signal });
      abort.abort();
      await forwarding.done;
      expect(forwarding.state).to.equal('stopped');
    });
  });

  it('refuses a second forwarding of the same name, until the first has ended', async () => {
    const first = setup.forward({ from: 'start' });
    expect(await codeOf(() => setup.forward())).to.equal('TIDEMARK_INVALID_OPTION');
    expect(await codeOf(() => setup.forward({ from: 'start' }))).to.equal('TIDEMARK_INVALID_OPTION');
    await first.stop();
    await setup.forward().caughtUp();
    const subscription = setup.store.subscribe('other');
    expect(await codeOf(() => setup.forward({}, 'other'))).to.equal('TIDEMARK_INVALID_OPTION');
    await subscription.close();
  });

  it('refuses wrong options, and names what is allowed', async () => {
    const wrong: readonly Record<string, unknown>[] = [
      { url: 'ftp://x' },
      { url: undefined },
      { protocol: '3.0' },
      { headers: { 'Content-Type': 'x' } },
      { headers: { a: 'b\nc' } },
      { batchSamples: 0 },
      { batchDelay: '0s' },
      { timeout: 'soon' },
      { from: 'middle' },
      { nonsense: 1 },
    ];
    for (const options of wrong)
      expect(await codeOf(() => setup.forward(options)), JSON.stringify(options)).to.equal('TIDEMARK_INVALID_OPTION');
    expect(await codeOf(() => setup.forward({ selector: '{' }))).to.equal('TIDEMARK_INVALID_SELECTOR');
    expect(await codeOf(() => setup.forward({}, '../x'))).to.equal('TIDEMARK_INVALID_OPTION');
    expect(setup.store.subscriptions()).to.deep.equal([]);
  });

  it("counts in the store's registry, two forwardings side by side", async () => {
    const one = setup.forward({}, 'one');
    const two = setup.forward({}, 'two');
    setup.receiver.script = ({ series }) => (series[0].labels['__name__'] === 'bad' ? { status: 400 } : undefined);
    setup.store.append({ __name__: 'a' }, setup.at(), 1);
    await one.caughtUp();
    setup.store.append({ __name__: 'bad' }, setup.at(), 1);
    await one.caughtUp();
    await two.caughtUp();
    const text = await setup.store.registry.metrics();
    expect(text).to.contain('tidemark_forward_samples_total{name="one"} 1');
    expect(text).to.contain('tidemark_forward_samples_total{name="two"} 2');
    expect(text).to.contain('tidemark_forward_dropped_samples_total{name="one",reason="refused"} 1');
    expect(text).to.contain('tidemark_forward_pending_samples{name="one"} 0');
    expect(text).to.contain(`tidemark_forward_highest_sent_timestamp_seconds{name="one"} ${setup.at() / 1000}`);
  });
});
