/**
 * Reads an ExportMetricsServiceRequest in OTLP's JSON and gives its points to a converter. The JSON mapping of Protocol
 * Buffers writes integers of 64 bits as text, and NaN and the infinities too; null and a missing member are the default;
 * unknown members are ignored.
 */
import { LABEL_BYTES_MAX } from '../model/labels.ts';
import { quoted } from '../model/shown-value.ts';
import { WireError } from '../wire/wire-error.ts';
import { AttributeList } from './attribute-list.ts';
import { wellFormed } from './attribute-text.ts';
import { DataPoint, type MetricDescription, type MetricKind, type Temporality } from './data-point.ts';
import { JsonAnyValue } from './json-any-value.ts';
import { millisecondsOfDigits } from './nanoseconds.ts';
import type { PointConverter } from './point-converter.ts';
import { type JsonObject, type JsonValue, parseSliced } from './sliced-json.ts';
import { WorkCounter } from './work-counter.ts';

const kinds: readonly MetricKind[] = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'];

/** Bit of a point's flags: there is no value. */
const NO_RECORDED_VALUE = 1;

const temporalities: ReadonlyMap<JsonValue, Temporality> = new Map<JsonValue, Temporality>([
  [1, 'delta'],
  [2, 'cumulative'],
  ['AGGREGATION_TEMPORALITY_DELTA', 'delta'],
  ['AGGREGATION_TEMPORALITY_CUMULATIVE', 'cumulative'],
]);

/**
 * Decodes a request. The iterable yields where the caller may let the event loop go on. Throws `WireError` if the bytes
 * are not JSON, or not a request; the points before that place have been converted then.
 */
export function* decodeJson(bytes: Uint8Array, converter: PointConverter): Generator<void> {
  const request = yield* parseSliced(bytes);
  yield* new JsonDecoder(converter).request(objectOf(request, 'the request'));
}

class JsonDecoder {
  private readonly converter: PointConverter;
  private readonly attributes = new AttributeList();
  private readonly point = new DataPoint();
  private readonly work = new WorkCounter();

  constructor(converter: PointConverter) {
    this.converter = converter;
  }

  *request(request: JsonObject): Generator<void> {
    for (const each of listOf(request, 'resourceMetrics')) {
      const resourceMetrics = objectOf(each, 'resourceMetrics');
      this.attributes.clear();
      readAttributes(this.attributes, memberOf(resourceMetrics, 'resource'));
      this.converter.beginResource(this.attributes);
      for (const scopeMetrics of listOf(resourceMetrics, 'scopeMetrics'))
        yield* this.scopeMetrics(objectOf(scopeMetrics, 'scopeMetrics'));
      this.converter.endResource();
      if (this.work.isDue(1 + this.attributes.length)) yield;
    }
  }

  private *scopeMetrics(scopeMetrics: JsonObject): Generator<void> {
    const scope = memberOf(scopeMetrics, 'scope');
    this.attributes.clear();
    readAttributes(this.attributes, scope);
    this.converter.beginScope(
      nameOf(scope, 'name'),
      nameOf(scope, 'version'),
      nameOf(scopeMetrics, 'schemaUrl'),
      this.attributes,
    );
    for (const each of listOf(scopeMetrics, 'metrics')) {
      const metric = objectOf(each, 'metrics');
      const kind = kinds.find((name) => metric[name] !== undefined && metric[name] !== null);
      if (kind !== undefined) yield* this.metric(metric, kind);
      if (this.work.isDue(1)) yield;
    }
  }

  private *metric(metric: JsonObject, kind: MetricKind): Generator<void> {
    const { converter, point, work } = this;
    const data = memberOf(metric, kind);
    converter.beginMetric(descriptionOf(metric, data, kind));
    for (const each of listOf(data, 'dataPoints')) {
      point.clear();
      this.readPoint(objectOf(each, 'dataPoints'), kind);
      converter.point(point);
      if (work.isDue(1 + point.attributes.length + point.parts.length)) yield;
    }
  }

  private readPoint(json: JsonObject, kind: MetricKind): void {
    const { point } = this;
    point.startTime = timeOf(json, 'startTimeUnixNano');
    point.time = timeOf(json, 'timeUnixNano');
    if (kind === 'exponentialHistogram') return;
    readAttributes(point.attributes, json);
    point.isStale = (numberOf(json, 'flags') & NO_RECORDED_VALUE) !== 0;
    if (kind === 'histogram') readHistogram(json, point);
    else if (kind === 'summary') readSummary(json, point);
    else point.setValue(numberValue(json));
  }
}

const descriptionOf = (metric: JsonObject, data: JsonObject, kind: MetricKind): MetricDescription => ({
  name: nameOf(metric, 'name'),
  unit: nameOf(metric, 'unit'),
  kind,
  temporality:
    kind === 'gauge' || kind === 'summary'
      ? 'cumulative'
      : (temporalities.get(data['aggregationTemporality']) ?? 'unspecified'),
  isMonotonic: kind === 'sum' && data['isMonotonic'] === true,
});

/**
 * The value of a gauge or a sum. OpenTelemetry's exporter for JavaScript writes NaN and the infinities as null, like
 * `JSON.stringify`: a null without another value is NaN, because 0 would be a false value.
 */
const numberValue = (json: JsonObject): number => {
  if (!isMissing(json['asInt'])) return numberOf(json, 'asInt');
  return json['asDouble'] === null ? Number.NaN : numberOf(json, 'asDouble');
};

const readHistogram = (json: JsonObject, point: DataPoint): void => {
  point.count = numberOf(json, 'count');
  point.hasSum = !isMissing(json['sum']);
  point.sum = numberOf(json, 'sum');
  const bounds = listOf(json, 'explicitBounds');
  const counts = listOf(json, 'bucketCounts');
  if (!point.takesParts(bounds.length) || !point.takesParts(counts.length - 1)) return;
  for (const bound of bounds) point.addBound(toNumber(bound, 'explicitBounds'));
  for (const count of counts) point.addPart(toNumber(count, 'bucketCounts'));
};

const readSummary = (json: JsonObject, point: DataPoint): void => {
  point.count = numberOf(json, 'count');
  point.sum = numberOf(json, 'sum');
  const quantiles = listOf(json, 'quantileValues');
  if (!point.takesParts(quantiles.length)) return;
  for (const each of quantiles) {
    const quantile = objectOf(each, 'quantileValues');
    point.addBound(numberOf(quantile, 'quantile'));
    point.addPart(numberOf(quantile, 'value'));
  }
};

const readAttributes = (attributes: AttributeList, json: JsonObject): void => {
  for (const each of listOf(json, 'attributes')) {
    if (!attributes.hasRoom()) return;
    const attribute = objectOf(each, 'attributes');
    const value = new JsonAnyValue().of(memberOf(attribute, 'value'));
    if (typeof value === 'symbol') attributes.leaveOut();
    else attributes.add(wellFormed(textOf(attribute, 'key')), value);
  }
};

const noMembers: JsonObject = Object.create(null) as JsonObject;
const noElements: readonly JsonValue[] = [];

const isMissing = (value: JsonValue | undefined): value is null | undefined => value === undefined || value === null;

const wrong = (name: string, expected: string): WireError =>
  new WireError(`the JSON has no ${expected} at ${quoted(name)}`);

const objectOf = (value: JsonValue | undefined, name: string): JsonObject => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'object');
  return value;
};

const memberOf = (json: JsonObject, name: string): JsonObject =>
  isMissing(json[name]) ? noMembers : objectOf(json[name], name);

const listOf = (json: JsonObject, name: string): readonly JsonValue[] => {
  const value = json[name];
  if (isMissing(value)) return noElements;
  if (!Array.isArray(value)) throw wrong(name, 'array');
  return value;
};

const textOf = (json: JsonObject, name: string): string => {
  const value = json[name];
  if (isMissing(value)) return '';
  if (typeof value !== 'string') throw wrong(name, 'text');
  return value;
};

/** Text that becomes part of labels. Throws `WireError` if no label could hold it. */
const nameOf = (json: JsonObject, name: string): string => {
  const text = textOf(json, name);
  if (text.length > LABEL_BYTES_MAX)
    throw new WireError(`the JSON has more than ${LABEL_BYTES_MAX} characters at ${quoted(name)}`);
  return wellFormed(text);
};

const numberOf = (json: JsonObject, name: string): number => toNumber(json[name], name);

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A number, or one as text. */
const toNumber = (value: JsonValue | undefined, name: string): number => {
  if (isMissing(value)) return 0;
  if (typeof value === 'number') return value;
  if (typeof value === 'string') {
    if (value === 'NaN') return Number.NaN;
    if (/^[+-]?Infinity$/.test(value) || decimal.test(value)) return Number(value);
  }
  throw wrong(name, 'number');
};

/** Milliseconds of a time in nanoseconds; 0 if it is missing. */
const timeOf = (json: JsonObject, name: string): number => {
  const value = json[name];
  if (isMissing(value)) return 0;
  const digits = typeof value === 'number' ? String(value) : value;
  if (typeof digits !== 'string' || !/^\d{1,20}$/.test(digits)) throw wrong(name, 'time in nanoseconds');
  return millisecondsOfDigits(digits);
};
