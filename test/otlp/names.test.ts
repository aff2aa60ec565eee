/** Names of metrics and labels, by the rules of Prometheus' OTLP receiver. */
import { expect } from 'chai';
import fc from 'fast-check';
import { LabelNames } from '../../src/otlp/label-names.ts';
import { metricName, namingStrategies, type SuffixKind } from '../../src/otlp/metric-names.ts';
import { formatPlain } from '../../src/otlp/plain-number.ts';
import { unitSuffixes } from '../../src/otlp/unit-names.ts';

type Row = readonly [name: string, unit: string, kind: SuffixKind, expected: readonly (string | undefined)[]];

/** What the strategies give, in the order of `namingStrategies`. */
const rows: readonly Row[] = [
  ['queue.size', '', 'other', ['queue_size', 'queue_size', 'queue.size', 'queue.size']],
  ['requests', '', 'counter', ['requests_total', 'requests', 'requests_total', 'requests']],
  ['requests.total', '', 'counter', ['requests_total', 'requests_total', 'requests_total', 'requests.total']],
  ['total.requests', '', 'counter', ['requests_total', 'total_requests', 'total.requests_total', 'total.requests']],
  ['http.duration', 's', 'other', ['http_duration_seconds', 'http_duration', 'http.duration_seconds', 'http.duration']],
  ['http.seconds', 's', 'other', ['http_seconds', 'http_seconds', 'http.seconds', 'http.seconds']],
  [
    'seconds.used',
    's',
    'counter',
    ['seconds_used_total', 'seconds_used', 'seconds.used_seconds_total', 'seconds.used'],
  ],
  ['disk.io', 'By/s', 'gauge', ['disk_io_bytes_per_second', 'disk_io', 'disk.io_bytes_per_second', 'disk.io']],
  ['sent', 'By', 'counter', ['sent_bytes_total', 'sent', 'sent_bytes_total', 'sent']],
  ['cpu.load', '1', 'gauge', ['cpu_load_ratio', 'cpu_load', 'cpu.load_ratio', 'cpu.load']],
  ['cpu.ratio', '1', 'gauge', ['cpu_ratio', 'cpu_ratio', 'cpu_ratio', 'cpu.ratio']],
  ['cpu.load', '1', 'counter', ['cpu_load_total', 'cpu_load', 'cpu.load_total', 'cpu.load']],
  ['cpu.load', '1', 'other', ['cpu_load', 'cpu_load', 'cpu.load', 'cpu.load']],
  ['packets', '{packet}', 'counter', ['packets_total', 'packets', 'packets_total', 'packets']],
  ['errors', '{error}/s', 'gauge', ['errors_per_second', 'errors', 'errors_per_second', 'errors']],
  ['room', 'Cel', 'gauge', ['room_celsius', 'room', 'room_celsius', 'room']],
  ['used', '%', 'gauge', ['used_percent', 'used', 'used_percent', 'used']],
  ['speed', 'm/m', 'gauge', ['speed_meters_per_minute', 'speed', 'speed_meters_per_minute', 'speed']],
  ['odd', 'foo/bar', 'gauge', ['odd_foo_per_bar', 'odd', 'odd_foo_per_bar', 'odd']],
  ['odd', 'a-b', 'gauge', ['odd_a_b', 'odd', 'odd_a-b', 'odd']],
  ['odd', 'x//y', 'gauge', ['odd_x_per_y', 'odd', 'odd_x_per_/y', 'odd']],
  ['2xx', '', 'other', ['_2xx', '_2xx', '2xx', '2xx']],
  ['a:b', '', 'other', ['a:b', 'a:b', 'a:b', 'a:b']],
  ['a__b', '', 'other', ['a_b', 'a__b', 'a__b', 'a__b']],
  ['.a..b.', '', 'other', ['a_b', 'a_b', '.a..b.', '.a..b.']],
  ['größe', '', 'other', ['gr_e', 'gr_e', 'größe', 'größe']],
  ['.', '', 'other', [undefined, undefined, '.', '.']],
  ['é', '', 'other', [undefined, undefined, 'é', 'é']],
  ['', 's', 'other', [undefined, undefined, undefined, undefined]],
];

describe('names of metrics', () => {
  for (const [name, unit, kind, expected] of rows)
    it(`${JSON.stringify(name)}, unit ${JSON.stringify(unit)}, ${kind}`, () => {
      expect(namingStrategies.map((strategy) => metricName(name, unit, kind, strategy))).to.deep.equal(expected);
    });

  it('are classic names whatever the sender gives, unless characters are kept', () => {
    const kind = fc.constantFrom<SuffixKind>('counter', 'gauge', 'other');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), kind, (name, unit, which) => {
        for (const strategy of ['UnderscoreEscapingWithSuffixes', 'UnderscoreEscapingWithoutSuffixes'] as const)
          expect(metricName(name, unit, which, strategy) ?? 'none').to.match(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
      }),
    );
  });
});

describe('units', () => {
  for (const [unit, main, per] of [
    ['ms', 'milliseconds', ''],
    ['KiBy', 'kibibytes', ''],
    ['min', 'minutes', ''],
    [' By / s ', 'bytes', 'per_second'],
    ['/s', '', 'per_second'],
    ['1/mo', '', 'per_month'],
    ['s/', 'seconds', ''],
    ['{a}/{b}', '', ''],
    ['', '', ''],
  ])
    it(JSON.stringify(unit), () => {
      expect(unitSuffixes(unit)).to.deep.equal({ main, per });
    });
});

describe('names of labels', () => {
  for (const [key, classic] of [
    ['http.route', 'http_route'],
    ['a', 'a'],
    ['a__b', 'a__b'],
    ['1st', 'key_1st'],
    ['_id', 'key_id'],
    ['__name__', '__name__'],
    ['__proto__', '__proto__'],
    ['a:b', 'a_b'],
    ['😀x', 'key_x'],
    ['é', ''],
    ['', ''],
  ])
    it(JSON.stringify(key), () => {
      expect(new LabelNames(false).of(key)).to.equal(classic);
      expect(new LabelNames(true).of(key)).to.equal(key);
    });
});

describe('numbers in labels', () => {
  for (const [value, expected] of [
    [0.005, '0.005'],
    [10, '10'],
    [-2.5, '-2.5'],
    [1e21, '1000000000000000000000'],
    [1.5e22, '15000000000000000000000'],
    [-1e-7, '-0.0000001'],
    [1.25e-9, '0.00000000125'],
    [5e-324, `0.${'0'.repeat(323)}5`],
    [-0, '-0'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ] as const)
    it(String(value), () => {
      expect(formatPlain(value)).to.equal(expected);
    });

  it('have no exponent and read back to the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(formatPlain(value)).to.match(/^-?\d+(?:\.\d+)?$/);
        expect(Number(formatPlain(value))).to.equal(value);
      }),
    );
  });
});
