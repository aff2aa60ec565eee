/**
 * The same samples as each door takes them: 10,000 series with four labels, counters and gauges with two decimals, 2,000
 * samples a request, as Prometheus' own sender cuts them.
 */
import { gzipSync } from 'node:zlib';
import type { Labels } from '../../../src/model/labels.ts';
import { encodeWriteRequest, encodeWriteRequest2, type SeriesRun } from '../../../src/wire/remote-write-encode.ts';
import { compress } from '../../../src/wire/snappy.ts';
import { asJson, asProtobuf, requestOf, type TestPoint, text } from '../../otlp/requests.ts';
import { seeded } from '../../support/seeded.ts';

export const SERIES = 10_000;
export const SAMPLES_PER_REQUEST = 2000;
const ROUND_MS = 15_000;

export const labelsOf = (series: number): Labels => ({
  __name__: series % 2 === 0 ? 'http_requests_total' : 'room_temperature_celsius',
  instance: `host-${series >> 4}.example:9100`,
  job: `job${series % 5}`,
  shard: `${series}`,
});

/** 2,000 samples of as many series at one time. */
export interface Batch {
  readonly firstSeries: number;
  readonly time: number;
  readonly values: Float64Array;
}

/** All series, round after round. */
export const batches = (rounds: number, firstMs: number): readonly Batch[] => {
  const random = seeded(17);
  const hundredths = Float64Array.from({ length: SERIES }, () => random.int(5000));
  const all: Batch[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let firstSeries = 0; firstSeries < SERIES; firstSeries += SAMPLES_PER_REQUEST) {
      const values = new Float64Array(SAMPLES_PER_REQUEST);
      for (let i = 0; i < SAMPLES_PER_REQUEST; i++) {
        const series = firstSeries + i;
        hundredths[series] += series % 2 === 0 ? 100 * random.int(40) : random.int(21) - 10;
        values[i] = hundredths[series] / 100;
      }
      all.push({ firstSeries, time: firstMs + round * ROUND_MS, values });
    }
  }
  return all;
};

export interface Door {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (batch: Batch) => Buffer;
  /** VictoriaMetrics 1.79 has no door for OTLP and for remote write 2.0. */
  readonly isVictoriaMetricsToo: boolean;
}

const runs = Array.from(
  { length: SERIES },
  (_, series): SeriesRun => ({
    labels: Object.entries(labelsOf(series)).flat(),
    start: series % SAMPLES_PER_REQUEST,
    end: (series % SAMPLES_PER_REQUEST) + 1,
  }),
);
const runsOf = ({ firstSeries }: Batch): readonly SeriesRun[] =>
  runs.slice(firstSeries, firstSeries + SAMPLES_PER_REQUEST);
const columnsOf = ({ time, values }: Batch) => ({
  timestamps: new Float64Array(SAMPLES_PER_REQUEST).fill(time),
  words: new Int32Array(values.buffer),
});

const lines = ({ firstSeries, values }: Batch, line: (labels: Labels, value: number) => string): Buffer =>
  Buffer.from(Array.from(values, (value, i) => `${line(labelsOf(firstSeries + i), value)}\n`).join(''));

const jsonLines = (batch: Batch): Buffer =>
  lines(batch, (metric, value) => JSON.stringify({ metric, values: [value], timestamps: [batch.time] }));

const expositionText = (batch: Batch): Buffer =>
  lines(batch, ({ __name__: name, ...rest }, value) => {
    const pairs = Object.entries(rest).map(([label, text]) => `${label}="${text}"`);
    return `${name}{${pairs.join(',')}} ${value} ${batch.time}`;
  });

const otlpRequest = ({ firstSeries, time, values }: Batch) => {
  const points: Record<string, TestPoint[]> = {};
  for (let i = 0; i < values.length; i++) {
    const { __name__: name, ...rest } = labelsOf(firstSeries + i);
    const attributes = Object.entries(rest).map(([label, value]) => text(label, value));
    points[name] ??= [];
    points[name].push({ timeUnixNano: BigInt(time) * 1_000_000n, attributes, asDouble: values[i] });
  }
  return requestOf(Object.entries(points).map(([name, dataPoints]) => ({ name, gauge: { dataPoints } })));
};

const remoteWriteHeaders = (type: string, version: string): Record<string, string> => ({
  'content-encoding': 'snappy',
  'content-type': type,
  'x-prometheus-remote-write-version': version,
});

export const doors: readonly Door[] = [
  {
    name: 'remote write 1.0',
    path: '/api/v1/write',
    headers: remoteWriteHeaders('application/x-protobuf', '0.1.0'),
    body: (batch) => compress(encodeWriteRequest(runsOf(batch), columnsOf(batch))),
    isVictoriaMetricsToo: true,
  },
  {
    name: 'remote write 2.0',
    path: '/api/v1/write',
    headers: remoteWriteHeaders('application/x-protobuf;proto=io.prometheus.write.v2.Request', '2.0.0'),
    body: (batch) => compress(encodeWriteRequest2(runsOf(batch), columnsOf(batch))),
    isVictoriaMetricsToo: false,
  },
  {
    name: 'JSON lines',
    path: '/api/v1/import',
    headers: {},
    body: jsonLines,
    isVictoriaMetricsToo: true,
  },
  {
    name: 'JSON lines, gzip',
    path: '/api/v1/import',
    headers: { 'content-encoding': 'gzip' },
    body: (batch) => gzipSync(jsonLines(batch), { level: 1 }),
    isVictoriaMetricsToo: true,
  },
  {
    name: 'exposition text',
    path: '/api/v1/import/prometheus',
    headers: { 'content-type': 'text/plain' },
    body: expositionText,
    isVictoriaMetricsToo: true,
  },
  {
    name: 'OTLP, protobuf',
    path: '/api/v1/otlp/v1/metrics',
    headers: { 'content-type': 'application/x-protobuf' },
    body: (batch) => asProtobuf(otlpRequest(batch)),
    isVictoriaMetricsToo: false,
  },
  {
    name: 'OTLP, JSON',
    path: '/api/v1/otlp/v1/metrics',
    headers: { 'content-type': 'application/json' },
    body: (batch) => asJson(otlpRequest(batch)),
    isVictoriaMetricsToo: false,
  },
];
