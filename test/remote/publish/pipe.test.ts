import { expect } from 'chai';
import { Registry } from 'prom-client';
import type { EventBatch, JournalEvent, Subscription } from '../../../src/index.ts';
import { type Pipe, type PipeOptions, pipe, type Sink, type SinkBatch, SinkError } from '../../../src/remote/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const event = (position: number): JournalEvent => ({
  type: 'pressureChanged',
  time: 1,
  from: 'normal',
  to: 'rushed',
  score: 1,
  position,
});

/** A subscription of batches with one event each, which end at positions 10, 20, 30 … */
class FakeSubscription implements Subscription {
  readonly name = 'mirror';
  position = 0;
  closes = 0;
  lost: { from: number; to: number } | undefined;
  private readonly end: number;
  private wake: () => void = () => {};
  private isClosed = false;

  constructor(batches: number) {
    this.end = batches * 10;
  }

  get lagBytes(): number {
    return this.end - this.position;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventBatch, void, undefined> {
    for (let position = 10; position <= this.end && !this.isClosed; position += 10) {
      const { lost } = this;
      this.lost = undefined;
      const ack = async (): Promise<void> => {
        this.position = position;
      };
      yield { events: [event(position)], position, ack, ...(lost && { lost }) };
    }
    if (!this.isClosed)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
  }

  async rewind(to: number): Promise<void> {
    this.position = to;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.closes++;
    this.wake();
  }
}

/** A sink that does what the test says for each attempt, and resolves `done` after so many stored batches. */
class FakeSink implements Sink {
  readonly attempts: SinkBatch[] = [];
  closes = 0;
  private readonly answer: (attempt: number, signal: AbortSignal) => Promise<void> | undefined;

  constructor(answer: (attempt: number, signal: AbortSignal) => Promise<void> | undefined = () => undefined) {
    this.answer = answer;
  }

  async send(batch: SinkBatch, signal: AbortSignal): Promise<void> {
    this.attempts.push(batch);
    await this.answer(this.attempts.length, signal);
  }

  async close(): Promise<void> {
    this.closes++;
  }

  get ends(): number[] {
    return this.attempts.map(({ to }) => to);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets everything run until the condition holds. */
const until = async (condition: () => boolean): Promise<void> => {
  for (let turns = 0; turns < 1000 && !condition(); turns++) await turn();
  expect(condition(), 'the condition holds in the end').to.equal(true);
};

describe('a pipe', () => {
  let clock: ManualClock;
  const half = { next: () => 1 };

  const begin = (subscription: Subscription, sink: Sink, options: PipeOptions = {}): Pipe =>
    pipe(subscription, sink, { clock, random: half, ...options });

  beforeEach(() => {
    clock = new ManualClock();
  });

  it('sends batch after batch and acknowledges each one', async () => {
    const subscription = new FakeSubscription(3);
    const sink = new FakeSink();
    const started = begin(subscription, sink);
    await until(() => subscription.position === 30);
    expect(sink.attempts.map(({ from, to }) => [from, to])).to.deep.equal([
      [0, 10],
      [10, 20],
      [20, 30],
    ]);
    await until(() => started.status().state === 'reading');
    expect(started.status()).to.deep.include({ sentEvents: 3, sentBatches: 3, pendingBytes: 0, position: 30 });
    const status = await started.stop();
    expect(status.state).to.equal('stopped');
    expect(sink.closes).to.equal(1);
    expect(subscription.closes).to.be.above(0);
  });

  it('sends a batch again after pauses that double up to the longest one', async () => {
    const subscription = new FakeSubscription(1);
    const sink = new FakeSink((attempt) => (attempt < 6 ? Promise.reject(new Error('busy')) : undefined));
    const started = begin(subscription, sink, { retryMin: '1s', retryMax: '5s' });
    for (const [index, pauseMs] of [1000, 2000, 4000, 5000, 5000].entries()) {
      await until(() => clock.timerCount === 1);
      expect(started.status()).to.deep.include({ state: 'waiting', retries: index + 1, position: 0 });
      expect(started.status().lastError?.message).to.equal('busy');
      clock.advance(pauseMs - 1);
      await turn();
      expect(sink.attempts).to.have.length(index + 1);
      clock.advance(1);
    }
    await until(() => subscription.position === 10);
    expect(sink.ends).to.deep.equal([10, 10, 10, 10, 10, 10]);
    await started.stop();
  });

  it('waits as long as the receiver asks', async () => {
    const subscription = new FakeSubscription(1);
    const sink = new FakeSink((attempt) =>
      attempt === 1 ? Promise.reject(new SinkError('slow down', { retryAfterMs: 60_000 })) : undefined,
    );
    const started = begin(subscription, sink);
    await until(() => clock.timerCount === 1);
    clock.advance(59_999);
    await turn();
    expect(sink.attempts).to.have.length(1);
    clock.advance(1);
    await until(() => subscription.position === 10);
    await started.stop();
  });

  it('leaves out a batch that the sink refuses, and says so', async () => {
    const subscription = new FakeSubscription(3);
    const sink = new FakeSink((attempt) =>
      attempt === 2 ? Promise.reject(new SinkError('no', { outcome: 'refuse' })) : undefined,
    );
    const refused: number[] = [];
    const started = begin(subscription, sink, {
      onRefused: ({ to }) => {
        refused.push(to);
        throw new Error('a listener');
      },
    });
    await until(() => subscription.position === 30);
    expect(refused).to.deep.equal([20]);
    expect((await started.stop()).refusedBatches).to.equal(1);
  });

  it('ends when the sink says so, and acknowledges nothing more', async () => {
    const subscription = new FakeSubscription(3);
    const sink = new FakeSink((attempt) =>
      attempt === 2 ? Promise.reject(new SinkError('not yours', { outcome: 'stop' })) : undefined,
    );
    const status = await begin(subscription, sink).ended;
    expect(status).to.deep.include({ state: 'failed', position: 10 });
    expect(status.lastError?.message).to.equal('not yours');
    expect(sink.closes).to.equal(1);
  });

  it('tells of a range that the subscription lost', async () => {
    const subscription = new FakeSubscription(2);
    subscription.lost = { from: 0, to: 7 };
    const lost: unknown[] = [];
    const sink = new FakeSink();
    const started = begin(subscription, sink, { onLost: (range) => lost.push(range) });
    await until(() => subscription.position === 20);
    expect(lost).to.deep.equal([{ from: 0, to: 7 }]);
    expect(sink.attempts[0].lost).to.deep.equal({ from: 0, to: 7 });
    expect(await started.stop()).to.deep.include({ lostRanges: 1, lostBytes: 7, lastLost: { from: 0, to: 7 } });
  });

  it('stops at once while it waits for the next attempt', async () => {
    const sink = new FakeSink(() => Promise.reject(new Error('busy')));
    const started = begin(new FakeSubscription(1), sink, { retryMin: '1h', retryMax: '1h' });
    await until(() => started.status().state === 'waiting');
    expect(await started.stop()).to.deep.include({ state: 'stopped', position: 0 });
  });

  it('waits at most five seconds for a sink that never answers', async () => {
    let aborted = false;
    const sink = new FakeSink((_, signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise(() => {});
    });
    const started = begin(new FakeSubscription(1), sink);
    await until(() => started.status().state === 'sending');
    let stopped = false;
    const stopping = started.stop().then((status) => {
      stopped = true;
      return status;
    });
    await turn();
    clock.advance(4499);
    await turn();
    expect([aborted, stopped]).to.deep.equal([false, false]);
    clock.advance(501);
    expect(await stopping).to.deep.include({ state: 'stopped', position: 0 });
    expect(aborted).to.equal(true);
  });

  it('has metrics while it runs', async () => {
    const registry = new Registry();
    const subscription = new FakeSubscription(3);
    const started = begin(subscription, new FakeSink(), { registry });
    await until(() => started.status().sentBatches === 3);
    expect(await registry.metrics()).to.include('tidemark_sink_sent_events_total{sink="mirror"} 3');
    await started.stop();
    expect(await registry.metrics()).to.not.include('sink="mirror"');
  });

  it('refuses pauses that are none', () => {
    expect(() => begin(new FakeSubscription(1), new FakeSink(), { retryMin: 0 })).to.throw(/retryMin is 0/);
  });
});
