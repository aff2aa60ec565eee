/**
 * The sender's side of remote write. The names of the cases are those of Prometheus' compliance suites
 * (`remote_write_sender` for 1.0, `remotewrite/sender` for 2.0); the assertions are exact where those allow a range.
 */
import { expect } from 'chai';
import { version } from '../../src/ports/version.ts';
import type { Forwarding } from '../../src/remote/index.ts';
import { Setup } from './forwarding.ts';
import { type Received, type TestAnswer, writtenHeaders } from './test-receiver.ts';

const protocols = ['1.0', '2.0'] as const;

const valuesOf = (request: Pick<Received, 'series'>, name: string): readonly number[] =>
  request.series.filter(({ labels }) => labels['__name__'] === name).flatMap(({ values }) => values);

describe('forwarding as a sender of remote write', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = await new Setup().open();
  });

  afterEach(() => setup.close());

  for (const protocol of protocols)
    describe(`of ${protocol}`, () => {
      const start = (): Forwarding => setup.forward({ protocol });

      it('Headers: method, type, encoding, version and user agent', async () => {
        const forwarding = start();
        setup.store.append({ __name__: 'up' }, setup.at(), 1);
        const [request] = await setup.sent(forwarding);
        expect(request.method).to.equal('POST');
        expect(request.headers).to.include({
          'content-encoding': 'snappy',
          'content-type':
            protocol === '1.0'
              ? 'application/x-protobuf'
              : 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
          'x-prometheus-remote-write-version': protocol === '1.0' ? '0.1.0' : '2.0.0',
          'user-agent': `tidemark/${version}`,
        });
        expect(request.headers).not.to.have.property('retry-attempt');
        expect(setup.receiver.requests).to.have.length(1);
      });

      it('SortedLabels, NameLabel, InstanceLabel, JobLabel: bytewise by name, with the metric name', async () => {
        const forwarding = start();
        // U+FB00 is after U+10000 in UTF-16 and before it in bytes.
        setup.store.append(
          { zone: 'z', '\u{10000}': 'x', job: 'j', '\ufb00': 'y', instance: 'i', Zone: 'Z', __name__: 'up' },
          setup.at(),
          1,
        );
        const [{ series }] = await setup.sent(forwarding);
        expect(series[0].names).to.deep.equal(['Zone', '__name__', 'instance', 'job', 'zone', '\ufb00', '\u{10000}']);
      });

      it('EmptyLabels: a label without a value is not sent', async () => {
        const forwarding = start();
        setup.store.append({ __name__: 'up', empty: '' }, setup.at(), 1);
        expect((await setup.sent(forwarding))[0].series[0].labels).to.deep.equal({ __name__: 'up' });
      });

      it('RepeatedLabels, HonorLabels: the label of the series wins over the added one', async () => {
        const forwarding = setup.forward({ protocol, labels: { job: 'added', site: 's' } });
        setup.store.append({ __name__: 'up', job: 'own' }, setup.at(), 1);
        const [{ series }] = await setup.sent(forwarding);
        expect(series[0].labels).to.deep.equal({ __name__: 'up', job: 'own', site: 's' });
      });

      it('Counter, Gauge, float, integer, zero, negative, infinite and NaN values keep their bits', async () => {
        const forwarding = start();
        const values = [0.1, 7, 0, -0, -1.5, Number.MAX_VALUE, 5e-324, Infinity, -Infinity, Number.NaN];
        for (const [i, value] of values.entries()) setup.store.append({ __name__: 'v' }, setup.at(i), value);
        const [{ series }] = await setup.sent(forwarding);
        const expected = values.map((value) => {
          const bytes = Buffer.alloc(8);
          bytes.writeDoubleBE(value);
          return bytes.toString('hex');
        });
        expect(series[0].bits).to.deep.equal(expected);
      });

      it('Staleness: the marker has its exact bits, and so has every NaN', async () => {
        const forwarding = start();
        const handle = setup.store.series({ __name__: 'up' });
        handle.appendStale(setup.at());
        handle.appendBits(setup.at(1), 0x7ff00000 | 0x80000, 0x1234);
        const [{ series }] = await setup.sent(forwarding);
        expect(series[0].bits).to.deep.equal(['7ff0000000000002', '7ff8000000001234']);
      });

      it('Timestamp, Ordering: milliseconds, ascending within a series', async () => {
        const forwarding = start();
        for (let i = 0; i < 5; i++)
          for (const room of ['a', 'b']) setup.store.append({ __name__: 't', room }, setup.at(10 * i), i);
        const [{ series }] = await setup.sent(forwarding);
        const times = [0, 10, 20, 30, 40].map((offset) => setup.at(offset));
        expect(series.map(({ timestamps }) => timestamps)).to.deep.equal([times, times]);
      });

      it('Timestamp: before the epoch', async () => {
        const forwarding = start();
        setup.store.append({ __name__: 't' }, -5, 1);
        setup.store.append({ __name__: 't' }, -1, 2);
        expect((await setup.sent(forwarding))[0].series[0].timestamps).to.deep.equal([-5, -1]);
      });

      it('Retries400, no_retry_on_400: exactly one request for one series, and the next one follows', async () => {
        const forwarding = start();
        setup.receiver.script = (request) =>
          valuesOf(request, 'bad').length > 0 ? { status: 400, body: 'x'.repeat(5000) } : undefined;
        setup.store.append({ __name__: 'bad' }, setup.at(), 1);
        await forwarding.caughtUp();
        expect(setup.receiver.requests).to.have.length(1);
        expect(setup.events).to.have.length(1);
        expect(setup.events[0]).to.include({ type: 'samplesDropped', reason: 'refused', samples: 1, status: 400 });
        expect(setup.events[0]).to.have.property('message', `400: ${'x'.repeat(1024)}`);
        setup.store.append({ __name__: 'good' }, setup.at(), 1);
        expect((await setup.sent(forwarding)).map(({ status }) => status)).to.deep.equal([400, 204]);
      });

      for (const status of [402, 406, 409, 422])
        it(`no_retry_on_${status}: one request, given up`, async () => {
          const forwarding = start();
          setup.receiver.script = () => ({ status });
          setup.store.append({ __name__: 'a' }, setup.at(), 1);
          setup.store.append({ __name__: 'b' }, setup.at(), 1);
          expect(await setup.sent(forwarding)).to.have.length(1);
          expect(forwarding.status()).to.deep.include({
            droppedSamples: { refused: 2 },
            failedRequests: 1,
            sentSamples: 0,
          });
        });

      for (const status of [500, 502, 503, 504])
        it(`Retries500, retry_on_${status}: the same bytes again, with the attempt in a header`, async () => {
          const forwarding = start();
          setup.receiver.script = () => (setup.receiver.requests.length < 2 ? { status } : undefined);
          setup.store.append({ __name__: 'a' }, setup.at(), 1);
          const caughtUp = forwarding.caughtUp();
          await setup.reaches(forwarding, 'waiting');
          setup.clock.advance(29);
          expect(setup.receiver.requests).to.have.length(1);
          setup.clock.advance(1);
          await setup.receiver.received(2);
          await setup.reaches(forwarding, 'waiting');
          setup.clock.advance(60);
          await caughtUp;
          const { requests } = setup.receiver;
          expect(requests.map((each) => each.status)).to.deep.equal([status, status, 204]);
          expect(requests.map(({ headers }) => headers['retry-attempt'])).to.deep.equal([undefined, '1', '2']);
          expect(requests[1].bytes.equals(requests[0].bytes)).to.equal(true);
          expect(requests[2].bytes.equals(requests[0].bytes)).to.equal(true);
          expect(forwarding.status()).to.include({ retries: 2, sentSamples: 1, failedRequests: 0 });
        });

      it('TestNetworkErrors: a connection that is closed, and no answer at all', async () => {
        const forwarding = start();
        const scripts = ['reset', 'hang', undefined] as const;
        setup.receiver.script = () => scripts[setup.receiver.requests.length];
        setup.store.append({ __name__: 'a' }, setup.at(), 1);
        const caughtUp = forwarding.caughtUp();
        await setup.reaches(forwarding, 'waiting');
        setup.clock.advance(30);
        await setup.receiver.received(2);
        setup.clock.advance(30_000);
        await setup.reaches(forwarding, 'waiting');
        expect(forwarding.status().lastError?.message).to.equal('no answer: no answer within 30000 ms');
        setup.clock.advance(60);
        await caughtUp;
        expect(forwarding.status()).to.include({ retries: 2, sentSamples: 1 });
      });

      it('response: the body of a success is ignored, 200 is one', async () => {
        const forwarding = start();
        setup.receiver.script = ({ sampleCount }) => ({
          status: 200,
          headers: protocol === '2.0' ? writtenHeaders(sampleCount) : {},
          body: 'error: '.repeat(50_000),
        });
        setup.store.append({ __name__: 'a' }, setup.at(), 1);
        expect(await setup.sent(forwarding)).to.have.length(1);
        expect(forwarding.status()).to.include({ sentSamples: 1, retries: 0 });
        setup.store.append({ __name__: 'a' }, setup.at(1), 1);
        expect(await setup.sent(forwarding)).to.have.length(2);
      });

      it('batching: as many samples as allowed, in order, over several requests', async () => {
        const forwarding = setup.forward({ protocol, batchSamples: 10 });
        for (let i = 0; i < 35; i++) setup.store.append({ __name__: 'a', i: String(i % 3) }, setup.at(i), i);
        const requests = await setup.sent(forwarding);
        expect(requests.map(({ sampleCount }) => sampleCount)).to.deep.equal([10, 10, 10, 5]);
        const all = requests.flatMap((request) => [...valuesOf(request, 'a')].sort((a, b) => a - b));
        expect(all).to.deep.equal(Array.from({ length: 35 }, (_, i) => i));
      });
    });

  describe('of 2.0', () => {
    it('symbols: each text once, the first one empty', async () => {
      const forwarding = setup.forward();
      for (const room of ['a', 'b', '__name__']) setup.store.append({ __name__: 't', room }, setup.at(), 1);
      const [{ symbols, series }] = await setup.sent(forwarding);
      expect(symbols).to.deep.equal(['', '__name__', 't', 'room', 'a', 'b']);
      expect(series).to.have.length(3);
    });

    it('fallback: 415 is answered with the same samples as 1.0, which is remembered', async () => {
      const forwarding = setup.forward();
      setup.receiver.script = ({ protocol }) => (protocol === '2.0' ? { status: 415 } : undefined);
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      await forwarding.caughtUp();
      setup.store.append({ __name__: 'a' }, setup.at(1), 2);
      const requests = await setup.sent(forwarding);
      expect(requests.map(({ protocol, status }) => [protocol, status])).to.deep.equal([
        ['2.0', 415],
        ['1.0', 204],
        ['1.0', 204],
      ]);
      expect(requests[1].headers).not.to.have.property('retry-attempt');
      expect(requests[1].series).to.deep.equal(requests[0].series);
      expect(setup.events).to.deep.equal([{ type: 'fellBack', message: '415' }]);
      expect(forwarding.status()).to.include({ protocol: '1.0', retries: 0, sentSamples: 2 });
    });

    it('missing Written headers: the receiver did not understand 2.0', async () => {
      const forwarding = setup.forward();
      setup.receiver.script = () => ({ status: 204 });
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      expect((await setup.sent(forwarding)).map(({ protocol }) => protocol)).to.deep.equal(['2.0', '1.0']);
      expect(forwarding.status()).to.include({ protocol: '1.0', sentSamples: 1 });
    });

    it('TestNoFallbackOn2xx, and none on 400 or 500', async () => {
      const forwarding = setup.forward();
      const answers: (TestAnswer | undefined)[] = [undefined, { status: 400 }, { status: 500 }, undefined];
      setup.receiver.script = () => answers[setup.receiver.requests.length];
      for (let i = 0; i < 2; i++) {
        setup.store.append({ __name__: 'a' }, setup.at(i), 1);
        await forwarding.caughtUp();
      }
      setup.store.append({ __name__: 'a' }, setup.at(2), 1);
      const caughtUp = forwarding.caughtUp();
      await setup.reaches(forwarding, 'waiting');
      setup.clock.advance(30);
      await caughtUp;
      expect(setup.receiver.requests.map(({ protocol }) => protocol)).to.deep.equal(['2.0', '2.0', '2.0', '2.0']);
    });

    it('partial write: a 400 with Written headers is not sent in parts, and what was written counts', async () => {
      const forwarding = setup.forward();
      setup.receiver.script = () => ({ status: 400, headers: writtenHeaders(3), body: 'out of order' });
      for (let i = 0; i < 4; i++) setup.store.append({ __name__: 'a', i: String(i) }, setup.at(), i);
      expect(await setup.sent(forwarding)).to.have.length(1);
      expect(forwarding.status()).to.deep.include({ sentSamples: 3, droppedSamples: { refused: 1 } });
    });

    it('written headers: fewer than were sent are told', async () => {
      const forwarding = setup.forward();
      setup.receiver.script = () => ({ status: 200, headers: writtenHeaders(1) });
      for (let i = 0; i < 4; i++) setup.store.append({ __name__: 'a', i: String(i) }, setup.at(), i);
      await forwarding.caughtUp();
      expect(forwarding.status()).to.deep.include({ sentSamples: 1, droppedSamples: { not_written: 3 } });
    });

    it('a fixed protocol does not fall back: forwarding pauses', async () => {
      const forwarding = setup.forward({ protocol: '2.0' });
      setup.receiver.script = () => ({ status: 415 });
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      void forwarding.caughtUp();
      await setup.reaches(forwarding, 'paused');
      expect(setup.receiver.requests.map(({ protocol }) => protocol)).to.deep.equal(['2.0']);
    });
  });

  describe('retrying', () => {
    const delays = async (forwarding: Forwarding, answers: readonly (TestAnswer | undefined)[]): Promise<number[]> => {
      setup.receiver.script = () => answers[setup.receiver.requests.length];
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      const caughtUp = forwarding.caughtUp();
      const waited: number[] = [];
      for (let i = 1; i < answers.length; i++) {
        await setup.receiver.received(i);
        await setup.reaches(forwarding, 'waiting');
        const before = setup.clock.now();
        const step = i < 4 ? 10 : 500;
        while (forwarding.state === 'waiting') setup.clock.advance(step);
        waited.push(setup.clock.now() - before);
      }
      await caughtUp;
      return waited;
    };

    it('backoff: 30 ms, doubled up to 5 s, after a minute up to 60 s', async () => {
      const answers = [...Array.from({ length: 25 }, () => ({ status: 503 })), undefined];
      const waited = await delays(setup.forward(), answers);
      expect(waited.slice(0, 3)).to.deep.equal([30, 60, 120]);
      expect(waited.slice(3)).to.deep.equal([
        500, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 10_000,
        20_000, 40_000, 60_000, 60_000,
      ]);
    });

    it('may_retry_on_429: after Retry-After in seconds, as a date, and at most five minutes', async () => {
      const date = new Date(setup.clock.now() + 20_000).toUTCString();
      const answers = [
        { status: 429, headers: { 'Retry-After': '3' } },
        { status: 429, headers: { 'Retry-After': date } },
        { status: 503, headers: { 'Retry-After': '86400' } },
        { status: 429, headers: { 'Retry-After': 'soon' } },
        undefined,
      ];
      const waited = await delays(setup.forward(), answers);
      expect(waited).to.deep.equal([3000, 17_000, 300_000, 500]);
    });

    it('408 is repeated, 401 and 403 pause for a minute and say so', async () => {
      const forwarding = setup.forward();
      const answers = [{ status: 408 }, { status: 401, body: 'who are you' }, { status: 403 }, undefined];
      setup.receiver.script = () => answers[setup.receiver.requests.length];
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      const caughtUp = forwarding.caughtUp();
      await setup.reaches(forwarding, 'waiting');
      setup.clock.advance(30);
      await setup.reaches(forwarding, 'paused');
      expect(forwarding.state).to.equal('paused');
      expect(setup.events.at(-1)).to.deep.equal({ type: 'paused', message: '401: who are you' });
      setup.clock.advance(119_999);
      expect(setup.receiver.requests).to.have.length(2);
      setup.clock.advance(1);
      await setup.receiver.received(3);
      await setup.reaches(forwarding, 'paused');
      forwarding.actor.send({ type: 'resume' });
      await caughtUp;
      expect(forwarding.status()).to.deep.include({ sentSamples: 1, droppedSamples: {} });
    });

    it('404 pauses at an address that never accepted anything, and is final at one that did', async () => {
      const forwarding = setup.forward();
      const answers = [{ status: 404 }, undefined, { status: 404 }, undefined];
      setup.receiver.script = () => answers[setup.receiver.requests.length];
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      const first = forwarding.caughtUp();
      await setup.reaches(forwarding, 'paused');
      setup.clock.advance(60_000);
      await first;
      setup.store.append({ __name__: 'a' }, setup.at(1), 1);
      await forwarding.caughtUp();
      expect(setup.receiver.requests).to.have.length(3);
      expect(forwarding.status()).to.deep.include({ sentSamples: 1, droppedSamples: { refused: 1 } });
    });

    it('a redirection is not followed', async () => {
      const forwarding = setup.forward();
      setup.receiver.script = () => ({ status: 307, headers: { location: 'http://elsewhere/' } });
      setup.store.append({ __name__: 'a' }, setup.at(), 1);
      void forwarding.caughtUp();
      await setup.reaches(forwarding, 'paused');
      expect(setup.events.at(-1)).to.have.property('message', '307: the receiver is at http://elsewhere/');
    });

    it('gives up after three identical 500s about the order of samples, and not before', async () => {
      const forwarding = setup.forward();
      const answers = ['out of order a', 'out of order b', 'out of order b', 'out of order b'];
      setup.receiver.script = (request) => {
        const body = answers[setup.receiver.requests.length];
        return valuesOf(request, 'old').length === 0 ? undefined : { status: 500, body: body ?? 'more' };
      };
      setup.store.append({ __name__: 'old' }, setup.at(), 1);
      const caughtUp = forwarding.caughtUp();
      for (let i = 1; i < 4; i++) {
        await setup.receiver.received(i);
        await setup.reaches(forwarding, 'waiting');
        setup.clock.advance(5000);
      }
      await caughtUp;
      expect(setup.receiver.requests).to.have.length(4);
      expect(forwarding.status()).to.deep.include({ droppedSamples: { refused: 1 }, retries: 3 });
    });
  });

  describe('taking a request apart', () => {
    it('on 400, so that one bad series does not take the others with it', async () => {
      const forwarding = setup.forward({ protocol: '1.0' });
      setup.receiver.script = ({ series }) =>
        series.some(({ labels }) => labels['i'] === '5') ? { status: 400, body: 'bad' } : undefined;
      for (let i = 0; i < 16; i++) setup.store.append({ __name__: 'a', i: String(i) }, setup.at(), i);
      const requests = await setup.sent(forwarding);
      expect(requests.map(({ sampleCount, status }) => [sampleCount, status])).to.deep.equal([
        [16, 400],
        [8, 400],
        [4, 204],
        [4, 400],
        [2, 400],
        [1, 204],
        [1, 400],
        [2, 204],
        [8, 204],
      ]);
      expect(forwarding.status()).to.deep.include({ sentSamples: 15, droppedSamples: { refused: 1 } });
    });

    it('on 400, so that a sample that the receiver has already does not take the next one with it', async () => {
      const forwarding = setup.forward({ protocol: '1.0' });
      setup.receiver.script = ({ series }) => (series[0].values[0] === 0 ? { status: 400 } : undefined);
      for (let i = 0; i < 4; i++) setup.store.append({ __name__: 'a' }, setup.at(i), i);
      const requests = await setup.sent(forwarding);
      expect(requests.filter(({ status }) => status === 204).flatMap((each) => valuesOf(each, 'a'))).to.deep.equal([
        1, 2, 3,
      ]);
    });

    it('on 400, in a bounded number of parts', async () => {
      const forwarding = setup.forward({ protocol: '1.0' });
      setup.receiver.script = () => ({ status: 400 });
      for (let i = 0; i < 1000; i++) setup.store.append({ __name__: 'a', i: String(i) }, setup.at(), i);
      expect((await setup.sent(forwarding)).length).to.equal(65);
      expect(forwarding.status().droppedSamples).to.deep.equal({ refused: 1000 });
    });

    it('on 413, down to one sample', async () => {
      const forwarding = setup.forward({ protocol: '1.0' });
      setup.receiver.script = ({ sampleCount }) => (sampleCount > 2 ? { status: 413 } : undefined);
      for (let i = 0; i < 7; i++) setup.store.append({ __name__: 'a' }, setup.at(i), i);
      const requests = await setup.sent(forwarding);
      expect(requests.map(({ sampleCount }) => sampleCount)).to.deep.equal([7, 3, 1, 2, 4, 2, 2]);
      expect(requests.filter(({ status }) => status === 204).flatMap((each) => valuesOf(each, 'a'))).to.deep.equal([
        0, 1, 2, 3, 4, 5, 6,
      ]);
      setup.receiver.script = () => ({ status: 413 });
      setup.store.append({ __name__: 'a' }, setup.at(9), 9);
      await forwarding.caughtUp();
      expect(forwarding.status().droppedSamples).to.deep.equal({ too_large: 1 });
    });
  });
});
