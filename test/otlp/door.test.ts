/** `POST /api/v1/otlp/v1/metrics` of a real server with a real store: answers, formats, bounds, hostile bodies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { PagesServer } from '../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';
import type { OtlpOptions } from '../../src/otlp/conversion-options.ts';
import { ProtobufReader } from '../../src/wire/protobuf-reader.ts';
import { WireError } from '../../src/wire/wire-error.ts';
import { type Answer, ask } from '../http/http-client.ts';
import { asJson, asProtobuf, convert, requestOf, type TestMetric, type TestRequest, text } from './requests.ts';

const path = '/api/v1/otlp/v1/metrics';
const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

const now = Date.now();
const nanoseconds = (milliseconds: number): bigint => BigInt(milliseconds) * 1_000_000n;

const counter = (time: number, value: number, temporality = 2): TestMetric => ({
  name: 'requests',
  sum: {
    dataPoints: [{ startTimeUnixNano: nanoseconds(now - 60_000), timeUnixNano: nanoseconds(time), asDouble: value }],
    aggregationTemporality: temporality,
    isMonotonic: true,
  },
});

describe('the OTLP endpoint', () => {
  let directory: string;
  let store: Store;
  let server: PagesServer;

  const start = async (otlp: OtlpOptions = {}): Promise<void> => {
    server = new PagesServer({ port: 0, authorize: () => true, write: true, clock: systemClock, otlp });
    await server.listen();
    server.showStore(store);
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-otlp-'));
    store = await openStore(join(directory, 'data'));
    await start();
  });

  afterEach(async () => {
    await server.close();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const post = (
    body: Buffer | string,
    headers: Record<string, string> = { 'content-type': PROTOBUF },
  ): Promise<Answer> => ask(server.port, path, { method: 'POST', headers, body });

  const send = (request: TestRequest): Promise<Answer> => post(asProtobuf(request));

  const samples = async (selector: string): Promise<[number, number][]> => {
    const found: [number, number][] = [];
    for await (const { timestamps, values } of store.select(selector))
      for (const [i, time] of timestamps.entries()) found.push([time, values[i]]);
    return found;
  };

  it('keeps what it is sent, in both formats, compressed or not', async () => {
    const bodies: [Buffer, Record<string, string>][] = [
      [asProtobuf(requestOf([counter(now - 4000, 1)])), { 'content-type': PROTOBUF }],
      [
        gzipSync(asProtobuf(requestOf([counter(now - 3000, 2)]))),
        { 'content-type': PROTOBUF, 'content-encoding': 'gzip' },
      ],
      [asJson(requestOf([counter(now - 2000, 3)])), { 'content-type': 'application/json; charset=utf-8' }],
      [
        gzipSync(asJson(requestOf([counter(now - 1000, 4)]))),
        { 'content-type': JSON_TYPE, 'content-encoding': 'gzip' },
      ],
    ];
    for (const [body, headers] of bodies) {
      const { status, headers: answered, body: answer } = await post(body, headers);
      expect(status).to.equal(200);
      const isJson = headers['content-type'] !== PROTOBUF;
      expect(answered['content-type']).to.equal(isJson ? JSON_TYPE : PROTOBUF);
      expect(answer).to.equal(isJson ? '{}' : '');
    }
    expect(await samples('requests_total')).to.deep.equal([
      [now - 4000, 1],
      [now - 3000, 2],
      [now - 2000, 3],
      [now - 1000, 4],
    ]);
  });

  it('answers an empty request', async () => {
    expect((await post('')).status).to.equal(200);
    expect((await post('{}', { 'content-type': JSON_TYPE })).body).to.equal('{}');
  });

  it('takes the same request twice', async () => {
    const request = requestOf([counter(now, 1)], [text('service.name', 'a'), text('host.name', 'h')]);
    expect((await send(request)).status).to.equal(200);
    const again = await send(request);
    expect([again.status, again.body]).to.deep.equal([200, '']);
    expect(await samples('target_info{job="a",host_name="h"}')).to.deep.equal([[now, 1]]);
  });

  it('tells which points it refused, in the format of the request, and keeps the others', async () => {
    const request = requestOf([counter(now, 1), counter(now, 2, 1), counter(now + 3_600_000, 3)]);
    const asText = await post(asJson(request), { 'content-type': JSON_TYPE });
    expect(asText.status).to.equal(200);
    const { partialSuccess } = JSON.parse(asText.body) as {
      partialSuccess: { rejectedDataPoints: string; errorMessage: string };
    };
    expect(partialSuccess.rejectedDataPoints).to.equal('2');
    expect(partialSuccess.errorMessage).to.match(/^invalid temporality.*"requests"; .*ahead/);
    const answer = await fetch(`${server.url}${path.slice(1)}`, {
      method: 'POST',
      headers: { 'content-type': PROTOBUF },
      body: new Uint8Array(asProtobuf(request)),
    });
    const reader = new ProtobufReader(new Uint8Array(await answer.arrayBuffer()));
    reader.next();
    expect(reader.field).to.equal(1);
    reader.enter();
    reader.next();
    expect([reader.field, reader.readInt64()]).to.deep.equal([1, 2]);
    reader.next();
    expect(reader.field).to.equal(2);
    expect(reader.readString()).to.match(/^invalid temporality.*"requests"; .*ahead/);
    expect(await samples('requests_total')).to.deep.equal([[now, 1]]);
  });

  it('answers 400 when it took no point', async () => {
    await send(requestOf([counter(now, 1)]));
    const { status, body } = await send(requestOf([counter(now, 2)]));
    expect(status).to.equal(400);
    expect(JSON.parse(body).error).to.match(/^None of 1 data points was taken: /);
  });

  it('sees a counter that began again', async () => {
    const at = [now - 50_000, now - 40_000, now - 30_000, now - 20_000];
    for (const [i, value] of [100, 150, 20, 30].entries()) await send(requestOf([counter(at[i], value)]));
    const { series } = await store.query(`increase(requests_total[40s])`, { at: now - 20_000, closedRanges: true });
    expect(series[0].values[0]).to.be.closeTo(((50 + 20 + 10) * 40) / 30, 30);
    expect((await store.query('resets(requests_total[1m])', { at: now })).series[0].values[0]).to.equal(1);
  });

  it('adds up deltas by option', async () => {
    await server.close();
    await start({ deltaToCumulative: true });
    for (const [time, value] of [
      [now - 2000, 1],
      [now - 1000, 2],
    ])
      expect((await send(requestOf([counter(time, value, 1)]))).status).to.equal(200);
    expect(await samples('requests_total')).to.deep.equal([
      [now - 59_999, 0],
      [now - 2000, 1],
      [now - 1000, 3],
    ]);
  });

  it('names options that are wrong', () => {
    for (const [otlp, message] of [
      [{ namingStrategy: 'Nonsense' }, /namingStrategy is "Nonsense"; allowed: 'UnderscoreEscapingWithSuffixes'/],
      [{ promoteResourceAttributes: 'some' }, /promoteResourceAttributes/],
      [{ deltaToCumulative: 1 }, /deltaToCumulative is 1; allowed: true, false/],
      [{ labels: { a: 1 } }, /label "a" must be a string/],
    ] as const)
      expect(() => new PagesServer({ port: 0, clock: systemClock, otlp: otlp as object })).to.throw(message);
  });

  describe('refuses', () => {
    for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded', 'application/x-protobuf2'])
      it(`the content type ${JSON.stringify(type)}`, async () => {
        const { status, body } = await post('x', type === '' ? {} : { 'content-type': type });
        expect(status).to.equal(415);
        expect(JSON.parse(body).error).to.contain('application/x-protobuf or application/json');
      });

    it('other encodings', async () => {
      expect((await post('x', { 'content-type': PROTOBUF, 'content-encoding': 'br' })).status).to.equal(415);
    });

    it('other methods', async () => {
      expect((await ask(server.port, path)).status).to.equal(405);
    });

    it('bodies that are not what they claim', async () => {
      for (const [body, type] of [
        ['\u0005', PROTOBUF],
        ['\n\u0005x', PROTOBUF],
        ['{', JSON_TYPE],
        ['[]', JSON_TYPE],
        ['{"resourceMetrics":{}}', JSON_TYPE],
        ['{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":5,"gauge":{}}]}]}]}', JSON_TYPE],
        [
          '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"timeUnixNano":"x"}]}}]}]}]}',
          JSON_TYPE,
        ],
      ])
        expect((await post(body, { 'content-type': type })).status, body).to.equal(400);
      expect((await post('x', { 'content-type': PROTOBUF, 'content-encoding': 'gzip' })).status).to.equal(400);
    });

    it('what is larger than its bound, compressed or not', async () => {
      const many = Buffer.alloc(33 * 1024 * 1024);
      const headers = { 'content-type': PROTOBUF, 'content-encoding': 'gzip' };
      expect((await post(gzipSync(many), headers)).status).to.equal(413);
    });
  });
});

const rich: TestRequest = requestOf(
  [
    counter(now, 1.5),
    { name: 'g', unit: 's', gauge: { dataPoints: [{ timeUnixNano: nanoseconds(now), asInt: 5n, flags: 1 }] } },
    {
      name: 'h',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [{ count: 3n, sum: 1, bucketCounts: [1n, 2n], explicitBounds: [5], attributes: [text('a', 'b')] }],
      },
    },
    { name: 's', summary: { dataPoints: [{ count: 1n, quantileValues: [{ quantile: 0.5, value: 1 }] }] } },
  ],
  [
    text('service.name', 'x'),
    {
      key: 'nested',
      value: { kvlistValue: { values: [{ key: 'l', value: { arrayValue: { values: [{ intValue: 3n }] } } }] } },
    },
  ],
);

/** Converts, and lets nothing through but the error that says what is wrong with the bytes. */
const survives = (format: 'json' | 'protobuf', bytes: Uint8Array): boolean => {
  try {
    convert(format, bytes);
    return true;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    expect(error.message).to.have.length.above(10);
    return false;
  }
};

describe('hostile OTLP requests', () => {
  for (const [format, bytes] of [
    ['protobuf', asProtobuf(rich)],
    ['json', asJson(rich)],
  ] as const) {
    it(`cut anywhere: ${format}`, () => {
      for (let length = 0; length < bytes.length; length++) survives(format, bytes.subarray(0, length));
      expect(survives(format, bytes)).to.equal(true);
    });

    it(`with bytes changed: ${format}`, () => {
      const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(changes, (changed) => {
          const copy = Buffer.from(bytes);
          for (const [place, byte] of changed) copy[place] = byte;
          survives(format, copy);
        }),
        { numRuns: 3000 },
      );
    });

    it(`of random bytes: ${format}`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (random) => void survives(format, random)));
    });
  }

  const nestedJson = (depth: number): Buffer =>
    Buffer.from(
      `{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}}]},"scopeMetrics":[]}]}`,
    );

  it('nested deeply: an attribute is left out, and what is deeper is refused', () => {
    expect(convert('json', nestedJson(60)).message).to.equal('');
    expect(convert('json', nestedJson(70)).message).to.match(/too many levels/);
    expect(survives('json', nestedJson(5000))).to.equal(false);
    const nested = (depth: number): Buffer => {
      let value: Buffer = Buffer.alloc(0);
      const wrap = (tag: number): void => {
        const length = value.length < 128 ? [value.length] : [(value.length & 0x7f) | 0x80, value.length >> 7];
        value = Buffer.concat([Buffer.from([tag, ...length]), value]);
      };
      for (let i = 0; i < depth; i++) {
        wrap(0x0a);
        wrap(0x2a);
      }
      wrap(0x12);
      wrap(0x0a);
      wrap(0x0a);
      wrap(0x0a);
      return value;
    };
    expect(survives('protobuf', nested(60))).to.equal(true);
    expect(() => convert('protobuf', nested(70))).to.throw(WireError, /deeper than 64/);
    expect(survives('protobuf', nested(2000))).to.equal(false);
  });

  it('with a name that no label could hold', () => {
    const long = requestOf([{ name: 'x'.repeat(100_000), gauge: { dataPoints: [{}] } }]);
    expect(survives('protobuf', asProtobuf(long))).to.equal(false);
    expect(survives('json', asJson(long))).to.equal(false);
  });

  it('with millions of empty points take little more memory than their bytes', () => {
    const points = Buffer.alloc(2_000_000);
    for (let i = 0; i < points.length; i += 2) points[i] = 0x0a;
    const wrapped = [0x2a, 0x12, 0x12, 0x0a].reduce((inner, tag) => {
      const length: number[] = [];
      for (let rest = inner.length; ; rest >>= 7) {
        length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        if (rest <= 0x7f) break;
      }
      return Buffer.concat([Buffer.from([tag, ...length]), inner]);
    }, points as Buffer);
    expect(convert('protobuf', wrapped).refused).to.equal(1_000_000);
  });
});
