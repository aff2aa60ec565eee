/**
 * The cases of Prometheus' compliance suite for receivers (`prometheus/compliance`, `remotewrite/receiver`), by their
 * names, with exact answers. Where the store differs on purpose, the case says what it answers: exemplars are dropped, native
 * histograms are refused. docs/http.md has the table. Metric names are made unlike each other, because the store is one.
 */
import { expect } from 'chai';
import { PagesServer } from '../../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../../src/index.ts';
import { compress } from '../../../src/wire/snappy.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { headersOfTwo, messageOfOne, messageOfTwo, type SentSeries, send, sendOne, sendTwo } from './write-requests.ts';

const HOUR = 3_600_000;

interface Case {
  readonly name: string;
  readonly series: readonly SentSeries[];
  readonly status: number;
  /** Samples, histograms, exemplars. */
  readonly written: readonly [number, number, number];
}

let now = 0;
let number = 0;

type Bits = readonly [high: number, low: number];

const one: Bits = [0x3ff00000, 0];

const series = (
  labels: Readonly<Record<string, string>>,
  { bits = one, offset = 0, ...more }: Partial<SentSeries> & { bits?: Bits; offset?: number } = {},
): SentSeries => ({
  labels: Object.entries(labels).map(([name, value]) => [
    name,
    name === '__name__' && value !== '' ? unique(value) : value,
  ]),
  samples: [{ timestamp: now + offset, bits }],
  ...more,
});

const unique = (name: string): string => `${name}_${number++}`;

const accepted = (name: string, ...all: readonly SentSeries[]): Case => ({
  name,
  series: all,
  status: 204,
  written: [all.reduce((sum, { samples = [] }) => sum + samples.length, 0), 0, 0],
});

const refused = (name: string, samples: number, ...all: readonly SentSeries[]): Case => ({
  name,
  series: all,
  status: 400,
  written: [samples, 0, 0],
});

const histogram = (labels: Readonly<Record<string, string>>, more: Partial<SentSeries> = {}): SentSeries =>
  series(labels, { samples: [], histograms: 1, ...more });

const values: Readonly<Record<string, Bits>> = {
  '1.0': one,
  StaleNaN: [0x7ff00000, 2],
  NaN: [0x7ff80000, 1],
  Inf: [0x7ff00000, 0],
  '-Inf': [0xfff00000, 0],
};

const metricCases = (): Case[] =>
  Object.entries(values).flatMap(([value, bits]) => {
    const single = (name: string, labels: Readonly<Record<string, string>>): Case =>
      accepted(`SingleMetric/${value}/${name}`, series(labels, { bits }));
    const up = (instance: string): SentSeries => series({ __name__: 'up', job: 'testjob', instance }, { bits });
    const nameless = (instance: string): SentSeries => series({ job: 'testjob', instance }, { bits });
    const multiple = `MultipleMetrics/${value}/multiple metrics`;
    return [
      single('simple metric', { __name__: 'up' }),
      single('simple metric with multiple labels', { __name__: 'up', job: 'testjob', instance: 'localhost:9090' }),
      single('simple metric with newlines', { __name__: 'up', job: 'test\njob\n' }),
      single('simple metric with dots', { __name__: 'resource.cpu.usage', 'job.name': 'testjob' }),
      single('simple metric with spaces', { __name__: 'resource cpu usage', 'job name': 'testjob' }),
      refused(`SingleMetric/${value}/simple metric without name label`, 0, nameless('localhost:9090')),
      refused(`SingleMetric/${value}/empty metric`, 0, series({}, { bits })),
      accepted(multiple, ...['0', '1', '2', '3'].map(up)),
      refused(`${multiple}, without name label`, 0, ...['0', '1', '2', '3'].map(nameless)),
      refused(`${multiple}, 1 without name label`, 3, nameless('0'), ...['1', '2', '3'].map(up)),
    ];
  });

const metadataCases = (): Case[] => [
  ...[
    'counter_metadata',
    'gauge_metadata',
    'metadata_no_help_no_unit',
    'metadata_with_special_chars',
    'unspecified_metadata_type',
    'info_metadata_type',
    'stateset_metadata_type',
    'summary_metadata_type',
    'gauge_histogram_metadata_type',
  ].map((name) => accepted(`Metadata/${name}`, series({ __name__: name }, { metadata: true }))),
  refused('Metadata/histogram_metadata', 0, histogram({ __name__: 'request_duration_seconds' }, { metadata: true })),
  accepted('MetadataWithSamples', series({ __name__: 'http_requests_total', job: 'test' }, { metadata: true })),
  accepted(
    'MultipleMetadata',
    ...['cpu_usage', 'memory_usage', 'disk_usage'].map((name) => series({ __name__: name }, { metadata: true })),
  ),
  refused('MetadataWithComplexLabels', 0, histogram({ __name__: 'h', job: 'api', method: 'GET' }, { metadata: true })),
  refused('MetadataValidation/metadata_without_name_label', 0, series({ job: 'test' }, { metadata: true })),
  refused('MetadataValidation/metadata_with_empty_name', 0, series({ __name__: '' }, { metadata: true })),
  accepted('MetadataValidation/metadata_with_valid_name', series({ __name__: 'valid' }, { metadata: true })),
];

const exemplarCases = (): Case[] => [
  ...[
    'basic_exemplar',
    'exemplar_with_span_id',
    'exemplar_without_trace_id',
    'exemplar_with_multiple_labels',
    'exemplar_no_labels',
    'exemplar_with_special_chars',
    'exemplar_with_unicode',
  ].map((name) => accepted(`Exemplars/${name}`, series({ __name__: name, region: '🌍' }, { exemplars: 1 }))),
  accepted(
    'MultipleExemplars',
    ...['GET', 'POST', ''].map((method) => series({ __name__: 'e', method }, { exemplars: 1 })),
  ),
  accepted('ExemplarTimestamps', {
    ...series({ __name__: 'latency_hist' }, { exemplars: 3 }),
    samples: [-HOUR, -60_000, 0].map((offset) => ({ timestamp: now + offset, value: 1 })),
  }),
  refused('ExemplarValidation/exemplar_without_name_label', 0, series({ job: 'test' }, { exemplars: 1 })),
  refused('ExemplarValidation/exemplar_with_empty_name', 0, series({ __name__: '' }, { exemplars: 1 })),
  accepted('ExemplarValidation/exemplar_with_valid_name', series({ __name__: 'valid' }, { exemplars: 1 })),
  ...Object.entries({
    zero_value: [0, 0],
    negative_value: [0xc05edd2f, 0x1a9fbe77],
    large_value: [0x4202a05f, 0x20000000],
    small_value: [0x3ddb7cdf, 0xd9d7bdbb],
    nan_value: [0x7ff80000, 1],
    inf_value: [0x7ff00000, 0],
    '-inf_value': [0xfff00000, 0],
  } satisfies Record<string, Bits>).map(([name, bits]) =>
    accepted(`ExemplarSpecialValues/${name}`, series({ __name__: 'test_metric' }, { bits, exemplars: 1 })),
  ),
];

const histogramCases = (): Case[] => [
  ...[
    'Histograms/basic_histogram',
    'Histograms/custom_buckets_histogram',
    'Histograms/positive_only_histogram',
    'Histograms/negative_only_histogram',
    'Histograms/minimal_histogram',
    'Histograms/bad_count_histogram',
    'HistogramWithCreatedTimestamp',
    'EmptyHistogram',
  ].map((name) => refused(name, 0, histogram({ __name__: 'h' }))),
  refused('MultipleHistograms', 0, histogram({ __name__: 'hist1' }), histogram({ __name__: 'hist2' })),
  refused('HistogramWithMetadata', 0, histogram({ __name__: 'h' }, { metadata: true })),
  refused('HistogramWithExemplar', 0, histogram({ __name__: 'h' }, { exemplars: 1 })),
  refused('HistogramWithMetadataAndExemplar', 0, histogram({ __name__: 'h' }, { metadata: true, exemplars: 1 })),
  refused(
    'MultipleHistogramsWithMetadata',
    0,
    histogram({ __name__: 'a' }, { metadata: true }),
    histogram({ __name__: 'b' }, { metadata: true }),
  ),
];

const all = { metadata: true, exemplars: 1 } as const;

const combinedCases = (): Case[] => [
  accepted('SamplesWithMetadataAndExemplars', series({ __name__: 'http_requests_total', job: 'api' }, all)),
  refused('HistogramsWithMetadataAndExemplars', 0, histogram({ __name__: 'h' }, all)),
  accepted(
    'ComplexSamplesRequest',
    series({ __name__: 'cpu' }, all),
    series({ __name__: 'memory' }, { metadata: true }),
  ),
  refused('ComplexHistogramsRequest', 0, histogram({ __name__: 'a' }, all), histogram({ __name__: 'b' }, all)),
  accepted('MultipleMetricFamiliesSamples', series({ __name__: 'a' }, all), series({ __name__: 'b' }, all)),
  refused('MultipleMetricFamiliesHistograms', 0, histogram({ __name__: 'h' }, all)),
  refused(
    'EdgeCaseCombinations/metadata_without_data',
    0,
    series({ __name__: 'orphan' }, { samples: [], metadata: true }),
  ),
  accepted(
    'EdgeCaseCombinations/exemplars_without_data',
    series({ __name__: 'orphan' }, { samples: [], exemplars: 1 }),
  ),
  accepted(
    'EdgeCaseCombinations/mixed_timestamp_data',
    series({ __name__: 'old_metric' }, { offset: -HOUR, exemplars: 1 }),
    series({ __name__: 'new_metric' }),
  ),
  accepted('ManySamples', ...Array.from({ length: 50 }, (_, i) => series({ __name__: `counter_${i}` }, all))),
  refused('ManyHistograms', 0, ...Array.from({ length: 50 }, (_, i) => histogram({ __name__: `h_${i}` }, all))),
  accepted(
    'SpecialCharactersCombined',
    series({ __name__: 'test_metric', job: 'test-job_with.special@chars', environment: 'test🚀' }, all),
  ),
  refused('CustomBucketsHistogramWithExemplar', 0, histogram({ __name__: 'custom' }, { exemplars: 1 })),
];

describe('the compliance suite for receivers of remote write', () => {
  let store: Store;
  let server: PagesServer;

  before(async () => {
    store = await openStore(temporaryDirectory(), { retention: '15d' });
    server = new PagesServer({ clock: systemClock, authorize: () => true, write: true });
    await server.listen();
    server.showStore(store);
  });

  after(async () => {
    await server.close();
    await store.close();
    removeTemporaryDirectories();
  });

  for (const [group, cases] of Object.entries({
    metrics: metricCases,
    metadata: metadataCases,
    exemplars: exemplarCases,
    histograms: histogramCases,
    combined: combinedCases,
  }))
    it(`${group}: every case has its answer, and what was written is there`, async () => {
      now = Date.now();
      for (const { name, series: sent, status, written } of cases()) {
        const before = await store.query('count({__name__=~".+"})', { at: now });
        const answer = await sendTwo(server.port, sent);
        expect({ status: answer.status, written: answer.written }, name).to.deep.equal({ status, written });
        if (status !== 204)
          expect(JSON.parse(answer.body), name).to.include({ status: 'error', errorType: 'bad_data' });
        const after = await store.query('count({__name__=~".+"})', { at: now });
        const countOf = ({ series: [found] }: typeof before): number => found?.values[0] ?? 0;
        // Late and stale samples are not found at the time of the request.
        expect(countOf(after) - countOf(before), name).to.be.within(0, written[0]);
      }
    });

  it('BadContentTypes, BadContentEncodings: 415; CorruptRequestBody: 400', async () => {
    const body = compress(messageOfTwo([series({ __name__: 'up' })]));
    body[0] = 0x30;
    for (const type of ['application/json', 'image/png'])
      expect((await send(server.port, body, { ...headersOfTwo, 'content-type': type })).status, type).to.equal(415);
    for (const encoding of ['gzip', 'deflate'])
      expect((await send(server.port, body, { ...headersOfTwo, 'content-encoding': encoding })).status).to.equal(415);
    const corrupt = await send(server.port, body, headersOfTwo);
    expect({ status: corrupt.status, written: corrupt.written }).to.deep.equal({ status: 400, written: [0, 0, 0] });
  });

  it('RW1BasicCompatibility, RW1ErrorHandling: without a header for the version', async () => {
    now = Date.now();
    expect((await sendOne(server.port, [series({ __name__: 'up' }), series({ __name__: 'http' })])).status).to.equal(
      204,
    );
    const body = compress(messageOfOne([series({ __name__: 'error_test' })]));
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
    expect((await send(server.port, body, headers)).status).to.equal(204);
    body[0] = 0xff;
    expect((await send(server.port, body, headers)).status).to.equal(400);
  });
});
