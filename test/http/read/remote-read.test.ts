/** Remote read: both answers to the last byte, what requests may be, and what happens to those that may not. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import fc from 'fast-check';
import { PagesServer } from '../../../src/http/index.ts';
import { readRoutes } from '../../../src/http/read/remote-read.ts';
import { openStore, type Store, systemClock } from '../../../src/index.ts';
import { compress } from '../../../src/wire/snappy.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import {
  decodeFrames,
  decodeSamples,
  EQ,
  NEQ,
  NRE,
  post,
  type Query,
  RE,
  readRequest,
  SAMPLES,
  type Series,
  STREAMED,
  seriesOfFrames,
} from './read-client.ts';
import { serveRoutes } from './serve-routes.ts';

const everything: Query = { from: -(2 ** 62), through: 2 ** 62, matchers: [['__name__', RE, '.+']] };

const words = (text: string): [number, number] => [
  Number.parseInt(text.slice(0, 8), 16) | 0,
  Number.parseInt(text.slice(8), 16) | 0,
];

describe('remote read', () => {
  let store: Store;
  let server: PagesServer;

  beforeEach(async () => {
    store = await openStore(temporaryDirectory(), { retention: 'off', futureTolerance: 'off' });
    server = new PagesServer({ clock: systemClock, token: false });
    await server.listen();
    server.showStore(store);
  });

  afterEach(async () => {
    await server.close();
    await store.close();
    removeTemporaryDirectories();
  });

  const append = (labels: Record<string, string>, samples: readonly (readonly [number, string])[]): void => {
    const series = store.series(labels);
    for (const [time, bits] of samples) series.appendBits(time, ...words(bits));
  };

  /** The answers of both types, which must be the same. */
  const ask = async (...queries: readonly Query[]): Promise<Series[][]> => {
    const samples = await post(server.port, readRequest(queries, [SAMPLES]));
    const streamed = await post(server.port, readRequest(queries, [STREAMED]));
    expect([samples.status, streamed.status], samples.error + streamed.error).to.deep.equal([200, 200]);
    const answers = decodeSamples(samples.body);
    expect(seriesOfFrames(decodeFrames(streamed.body), queries.length)).to.deep.equal(answers);
    return answers;
  };

  const namesOf = (result: readonly Series[]): string[] => result.map(({ labels }) => labels);

  const fill = (): void => {
    append({ __name__: 'up', job: 'b' }, [[1000, '3ff0000000000000']]);
    append({ __name__: 'up', job: 'a', zone: 'x' }, [
      [1000, '3ff0000000000000'],
      [2000, '0000000000000000'],
      [3000, '4000000000000000'],
    ]);
    append({ __name__: 'load' }, [[5000, '3fe0000000000000']]);
  };

  describe('the answer with plain samples', () => {
    it('has the bytes of the specification', async () => {
      append({ __name__: 'a', b: 'c' }, [[5, '3ff0000000000000']]);
      const { status, headers, body } = await post(server.port, readRequest([everything]));
      expect(status).to.equal(200);
      expect(headers).to.include({
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'content-length': String(body.length),
      });
      const series = '0a24 0a0d 0a085f5f6e616d655f5f 120161 0a06 0a0162 120163 120b 09000000000000f03f 1005';
      // In snappy: 40 bytes, as two literals of 2 and 38 bytes.
      expect(body.toString('hex')).to.equal(`28 04 0a26 94 ${series}`.replaceAll(' ', ''));
    });

    it('is an empty message for each query that finds nothing', async () => {
      const nothing: Query = { ...everything, matchers: [['__name__', EQ, 'none']] };
      const { body } = await post(server.port, readRequest([nothing, nothing]));
      expect(decodeSamples(body)).to.deep.equal([[], []]);
      expect(decodeSamples((await post(server.port, readRequest([]))).body)).to.deep.equal([]);
    });
  });

  describe('the streamed answer', () => {
    it('has the bytes of the specification', async () => {
      append({ __name__: 'a', b: 'c' }, [[5, '3ff0000000000000']]);
      const { status, headers, body } = await post(server.port, readRequest([everything, everything], [STREAMED]));
      expect(status).to.equal(200);
      expect(headers['content-type']).to.equal('application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse');
      expect(headers).not.to.have.property('content-encoding');
      const labels = '0a0d 0a085f5f6e616d655f5f 120161 0a06 0a0162 120163';
      const chunk = '1213 0805 1005 1801 220b 0001 0a 3ff0000000000000';
      const first = `0a2c ${labels} ${chunk}`;
      // Both checksums are of another program.
      const frames = `2e aff70bc8 ${first} 30 3c86fed9 ${first} 1001`;
      expect(body.toString('hex')).to.equal(frames.replaceAll(' ', ''));
    });

    it('splits a long series into frames of at most one MiB, with its labels in each', async () => {
      const count = 300_000;
      const timestamps = Float64Array.from({ length: count }, (_, i) => 1_600_000_000_000 + 15_000 * i);
      const values = Float64Array.from({ length: count }, (_, i) => Math.sin(i));
      await store.backfill([
        { labels: { __name__: 'sine' }, timestamps, values },
        { labels: { __name__: 'zero' }, timestamps: [1], values: [0] },
      ]);
      const { body } = await post(server.port, readRequest([everything], [STREAMED]));
      const frames = decodeFrames(body);
      expect(frames.length).to.be.above(3);
      for (const { byteCount } of frames) expect(byteCount).to.be.at.most(1024 * 1024);
      // All frames of the series but the last one are as full as they can be.
      for (const { byteCount } of frames.slice(0, -2)) expect(byteCount).to.be.above(1024 * 1024 - 5000);
      const [[sine, zero]] = seriesOfFrames(frames, 1);
      expect(namesOf([sine, zero])).to.deep.equal(['__name__=sine', '__name__=zero']);
      expect(sine.samples.map(([time]) => time)).to.deep.equal([...timestamps]);
      const bits = new BigUint64Array(values.buffer);
      expect(sine.samples.every(([, pattern], i) => pattern === bits[i].toString(16).padStart(16, '0'))).to.equal(true);
      const chunkSizes = frames.slice(0, -1).flatMap(({ chunks }) => chunks.map(({ data }) => data.readUInt16BE(0)));
      expect(new Set(chunkSizes)).to.deep.equal(new Set([120]));
    });

    it('has one series a frame, and no frame for a query that finds nothing', async () => {
      fill();
      const nothing: Query = { ...everything, matchers: [['__name__', EQ, 'none']] };
      const { body } = await post(server.port, readRequest([nothing, everything], [STREAMED]));
      expect(decodeFrames(body).map(({ queryIndex, labels }) => [queryIndex, labels])).to.deep.equal([
        [1, '__name__=load'],
        [1, '__name__=up,job=a,zone=x'],
        [1, '__name__=up,job=b'],
      ]);
    });
  });

  describe('both answers', () => {
    it('have the samples from the start through the end, both included, whatever the hints say', async () => {
      fill();
      const matchers: Query['matchers'] = [['job', EQ, 'a']];
      for (const hints of [{}, { hintedFunction: '' }, { hintedFunction: 'rate' }]) {
        const [inner, one, none, reversed] = await ask(
          { from: 1000, through: 2000, matchers, ...hints },
          { from: 2000, through: 2000, matchers, ...hints },
          { from: 2001, through: 2999, matchers, ...hints },
          { from: 3000, through: 1000, matchers, ...hints },
        );
        expect(inner[0].samples.map(([time]) => time)).to.deep.equal([1000, 2000]);
        expect(one[0].samples.map(([time]) => time)).to.deep.equal([2000]);
        expect([none, reversed]).to.deep.equal([[], []]);
      }
    });

    it('have series sorted by labels, and labels sorted by name', async () => {
      fill();
      append({ __name__: 'up', '1': 'first', Z: 'second', job: 'a' }, [[1, '0000000000000000']]);
      const [result] = await ask(everything);
      expect(namesOf(result)).to.deep.equal([
        '1=first,Z=second,__name__=up,job=a',
        '__name__=load',
        '__name__=up,job=a,zone=x',
        '__name__=up,job=b',
      ]);
    });

    it('have labels without samples where the hints say that only labels are needed', async () => {
      fill();
      const [in1, all] = await ask(
        { from: 4000, through: 6000, matchers: everything.matchers, hintedFunction: 'series' },
        { ...everything, hintedFunction: 'series' },
      );
      expect(in1).to.deep.equal([{ labels: '__name__=load', samples: [] }]);
      expect(all).to.deep.equal([
        { labels: '__name__=load', samples: [] },
        { labels: '__name__=up,job=a,zone=x', samples: [] },
        { labels: '__name__=up,job=b', samples: [] },
      ]);
    });

    it('match as =, !=, =~ and !~, where a label that is not there is empty', async () => {
      fill();
      const up: Query['matchers'][number] = ['__name__', EQ, 'up'];
      const results = await ask(
        ...(
          [
            [['job', EQ, 'a'], up],
            [['job', NEQ, 'a'], up],
            [['job', RE, 'a|c'], up],
            [['job', NRE, 'a.*'], up],
            [['zone', EQ, ''], up],
            [['zone', NEQ, ''], up],
            [],
          ] satisfies Query['matchers'][]
        ).map((matchers) => ({ ...everything, matchers })),
      );
      const [a, b] = ['__name__=up,job=a,zone=x', '__name__=up,job=b'];
      expect(results.map(namesOf)).to.deep.equal([[a], [b], [a], [b], [b], [a], []]);
    });

    it('keep the bits of stale markers, of every NaN, of -0 and of times before the epoch', async () => {
      const samples: [number, string][] = [
        [-8_640_000_000_000_000, '8000000000000000'],
        [-1, '7ff0000000000002'],
        [0, 'fff8000000000001'],
        [1, '7ff8000000000001'],
        [2, '7ff4000000000000'],
        [128, '0000000000000001'],
        [8_640_000_000_000_000, 'ffefffffffffffff'],
      ];
      append({ __name__: 'odd' }, samples);
      expect(await ask(everything)).to.deep.equal([[{ labels: '__name__=odd', samples }]]);
    });

    it('have whatever was appended', async () => {
      const label = fc.oneof(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
        fc.constantFrom('a', '__proto__', '0'),
      );
      const bits = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((each) => each.toString(16).padStart(16, '0'));
      let round = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.dictionary(label, label, { maxKeys: 4 }),
          fc.uniqueArray(fc.tuple(fc.integer({ min: -1e12, max: 1e13 }), bits), {
            selector: ([time]) => time,
            minLength: 1,
            maxLength: 300,
          }),
          async (labels, unsorted) => {
            round++;
            const samples = unsorted.toSorted(([a], [b]) => a - b);
            append({ ...labels, __name__: 'm', round: `${round}` }, samples);
            const [[series]] = await ask({ ...everything, matchers: [['round', EQ, `${round}`]] });
            expect(series.samples).to.deep.equal(samples);
          },
        ),
        { numRuns: 40 },
      );
    });
  });

  describe('the choice of the answer', () => {
    const typeOf = async (accepted: readonly number[], packed = true): Promise<string | undefined> => {
      const { status, headers, error } = await post(server.port, readRequest([everything], accepted, { packed }));
      return status === 200 ? headers['content-type']?.split(';')[0] : `${status} ${error}`;
    };

    it("is the reader's first one that exists, and plain samples without a list", async () => {
      const streamed = 'application/x-streamed-protobuf';
      const plain = 'application/x-protobuf';
      expect(await typeOf([])).to.equal(plain);
      expect(await typeOf([SAMPLES, STREAMED])).to.equal(plain);
      for (const packed of [true, false]) {
        expect(await typeOf([STREAMED, SAMPLES], packed)).to.equal(streamed);
        expect(await typeOf([7, 300, STREAMED], packed)).to.equal(streamed);
        expect(await typeOf([7], packed)).to.equal(
          '400 None of the accepted response types is supported: 7; supported: 0 (SAMPLES), 1 (STREAMED_XOR_CHUNKS).',
        );
      }
    });
  });

  describe('a request that cannot be answered', () => {
    const good = readRequest([everything]);

    it('is refused with 415 for another type or encoding, and answered without these headers', async () => {
      const snappy = { 'content-encoding': 'snappy' };
      expect((await post(server.port, good, { ...snappy, 'content-type': 'application/json' })).status).to.equal(415);
      expect((await post(server.port, good, { 'content-encoding': 'gzip' })).status).to.equal(415);
      expect((await post(server.port, good, {})).status).to.equal(200);
      const loud = {
        'content-type': 'Application/X-Protobuf; proto=prometheus.ReadRequest',
        'content-encoding': 'Snappy',
      };
      expect((await post(server.port, good, loud)).status).to.equal(200);
    });

    it('is refused with 400 if it is not snappy, or not this message', async () => {
      for (const body of [
        Buffer.alloc(0),
        Buffer.from('hello'),
        good.subarray(0, good.length - 1),
        compress(Buffer.of(0x0a, 5)),
      ]) {
        const { status, error } = await post(server.port, body);
        expect([status, error.startsWith('The request cannot be read: ')], error).to.deep.equal([400, true]);
      }
      expect((await post(server.port, readRequest([{ ...everything, matchers: [['a', 4, 'b']] }]))).error).to.contain(
        'matcher type 4',
      );
    });

    it('is refused with 400 whatever bytes it has, or answered', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), fc.boolean(), async (bytes, inSnappy) => {
          const { status } = await post(server.port, inSnappy ? compress(bytes) : Buffer.from(bytes));
          expect(status).to.be.oneOf([200, 400, 413]);
        }),
        { numRuns: 300 },
      );
      expect((await post(server.port, good)).status).to.equal(200);
    });

    it('is refused with 413 before memory is taken for what it announces', async () => {
      const bomb = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
      const { status, error } = await post(server.port, bomb);
      expect([status, error]).to.deep.equal([
        413,
        'The request is too large: the content has 4294967295 bytes; at most 4194304 are taken.',
      ]);
      expect((await post(server.port, Buffer.alloc(4 * 1024 * 1024 + 1))).status).to.equal(413);
    });

    it('is refused with 400 if it has too many queries or matchers', async () => {
      const many = readRequest(Array.from({ length: 1001 }, () => ({ from: 0, through: 0, matchers: [] })));
      expect((await post(server.port, many)).error).to.contain('more than 1000 queries in one request');
      const matchers = Array.from({ length: 10_001 }, (): [string, number, string] => ['a', EQ, '']);
      expect((await post(server.port, readRequest([{ ...everything, matchers }]))).error).to.contain(
        'more than 10000 matchers',
      );
    });

    it('is refused with 400 for a matcher without a name, and for a regular expression that is none', async () => {
      for (const type of [SAMPLES, STREAMED]) {
        for (const matcher of [
          ['', EQ, 'x'],
          ['a', RE, '('],
          ['a', RE, '.*'],
        ] satisfies Query['matchers'][number][]) {
          const { status } = await post(server.port, readRequest([{ ...everything, matchers: [matcher] }], [type]));
          expect(status, matcher.join()).to.equal(400);
        }
      }
    });

    it('is refused by GET with 405', async () => {
      const asking = httpRequest({ host: '127.0.0.1', port: server.port, path: '/api/v1/read', agent: false }).end();
      const [response] = (await once(asking, 'response')) as [{ statusCode: number; resume(): void }];
      response.resume();
      expect(response.statusCode).to.equal(405);
    });
  });

  describe('limits', () => {
    it('refuse plain answers with too many samples or bytes, and let streams pass', async () => {
      const timestamps = Float64Array.from({ length: 20_000 }, (_, i) => i);
      const values = Float64Array.from(timestamps, (i) => Math.sin(i));
      await store.backfill({ labels: { __name__: 'm' }, timestamps, values });
      const bySamples = await serveRoutes(store, readRoutes({ samples: 19_999, answerBytes: 2 ** 30 }));
      const exactly = await serveRoutes(store, readRoutes({ samples: 20_000, answerBytes: 2 ** 30 }));
      const byBytes = await serveRoutes(store, readRoutes({ samples: 20_000, answerBytes: 100_000 }));
      try {
        const refused = await post(bySamples.port, readRequest([everything]));
        expect([refused.status, refused.error]).to.deep.equal([400, 'exceeded sample limit (19999)']);
        expect((await post(exactly.port, readRequest([everything]))).status).to.equal(200);
        // The limit is one for the whole answer.
        expect((await post(exactly.port, readRequest([everything, everything]))).status).to.equal(400);
        const large = await post(byBytes.port, readRequest([everything]));
        expect([large.status, large.error]).to.deep.equal([
          400,
          'The answer is larger than 100000 bytes. Ask for fewer series or less time, or accept STREAMED_XOR_CHUNKS.',
        ]);
        for (const { port } of [bySamples, byBytes]) {
          const { status, body } = await post(port, readRequest([everything], [STREAMED]));
          expect([status, seriesOfFrames(decodeFrames(body), 1)[0][0].samples.length]).to.deep.equal([200, 20_000]);
        }
      } finally {
        for (const one of [bySamples, exactly, byBytes]) await one.close();
      }
    });
  });

  describe('what could not be read', () => {
    const damaged = {
      async *select() {
        const sound = { fingerprint: '', timestamps: Float64Array.of(1), values: Float64Array.of(1) };
        yield { ...sound, labels: { __name__: 'part' }, problems: ['aa/b.db: a chunk is damaged'] };
        const nothing = new Float64Array(0);
        yield {
          labels: { __name__: 'whole' },
          fingerprint: '',
          timestamps: nothing,
          values: nothing,
          problems: ['gone'],
        };
        yield { ...sound, labels: { __name__: 'z' } };
      },
    } as unknown as Store;

    it('is named in a header of the plain answer, in a trailer of the streamed one, and the rest is answered', async () => {
      const served = await serveRoutes(damaged, readRoutes());
      const plain = await post(served.port, readRequest([everything]));
      const streamed = await post(served.port, readRequest([everything], [STREAMED]));
      await served.close();
      for (const list of [plain.headers['tidemark-warnings'], streamed.trailers['tidemark-warnings']])
        expect(JSON.parse(decodeURI(`${list}`))).to.deep.equal(['part: aa/b.db: a chunk is damaged', 'whole: gone']);
      const [answer] = decodeSamples(plain.body);
      expect(namesOf(answer)).to.deep.equal(['__name__=part', '__name__=z']);
      expect(seriesOfFrames(decodeFrames(streamed.body), 1)).to.deep.equal([answer]);
    });
  });

  describe('a reader that goes away', () => {
    /** Series that are never complete: the source goes on until it is aborted. */
    const endless = (onAbort: () => void): Store =>
      ({
        async *select(_selector: unknown, { signal }: { signal: AbortSignal }) {
          const timestamps = Float64Array.from({ length: 10_000 }, (_, i) => i);
          const values = Float64Array.from(timestamps, () => Math.random());
          try {
            for (let i = 0; ; i++) {
              signal.throwIfAborted();
              yield { labels: { __name__: 'm', i: String(i).padStart(9, '0') }, fingerprint: '', timestamps, values };
            }
          } finally {
            onAbort();
          }
        },
      }) as unknown as Store;

    for (const [name, type] of [
      ['streamed', STREAMED],
      ['plain', SAMPLES],
    ] as const)
      it(`ends the query of a ${name} answer`, async () => {
        let ended = (): void => {};
        const end = new Promise<void>((resolve) => {
          ended = resolve;
        });
        const served = await serveRoutes(endless(ended), readRoutes());
        const asking = httpRequest({
          host: '127.0.0.1',
          port: served.port,
          path: '/api/v1/read',
          method: 'POST',
          agent: false,
        });
        asking.on('error', () => {});
        asking.end(readRequest([everything], [type]));
        if (type === STREAMED) {
          const [response] = await once(asking, 'response');
          await once(response, 'data');
        } else await once(served.server, 'request');
        asking.destroy();
        await end;
        await served.close();
      });

    it('that only reads slowly holds the query back', async () => {
      let yielded = 0;
      const timestamps = Float64Array.from({ length: 50_000 }, (_, i) => i);
      const values = Float64Array.from(timestamps, () => Math.random());
      const source = {
        async *select() {
          for (; yielded < 1000; yielded++)
            yield {
              labels: { __name__: 'm', i: String(yielded).padStart(4, '0') },
              fingerprint: '',
              timestamps,
              values,
            };
        },
      } as unknown as Store;
      const served = await serveRoutes(source, readRoutes());
      const asking = httpRequest({
        host: '127.0.0.1',
        port: served.port,
        path: '/api/v1/read',
        method: 'POST',
        agent: false,
      });
      asking.on('error', () => {});
      asking.end(readRequest([everything], [STREAMED]));
      const [response] = await once(asking, 'response');
      response.pause();
      // The whole answer has 400 MB. The kernel's buffers take some megabytes of it; then the count stands still.
      let before = -1;
      while (yielded !== before) {
        before = yielded;
        for (let i = 0; i < 2000; i++) await systemClock.breathe();
      }
      expect(yielded).to.be.below(200);
      asking.destroy();
      await served.close();
    });
  });
});
