/** `POST /api/v1/write` on a real store. The names of cases are those of Prometheus' compliance suite for receivers. */
import { expect } from 'chai';
import { PagesServer } from '../../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../../src/index.ts';
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts';
import { compress } from '../../../src/wire/snappy.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { MemoryFileSystem } from '../../support/memory-file-system.ts';
import { MemoryStores } from '../../support/memory-stores.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { ask } from '../http-client.ts';
import {
  headersOfOne,
  headersOfTwo,
  messageOfOne,
  messageOfTwo,
  type SentSeries,
  send,
  sendOne,
  sendTwo,
} from './write-requests.ts';

const STALE = [0x7ff00000, 2] as const;

/** The bits of all samples of a selector, by label text: `[time, bits]`. */
const contentOf = async (store: Store, selector: string): Promise<Record<string, [number, string][]>> => {
  const found: Record<string, [number, string][]> = {};
  for await (const { labels, timestamps, values } of store.select(selector)) {
    const bits = new BigUint64Array(values.slice().buffer);
    found[JSON.stringify(labels)] = Array.from(timestamps, (time, i) => [time, bits[i].toString(16)]);
  }
  return found;
};

describe('remote write', () => {
  let store: Store;
  let server: PagesServer;
  let now = 0;
  /** A name that no other test uses. */
  let name = '';
  let tests = 0;

  before(async () => {
    store = await openStore(temporaryDirectory(), { retention: '15d' });
    server = new PagesServer({ clock: systemClock, authorize: () => true, write: true });
    await server.listen();
    server.showStore(store);
  });

  beforeEach(() => {
    now = Date.now();
    name = `metric_${++tests}`;
  });

  after(async () => {
    await server.close();
    await store.close();
    removeTemporaryDirectories();
  });

  const upOf = (instance: string, value = 1): SentSeries => ({
    labels: [
      ['__name__', name],
      ['instance', instance],
    ],
    samples: [{ timestamp: now, value }],
  });
  const protocols = [
    ['1.0', sendOne, (_: number) => [null, null, null]],
    ['2.0', sendTwo, (count: number) => [count, 0, 0]],
  ] as const;

  for (const [protocol, sending, counts] of protocols)
    describe(protocol, () => {
      const values: readonly (readonly [string, readonly [number, number], string])[] = [
        ['1.0', [0x3ff00000, 0], '3ff0000000000000'],
        ['StaleNaN', STALE, '7ff0000000000002'],
        ['NaN', [0x7ff80000, 1], '7ff8000000000001'],
        ['Inf', [0x7ff00000, 0], '7ff0000000000000'],
        ['-Inf', [0xfff00000, 0], 'fff0000000000000'],
        ['-0', [0x80000000, 0], '8000000000000000'],
      ];
      it('finds a series again that was sent before, whatever happened to it meanwhile', async () => {
        const a = upOf('a', 1);
        const later = (series: SentSeries, value: number): SentSeries => ({
          ...series,
          samples: [{ timestamp: now + value, value }],
        });
        expect((await sending(server.port, [a, upOf('b', 1)])).status).to.equal(204);
        // The same labels in another order are the same series.
        const turned = { ...a, labels: a.labels.toReversed() };
        expect((await sending(server.port, [later(a, 2), later(turned, 3)])).status).to.equal(204);
        expect(await store.drop({ __name__: name, instance: 'b' })).to.equal(1);
        expect((await sending(server.port, [later(upOf('b'), 4), later(a, 4)])).status).to.equal(204);
        const found = await contentOf(store, name);
        const timesOf = (instance: string): number[] =>
          (found[JSON.stringify({ __name__: name, instance })] ?? []).map(([time]) => time - now);
        expect({ a: timesOf('a'), b: timesOf('b') }).to.deep.equal({ a: [0, 2, 3, 4], b: [4] });
      });

      it('refuses wrong labels each time', async () => {
        const wrong: SentSeries = { labels: [['instance', 'x']], samples: [{ timestamp: now, value: 1 }] };
        for (let round = 0; round < 3; round++) {
          const answer = await sending(server.port, [wrong, upOf('a', 1)]);
          expect(answer.status).to.equal(400);
          expect(answer.body).to.match(/__name__, is missing/);
        }
      });

      for (const [title, bits, pattern] of values)
        it(`TestSingleMetric ${title}: names and values may be any text, and the bits stay`, async () => {
          const labelSets: readonly (readonly (readonly [string, string])[])[] = [
            [['__name__', name]],
            [
              ['__name__', name],
              ['instance', 'localhost:9090'],
              ['job', 'testjob'],
            ],
            [
              ['__name__', name],
              ['job', 'test\njob\n'],
            ],
            [
              ['__name__', `${name}.cpu.usage`],
              ['job.name', 'testjob'],
            ],
            [
              ['__name__', `${name} cpu usage`],
              ['job name', 'testjob'],
            ],
            [
              ['__name__', name],
              ['__proto__', 'x'],
              ['environment', 'test🚀'],
            ],
          ];
          for (const labels of labelSets) {
            const answer = await sending(server.port, [{ labels, samples: [{ timestamp: now, bits }] }]);
            expect({ status: answer.status, body: answer.body }).to.deep.equal({ status: 204, body: '' });
            expect(answer.written).to.deep.equal(counts(1));
            const found = [];
            for await (const series of store.select(Object.fromEntries(labels))) found.push(series);
            const exact = found.filter(({ labels: own }) => Object.keys(own).length === labels.length);
            expect(exact).to.have.length(1);
            expect(new BigUint64Array(exact[0].values.slice().buffer)[0].toString(16)).to.equal(pattern);
            expect(Array.from(exact[0].timestamps)).to.deep.equal([now]);
          }
        });

      it('TestSingleMetric without a name, with an empty name, without labels: 400', async () => {
        for (const labels of [[['job', name]], [['__name__', '']], []] as [string, string][][]) {
          const answer = await sending(server.port, [{ labels, samples: [{ timestamp: now, value: 1 }] }]);
          expect(answer.status).to.equal(400);
          expect(answer.written).to.deep.equal(counts(0));
          expect(JSON.parse(answer.body).error).to.contain('TIDEMARK_INVALID_LABELS 1').and.contain('__name__');
        }
        expect(await store.metrics(`{job="${name}"}`)).to.deep.equal([]);
      });

      it('TestMultipleMetrics, one without a name: 400, and the other three are kept', async () => {
        const nameless: SentSeries = { labels: [['job', name]], samples: [{ timestamp: now, value: 1 }] };
        const answer = await sending(server.port, [upOf('a'), nameless, upOf('b'), upOf('c')]);
        expect(answer.status).to.equal(400);
        expect(answer.written).to.deep.equal(counts(3));
        expect(JSON.parse(answer.body).error).to.match(/^1 of 4 samples were refused \(TIDEMARK_INVALID_LABELS 1\)/);
        expect(await store.metrics(name)).to.have.length(3);
      });

      it('takes labels in any order as one series, and refuses a name that occurs twice', async () => {
        const [a, b, c] = [
          ['__name__', name],
          ['a', '1'],
          ['z', '2'],
        ] as const;
        const sample = (timestamp: number) => ({ samples: [{ timestamp, value: 1 }] });
        const fine = await sending(server.port, [
          { labels: [a, b, c], ...sample(now) },
          { labels: [c, a, b], ...sample(now + 1) },
          { labels: [a, b, c, ['empty', '']], ...sample(now + 2) },
        ]);
        expect(fine.status).to.equal(204);
        expect(Object.values(await contentOf(store, name)).map(({ length }) => length)).to.deep.equal([3]);
        for (const labels of [
          [a, b, b, c],
          [c, b, a, b],
          [a, b, ['a', '']],
        ] as [string, string][][]) {
          const answer = await sending(server.port, [{ labels, ...sample(now) }]);
          expect(answer.status).to.equal(400);
          expect(JSON.parse(answer.body).error).to.contain('the label "a" occurs twice');
        }
        const unnamed = await sending(server.port, [{ labels: [a, ['', 'x']], ...sample(now) }]);
        expect(JSON.parse(unnamed.body).error).to.contain('empty name');
        const many = Array.from({ length: 1100 }, (_, i): [string, string] => [`l${i}`, 'x']);
        const crowd = await sending(server.port, [{ labels: [a, ...many], ...sample(now) }, upOf('kept')]);
        expect(JSON.parse(crowd.body).error).to.contain('more than 1000 labels');
        expect(crowd.written).to.deep.equal(counts(1));
      });

      it('accepts a repeated equal sample, at any age, and refuses another value at its time', async () => {
        const twice = { ...upOf('a'), samples: [{ timestamp: now, value: 1 }] };
        for (let i = 0; i < 2; i++) {
          const answer = await sending(server.port, [twice]);
          expect({ status: answer.status, written: answer.written }).to.deep.equal({ status: 204, written: counts(1) });
        }
        await sending(server.port, [{ ...twice, samples: [{ timestamp: now + 1, value: 2 }] }]);
        expect((await sending(server.port, [twice])).status).to.equal(204);
        const other = await sending(server.port, [{ ...twice, samples: [{ timestamp: now + 1, value: 3 }] }]);
        expect(other.status).to.equal(400);
        expect(other.written).to.deep.equal(counts(0));
        expect(JSON.parse(other.body).error).to.contain('TIDEMARK_DUPLICATE_TIMESTAMP 1');
      });

      it('mixed_timestamp_data: takes late samples, refuses those past retention and those ahead of the clock', async () => {
        const hour = 3_600_000;
        const late = [0, -1, -24].map((hours) => ({ timestamp: now + hours * hour, value: hours }));
        expect((await sending(server.port, [{ ...upOf('a'), samples: late }])).written).to.deep.equal(counts(3));
        const bad = [
          { timestamp: now - 16 * 24 * hour, value: 1 },
          { timestamp: now + 11 * 60_000, value: 1 },
          { timestamp: Number.MAX_SAFE_INTEGER, value: 1 },
          { timestamp: now - 1, value: 1 },
        ];
        const answer = await sending(server.port, [{ ...upOf('a'), samples: bad }]);
        expect(answer.status).to.equal(400);
        expect(answer.written).to.deep.equal(counts(1));
        const { error } = JSON.parse(answer.body);
        for (const code of ['TOO_OLD 1', 'TOO_FAR_AHEAD 1', 'INVALID_TIMESTAMP 1']) expect(error).to.contain(code);
        expect(Object.values(await contentOf(store, name))[0].map(([time]) => time)).to.deep.equal([
          now - 24 * hour,
          now - hour,
          now - 1,
          now,
        ]);
      });

      it('TestHistograms: refuses native histograms, and keeps the samples of other series', async () => {
        const histogram: SentSeries = { labels: [['__name__', `${name}_h`]], histograms: 2 };
        const answer = await sending(server.port, [upOf('a'), histogram, upOf('b')]);
        expect(answer.status).to.equal(400);
        expect(answer.written).to.deep.equal(counts(2));
        expect(JSON.parse(answer.body).error).to.contain('2 native histograms were refused');
        expect(await store.metrics(name)).to.have.length(2);
        expect(await store.metrics(`${name}_h`)).to.deep.equal([]);
        const both = await sending(server.port, [{ ...upOf('c'), histograms: 1 }]);
        expect({ status: both.status, written: both.written }).to.deep.equal({ status: 400, written: counts(1) });
      });

      it('TestExemplars, TestMetadata: takes the samples, and drops exemplars and metadata', async () => {
        const answer = await sending(server.port, [{ ...upOf('a'), exemplars: 2, metadata: true }]);
        expect({ status: answer.status, written: answer.written }).to.deep.equal({ status: 204, written: counts(1) });
      });

      it('exemplars_without_data: accepted, because Prometheus sends them so', async () => {
        const answer = await sending(server.port, [{ labels: [['__name__', name]], exemplars: 1 }]);
        expect({ status: answer.status, written: answer.written }).to.deep.equal({ status: 204, written: counts(0) });
        expect(await store.metrics(name)).to.deep.equal([]);
      });

      it('refuses a series with neither samples nor histograms, and keeps the others', async () => {
        const empty: SentSeries = { labels: [['__name__', `${name}_empty`]], metadata: true };
        const answer = await sending(server.port, [empty, upOf('a')]);
        expect(answer.status).to.equal(400);
        expect(answer.written).to.deep.equal(counts(1));
        expect(JSON.parse(answer.body).error).to.contain('neither samples nor histograms');
      });

      it('takes an empty request', async () => {
        expect((await sending(server.port, [])).status).to.equal(204);
      });

      it('TestManySamples: takes many series, and answers when they are durable', async () => {
        const many = Array.from({ length: 5000 }, (_, i) => upOf(`i${i}`, i));
        const answer = await sending(server.port, many);
        expect({ status: answer.status, written: answer.written }).to.deep.equal({
          status: 204,
          written: counts(5000),
        });
        expect(await store.metrics(name)).to.have.length(5000);
      });
    });

  it('TestCounterWithCreatedTimestamp: ignores the start time of a sample of 2.0', async () => {
    const writer = new ProtobufWriter();
    for (const symbol of ['', '__name__', name]) writer.string(4, symbol);
    writer.begin(5);
    // References may come one by one, and after the samples.
    writer.begin(2);
    writer.double(1, 5);
    writer.int64(2, now);
    writer.int64(3, now - 1000);
    writer.end();
    writer.uint(1, 1);
    writer.uint(1, 2);
    writer.end();
    const answer = await send(server.port, compress(Buffer.from(writer.finish())), headersOfTwo);
    expect({ status: answer.status, written: answer.written }).to.deep.equal({ status: 204, written: [1, 0, 0] });
    expect(Object.values(await contentOf(store, name))).to.deep.equal([[[now, '4014000000000000']]]);
  });

  it('refuses references that are odd in number or have no symbol, and keeps the other series', async () => {
    for (const [references, message] of [
      [[1, 2, 1], 'odd'],
      [[1, 99], 'symbol 99, but the request has 6 symbols'],
      [[1, 2, 0xffff_ffff, 0], 'symbol 4294967295'],
    ] as const) {
      const answer = await sendTwo(server.port, [upOf('a'), { ...upOf('a'), references }, upOf('b')]);
      expect(answer.status).to.equal(400);
      expect(answer.written).to.deep.equal([2, 0, 0]);
      expect(JSON.parse(answer.body).error).to.contain(message);
    }
  });

  it('refuses a request whose first symbol is not empty, wherever the symbols stand', async () => {
    const series = messageOfTwo([upOf('a')]);
    // Field 4 with an empty text.
    expect([...series.subarray(0, 2)]).to.deep.equal([0x22, 0]);
    const rest = series.subarray(2);
    for (const body of [Buffer.concat([Buffer.from([0x22, 1, 0x78]), rest]), rest]) {
      const answer = await send(server.port, compress(body), headersOfTwo);
      expect({ status: answer.status, written: answer.written }).to.deep.equal({ status: 400, written: [0, 0, 0] });
      expect(JSON.parse(answer.body)).to.include({ status: 'error', errorType: 'bad_data' });
      expect(JSON.parse(answer.body).error).to.contain('the first symbol of the message is not empty');
    }
    expect(await store.metrics(name)).to.deep.equal([]);
  });

  it('refuses references when there are no symbols at all', async () => {
    const writer = new ProtobufWriter();
    writer.begin(5);
    writer.begin(1);
    writer.packed(0);
    writer.packed(0);
    writer.end();
    writer.end();
    const answer = await send(server.port, compress(Buffer.from(writer.finish())), headersOfTwo);
    expect({ status: answer.status, written: answer.written }).to.deep.equal({ status: 400, written: [0, 0, 0] });
    expect(JSON.parse(answer.body).error).to.contain('symbol 0, but the request has 0 symbols');
  });

  it('tells of wrong references of exemplars and metadata, and keeps every sample', async () => {
    const message = (write: (writer: ProtobufWriter) => void): Buffer => {
      const writer = new ProtobufWriter();
      for (const symbol of ['', '__name__', name]) writer.string(4, symbol);
      writer.begin(5);
      writer.begin(1);
      writer.packed(1);
      writer.packed(2);
      writer.end();
      writer.begin(2);
      writer.double(1, 5);
      writer.int64(2, now);
      writer.end();
      write(writer);
      writer.end();
      return compress(Buffer.from(writer.finish()));
    };
    const exemplar = (...references: number[]): Buffer =>
      message((writer) => {
        writer.begin(4);
        writer.begin(1);
        for (const reference of references) writer.packed(reference);
        writer.end();
        writer.end();
      });
    const metadata = (field: 3 | 4, reference: number): Buffer =>
      message((writer) => {
        writer.begin(5);
        writer.uint(field, reference);
        writer.end();
      });
    for (const fine of [exemplar(), exemplar(1, 2), metadata(3, 2), metadata(4, 0)])
      expect((await send(server.port, fine, headersOfTwo)).status).to.equal(204);
    for (const [body, problem] of [
      [exemplar(1, 3), 'an exemplar refers to symbol 3, but the request has 3 symbols'],
      [exemplar(1, 2, 1), 'the number of label references of an exemplar is odd'],
      [metadata(3, 9), 'the metadata refers to symbol 9, but the request has 3 symbols'],
      [metadata(4, 3), 'the metadata refers to symbol 3'],
    ] as const) {
      const answer = await send(server.port, body, headersOfTwo);
      expect({ status: answer.status, written: answer.written }).to.deep.equal({ status: 400, written: [1, 0, 0] });
      expect(JSON.parse(answer.body).error).to.contain(problem);
    }
  });

  it('sends the Written headers for requests of 2.0 only, whatever the answer is', async () => {
    const names = ['samples', 'histograms', 'exemplars'].map((what) => `x-prometheus-remote-write-${what}-written`);
    const one = await sendOne(server.port, [upOf('a')]);
    const two = await sendTwo(server.port, [{ ...upOf('b'), exemplars: 3 }]);
    expect(names.map((header) => one.headers[header])).to.deep.equal([undefined, undefined, undefined]);
    expect(names.map((header) => two.headers[header])).to.deep.equal(['1', '0', '0']);
    const refused = await sendTwo(server.port, [{ ...upOf('c'), histograms: 1, samples: [] }]);
    expect(names.map((header) => refused.headers[header])).to.deep.equal(['0', '0', '0']);
  });

  it('refuses labels that are not UTF-8, and keeps the other series', async () => {
    for (const [message, headers] of [
      [messageOfOne([upOf('XX'), upOf('fine')]), headersOfOne],
      [messageOfTwo([upOf('XX'), upOf('fine')]), headersOfTwo],
    ] as const) {
      message.write('\xc3\x28', message.indexOf('XX'), 'latin1');
      const answer = await send(server.port, compress(message), headers);
      expect(answer.status).to.equal(400);
      expect(JSON.parse(answer.body).error).to.contain('1 of 2 samples').and.contain('not UTF-8');
    }
    const replacement = await sendOne(server.port, [upOf('\ufffd')]);
    expect(replacement.status).to.equal(204);
  });

  it('TestBadContentTypes, TestBadContentEncodings: 415', async () => {
    const body = compress(messageOfTwo([upOf('a')]));
    for (const type of [
      'application/json',
      'image/png',
      'application/x-protobuf;proto=io.prometheus.write.v3.Request',
      'application/x-protobuf;proto=',
    ])
      expect((await send(server.port, body, { ...headersOfTwo, 'content-type': type })).status, type).to.equal(415);
    for (const encoding of ['gzip', 'deflate', 'zstd', 'snappy, gzip']) {
      const answer = await send(server.port, body, { ...headersOfTwo, 'content-encoding': encoding });
      expect({ status: answer.status, written: answer.written }, encoding).to.deep.equal({
        status: 415,
        written: [0, 0, 0],
      });
    }
  });

  it('takes content types with parameters in any form, and 1.0 without headers', async () => {
    const two = compress(messageOfTwo([upOf('a')]));
    for (const type of [
      'application/x-protobuf; proto=io.prometheus.write.v2.Request',
      'Application/X-Protobuf;charset=utf-8;proto="io.prometheus.write.v2.Request"',
    ])
      expect((await send(server.port, two, { ...headersOfTwo, 'content-type': type })).written).to.deep.equal([
        1, 0, 0,
      ]);
    const one = compress(messageOfOne([upOf('a')]));
    for (const headers of [{}, { 'content-type': 'application/x-protobuf;proto=prometheus.WriteRequest' }])
      expect((await send(server.port, one, headers as Record<string, string>)).status).to.equal(204);
  });

  it('TestCorruptRequestBody: 400, and nothing is stored', async () => {
    const content = messageOfTwo([upOf('a'), upOf('b')]);
    const truncated = content.subarray(0, content.length - 3);
    const bodies = [
      compress(truncated),
      compress(content).subarray(0, 30),
      Buffer.concat([Buffer.from('0'), compress(content).subarray(1)]),
      Buffer.from('not snappy at all'),
      Buffer.alloc(0),
    ];
    for (const body of bodies) {
      const answer = await send(server.port, body, headersOfTwo);
      expect({ status: answer.status, written: answer.written }).to.deep.equal({ status: 400, written: [0, 0, 0] });
    }
    expect(await store.metrics(name)).to.deep.equal([]);
  });

  it('is forbidden where writing was not allowed, and takes POST only', async () => {
    const readOnly = new PagesServer({ clock: systemClock, token: false });
    await readOnly.listen();
    readOnly.showStore(store);
    expect((await sendOne(readOnly.port, [upOf('a')])).status).to.equal(403);
    await readOnly.close();
    expect((await ask(server.port, '/api/v1/write')).status).to.equal(405);
  });
});

describe("remote write into a store with durability 'always'", () => {
  it('syncs once for each request, and keeps the bits of the values', async () => {
    const fileSystem = new MemoryFileSystem();
    const keyValueStores = new MemoryStores();
    const store = await openStore('/store', { retention: 'off', durability: 'always', fileSystem, keyValueStores });
    const server = new PagesServer({ clock: systemClock, authorize: () => true, write: true });
    await server.listen();
    server.showStore(store);
    const syncs = (): number =>
      fileSystem.calls.filter(({ operation, path }) => operation === 'sync' && path.includes('journal')).length;
    const request = (from: number): SentSeries[] =>
      Array.from({ length: 10 }, (_, number) => ({
        labels: [
          ['__name__', 'm'],
          ['number', `${number}`],
        ],
        samples: Array.from({ length: 100 }, (_, i) => ({ timestamp: from + i, bits: [0x7ff80000, i] })),
      }));
    expect((await sendOne(server.port, request(1000))).status).to.equal(204);
    const before = syncs();
    for (let i = 2; i <= 5; i++) expect((await sendOne(server.port, request(1000 * i))).status).to.equal(204);
    expect(syncs() - before).to.be.within(4, 8);
    const machine = fileSystem.afterPowerLoss();
    const again = await openStore('/store', {
      retention: 'off',
      fileSystem: machine,
      keyValueStores: new MemoryStores(),
    });
    const content = await contentOf(again, 'm{number="3"}');
    expect(Object.values(content)[0]).to.have.length(500);
    expect(Object.values(content)[0][499]).to.deep.equal([5099, '7ff8000000000063']);
    await again.close();
    await server.close();
    await store.close();
  });
});

describe('remote write into a store in trouble', () => {
  let store: FakeStore;
  let server: PagesServer;

  beforeEach(async () => {
    store = new FakeStore();
    server = new PagesServer({ clock: systemClock, authorize: () => true, write: true });
    await server.listen();
    server.showStore(store);
  });

  afterEach(() => server.close());

  const series: SentSeries[] = [{ labels: [['__name__', 'up']], samples: [{ timestamp: 1000, value: 1 }] }];

  it('answers 429 with Retry-After while the store is throttled', async () => {
    store.throttled = true;
    const answer = await sendTwo(server.port, series);
    expect(answer.status).to.equal(429);
    expect(answer.headers['retry-after']).to.equal('1');
    expect(answer.written).to.deep.equal([0, 0, 0]);
    store.resume();
    expect((await sendTwo(server.port, series)).status).to.equal(204);
  });

  it('counts nothing as written when the disk fails, so that the sender repeats all', async () => {
    store.flush = () => Promise.reject(new Error('the disk is gone'));
    const answer = await sendTwo(server.port, series);
    expect(answer.status).to.equal(500);
    expect(answer.written).to.deep.equal([0, 0, 0]);
  });

  it('answers after the samples are durable', async () => {
    let written: (() => void) | undefined;
    store.flush = () =>
      new Promise((resolve) => {
        written = resolve;
      });
    let isAnswered = false;
    const answer = sendOne(server.port, series).finally(() => {
      isAnswered = true;
    });
    while (written === undefined) await systemClock.breathe();
    expect(isAnswered).to.equal(false);
    written();
    expect((await answer).status).to.equal(204);
  });
});
