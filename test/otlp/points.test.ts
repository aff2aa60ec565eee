/** Points as samples, from both formats: kinds of metrics, labels, resources, and what is refused. */
import { expect } from 'chai';
import fc from 'fast-check';
import { asProtobuf, convert, convertBoth, requestOf, type TestAttribute, type TestValue, text } from './requests.ts';

const at = (milliseconds: number, nanoseconds = 0): bigint => BigInt(milliseconds) * 1_000_000n + BigInt(nanoseconds);

const gauge = (attributes: TestAttribute[] = []) => ({
  name: 'g',
  gauge: { dataPoints: [{ timeUnixNano: at(1000), asDouble: 1, attributes }] },
});

describe('a point', () => {
  it('of a gauge is one sample; its time is cut to milliseconds', () => {
    const dataPoints = [
      { timeUnixNano: at(1_700_000_000_123, 999_999), asDouble: -2.5 },
      { timeUnixNano: at(1_700_000_000_124), asInt: -7n },
      { timeUnixNano: at(1_700_000_000_125, 1) },
    ];
    expect(convertBoth(requestOf([{ name: 'room.temperature', unit: 'Cel', gauge: { dataPoints } }]))).to.deep.equal({
      samples: [
        'room_temperature_celsius{} -2.5 @1700000000123',
        'room_temperature_celsius{} -7 @1700000000124',
        'room_temperature_celsius{} 0 @1700000000125',
      ],
      accepted: 3,
      refused: 0,
      message: '',
    });
  });

  it('has its millisecond whatever its nanoseconds', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), (timeUnixNano) => {
        const [sample] = convertBoth(requestOf([{ name: 'g', gauge: { dataPoints: [{ timeUnixNano }] } }])).samples;
        expect(sample).to.equal(`g{} 0 @${timeUnixNano / 1_000_000n}`);
      }),
    );
  });

  it('of a sum is one sample, with _total if the sum only grows', () => {
    const dataPoints = [{ timeUnixNano: at(5), asInt: 2n ** 53n }];
    const grows = { name: 'sent', unit: 'By', sum: { dataPoints, aggregationTemporality: 2, isMonotonic: true } };
    const varies = { name: 'open', sum: { dataPoints, aggregationTemporality: 2 } };
    expect(convertBoth(requestOf([grows, varies])).samples).to.deep.equal([
      'sent_bytes_total{} 9007199254740992 @5',
      'open{} 9007199254740992 @5',
    ]);
  });

  it('of a histogram is _sum, _count and cumulative buckets', () => {
    const point = {
      timeUnixNano: at(5),
      count: 10n,
      sum: 12.5,
      bucketCounts: [1n, 2n, 3n, 4n],
      explicitBounds: [0.005, 1, 1e21],
      attributes: [text('route', '/'), text('le', 'mine')],
    };
    const histogram = { dataPoints: [point], aggregationTemporality: 2 };
    expect(convertBoth(requestOf([{ name: 'duration', unit: 's', histogram }])).samples).to.deep.equal([
      'duration_seconds_sum{le="mine",route="/"} 12.5 @5',
      'duration_seconds_count{le="mine",route="/"} 10 @5',
      'duration_seconds_bucket{le="0.005",route="/"} 1 @5',
      'duration_seconds_bucket{le="1",route="/"} 3 @5',
      'duration_seconds_bucket{le="1000000000000000000000",route="/"} 6 @5',
      'duration_seconds_bucket{le="+Inf",route="/"} 10 @5',
    ]);
  });

  it('of a histogram has no _sum if it has none, and no second bucket for infinity', () => {
    const dataPoints = [
      { timeUnixNano: at(5), count: 3n },
      { timeUnixNano: at(6), count: 3n, bucketCounts: [1n, 1n, 1n], explicitBounds: [2, Number.POSITIVE_INFINITY] },
    ];
    const histogram = { dataPoints, aggregationTemporality: 2 };
    expect(convertBoth(requestOf([{ name: 'h', histogram }])).samples).to.deep.equal([
      'h_count{} 3 @5',
      'h_bucket{le="+Inf"} 3 @5',
      'h_count{} 3 @6',
      'h_bucket{le="2"} 1 @6',
      'h_bucket{le="+Inf"} 3 @6',
    ]);
  });

  it('of a summary is _sum, _count and its quantiles', () => {
    const quantileValues = [
      { quantile: 0.5, value: 2 },
      { quantile: 0.99, value: 9 },
    ];
    const summary = { dataPoints: [{ timeUnixNano: at(5), count: 4n, sum: 12, quantileValues }] };
    expect(convertBoth(requestOf([{ name: 's', unit: 'ms', summary }])).samples).to.deep.equal([
      's_milliseconds_sum{} 12 @5',
      's_milliseconds_count{} 4 @5',
      's_milliseconds{quantile="0.5"} 2 @5',
      's_milliseconds{quantile="0.99"} 9 @5',
    ]);
  });

  it('without a recorded value ends its series, all of them', () => {
    const flags = 1;
    const timeUnixNano = at(5);
    const metrics = [
      { name: 'g', gauge: { dataPoints: [{ timeUnixNano, flags, asDouble: 3 }] } },
      {
        name: 'h',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [{ timeUnixNano, flags, sum: 1, bucketCounts: [0n, 0n], explicitBounds: [1] }],
        },
      },
      { name: 's', summary: { dataPoints: [{ timeUnixNano, flags, quantileValues: [{ quantile: 1, value: 1 }] }] } },
    ];
    const { samples } = convertBoth(requestOf(metrics));
    expect(samples).to.have.length(8);
    for (const sample of samples) expect(sample).to.match(/ 7ff0000000000002 @5$/);
  });

  it('keeps the bits of its value', () => {
    for (const [high, low, shown] of [
      [0x7ff00000, 2, '7ff0000000000002'],
      [0x7ff80000, 1, '7ff8000000000001'],
      [-0x80000000, 0, '-0'],
    ] as const) {
      const bytes = asProtobuf(requestOf([gauge()]));
      const one = Buffer.alloc(8);
      one.writeDoubleLE(1);
      const place = bytes.indexOf(one);
      bytes.writeInt32LE(low, place);
      bytes.writeInt32LE(high, place + 4);
      expect(convert('protobuf', bytes).samples).to.deep.equal([`g{} ${shown} @1000`]);
    }
  });
});

describe('attributes', () => {
  const labelOf = (value: TestValue): string | undefined =>
    /^g\{a=(".*")\} 1 @1000$/.exec(convertBoth(requestOf([gauge([{ key: 'a', value }])])).samples[0])?.[1];

  const list = (...values: TestValue[]): TestValue => ({ arrayValue: { values } });

  for (const [value, label] of [
    [{ stringValue: 'x "y"\n' }, 'x "y"\n'],
    [{ boolValue: true }, 'true'],
    [{ intValue: -42n }, '-42'],
    [{ doubleValue: 1.5 }, '1.5'],
    [{ doubleValue: 3 }, '3'],
    [{ doubleValue: Number.NEGATIVE_INFINITY }, '-Inf'],
    [{ bytesValue: Uint8Array.of(1, 2, 255) }, 'AQL/'],
    [list({ stringValue: 'a' }, { intValue: 1n }, { boolValue: false }, {}), '["a",1,false,null]'],
    [list(list(), { doubleValue: Number.NaN }), '[[],"NaN"]'],
    [
      { kvlistValue: { values: [text('b', '<&>'), { key: 'a', value: list({ doubleValue: 0.5 }) }] } },
      '{"a":[0.5],"b":"\\u003c\\u0026\\u003e"}',
    ],
    [{ kvlistValue: { values: [text('__proto__', 'x')] } }, '{"__proto__":"x"}'],
  ] as const)
    it(`are labels: ${label}`, () => {
      expect(labelOf(value as TestValue)).to.equal(JSON.stringify(label));
    });

  it('that are empty are no labels', () => {
    expect(convertBoth(requestOf([gauge([text('a', ''), { key: 'b', value: {} }])])).samples).to.deep.equal([
      'g{} 1 @1000',
    ]);
  });

  it('keep the digits of integers beyond 2^53', () => {
    const json = (value: unknown) =>
      Buffer.from(
        JSON.stringify({
          resourceMetrics: [
            {
              scopeMetrics: [
                {
                  metrics: [
                    {
                      name: 'g',
                      gauge: { dataPoints: [{ timeUnixNano: '1000000', attributes: [{ key: 'a', value }] }] },
                    },
                  ],
                },
              ],
            },
          ],
        }),
      );
    const [sample] = convert('json', json({ intValue: '9007199254740993' })).samples;
    expect(sample).to.equal('g{a="9007199254740993"} 0 @1');
    // The same as a number, which a double could not hold.
    const asNumber = Buffer.from(
      json({ intValue: '9007199254740993' }).toString().replace('"9007199254740993"', '9007199254740993'),
    );
    expect(convert('json', asNumber).samples).to.deep.equal([sample]);
    const bytes = asProtobuf(requestOf([gauge([{ key: 'a', value: { intValue: -1n } }])]));
    const minusOne = Buffer.from('18ffffffffffffffffff01', 'hex');
    Buffer.from('1881808080808080808001', 'hex').copy(bytes, bytes.indexOf(minusOne));
    expect(convert('protobuf', bytes).samples).to.deep.equal(['g{a="-9223372036854775807"} 1 @1000']);
  });

  it('whose names become the same are joined, in the order of their keys', () => {
    const attributes = [text('a_b', '3'), text('a.b', '2'), text('a-b', '1')];
    expect(convertBoth(requestOf([gauge(attributes)])).samples).to.deep.equal(['g{a_b="1;2;3"} 1 @1000']);
    expect(convertBoth(requestOf([gauge(attributes)]), { namingStrategy: 'NoTranslation' }).samples).to.deep.equal([
      'g{a-b="1",a.b="2",a_b="3"} 1 @1000',
    ]);
  });

  it('cannot take the place of the name, or of the prototype', () => {
    const { samples } = convertBoth(requestOf([gauge([text('__name__', 'x'), text('__proto__', 'y')])]));
    expect(samples).to.deep.equal(['g{__proto__="y"} 1 @1000']);
  });
});

describe('a resource', () => {
  const identity = [text('service.name', 'cart'), text('service.namespace', 'shop'), text('service.instance.id', '7f')];
  const resource = [...identity, text('host.name', 'h1'), { key: 'process.pid', value: { intValue: 12n } }];

  it('gives job and instance, and its other attributes to target_info', () => {
    expect(convertBoth(requestOf([gauge()], resource)).samples).to.deep.equal([
      'g{instance="7f",job="shop/cart"} 1 @1000',
      'target_info{host_name="h1",instance="7f",job="shop/cart",process_pid="12"} 1 @1000',
    ]);
  });

  it('has no target_info without other attributes, without a name, without a time, or by option', () => {
    const none = (attributes: TestAttribute[], options = {}): void => {
      const { samples } = convertBoth(requestOf([gauge()], attributes), options);
      expect(samples.filter((sample) => sample.startsWith('target_info'))).to.deep.equal([]);
    };
    none(identity);
    none([text('host.name', 'h1')]);
    none(resource, { targetInfo: false });
    expect(convertBoth(requestOf([{ name: 'g', gauge: { dataPoints: [{}] } }], resource)).samples).to.have.length(1);
  });

  it('keeps the attributes behind job and instance in target_info by option', () => {
    expect(convertBoth(requestOf([gauge()], identity), { keepIdentifyingAttributes: true }).samples).to.have.length(1);
    expect(convertBoth(requestOf([gauge()], resource), { keepIdentifyingAttributes: true }).samples[1]).to.equal(
      'target_info{host_name="h1",instance="7f",job="shop/cart",process_pid="12",service_instance_id="7f",service_name="cart",service_namespace="shop"} 1 @1000',
    );
  });

  it('has target_info from its first to its last point, every two and a half minutes', () => {
    const dataPoints = [400_000, 90_000, 250_000].map((time) => ({ timeUnixNano: at(time) }));
    const { samples } = convertBoth(requestOf([{ name: 'g', gauge: { dataPoints } }], resource));
    expect(
      samples.filter((sample) => sample.startsWith('target_info')).map((sample) => sample.split('@')[1]),
    ).to.deep.equal(['90000', '240000', '390000', '400000']);
  });

  it('has a bounded number of target_info samples, the newest ones', () => {
    const dataPoints = [{ timeUnixNano: 1_000_000n }, { timeUnixNano: 2n ** 63n }];
    const { samples } = convertBoth(requestOf([{ name: 'g', gauge: { dataPoints } }], resource));
    expect(samples).to.have.length(2 + 1000);
    expect(samples.at(-1)).to.match(/@9223372036854$/);
  });

  it('gives promoted attributes to every series, after the points own', () => {
    const promoteResourceAttributes = ['host.name', 'missing', 'process.pid'];
    expect(
      convertBoth(requestOf([gauge([text('host.name', 'own')])], resource), { promoteResourceAttributes }).samples[0],
    ).to.equal('g{host_name="own",instance="7f",job="shop/cart",process_pid="12"} 1 @1000');
    const all = convertBoth(requestOf([gauge()], resource), { promoteResourceAttributes: 'all' as const }).samples[0];
    expect(all).to.contain('host_name="h1"').and.contain('service_name="cart"');
  });

  it('is completed by labels of the options where it has none', () => {
    const labels = { job: 'mine', region: 'eu' };
    expect(convertBoth(requestOf([gauge()], resource), { labels }).samples).to.deep.equal([
      'g{instance="7f",job="shop/cart",region="eu"} 1 @1000',
      'target_info{host_name="h1",instance="7f",job="shop/cart",process_pid="12",region="eu"} 1 @1000',
    ]);
    expect(convertBoth(requestOf([gauge()]), { labels }).samples).to.deep.equal(['g{job="mine",region="eu"} 1 @1000']);
  });

  it('does not leave its labels to the next one', () => {
    const [first] = requestOf([gauge()], resource).resourceMetrics;
    const [second] = requestOf([gauge()]).resourceMetrics;
    expect(convertBoth({ resourceMetrics: [first, second] }).samples[2]).to.equal('g{} 1 @1000');
  });
});

describe('a scope', () => {
  const request = {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            scope: { name: 'http', version: '1.2', attributes: [text('short.name', 'h'), text('version', '9')] },
            schemaUrl: 'https://x/1',
            metrics: [gauge([text('otel_scope_name', 'own')])],
          },
          { scope: { name: '' }, metrics: [gauge()] },
        ],
      },
    ],
  };

  it('becomes labels by option', () => {
    expect(convertBoth(request).samples).to.deep.equal(['g{otel_scope_name="own"} 1 @1000', 'g{} 1 @1000']);
    expect(convertBoth(request, { promoteScope: true }).samples).to.deep.equal([
      'g{otel_scope_name="http",otel_scope_schema_url="https://x/1",otel_scope_short_name="h",otel_scope_version="9"} 1 @1000',
      'g{} 1 @1000',
    ]);
  });
});

describe('what cannot be kept', () => {
  const two = [{ timeUnixNano: at(1) }, { timeUnixNano: at(2) }];

  it('is refused by metric, and the others are kept', () => {
    const metrics = [
      { name: 'd', sum: { dataPoints: two, aggregationTemporality: 1, isMonotonic: true } },
      { name: 'u', sum: { dataPoints: two, isMonotonic: true } },
      { name: 'h', histogram: { dataPoints: [{ timeUnixNano: at(1) }], aggregationTemporality: 1 } },
      { name: 'e', exponentialHistogram: { dataPoints: two, aggregationTemporality: 2 } },
      { name: '..', gauge: { dataPoints: two } },
      gauge(),
      { name: 'nothing' },
    ];
    expect(convertBoth(requestOf(metrics))).to.deep.equal({
      samples: ['g{} 1 @1000'],
      accepted: 1,
      refused: 9,
      message:
        'invalid temporality and type combination for metric "d" (2 points); ' +
        'invalid temporality and type combination for metric "u" (2 points); ' +
        'invalid temporality and type combination for metric "h"; ' +
        'metric "e" is an exponential histogram, which can\'t be kept (2 points); ' +
        'metric ".." has no character that a name may have (2 points)',
    });
  });

  it('is refused by point', () => {
    const dataPoints = [
      { bucketCounts: [1n], explicitBounds: [1] },
      { bucketCounts: [1n, 1n, 1n], explicitBounds: [2, 1] },
      { bucketCounts: [1n, 1n], explicitBounds: [Number.NaN] },
      { bucketCounts: Array<bigint>(2002).fill(0n), explicitBounds: Array.from({ length: 2001 }, (_, i) => i) },
      { count: 1n, bucketCounts: [1n], attributes: [text('é', 'x')] },
      { count: 1n, attributes: Array.from({ length: 1001 }, (_, i) => text(`a${i}`, 'x')) },
      { count: 1n, attributes: [text('a', 'x'.repeat(65_536))] },
      { count: 5n },
    ];
    const { samples, accepted, refused, message } = convertBoth(
      requestOf([{ name: 'h', histogram: { dataPoints, aggregationTemporality: 2 } }]),
    );
    expect([accepted, refused]).to.deep.equal([1, 7]);
    expect(samples).to.deep.equal(['h_count{} 5 @0', 'h_bucket{le="+Inf"} 5 @0']);
    expect(message.split('; ')).to.deep.equal([
      'a point of metric "h": it has 1 bounds and 1 buckets',
      'a point of metric "h": its bounds do not grow (2 points)',
      'a point of metric "h": it has more than 2000 buckets or quantiles',
      'a point of metric "h": attribute "é" has no character that a label\'s name may have',
      'a point of metric "h": there are more than 1000 attributes',
      'and others',
    ]);
  });

  it('of a resource is told, and its points are kept', () => {
    const resource = [text('service.name', 'x'), text('big', 'x'.repeat(70_000))];
    const { accepted, refused, message, samples } = convertBoth(requestOf([gauge()], resource));
    expect([accepted, refused]).to.deep.equal([1, 0]);
    expect(samples).to.deep.equal(['g{job="x"} 1 @1000']);
    expect(message).to.match(/^the resource: its attributes have more than 65536 bytes/);
  });
});
